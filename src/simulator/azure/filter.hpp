// The content filter that is none: it finds fixed words in a prompt and answers as Azure's filter would.
// Source of the shapes: Azure OpenAI "Content filter annotations" (azure-rest-api-specs, inference 2024-10-21) and what is on the wire:
// `innererror`, `content_filter_result`, `self_harm`.
// Threads: pure functions.
#pragma once

#include "foundation/json/document.hpp"
#include "simulator/azure/fault.hpp"

namespace wye::simulator {

/// A category that can block a prompt. `wye-filter-` and its name with hyphens is the word that does it.
enum class Category : uint8_t { kHate, kSexual, kViolence, kSelfHarm, kJailbreak, kIndirectAttack, kProfanity, kBlocklist };
inline constexpr size_t kCategories = 8;

/// What the words of a prompt ask for.
struct Markers {
  std::array<bool, kCategories> blocked{};  // by Category
  bool block_completion = false;            // `wye-filter-completion`: the answer begins and is then filtered
  std::optional<Fault> fault;               // `wye-fault-` and its name; the last one counts
  bool prompt_blocked() const { return std::ranges::find(blocked, true) != blocked.end(); }
};

/// Adds what stands in `text`. A marker is a whole word of lower-case letters, digits and hyphens.
void find_markers(std::string_view text, Markers& markers);
/// The same for every string within `value`, keys left out.
void find_markers(json::Value value, Markers& markers);

/// JSON objects of results, by what they judge.
std::string prompt_results(const Markers& markers);
std::string_view safe_completion_results();
std::string_view filtered_completion_results();
/// `content_filters` of /responses: one entry for the prompt and, unless it was blocked, one for the answer.
std::string response_filters(const Markers& markers, bool completion_blocked);

}  // namespace wye::simulator
