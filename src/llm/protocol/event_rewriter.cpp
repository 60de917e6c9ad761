#include "llm/protocol/event_rewriter.hpp"

#include "foundation/json/scan.hpp"
#include "llm/protocol/errors.hpp"
#include "llm/protocol/filter_results.hpp"
#include "llm/protocol/member_edit.hpp"

namespace wye::protocol {
namespace {

enum Name : size_t { kId, kModel, kChoices, kUsage, kError, kFilterResults, kAnnotations, kNameCount };
constexpr std::array<std::string_view, kNameCount> kNames = {
    "id", "model", "choices", "usage", "error", "prompt_filter_results", "prompt_annotations"};
constexpr size_t kUpstreamModelMax = 128;
constexpr std::string_view kDone = "[DONE]";

bool is_set(std::string_view value) { return !value.empty() && value != "null"; }
/// What official clients take for an error: anything but null, false, zero and nothing.
bool is_truthy(std::string_view value) {
  return is_set(value) && value != "false" && value != "\"\"" && value != "{}" && value != "[]" && value != "0";
}

/// An empty id or model is no name of anything: annotation events of Azure have such.
bool is_named(std::string_view value) { return !value.empty() && value != "\"\""; }

/// The bytes [begin, end) of `data` with the splices that lie in them.
void splice_into(std::string_view data, size_t begin, size_t end, std::span<const Splice> splices, std::string& out) {
  out.clear();
  size_t at = begin;
  for (const Splice& splice : splices) {
    if (splice.begin < begin || splice.end > end) continue;
    out += data.substr(at, splice.begin - at);
    out += splice.text;
    at = splice.end;
  }
  out += data.substr(at, end - at);
}

Error malformed(std::string_view why) { return internal_error(ErrorCode::kUpstreamFailed, "upstream event: " + std::string(why)); }

}  // namespace

/// What one event holds, as far as it was read.
struct EventRewriter::Found {
  std::array<std::string_view, kNameCount> values;
  bool has_choices = false;      // at least one element
  bool has_answer = false;       // a piece of the answer, or a finish
  bool only_annotations = false; // every choice carries filter results only
  std::array<Splice, 3> splices;
  size_t splice_count = 0;
};

void EventRewriter::start(const EventRewriterOptions& options) {
  options_ = options;
  options_.names = {};  // copied here, not kept
  assign_json_string(options.names.id, id_json_);
  assign_json_string(options.names.model, model_json_);
  piece_count_ = 0;
  frame_known_ = false;
  finish_.fill(FinishReason::kNone);
  seen_ = finished_ = {};
  usage_ = {};
  content_events_ = 0;
  upstream_model_.clear();
  done_ = content_seen_ = false;
}

void EventRewriter::add_piece(std::string_view piece) {
  if (!piece.empty()) pieces_[piece_count_++] = piece;
}

Result<EventStep> EventRewriter::feed(std::string_view data) {
  piece_count_ = 0;
  if (done_) return EventStep{};
  if (data.starts_with(kDone)) {
    done_ = true;
    add_piece(kDone);
    return EventStep{.action = EventAction::kDone, .pieces = std::span(pieces_).first(1), .unchanged = data == kDone};
  }
  data = one_line(data, flat_);
  EventStep step;
  if (frame_known_ && fast(data, step)) return step;
  return slow(data);
}

/// The same frame as before, and between nothing that could matter: forwarded without a parse. Sound because the frame ends
/// inside the array `choices`, whose elements hold neither the id nor the model of the event.
bool EventRewriter::fast(std::string_view data, EventStep& step) {
  if (data.size() < head_.size() + tail_.size() + 1 || !data.starts_with(head_) || !data.ends_with(tail_)) return false;
  const std::string_view middle = data.substr(head_.size(), data.size() - head_.size() - tail_.size());
  // An element there, and its end where the frame's end is not part of `tail_`.
  if (middle.front() != '{' || middle.back() != '}') return false;
  if (find_suspicion(middle, options_.show_usage) != std::string_view::npos) return false;
  // Head and tail are of an event that held none.
  if (!options_.show_filters && may_hold_filter_results(middle)) return false;
  add_piece(head_out_);
  add_piece(middle);
  add_piece(tail_out_);
  ++content_events_;
  step = EventStep{.action = EventAction::kForward, .pieces = std::span(pieces_).first(piece_count_), .unchanged = false};
  return true;
}

Result<EventStep> EventRewriter::slow(std::string_view data) {
  Found found;
  if (!json::find_members(data, kNames, found.values)) return Fail(malformed("not one JSON object"));
  if (is_truthy(found.values[kError])) return Fail(parse_upstream_error(200, data).error);
  if (is_set(found.values[kChoices])) CHECK_OK(read_choices(found.values[kChoices], found));
  const std::string_view usage = found.values[kUsage];
  const bool has_usage = usage.starts_with('{');
  if (has_usage) {
    const Usage read = parse_usage(usage);
    if (read.present) usage_ = read;
  }
  if (upstream_model_.empty() && found.values[kModel].size() > 2 && found.values[kModel].front() == '"')
    upstream_model_ = found.values[kModel].substr(1, std::min(found.values[kModel].size() - 2, kUpstreamModelMax));
  if (found.has_answer) ++content_events_;

  const bool annotated = !found.values[kFilterResults].empty() || !found.values[kAnnotations].empty() || found.only_annotations;
  if (annotated && !found.has_answer && !has_usage && !options_.pass_annotations) return EventStep{};
  if (has_usage && !found.has_choices && !options_.show_usage) return EventStep{};
  if (!options_.show_filters && may_hold_filter_results(data)) return edit_whole(data);
  EventStep step = edit(data, found);
  remember(data, found);
  return step;
}

/// With a parse of the whole: results stand anywhere in it, several of them side by side.
Result<EventStep> EventRewriter::edit_whole(std::string_view data) {
  if (!document_.parse(data)) return Fail(malformed("not valid JSON"));
  const json::Value root = document_.root();
  patch_.start(document_);
  remove_filter_results(root, root.find("choices"), patch_);
  const auto rename = [&](std::string_view name, std::string_view json) {
    if (const std::optional<json::Value> value = root.find(name); value && is_named(value->raw())) patch_.replace_view(*value, json);
  };
  rename("id", id_json_);
  rename("model", model_json_);
  if (!options_.show_usage) patch_.remove_member(root, "usage");
  whole_.clear();
  CHECK_OK(patch_.append_to(whole_));
  add_piece(whole_);
  return EventStep{.action = EventAction::kForward, .pieces = std::span(pieces_).first(piece_count_), .unchanged = false};
}

Result<void> EventRewriter::read_choices(std::string_view choices, Found& found) {
  if (!document_.parse(choices)) return Fail(malformed("choices is not valid JSON"));
  const json::Value root = document_.root();
  if (!root.is_array()) return Fail(malformed("choices is no array"));
  found.has_choices = root.size() != 0;
  found.only_annotations = found.has_choices;
  for (const json::Value choice : root.elements()) {
    if (!choice.is_object()) return Fail(malformed("a choice is no object"));
    read_choice(choice, found);
  }
  return {};
}

void EventRewriter::read_choice(json::Value choice, Found& found) {
  const std::optional<json::Value> index_value = choice.find("index");
  const int64_t index = index_value ? index_value->integer().value_or(0) : 0;
  const std::optional<json::Value> reason = choice.find("finish_reason");
  const bool finished = reason && reason->is_string() && !reason->string_raw().empty();
  const bool chat = options_.operation == Operation::kChat;
  const std::optional<json::Value> answer = choice.find(chat ? "delta" : "text");
  const bool has_answer = answer && !answer->is_null();
  if (has_answer || finished) found.only_annotations = false;
  if (!choice.find("content_filter_results") && !choice.find("content_filter_offsets")) found.only_annotations = false;
  if (has_answer || finished) found.has_answer = true;
  if (chat && has_answer) {
    for (const json::Member member : answer->members()) {
      const json::Value v = member.value();
      const bool empty = v.is_null() || (v.is_string() && v.string_raw().empty()) || (v.is_array() && v.size() == 0);
      if (!empty && !member.name_is("role")) content_seen_ = true;
    }
  } else if (has_answer && !answer->string_raw().empty()) {
    content_seen_ = true;
  }
  if (index < 0 || index >= static_cast<int64_t>(kChoicesMax)) return;
  const auto at = static_cast<size_t>(index);
  if (has_answer || finished) seen_[at / 64] |= uint64_t{1} << (at % 64);
  if (!finished) return;
  finished_[at / 64] |= uint64_t{1} << (at % 64);
  finish_[at] = reason->is_plain_string() ? parse_finish_reason(reason->string_raw()) : FinishReason::kOther;
}

EventStep EventRewriter::edit(std::string_view data, Found& found) {
  const auto add = [&found](Splice splice) { found.splices[found.splice_count++] = splice; };
  if (is_named(found.values[kId])) add(replace_value(data, found.values[kId], id_json_));
  if (is_named(found.values[kModel])) add(replace_value(data, found.values[kModel], model_json_));
  if (!options_.show_usage && !found.values[kUsage].empty()) add(remove_member(data, found.values[kUsage]));
  const std::span<Splice> splices = std::span(found.splices).first(found.splice_count);
  std::ranges::sort(splices, {}, &Splice::begin);
  size_t at = 0;
  for (const Splice& splice : splices) {
    add_piece(data.substr(at, splice.begin - at));
    add_piece(splice.text);
    at = splice.end;
  }
  add_piece(data.substr(at));
  return EventStep{.action = EventAction::kForward, .pieces = std::span(pieces_).first(piece_count_), .unchanged = splices.empty()};
}

/// Keeps head and tail of an ordinary event: everything up to the first element of `choices`, and what follows the last one if
/// something there is rewritten. Without that the end of the elements and all behind it may differ from event to event.
void EventRewriter::remember(std::string_view data, const Found& found) {
  const bool ordinary = found.has_answer && content_seen_ && !found.only_annotations && !found.values[kUsage].starts_with('{');
  if (!ordinary || !is_named(found.values[kId]) || !is_named(found.values[kModel])) return;
  const std::string_view choices = found.values[kChoices];
  const auto choices_begin = static_cast<size_t>(choices.data() - data.data());
  const size_t head = choices_begin + choices.find('{');
  const size_t tail = choices_begin + choices.rfind('}') + 1;
  const std::span<const Splice> splices = std::span(found.splices).first(found.splice_count);
  const bool rewritten_behind = std::ranges::any_of(splices, [tail](const Splice& splice) { return splice.begin >= tail; });
  const size_t tail_begin = rewritten_behind ? tail : data.size();
  head_.assign(data.substr(0, head));
  tail_.assign(data.substr(tail_begin));
  splice_into(data, 0, head, splices, head_out_);
  splice_into(data, tail_begin, data.size(), splices, tail_out_);
  frame_known_ = true;
}

bool EventRewriter::complete() const {
  const bool any = (finished_[0] | finished_[1]) != 0;
  const bool all = (seen_[0] & ~finished_[0]) == 0 && (seen_[1] & ~finished_[1]) == 0;
  return any && all && (done_ || !options_.done_event);
}

FinishReason EventRewriter::finish_reason() const {
  constexpr std::array kOrder = {FinishReason::kContentFilter, FinishReason::kLength, FinishReason::kToolCalls,
                                 FinishReason::kFunctionCall,  FinishReason::kStop,   FinishReason::kOther};
  for (const FinishReason reason : kOrder) {
    if (std::ranges::find(finish_, reason) != finish_.end()) return reason;
  }
  return FinishReason::kNone;
}

}  // namespace wye::protocol
