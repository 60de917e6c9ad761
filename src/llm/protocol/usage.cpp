#include "llm/protocol/usage.hpp"

#include "foundation/json/scan.hpp"

namespace wye::protocol {
namespace {

constexpr uint64_t kTokensMax = uint64_t{1} << 48;

/// False for what is there and is no sane count. Servers that write 5.0 are read as 5.
bool read_count(std::string_view text, uint64_t& out) {
  if (text.empty() || text == "null") return true;
  if (text.ends_with(".0")) text.remove_suffix(2);
  uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || value > kTokensMax) return false;
  out = value;
  return true;
}

bool read_detail(std::string_view object, std::string_view name, uint64_t& out) {
  if (object.empty() || object == "null") return true;
  std::string_view value;
  if (!json::find_members(object, std::span(&name, 1), std::span(&value, 1))) return false;
  return read_count(value, out);
}

struct Word {
  FinishReason reason;
  std::string_view text;
};
constexpr std::array kWords = {Word{FinishReason::kStop, "stop"}, Word{FinishReason::kLength, "length"}, Word{FinishReason::kToolCalls, "tool_calls"},
                               Word{FinishReason::kContentFilter, "content_filter"}, Word{FinishReason::kFunctionCall, "function_call"}};

}  // namespace

Usage parse_usage(std::string_view usage_json) {
  constexpr std::array<std::string_view, 9> kNames = {
      "prompt_tokens",         "completion_tokens",         "input_tokens",         "output_tokens",        "total_tokens",
      "prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details"};
  std::array<std::string_view, kNames.size()> values;
  Usage usage;
  if (!json::find_members(usage_json, kNames, values)) return usage;
  const std::string_view prompt = values[0].empty() ? values[2] : values[0];
  const std::string_view completion = values[1].empty() ? values[3] : values[1];
  if (prompt.empty() && completion.empty()) return usage;
  uint64_t total = 0;
  const bool good = read_count(prompt, usage.prompt_tokens) && read_count(completion, usage.completion_tokens) && read_count(values[4], total) &&
                    read_detail(values[5].empty() ? values[7] : values[5], "cached_tokens", usage.cached_tokens) &&
                    read_detail(values[6].empty() ? values[8] : values[6], "reasoning_tokens", usage.reasoning_tokens);
  if (!good) return {};
  usage.present = true;
  usage.cached_tokens = std::min(usage.cached_tokens, usage.prompt_tokens);
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.completion_tokens);
  usage.total_disagrees = !values[4].empty() && values[4] != "null" && total != usage.total_tokens();
  return usage;
}

std::string_view to_string(FinishReason reason) {
  if (reason == FinishReason::kNone) return {};
  for (const Word& word : kWords) {
    if (word.reason == reason) return word.text;
  }
  return "stop";
}

FinishReason parse_finish_reason(std::string_view text) {
  for (const Word& word : kWords) {
    if (word.text == text) return word.reason;
  }
  return text.empty() ? FinishReason::kNone : FinishReason::kOther;
}

}  // namespace wye::protocol
