#include "llm/protocol/filter_results.hpp"

namespace wye::protocol {
namespace {

constexpr std::array<std::string_view, 2> kOfAnswers = {"prompt_filter_results", "prompt_annotations"};
constexpr std::array<std::string_view, 4> kOfChoices = {"content_filter_results", "content_filter_result", "content_filter_offsets",
                                                        "content_filter_raw"};

}  // namespace

bool may_hold_filter_results(std::string_view text) {
  return text.find("\"content_filter_") != std::string_view::npos || text.find("\"prompt_filter_results\"") != std::string_view::npos ||
         text.find("\"prompt_annotations\"") != std::string_view::npos;
}

void remove_filter_results(json::Value root, std::optional<json::Value> choices, json::Patch& patch) {
  for (const std::string_view name : kOfAnswers) patch.remove_member(root, name);
  if (!choices || !choices->is_array()) return;
  for (const json::Value choice : choices->elements()) {
    if (!choice.is_object()) continue;
    for (const std::string_view name : kOfChoices) patch.remove_member(choice, name);
  }
}

void remove_filter_results(json::Value response, json::Patch& patch) { patch.remove_member(response, "content_filters"); }

}  // namespace wye::protocol
