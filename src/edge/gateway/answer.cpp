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
    m_.responses.start({client_id(asked), x_.asked_model});
    answer = m_.responses.rewrite(body);
  } else {
    answer = m_.unary.rewrite(body, {asked, client_id(asked), x_.asked_model, m_.request.encoding_format});
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
    ResponsesSink sink(m_.responses, {client_id(asked), x_.asked_model}, x_.gateway.clock_);
    co_return co_await run_stream(t, call, sink);
  }
  const bool azure = x_.matched->dialect != Dialect::kOpenAi;
  EventSink sink(m_.events, {asked, {client_id(asked), x_.asked_model}, m_.request.include_usage, azure, done_event});
  co_return co_await run_stream(t, call, sink);
}

net::Task<Result<void>> Sender::respond_collected(Try& t) {
  std::string whole;
  if (Result<void> written = m_.aggregator.write(whole); !written) co_return failed(t, provider::Event::kMalformed, std::move(written).error());
  if (t.bridged) co_return co_await respond_unary(t, whole);
  const std::string_view piece = whole;
  co_return co_await respond({&piece, 1});
}

net::Task<Result<http::ClientCall::Piece>> Sender::next_piece(const Try& t, http::ClientCall& call) {
  const net::Loop& loop = x_.gateway.loop_;
  const Deadline idle = m_.request.stream ? loop.after(x_.route->deadlines.idle) : x_.total;
  const Deadline end = earlier(x_.events_out == 0 ? t.first_event : idle, x_.total);
  // Bytes that are there at once never wait, so a wait alone would not end a stream that never pauses.
  if (x_.total.passed(loop.now())) co_return Fail(internal_error(ErrorCode::kUpstreamTimeout, "the whole request took too long"));
  for (;;) {
    const Deadline beat = x_.call.started() ? loop.after(kHeartbeat) : Deadline::never();
    Result<http::ClientCall::Piece> piece = co_await call.read(x_.bound(earlier(end, beat)));
    const bool silent = !piece && piece.error().code == ErrorCode::kUpstreamTimeout && x_.call.started() && !end.passed(loop.now());
    if (!silent) co_return piece;
    const iovec comment = net::piece(": \n\n");
    if (!co_await x_.call.write({&comment, 1})) co_return Fail(internal_error(ErrorCode::kCancelled, "the client has gone or reads too slowly"));
  }
}

Result<void> Sender::feed_events(std::string_view bytes, bool last, StreamSink& sink) {
  m_.answer.clear();
  CHECK_OK(m_.scanner.feed(bytes));
  if (last) m_.scanner.finish();
  while (!sink.ended()) {
    const std::optional<http::SseEvent> event = m_.scanner.next();
    if (!event) break;
    const size_t before = m_.answer.size();
    CHECK_OK(sink.feed(*event, m_.answer));
    // What is swallowed is no event for the client; of a stream that only we see every one counts.
    if (m_.answer.size() != before || !m_.request.stream) ++x_.events_out;
  }
  return {};
}

net::Task<net::Io> Sender::pass_on() {
  if (m_.answer.empty() || !m_.request.stream) co_return net::Io{};
  const iovec bytes = net::piece(m_.answer);
  net::Io io;
  if (x_.call.started()) {
    io = co_await x_.call.write({&bytes, 1});
  } else {
    size_t count = 0;
    const auto fields = answer_fields(count, true);
    x_.status = 200;
    io = co_await x_.call.start({200, "text/event-stream; charset=utf-8", {fields.data(), count}}, {&bytes, 1});
  }
  m_.answer.clear();
  co_return io;
}

net::Task<Result<void>> Sender::rest_a_moment() {
  if (co_await net::sleep(x_.gateway.loop_, Nanos{0}, &x_.call.gone()) == net::IoStatus::kCancelled)
    co_return Fail(internal_error(ErrorCode::kCancelled, "the client has gone"));
  co_return Result<void>{};
}

net::Task<Result<void>> Sender::run_stream(Try& t, http::ClientCall& call, StreamSink& sink) {
  const net::Loop& loop = x_.gateway.loop_;
  MonoTime turn = loop.now();
  uint64_t before_turn = 0;
  Result<void> outcome;
  for (bool last = false; outcome && !last && !sink.ended();) {
    const Result<http::ClientCall::Piece> piece = co_await next_piece(t, call);
    if (!piece) {
      outcome = Fail(piece.error());
      break;
    }
    last = piece->last;
    outcome = feed_events(piece->bytes, last, sink);
    if (x_.first_byte_at.ns == 0 && x_.events_out > 0) x_.first_byte_at = x_.gateway.clock_.mono();
    // Nothing is promised yet: another target may still answer.
    if (!outcome && !x_.call.started() && !sink.facts().content_seen) break;
    // The last events leave together with the end of the transfer.
    if (outcome && x_.call.started() && sink.ended() && sink.facts().complete) break;
    if (!co_await pass_on()) outcome = Fail(internal_error(ErrorCode::kCancelled, "the client has gone or reads too slowly"));
    if (turn != loop.now()) {
      turn = loop.now();
      before_turn = x_.events_out;
    } else if (outcome && x_.events_out - before_turn >= kEventsATurn) {
      outcome = co_await rest_a_moment();
      before_turn = x_.events_out;
    }
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
