// Step 11: what the upstream says, on its way to the client.
#include "edge/gateway/sender.hpp"

namespace wye::gateway {
namespace {

constexpr size_t kAnswerBytes = 32 << 20;
/// After the last event: how long the end of the upstream's body may take before its connection is given up.
constexpr std::chrono::milliseconds kBodyEnd{50};
/// What of an answer surely leaves, or is copied, in one go, however it was rewritten.
constexpr size_t kOneSendBytes = 16 << 10;
/// A comment goes to the client after so long a silence of the upstream, so that nobody between takes the connection for dead.
constexpr std::chrono::seconds kHeartbeat{15};
/// After so many events in one turn others come first: a quick upstream must not hold the loop.
constexpr uint64_t kEventsATurn = 64;

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view kType = "text/event-stream";
  return content_type.size() >= kType.size() && http::equals_ignore_case(content_type.substr(0, kType.size()), kType);
}

End end_of(protocol::FinishReason finish) { return finish == protocol::FinishReason::kContentFilter ? End::kBlocked : End::kComplete; }

}  // namespace

net::Task<Result<void>> Sender::answer_unary(Try& t, http::ClientCall& call) {
  x_.first_byte_at = x_.gateway.clock_.mono();
  Result<std::string_view> body = co_await collect_body(call, kAnswerBytes);
  x_.upstream_done_at = x_.gateway.clock_.mono();
  if (!body) {
    const bool gone = body.error().code == ErrorCode::kCancelled;
    co_return failed(t, gone ? provider::Event::kClientGone : provider::Event::kMalformed, std::move(body).error());
  }
  // A body that came in one piece lies in a buffer that the next wait gives away; a long answer may need several waits.
  if (body->size() > kOneSendBytes && body->data() != m_.answer.data()) {
    m_.answer.assign(*body);
    body = m_.answer;
  }
  co_return co_await respond_unary(t, *body);
}

net::Task<Result<void>> Sender::respond_unary(Try& t, std::string_view body) {
  const protocol::Operation asked = *x_.matched->operation;
  if (t.bridged) {
    std::string whole(body);
    m_.bridge.start(m_.request, {x_.id_random(), x_.asked_model, x_.gateway.clock_.wall()});
    m_.answer.clear();
    if (Result<void> written = m_.bridge.write_answer(whole, m_.answer); !written) co_return failed_inside(t, std::move(written).error());
    meter(m_.bridge.usage(), m_.bridge.content_events());
    x_.end = end_of(m_.bridge.finish_reason());
    const std::string_view piece = m_.answer;
    co_return co_await respond({&piece, 1});
  }
  Result<protocol::UnaryAnswer> answer = protocol::UnaryAnswer{};
  if (asked == protocol::Operation::kResponses) {
    m_.responses.start({client_id(asked), x_.asked_model}, shows_filters());
    answer = m_.responses.rewrite(body);
  } else {
    answer = m_.unary.rewrite(body, {asked, client_id(asked), x_.asked_model, m_.request.encoding_format, shows_filters()});
  }
  if (!answer) co_return failed_inside(t, std::move(answer).error());
  meter(answer->usage, 0);
  x_.end = end_of(answer->finish);
  co_return co_await respond(answer->pieces);
}

net::Task<Result<void>> Sender::respond(std::span<const std::string_view> pieces) {
  size_t count = 0;
  const auto fields = answer_fields(count, false);
  m_.out.clear();
  for (const std::string_view piece : pieces) m_.out.push_back(net::piece(piece));
  x_.status = 200;
  const net::Io io = co_await x_.call.respond({200, "application/json", {fields.data(), count}}, m_.out);
  if (!io) x_.end = End::kClientGone;
  co_return Result<void>{};
}

/// The Azure dialects have them as a part of their answers; a client of the OpenAI dialect sees them where its Route says so.
bool Sender::shows_filters() const { return x_.matched->dialect != Dialect::kOpenAi || x_.route->output.filter_categories; }

net::Task<Result<void>> Sender::answer_stream(Try& t, http::ClientCall& call) {
  if (!is_event_stream(call.head().value(http::Known::kContentType)))
    co_return failed(t, provider::Event::kMalformed, internal_error(ErrorCode::kUpstreamFailed, "a stream was asked for, another type came"));
  const protocol::Operation asked = *x_.matched->operation;
  const bool done_event = t.target->traits->body.done_event;
  m_.scanner.reset();
  if (!m_.request.stream) {
    CollectSink sink(m_.aggregator, {t.spoken, {client_id(t.spoken), x_.asked_model}, done_event});
    CO_CHECK_OK(co_await run_stream(t, call, sink));
    co_return co_await respond_collected(t);
  }
  if (t.bridged) {
    m_.bridge.start(m_.request, {x_.id_random(), x_.asked_model, x_.gateway.clock_.wall()});
    BridgeSink sink(m_.bridge);
    co_return co_await run_stream(t, call, sink);
  }
  if (asked == protocol::Operation::kResponses) {
    ResponsesSink sink(m_.responses, {client_id(asked), x_.asked_model}, shows_filters(), x_.gateway.clock_);
    co_return co_await run_stream(t, call, sink);
  }
  const bool azure = x_.matched->dialect != Dialect::kOpenAi;
  EventSink sink(m_.events, {asked, {client_id(asked), x_.asked_model}, m_.request.include_usage, azure, done_event, shows_filters()});
  co_return co_await run_stream(t, call, sink);
}

net::Task<Result<void>> Sender::respond_collected(Try& t) {
  std::string whole;
  if (Result<void> written = m_.aggregator.write(whole); !written) co_return failed(t, provider::Event::kMalformed, std::move(written).error());
  if (t.bridged) co_return co_await respond_unary(t, whole);
  const std::string_view piece = whole;
  co_return co_await respond({&piece, 1});
}

/// Until when the next piece of the upstream has to come.
Deadline Sender::piece_deadline(const Try& t) const {
  if (x_.events_out == 0) return earlier(t.first_event, x_.total);
  return m_.request.stream ? earlier(x_.gateway.loop_.after(x_.route->deadlines.idle), x_.total) : x_.total;
}

Result<void> Sender::feed_events(std::string_view bytes, bool last, StreamSink& sink) {
  std::string& out = x_.gateway.stream_out_;
  out.clear();
  CHECK_OK(m_.scanner.feed(bytes));
  if (last) m_.scanner.finish();
  while (!sink.ended()) {
    const std::optional<http::SseEvent> event = m_.scanner.next();
    if (!event) break;
    const size_t before = out.size();
    CHECK_OK(sink.feed(*event, out));
    // What is swallowed is no event for the client; of a stream that only we see every one counts.
    if (out.size() != before || !m_.request.stream) ++x_.events_out;
  }
  return {};
}

namespace {
Fail client_left() { return Fail(internal_error(ErrorCode::kCancelled, "the client has gone or reads too slowly")); }
}  // namespace

net::Task<Result<void>> Sender::start_stream() {
  // The first events outlive their buffer, which belongs to the whole loop, where the client reads slowly.
  m_.answer.assign(x_.gateway.stream_out_);
  const iovec bytes = net::piece(m_.answer);
  size_t count = 0;
  const auto fields = answer_fields(count, true);
  x_.status = 200;
  if (!co_await x_.call.start({200, "text/event-stream; charset=utf-8", {fields.data(), count}}, {&bytes, 1})) co_return client_left();
  m_.answer.clear();
  co_return Result<void>{};
}

net::Task<Result<void>> Sender::heartbeat() {
  const iovec comment = net::piece(": \n\n");
  if (!co_await x_.call.write({&comment, 1})) co_return client_left();
  co_return Result<void>{};
}

net::Task<Result<void>> Sender::rest_a_moment() {
  if (co_await net::sleep(x_.gateway.loop_, Nanos{0}, &x_.call.gone()) == net::IoStatus::kCancelled)
    co_return Fail(internal_error(ErrorCode::kCancelled, "the client has gone"));
  co_return Result<void>{};
}

/// One coroutine for all chunks of a stream: between two of them it alone waits, and what it touches is little.
net::Task<Result<void>> Sender::run_stream(Try& t, http::ClientCall& call, StreamSink& sink) {
  const net::Loop& loop = x_.gateway.loop_;
  const std::string& out = x_.gateway.stream_out_;
  m_.answer.clear();
  MonoTime turn = loop.now();
  uint64_t before_turn = 0;
  Deadline end = piece_deadline(t);
  Result<void> outcome;
  for (bool last = false; outcome && !last && !sink.ended();) {
    // Bytes that are there at once never wait, so a wait alone would not end a stream that never pauses.
    if (x_.total.passed(loop.now())) {
      outcome = Fail(internal_error(ErrorCode::kUpstreamTimeout, "the whole request took too long"));
      break;
    }
    const Deadline beat = x_.call.started() ? loop.after(kHeartbeat) : Deadline::never();
    Result<http::ClientCall::Piece> piece = call.ready() ? call.read_ready() : call.take(co_await call.receive(x_.bound(earlier(end, beat))));
    if (!piece) {
      const bool silent = piece.error().code == ErrorCode::kUpstreamTimeout && x_.call.started() && !end.passed(loop.now());
      outcome = Fail(std::move(piece).error());
      if (silent) outcome = co_await heartbeat();
      continue;
    }
    last = piece->last;
    outcome = feed_events(piece->bytes, last, sink);
    if (x_.first_byte_at.ns == 0 && x_.events_out > 0) x_.first_byte_at = x_.gateway.clock_.mono();
    // Nothing is promised yet: another target may still answer.
    if (!outcome && !x_.call.started() && !sink.facts().content_seen) break;
    // The last events leave together with the end of the transfer.
    if (outcome && x_.call.started() && sink.ended() && sink.facts().complete) {
      m_.answer.assign(out);
      break;
    }
    if (!out.empty() && m_.request.stream) {
      const iovec bytes = net::piece(out);
      if (!x_.call.started()) {
        if (Result<void> started = co_await start_stream(); !started) outcome = std::move(started);
      } else if (!x_.call.write_now({&bytes, 1}) && !co_await x_.call.write_rest()) {
        outcome = client_left();
      }
      x_.gateway.stream_out_.clear();
    }
    if (turn != loop.now()) {
      turn = loop.now();
      before_turn = x_.events_out;
    } else if (outcome && x_.events_out - before_turn >= kEventsATurn) {
      outcome = co_await rest_a_moment();
      before_turn = x_.events_out;
    }
    end = piece_deadline(t);
  }
  co_return co_await end_stream(t, call, sink, std::move(outcome));
}

net::Task<Result<void>> Sender::end_stream(Try& t, http::ClientCall& call, StreamSink& sink, Result<void> outcome) {
  x_.upstream_done_at = x_.gateway.clock_.mono();
  const StreamFacts facts = sink.facts();
  meter(facts.usage, facts.content_events);
  if (outcome && !facts.complete) outcome = Fail(internal_error(ErrorCode::kUpstreamFailed, "the stream ended without its end"));
  if (outcome) {
    x_.end = end_of(facts.finish);
    const iovec rest = net::piece(m_.answer);
    if (x_.call.started() && !co_await x_.call.finish({&rest, 1})) x_.end = End::kClientGone;
    // The connection can serve again once the upstream's body has ended, too.
    if (call.stage() != http::CallStage::kDone) (void)co_await call.read({x_.gateway.loop_.after(kBodyEnd), nullptr});
    co_return outcome;
  }
  const bool gone = outcome.error().code == ErrorCode::kCancelled;
  t.answered = x_.call.started() || (facts.content_seen && !m_.request.stream);
  if (x_.call.started() && !gone) {
    m_.answer.clear();
    sink.fail(outcome.error(), m_.answer);
    const iovec bytes = net::piece(m_.answer);
    // The transfer itself ends properly: the error event is the message.
    co_await x_.call.finish({&bytes, 1});
  }
  if (gone) co_return failed(t, provider::Event::kClientGone, std::move(outcome).error());
  if (t.answered) co_return failed(t, provider::Event::kBrokenAfterContent, std::move(outcome).error());
  if (outcome.error().code != ErrorCode::kUpstreamTimeout) co_return failed_inside(t, std::move(outcome).error());
  const bool over = x_.total.passed(x_.gateway.loop_.now());
  co_return failed(t, over ? provider::Event::kTotalTimeout : provider::Event::kFirstEventTimeout, std::move(outcome).error());
}

}  // namespace wye::gateway
