// Steps 10 and 11: attempts at the targets of a plan, within one deadline, and the answer of the one that succeeds.
// Private to edge/gateway.
#pragma once

#include "edge/gateway/steps.hpp"
#include "edge/gateway/stream_sinks.hpp"

namespace wye::gateway {

class Order;

/// One request's attempts. Lives as long as the step.
class Sender {
 public:
  explicit Sender(Exchange& x) : x_(x), m_(*x.memory) {}
  net::Task<Result<void>> run();

 private:
  /// One attempt: how it is asked, and how it went.
  struct Try {
    TargetRuntime* target = nullptr;
    bool bridged = false;         // responses asked, chat spoken
    bool upstream_stream = false; // what we asked of the upstream
    protocol::Operation spoken = protocol::Operation::kChat;
    bool stored = false;
    provider::Attempt facts;      // filled where it failed
    protocol::UpstreamError upstream_error;
    std::optional<std::chrono::milliseconds> wait;  // what a 429 asked for
    Deadline first_event;         // of a stream that the client waits for; a unary call has only the deadline of the whole
    bool replayable = true;       // asking again has no effect, and the body is not too large for it
    workload::PresentedPtr presented;  // what we show there; kept while the request is sent
    bool answered = false;        // the client has its answer, or the start of one: no other attempt
  };

  /// Decides what follows a failed attempt; true: another one may be made.
  bool go_on(Try& t, size_t choice, Order& order, Error& error);
  /// Before the same target is asked again. Errors: kCancelled; kUpstreamTimeout where no time is left.
  net::Task<Result<void>> pause(Nanos wait);
  net::Task<Result<void>> attempt(Try& t);
  void begin(Try& t);
  Result<void> prepare(Try& t);
  Result<void> write_head(Try& t, size_t body_bytes);
  /// Waits for something to show, where that is not there. Errors: kUpstreamAuthUnavailable, kCancelled.
  net::Task<Result<void>> await_credential(Try& t);
  /// After a 401: whether what we showed has been replaced by something newer.
  net::Task<void> renew_credential(Try& t);
  protocol::UpstreamTarget upstream_target(const Try& t);
  net::Task<Result<void>> read_refusal(Try& t, http::ClientCall& call);
  net::Task<Result<void>> answer_unary(Try& t, http::ClientCall& call);
  net::Task<Result<void>> answer_stream(Try& t, http::ClientCall& call);
  net::Task<Result<void>> run_stream(Try& t, http::ClientCall& call, StreamSink& sink);
  net::Task<Result<void>> respond_unary(Try& t, std::string_view body);
  net::Task<Result<void>> respond_collected(Try& t);
  net::Task<Result<void>> respond(std::span<const std::string_view> pieces);
  net::Task<Result<void>> end_stream(Try& t, http::ClientCall& call, StreamSink& sink, Result<void> outcome);
  net::Task<Result<std::string_view>> collect_body(http::ClientCall& call, size_t max);
  void note_upstream(const http::ClientCall& call, const Try& t);
  void meter(const protocol::Usage& usage, uint64_t content_events);
  void mark(Try& t, const provider::Outcome& outcome);
  Fail failed(Try& t, provider::Event event, Error error);
  /// An error that came inside a success: what it is about decides who may be asked next.
  Fail failed_inside(Try& t, Error error);
  Deadline piece_deadline(const Try& t) const;
  Result<void> feed_events(std::string_view bytes, bool last, StreamSink& sink);
  net::Task<Result<void>> start_stream();
  net::Task<Result<void>> heartbeat();
  net::Task<Result<void>> rest_a_moment();
  std::string_view client_id(protocol::Operation operation);
  bool shows_filters() const;
  std::array<http::OutField, 4> answer_fields(size_t& count, bool streaming);

  Exchange& x_;
  ExchangeMemory& m_;
  std::string user_hash_;
  std::string cache_prefix_;
  std::array<char, 48> client_id_;
  std::array<char, 20> processing_ms_;
};

}  // namespace wye::gateway
