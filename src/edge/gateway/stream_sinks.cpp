#include "edge/gateway/stream_sinks.hpp"

namespace wye::gateway {
namespace {

template <class Source>
StreamFacts facts_of(const Source& source) {
  return {source.complete(), source.content_seen(), source.usage(), source.content_events(), source.finish_reason()};
}

void append_data(const protocol::EventStep& step, std::string& out) {
  out += "data: ";
  for (const std::string_view piece : step.pieces) out += piece;
  out += "\n\n";
}

}  // namespace

Result<void> EventSink::feed(const http::SseEvent& event, std::string& out) {
  TRY(const protocol::EventStep step, events_.feed(event.data));
  if (step.action == protocol::EventAction::kForward || (step.action == protocol::EventAction::kDone && events_.complete())) append_data(step, out);
  return {};
}
StreamFacts EventSink::facts() const { return facts_of(events_); }

Result<void> ResponsesSink::feed(const http::SseEvent& event, std::string& out) {
  TRY(const protocol::EventStep step, responses_.feed(event.data));
  if (step.action != protocol::EventAction::kForward) return {};
  if (!event.name.empty()) {
    out += "event: ";
    out += event.name;
    out += '\n';
  }
  append_data(step, out);
  return {};
}
StreamFacts ResponsesSink::facts() const { return facts_of(responses_); }
StreamFacts BridgeSink::facts() const { return facts_of(bridge_); }
StreamFacts CollectSink::facts() const { return facts_of(aggregator_); }

}  // namespace wye::gateway
