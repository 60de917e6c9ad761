// Kind Role: what its holders may do and what they may not.
#pragma once

#include "config/kinds/action.hpp"
#include "config/kinds/field.hpp"
#include "config/kinds/identity_enums.hpp"

namespace wye::config {

/// Part of each week. `from` after `to` reaches into the next day, and counts as the day on which it begins.
struct TimeWindow {
  EnumSet<Weekday> days;
  std::string from = "00:00";
  std::string to = "24:00";
  std::string time_zone = "UTC";
  static void describe(auto& self, auto& v) {
    v.field("days", self.days, Rule{.text = "Days of the week.", .min = 1, .absent = "every day"});
    v.field("from", self.from, Rule{.text = "Begin, `HH:MM`.", .grammar = Grammar::kTimeOfDay});
    v.field("to", self.to, Rule{.text = "End, exclusive; before `from`: on the next day.", .grammar = Grammar::kTimeOfDay});
    v.field("timeZone", self.time_zone, Rule{.text = "IANA name.", .grammar = Grammar::kTimeZone});
  }
};

/// All that are written must hold. A fact that is missing makes an allow fail and a deny hold.
struct Conditions {
  std::optional<DataClass> data_class_max;
  std::vector<std::string> region_in;
  std::vector<std::string> region_not_in;
  bool private_only = false;
  std::vector<std::string> network;
  std::optional<ClientAuthCondition> client_auth;
  std::optional<BindingCondition> binding;
  TextLists claims;
  std::optional<TimeWindow> time_window;
  EnumSet<Capability> capability;
  std::optional<bool> budget_left;
  static void describe(auto& self, auto& v) {
    v.field("dataClassMax", self.data_class_max, Rule{.text = "The request is at most this secret.", .absent = "any"});
    v.field("regionIn", self.region_in,
            Rule{.text = "The target is in one of these regions.", .min = 1, .max = 128, .grammar = Grammar::kRegion, .absent = "any"});
    v.field("regionNotIn", self.region_not_in,
            Rule{.text = "The target is in none of these regions.", .min = 1, .max = 128, .grammar = Grammar::kRegion, .absent = "any"});
    v.field("privateOnly", self.private_only, Rule{.text = "The target is reached without the public internet."});
    v.field("network", self.network,
            Rule{.text = "The caller's address is in one of these networks.", .min = 1, .max = 128, .grammar = Grammar::kCidr, .absent = "any"});
    v.field("clientAuth", self.client_auth, Rule{.text = "How the client proved itself to its issuer.", .absent = "any"});
    v.field("binding", self.binding, Rule{.text = "What the credential is bound to.", .absent = "any"});
    v.field("claims", self.claims,
            Rule{.text = "Each claim has one of the values; `Issuer.tokens.claims` must name it.",
                 .min = 1,
                 .max = 16,
                 .grammar = Grammar::kClaimName,
                 .absent = "any"});
    v.field("timeWindow", self.time_window, Rule{.text = "When.", .absent = "always"});
    v.field("capability", self.capability, Rule{.text = "The request uses one of these.", .min = 1, .absent = "any"});
    v.field("budgetLeft", self.budget_left, Rule{.text = "Whether a budget of the caller is left.", .absent = "any"});
  }
};

struct RoleRule {
  Effect effect = Effect::kAllow;
  ActionSet actions;
  std::vector<std::string> resources;
  Conditions conditions;
  static void describe(auto& self, auto& v) {
    v.field("effect", self.effect, Rule{.text = "Any deny that matches wins.", .required = true});
    v.field("actions", self.actions, Rule{.text = "What is asked for; `*`: everything.", .required = true, .min = 1});
    v.field("resources", self.resources,
            Rule{.text = "On what: `route:` `backend:` `model:` `file:` `batch:` `index:` `admin:` and a name, or the start of one and `*`.",
                 .required = true,
                 .min = 1,
                 .max = 256,
                 .grammar = Grammar::kResourcePattern});
    v.field("conditions", self.conditions, Rule{.text = "All must hold."});
  }
};

struct Role {
  static constexpr std::string_view kKind = "Role";
  static constexpr std::string_view kText =
      "What its holders may do. Without any Role, API keys have the data-plane actions on the Routes that each key names.";

  bool keys = false;
  std::vector<RoleRule> rules;

  static void describe(auto& self, auto& v) {
    v.field("keys", self.keys, Rule{.text = "Whether API keys get the administrative actions of this role."});
    v.field("rules", self.rules,
            Rule{.text = "What is allowed and what is denied; their order says nothing.", .required = true, .min = 1, .max = 256});
  }
};

}  // namespace wye::config
