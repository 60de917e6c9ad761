// What a provider's content filter says of prompt and answer, and how it is taken out. Private to this room.
// Source: Azure OpenAI "Content filter annotations". Threads: pure functions.
#pragma once

#include "foundation/json/patch.hpp"

namespace wye::protocol {

/// Every name begins so, or with `prompt_`: a text without these bytes holds no result.
bool may_hold_filter_results(std::string_view text);

/// Takes the results out of an answer or event of chat or completions. `patch` was started with the document of both values.
void remove_filter_results(json::Value root, std::optional<json::Value> choices, json::Patch& patch);

/// The same for a response object of /responses.
void remove_filter_results(json::Value response, json::Patch& patch);

}  // namespace wye::protocol
