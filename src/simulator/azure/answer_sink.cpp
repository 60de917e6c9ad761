#include "simulator/azure/answer_sink.hpp"

#include "simulator/azure/refusal.hpp"

namespace wye::simulator {

StreamSink::StreamSink(const protocol::EventRewriterOptions& options, const Markers& markers) : markers_(markers), usage_asked_(options.show_usage) {
  events_.start(options);
}

Result<void> StreamSink::feed(std::string_view data, std::string& out) {
  TRY(const protocol::EventStep step, events_.feed(data));
  if (step.action == protocol::EventAction::kSwallow) return {};
  if (step.action == protocol::EventAction::kDone) {
    if (events_.complete()) out += "data: [DONE]\n\n";
    return {};
  }
  if (!prompt_told_) append_prompt_event(markers_, out);
  prompt_told_ = true;
  event_.clear();
  for (const std::string_view piece : step.pieces) event_ += piece;
  out += "data: ";
  CHECK_OK(annotator_.event(event_, usage_asked_, out));
  out += "\n\n";
  return {};
}

void StreamSink::fail(std::string& out) { append_error_event(out); }

ResponseSink::ResponseSink(const protocol::DecodedRequest& request, const protocol::BridgeFrame& frame, const Markers& markers) : markers_(markers) {
  bridge_.start(request, frame);
}

Result<void> ResponseSink::feed(std::string_view data, std::string& out) {
  events_.clear();
  const Result<void> fed = bridge_.feed(data, events_);
  CHECK_OK(annotator_.response_events(events_, markers_, out));
  return fed;
}

void ResponseSink::fail(std::string& out) { bridge_.fail(internal_error(ErrorCode::kInternal, "the model's stream broke"), out); }

}  // namespace wye::simulator
