// The closed list of actions as this room and its users name it. The list itself stands in config/kinds/action.hpp, because Roles spell it.
// Threads: values.
#pragma once

#include "config/kinds/action.hpp"

namespace wye::access {

using config::Action;
using config::ActionSet;
using config::is_admin;
using config::kActionCount;
using config::to_string;  // `chat.create`: the spelling of Roles, audit records and logs

/// Absent for a text that no action has.
std::optional<Action> parse_action(std::string_view text);

/// `config` of `config.apply`: the name of the `admin:` resource that an administrative action is on, unless it is on a thing of its own.
std::string_view noun_of(Action action);

}  // namespace wye::access
