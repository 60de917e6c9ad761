#include "llm/protocol/responses_rewriter.hpp"

#include "foundation/json/scan.hpp"
#include "llm/protocol/errors.hpp"
#include "llm/protocol/filter_results.hpp"
#include "llm/protocol/member_edit.hpp"
#include "llm/protocol/response_object.hpp"

namespace wye::protocol {
namespace {

using json::Value;

constexpr size_t kUpstreamModelMax = 128;
constexpr std::string_view kDone = "[DONE]";

Error malformed(std::string_view why) { return internal_error(ErrorCode::kUpstreamFailed, "upstream event: " + std::string(why)); }

bool is_delta(std::string_view type) { return type.ends_with(".delta\""); }

}  // namespace

void ResponsesRewriter::start(const StreamNames& names, bool show_filters) {
  show_filters_ = show_filters;
  id_.assign(names.id);
  model_.assign(names.model);
  usage_ = {};
  finish_ = FinishReason::kNone;
  sequence_ = -1;
  content_events_ = 0;
  upstream_model_.clear();
  ended_ = failed_ = content_seen_ = false;
}

/// Renames within the response object; what the upstream repeats of fields that Wye replaced is not the client's.
Result<void> ResponsesRewriter::rename(Value response) {
  if (!response.is_object()) return Fail(malformed("response is no object"));
  if (const std::optional<Value> id = response.find("id")) patch_.replace_string(*id, id_);
  if (const std::optional<Value> model = response.find("model")) {
    if (upstream_model_.empty()) upstream_model_ = model->string_raw().substr(0, kUpstreamModelMax);
    patch_.replace_string(*model, model_);
  }
  for (const std::string_view name : {"user", "safety_identifier", "prompt_cache_key"}) {
    if (const std::optional<Value> value = response.find(name); value && !value->is_null()) patch_.replace_view(*value, "null");
  }
  if (!show_filters_) remove_filter_results(response, patch_);
  const std::optional<Value> error = response.find("error");
  if (!error || !error->is_object()) return {};
  if (const std::optional<Value> message = error->find("message")) {
    const Error ours = parse_upstream_error(200, response.raw()).error;
    patch_.replace_string(*message, client_message(ours));
  }
  return {};
}

void ResponsesRewriter::note_end(Value response, std::string_view status) {
  ended_ = true;
  failed_ = status == "failed" || status == "cancelled";
  if (const std::optional<Value> usage = response.find("usage"); usage && usage->is_object()) usage_ = parse_usage(usage->raw());
  finish_ = failed_ ? FinishReason::kOther : FinishReason::kStop;
  if (status != "incomplete") return;
  const std::optional<Value> details = response.find("incomplete_details");
  const std::optional<Value> reason = details ? details->find("reason") : std::nullopt;
  finish_ = reason && reason->equals("content_filter") ? FinishReason::kContentFilter : FinishReason::kLength;
}

Result<EventStep> ResponsesRewriter::feed(std::string_view data) {
  if (ended_ || data.starts_with(kDone)) return EventStep{};
  data = one_line(data, flat_);
  constexpr std::array<std::string_view, 3> kNames = {"type", "sequence_number", "response"};
  std::array<std::string_view, 3> values;
  if (!json::find_members(data, kNames, values) || values[0].size() < 2 || values[0].front() != '"') return Fail(malformed("not an event object"));
  if (values[0] == "\"error\"") return Fail(parse_upstream_error(200, data).error);
  int64_t sequence = 0;
  const auto read = std::from_chars(values[1].data(), values[1].data() + values[1].size(), sequence);
  if (!values[1].empty() && read.ec == std::errc() && sequence < INT64_MAX) sequence_ = std::max(sequence_, sequence);
  if (is_delta(values[0])) {
    content_seen_ = true;
    ++content_events_;
  }
  if (values[2].empty() || values[2] == "null") {
    whole_[0] = data;
    return EventStep{.action = EventAction::kForward, .pieces = whole_, .unchanged = true};
  }
  if (!document_.parse(data)) return Fail(malformed("not valid JSON"));
  const Value response = *document_.root().find("response");
  patch_.start(document_);
  CHECK_OK(rename(response));
  constexpr std::array<std::string_view, 3> kEnds = {"completed", "incomplete", "failed"};
  for (const std::string_view end : kEnds) {
    if (document_.root().find("type")->string_raw() == "response." + std::string(end)) note_end(response, end);
  }
  TRY(const std::span<const std::string_view> pieces, patch_.pieces());
  return EventStep{.action = EventAction::kForward, .pieces = pieces, .unchanged = false};
}

void ResponsesRewriter::fail(const Error& error, WallTime now, std::string& out) {
  if (ended_) return;
  ResponseObject object;
  object.start(id_, model_, now, nullptr);
  begin_event("response.failed", sequence_ + 1, out);
  out += ",\"response\":";
  object.write({.status = "failed", .error = &error}, out);
  end_event(out);
  ended_ = failed_ = true;
}

Result<UnaryAnswer> ResponsesRewriter::rewrite(std::string_view body) {
  if (!document_.parse(body) || !document_.root().is_object()) return Fail(malformed("not one JSON object"));
  const Value root = document_.root();
  const std::optional<Value> status = root.find("status");
  if (!root.find("output") || !status || !status->is_plain_string()) return Fail(parse_upstream_error(200, body).error);
  patch_.start(document_);
  CHECK_OK(rename(root));
  note_end(root, status->string_raw());
  UnaryAnswer answer;
  answer.usage = usage_;
  answer.finish = finish_;
  answer.items = root.find("output")->size();
  answer.upstream_model = upstream_model_;
  TRY(answer.pieces, patch_.pieces());
  answer.size = patch_.size();
  return answer;
}

}  // namespace wye::protocol
