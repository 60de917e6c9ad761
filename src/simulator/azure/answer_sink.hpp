// What becomes of the events of the model's stream, by what the client asked for.
// Private to simulator/azure. Threads: one owner.
#pragma once

#include "llm/protocol/aggregate.hpp"
#include "llm/protocol/responses_bridge.hpp"
#include "simulator/azure/annotate.hpp"

namespace wye::simulator {

class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  /// Takes the data of one event, appends what the client gets for it. Errors: kUpstreamFailed.
  virtual Result<void> feed(std::string_view data, std::string& out) = 0;
  /// Appends the end of a stream that broke.
  virtual void fail(std::string& out) = 0;
  virtual bool ended() const = 0;
  virtual bool complete() const = 0;
  virtual bool content_seen() const = 0;
  virtual uint64_t content_events() const = 0;
};

/// Chat and completions as a stream.
class StreamSink final : public AnswerSink {
 public:
  StreamSink(const protocol::EventRewriterOptions& options, const Markers& markers);
  Result<void> feed(std::string_view data, std::string& out) override;
  void fail(std::string& out) override;
  bool ended() const override { return events_.done_seen(); }
  bool complete() const override { return events_.complete(); }
  bool content_seen() const override { return events_.content_seen(); }
  uint64_t content_events() const override { return events_.content_events(); }

 private:
  protocol::EventRewriter events_;
  Annotator annotator_;
  const Markers& markers_;
  bool usage_asked_;
  bool prompt_told_ = false;
  std::string event_;
};

/// Chat or completions, put together for a client that waits for the whole.
class WholeSink final : public AnswerSink {
 public:
  explicit WholeSink(const protocol::AggregateOptions& options) { aggregator_.start(options); }
  Result<void> feed(std::string_view data, std::string&) override { return aggregator_.feed(data); }
  void fail(std::string&) override {}
  bool ended() const override { return aggregator_.done_seen(); }
  bool complete() const override { return aggregator_.complete(); }
  bool content_seen() const override { return aggregator_.content_seen(); }
  uint64_t content_events() const override { return aggregator_.content_events(); }
  /// Errors: kUpstreamFailed while not complete().
  Result<void> write(std::string& out) const { return aggregator_.write(out); }

 private:
  protocol::StreamAggregator aggregator_;
};

/// /responses as a stream, over chat.
class ResponseSink final : public AnswerSink {
 public:
  ResponseSink(const protocol::DecodedRequest& request, const protocol::BridgeFrame& frame, const Markers& markers);
  Result<void> feed(std::string_view data, std::string& out) override;
  void fail(std::string& out) override;
  bool ended() const override { return bridge_.ended(); }
  bool complete() const override { return bridge_.complete(); }
  bool content_seen() const override { return bridge_.content_seen(); }
  uint64_t content_events() const override { return bridge_.content_events(); }

 private:
  protocol::ResponsesBridge bridge_;
  Annotator annotator_;
  const Markers& markers_;
  std::string events_;
};

}  // namespace wye::simulator
