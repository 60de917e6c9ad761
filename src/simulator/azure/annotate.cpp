#include "simulator/azure/annotate.hpp"

namespace wye::simulator {
namespace {

bool has_text(std::optional<json::Value> value) { return value && value->is_string() && !value->string_raw().empty(); }

/// A piece of text is judged, role and finish are not.
bool is_judged(json::Value choice) {
  if (has_text(choice.find("text"))) return true;
  for (const std::string_view holder : {"delta", "message"}) {
    if (const std::optional<json::Value> found = choice.find(holder); found && has_text(found->find("content"))) return true;
  }
  return false;
}

std::string_view results_of(json::Value choice) {
  const std::optional<json::Value> finish = choice.find("finish_reason");
  if (finish && finish->equals("content_filter")) return filtered_completion_results();
  return is_judged(choice) ? safe_completion_results() : std::string_view("{}");
}

}  // namespace

void append_prompt_event(const Markers& markers, std::string& out) {
  out += R"(data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":)";
  out += prompt_results(markers);
  out += "}]}\n\n";
}

Result<void> Annotator::parse(std::string_view text) {
  if (!document_.parse(text) || !document_.root().is_object())
    return Fail(internal_error(ErrorCode::kUpstreamFailed, "the model's answer is no JSON object"));
  patch_.start(document_);
  return {};
}

void Annotator::annotate_choices(json::Value root) {
  const std::optional<json::Value> choices = root.find("choices");
  if (choices) {
    for (const json::Value choice : choices->elements()) {
      if (choice.is_object() && !choice.find("content_filter_results")) patch_.insert_member(choice, "content_filter_results", results_of(choice));
    }
  }
  patch_.remove_member(root, "timings");
}

Result<void> Annotator::event(std::string_view data, bool usage_asked, std::string& out) {
  CHECK_OK(parse(data));
  const json::Value root = document_.root();
  annotate_choices(root);
  if (usage_asked && !root.find("usage")) patch_.insert_member(root, "usage", "null");
  return patch_.append_to(out);
}

Result<void> Annotator::answer(std::string_view whole, const Markers& markers, std::string& out) {
  CHECK_OK(parse(whole));
  const json::Value root = document_.root();
  annotate_choices(root);
  if (!root.find("prompt_filter_results"))
    patch_.insert_member(root, "prompt_filter_results", R"([{"prompt_index":0,"content_filter_results":)" + prompt_results(markers) + "}]");
  return patch_.append_to(out);
}

Result<void> Annotator::add_filters(json::Value response, const Markers& markers, std::string& out) {
  const std::optional<json::Value> details = response.find("incomplete_details");
  const std::optional<json::Value> reason = details ? details->find("reason") : std::nullopt;
  const bool blocked = reason && reason->equals("content_filter");
  patch_.insert_member(response, "content_filters", response_filters(markers, blocked));
  return patch_.append_to(out);
}

Result<void> Annotator::response(std::string_view whole, const Markers& markers, std::string& out) {
  CHECK_OK(parse(whole));
  return add_filters(document_.root(), markers, out);
}

Result<void> Annotator::response_events(std::string_view events, const Markers& markers, std::string& out) {
  CHECK_OK(scanner_.feed(events));
  while (const std::optional<http::SseEvent> event = scanner_.next()) {
    out += "event: ";
    out += event->name;
    out += "\ndata: ";
    const bool terminal = event->name == "response.completed" || event->name == "response.incomplete";
    if (terminal) {
      CHECK_OK(parse(event->data));
      const std::optional<json::Value> response = document_.root().find("response");
      if (!response) return Fail(internal_error(ErrorCode::kUpstreamFailed, "a terminal event without its response"));
      CHECK_OK(add_filters(*response, markers, out));
    } else {
      out += event->data;
    }
    out += "\n\n";
  }
  return {};
}

}  // namespace wye::simulator
