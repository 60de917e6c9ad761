// What becomes of the events of an upstream stream, by protocol: one shape for the loop in sender.cpp.
// Private to edge/gateway.
#pragma once

#include "edge/gateway/exchange.hpp"

namespace wye::gateway {

/// What a stream has told when it ends.
struct StreamFacts {
  bool complete = false;      // it ended as its protocol says
  bool content_seen = false;  // something of the answer is out: no other target may take over
  protocol::Usage usage;
  uint64_t content_events = 0;
  protocol::FinishReason finish = protocol::FinishReason::kNone;
};

class StreamSink {
 public:
  virtual ~StreamSink() = default;
  /// Appends what the client gets for this event, framed. Errors: malformed, or the upstream reports one.
  virtual Result<void> feed(const http::SseEvent& event, std::string& out) = 0;
  /// Appends what ends a stream that broke after it began.
  virtual void fail(const Error& error, std::string& out) = 0;
  /// Its protocol has said the last word.
  virtual bool ended() const = 0;
  virtual StreamFacts facts() const = 0;
};

/// Chat and completions, passed on event by event.
class EventSink final : public StreamSink {
 public:
  EventSink(protocol::EventRewriter& events, const protocol::EventRewriterOptions& options) : events_(events) { events_.start(options); }
  Result<void> feed(const http::SseEvent& event, std::string& out) override;
  void fail(const Error& error, std::string& out) override { protocol::write_error_event(error, out); }
  bool ended() const override { return events_.done_seen(); }
  StreamFacts facts() const override;

 private:
  protocol::EventRewriter& events_;
};

/// /v1/responses, spoken natively upstream.
class ResponsesSink final : public StreamSink {
 public:
  ResponsesSink(protocol::ResponsesRewriter& responses, const protocol::StreamNames& names, bool show_filters, const Clock& clock)
      : responses_(responses),
        clock_(clock) {
    responses_.start(names, show_filters);
  }
  Result<void> feed(const http::SseEvent& event, std::string& out) override;
  void fail(const Error& error, std::string& out) override { responses_.fail(error, clock_.wall(), out); }
  bool ended() const override { return responses_.ended(); }
  StreamFacts facts() const override;

 private:
  protocol::ResponsesRewriter& responses_;
  const Clock& clock_;
};

/// /v1/responses over an upstream that only speaks chat. The bridge was started with the request.
class BridgeSink final : public StreamSink {
 public:
  explicit BridgeSink(protocol::ResponsesBridge& bridge) : bridge_(bridge) {}
  Result<void> feed(const http::SseEvent& event, std::string& out) override { return bridge_.feed(event.data, out); }
  void fail(const Error& error, std::string& out) override { bridge_.fail(error, out); }
  bool ended() const override { return bridge_.ended(); }
  StreamFacts facts() const override;

 private:
  protocol::ResponsesBridge& bridge_;
};

/// A stream that only we see: collected for a client that waits for the whole.
class CollectSink final : public StreamSink {
 public:
  CollectSink(protocol::StreamAggregator& aggregator, const protocol::AggregateOptions& options) : aggregator_(aggregator) {
    aggregator_.start(options);
  }
  Result<void> feed(const http::SseEvent& event, std::string&) override { return aggregator_.feed(event.data); }
  void fail(const Error&, std::string&) override {}
  bool ended() const override { return aggregator_.done_seen(); }
  StreamFacts facts() const override;

 private:
  protocol::StreamAggregator& aggregator_;
};

}  // namespace wye::gateway
