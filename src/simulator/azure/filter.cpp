#include "simulator/azure/filter.hpp"

namespace wye::simulator {
namespace {

enum class Shape : uint8_t { kSeverity, kDetected, kBlocklist };
struct Row {
  Category category;
  std::string_view word;  // behind `wye-filter-`
  std::string_view name;  // on the wire
  Shape shape;
  bool always;            // annotated even where nothing was found
};
constexpr std::array<Row, kCategories> kRows = {
    Row{Category::kHate, "hate", "hate", Shape::kSeverity, true},
    Row{Category::kSexual, "sexual", "sexual", Shape::kSeverity, true},
    Row{Category::kViolence, "violence", "violence", Shape::kSeverity, true},
    Row{Category::kSelfHarm, "self-harm", "self_harm", Shape::kSeverity, true},
    Row{Category::kJailbreak, "jailbreak", "jailbreak", Shape::kDetected, true},
    Row{Category::kIndirectAttack, "indirect-attack", "indirect_attack", Shape::kDetected, false},
    Row{Category::kProfanity, "profanity", "profanity", Shape::kDetected, false},
    Row{Category::kBlocklist, "blocklist", "custom_blocklists", Shape::kBlocklist, false},
};

constexpr std::string_view kStart = "wye-";
constexpr std::string_view kFilter = "filter-";
constexpr std::string_view kFault = "fault-";

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

void take_word(std::string_view word, Markers& markers) {
  if (word.starts_with(kFault)) {
    if (const std::optional<Fault> fault = parse_fault(word.substr(kFault.size()))) markers.fault = fault;
    return;
  }
  if (!word.starts_with(kFilter)) return;
  word.remove_prefix(kFilter.size());
  if (word == "completion") markers.block_completion = true;
  for (const Row& row : kRows) {
    if (row.word == word) markers.blocked[static_cast<size_t>(row.category)] = true;
  }
}

void append_result(const Row& row, bool found, std::string& out) {
  out += '"';
  out += row.name;
  out += "\":";
  switch (row.shape) {
    case Shape::kSeverity: out += found ? R"({"filtered":true,"severity":"medium"})" : R"({"filtered":false,"severity":"safe"})"; break;
    case Shape::kDetected: out += found ? R"({"detected":true,"filtered":true})" : R"({"detected":false,"filtered":false})"; break;
    case Shape::kBlocklist: out += R"({"filtered":true,"details":[{"id":"simulated","filtered":true}]})"; break;
  }
}

void append_filter(std::string_view source, bool blocked, std::string_view results, std::string& out) {
  out += blocked ? R"({"blocked":true,"source_type":")" : R"({"blocked":false,"source_type":")";
  out += source;
  out += R"(","content_filter_raw":[],"content_filter_results":)";
  out += results;
  out += R"(,"content_filter_offsets":{"start_offset":0,"end_offset":0,"check_offset":0}})";
}

}  // namespace

void find_markers(std::string_view text, Markers& markers) {
  for (size_t at = text.find(kStart); at != std::string_view::npos; at = text.find(kStart, at)) {
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const size_t begin = at + kStart.size();
    size_t end = begin;
    while (end < text.size() && is_word(text[end])) ++end;
    if (begins) take_word(text.substr(begin, end - begin), markers);
    at = end;
  }
}

void find_markers(json::Value value, Markers& markers) {
  if (value.is_plain_string()) {
    find_markers(value.string_raw(), markers);
  } else if (value.is_string()) {
    find_markers(value.text(), markers);
  }
  for (const json::Value element : value.elements()) find_markers(element, markers);
  for (const json::Member member : value.members()) find_markers(member.value(), markers);
}

std::string prompt_results(const Markers& markers) {
  std::string out = "{";
  for (const Row& row : kRows) {
    const bool found = markers.blocked[static_cast<size_t>(row.category)];
    if (!found && !row.always) continue;
    if (out.size() > 1) out += ',';
    append_result(row, found, out);
  }
  out += '}';
  return out;
}

std::string_view safe_completion_results() {
  return R"({"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},)"
         R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}})";
}

std::string_view filtered_completion_results() {
  return R"({"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},)"
         R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"medium"}})";
}

std::string response_filters(const Markers& markers, bool completion_blocked) {
  std::string out = "[";
  append_filter("prompt", markers.prompt_blocked(), prompt_results(markers), out);
  if (!markers.prompt_blocked()) {
    out += ',';
    append_filter("completion", completion_blocked, completion_blocked ? filtered_completion_results() : safe_completion_results(), out);
  }
  out += ']';
  return out;
}

}  // namespace wye::simulator
