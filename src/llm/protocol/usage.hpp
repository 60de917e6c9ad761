// What an upstream says it used, and how a choice ended. Source: OpenAI API reference, `usage` of chat, completions,
// embeddings and responses. Units: tokens. Threads: values.
#pragma once

#include "foundation/json/document.hpp"

namespace wye::protocol {

/// Cached is a part of prompt, reasoning a part of completion.
struct Usage {
  bool present = false;
  bool total_disagrees = false;  // the upstream's own total is not the sum
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t reasoning_tokens = 0;
  uint64_t total_tokens() const { return prompt_tokens + completion_tokens; }
  friend bool operator==(const Usage&, const Usage&) = default;
};

/// Reads a usage object of any operation (`prompt_tokens` or `input_tokens` names). Absent counts are 0; negative, fractional
/// or absurd (> 2^48) ones make `present` false. Never fails, does not allocate.
Usage parse_usage(std::string_view usage_json);

enum class FinishReason : uint8_t { kNone, kStop, kLength, kToolCalls, kContentFilter, kFunctionCall, kOther };
/// As the API spells it; empty for kNone, `stop` for kOther.
std::string_view to_string(FinishReason reason);
FinishReason parse_finish_reason(std::string_view text);

}  // namespace wye::protocol
