// The model's part: asked as a stream, so that a client that leaves frees it at once, and answered as Azure would.
#include "llm/protocol/errors.hpp"
#include "llm/protocol/unary_rewriter.hpp"
#include "simulator/azure/exchange.hpp"

namespace wye::simulator {
namespace {

using protocol::Operation;

constexpr Nanos kModelTime = std::chrono::minutes(10);  // for the head and between two pieces: prefill of a long prompt is slow
constexpr Nanos kStallMax = std::chrono::minutes(10);
constexpr std::chrono::milliseconds kBodyEnd{50};
constexpr size_t kRefusalBytes = 64 << 10;
constexpr size_t kEmbeddingsBytes = 256 << 20;
constexpr uint64_t kDefaultOutputTokens = 1024;

std::string_view upstream_path(Operation operation) {
  switch (operation) {
    case Operation::kCompletions: return "/v1/completions";
    case Operation::kEmbeddings: return "/v1/embeddings";
    default: return "/v1/chat/completions";
  }
}

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view kType = "text/event-stream";
  return content_type.size() >= kType.size() && http::equals_ignore_case(content_type.substr(0, kType.size()), kType);
}

/// The whole body, at most `max` bytes.
net::Task<Result<std::string>> collect(http::ClientCall& call, net::Bound bound, size_t max) {
  std::string whole;
  for (bool last = false; !last;) {
    CO_TRY(const http::ClientCall::Piece piece, co_await call.read(bound));
    if (whole.size() + piece.bytes.size() > max) co_return Fail(internal_error(ErrorCode::kUpstreamFailed, "the answer is too large"));
    whole.append(piece.bytes);
    last = piece.last;
  }
  co_return whole;
}

}  // namespace

net::Bound Exchange::bound() { return {s_.parts_.loop.after(kModelTime), &call_.gone()}; }

Result<void> Exchange::write_body() {
  protocol::UpstreamTarget target;
  target.model = deployment_->spec.model;
  target.dialect = {.chat_output_cap = protocol::OutputCapName::kMaxTokens, .dimensions = false, .best_of = false};
  target.force_stream = !request_.stream && *place_.operation != Operation::kEmbeddings;
  target.default_output_tokens = kDefaultOutputTokens;
  pieces_.assign(1, iovec{});
  if (*place_.operation == Operation::kResponses) {
    CHECK_OK(protocol::bridge_request(request_, target, body_));
    pieces_.push_back(net::piece(body_));
    return {};
  }
  CHECK_OK(protocol::write_upstream(request_, target, patch_));
  TRY(const auto pieces, patch_.pieces());
  for (const std::string_view piece : pieces) pieces_.push_back(net::piece(piece));
  return {};
}

bool Exchange::write_head(const Upstream& upstream, size_t body_bytes) {
  http::HeadWriter head(head_);
  head.text("POST ");
  head.text(upstream.url.prefix);
  head.text(upstream_path(*place_.operation));
  head.text(" HTTP/1.1\r\nhost: ");
  head.text(upstream.url.authority);
  head.text("\r\ncontent-type: application/json\r\n");
  if (upstream.key != nullptr) {
    head.text("authorization: Bearer ");
    head.text(upstream.key->reveal());
    head.text("\r\n");
  }
  head.field("content-length", body_bytes);
  head.text("\r\n");
  pieces_[0] = net::piece(head.done());
  return !head.overflow();
}

net::Task<Exchange::Step> Exchange::ask() {
  const std::optional<Upstream> upstream = s_.upstreams_.find(deployment_->spec);
  if (!upstream) {
    note("upstream.unknown", deployment_->spec.model);
    co_return service_unavailable();
  }
  if (const Result<void> written = write_body(); !written) co_return refusal_of(written.error());
  size_t bytes = 0;
  for (const iovec& piece : pieces_) bytes += piece.iov_len;
  if (!write_head(*upstream, bytes)) co_return server_error();
  http::ClientCall call(*upstream->origin);
  const Result<void> sent = co_await call.exchange({pieces_, false}, bound(), true);
  if (!sent) co_return upstream_failed(call, sent.error());
  if (call.head().status != 200) co_return co_await read_refusal(call);
  if (*place_.operation == Operation::kEmbeddings) co_return co_await answer_embeddings(call);
  if (!is_event_stream(call.head().value(http::Known::kContentType)))
    co_return upstream_failed(call, internal_error(ErrorCode::kUpstreamFailed, "a stream was asked for, another type came"));
  co_return co_await answer_generation(call);
}

Exchange::Step Exchange::upstream_failed(const http::ClientCall& call, const Error& error) {
  if (error.code == ErrorCode::kCancelled) {
    over_ = true;
    return std::nullopt;
  }
  note("upstream.failed", error.detail);
  if (call.stage() == http::CallStage::kNotSent) return service_unavailable();
  return refusal_of(error);
}

net::Task<Exchange::Step> Exchange::read_refusal(http::ClientCall& call) {
  const int status = call.head().status;
  const Result<std::string> body = co_await collect(call, bound(), kRefusalBytes);
  if (!body && body.error().code == ErrorCode::kCancelled) co_return upstream_failed(call, body.error());
  protocol::UpstreamError error = protocol::parse_upstream_error(status, body ? std::string_view(*body) : std::string_view());
  note("upstream.refused", error.error.detail);
  // llama-server calls an embedding input that does not fit its batch its own fault.
  const bool too_long =
      *place_.operation == Operation::kEmbeddings && status == 500 && error.error.detail.find("too large to process") != std::string::npos;
  if (too_long) error.error = internal_error(ErrorCode::kContextTooLong, std::move(error.error.detail));
  if (error.error.code == ErrorCode::kContextTooLong && error.error.param.empty()) {
    const bool chat = *place_.operation == Operation::kChat;
    error.error.param = chat ? "messages" : *place_.operation == Operation::kCompletions ? "prompt" : "input";
  }
  co_return refusal_of(error.error);
}

net::Task<Exchange::Step> Exchange::answer_embeddings(http::ClientCall& call) {
  const Result<std::string> body = co_await collect(call, bound(), kEmbeddingsBytes);
  if (!body) co_return upstream_failed(call, body.error());
  protocol::UnaryRewriter rewriter;
  const Result<protocol::UnaryAnswer> answer = rewriter.rewrite(
      *body, {.operation = Operation::kEmbeddings, .id = {}, .model = deployment_->answered_model, .encoding = request_.encoding_format});
  if (!answer) co_return upstream_failed(call, answer.error());
  std::string whole;
  whole.reserve(answer->size);
  for (const std::string_view piece : answer->pieces) whole += piece;
  co_return co_await respond(whole);
}

net::Task<Exchange::Step> Exchange::answer_generation(http::ClientCall& call) {
  const bool responses = *place_.operation == Operation::kResponses;
  const Operation spoken = responses ? Operation::kChat : *place_.operation;
  if (!request_.stream) co_return co_await answer_whole(call, spoken);
  if (responses) {
    ResponseSink sink(request_, {id_random_, deployment_->answered_model, s_.parts_.clock.wall()}, markers_);
    co_return co_await relay(call, sink);
  }
  const std::string id = (spoken == Operation::kChat ? "chatcmpl-" : "cmpl-") + id_random_;
  StreamSink sink({.operation = spoken, .names = {id, deployment_->answered_model}, .show_usage = request_.include_usage, .pass_annotations = true},
                  markers_);
  co_return co_await relay(call, sink);
}

net::Task<Exchange::Step> Exchange::answer_whole(http::ClientCall& call, Operation spoken) {
  const std::string id = (spoken == Operation::kChat ? "chatcmpl-" : "cmpl-") + id_random_;
  WholeSink sink({.operation = spoken, .names = {id, deployment_->answered_model}});
  Step refusal = co_await relay(call, sink);
  if (refusal || over_) co_return refusal;
  std::string whole;
  std::string annotated;
  Annotator annotator;
  Result<void> written = sink.write(whole);
  if (written && *place_.operation == Operation::kResponses) {
    protocol::ResponsesBridge bridge;
    bridge.start(request_, {id_random_, deployment_->answered_model, s_.parts_.clock.wall()});
    std::string response;
    written = bridge.write_answer(whole, response);
    if (written) written = annotator.response(response, markers_, annotated);
  } else if (written) {
    written = annotator.answer(whole, markers_, annotated);
  }
  if (!written) co_return upstream_failed(call, written.error());
  co_return co_await respond(annotated);
}

net::Task<Exchange::Step> Exchange::relay(http::ClientCall& call, AnswerSink& sink) {
  http::SseScanner scanner;
  Result<void> outcome;
  for (bool last = false; outcome && !last && !sink.ended();) {
    Result<http::ClientCall::Piece> piece = co_await call.read(bound());
    if (!piece) {
      outcome = Fail(std::move(piece).error());
      break;
    }
    last = piece->last;
    out_.clear();
    outcome = scanner.feed(piece->bytes);
    if (outcome) outcome = take_events(sink, scanner);
    if (last && outcome) {
      scanner.finish();
      outcome = take_events(sink, scanner);
    }
    if (outcome && !out_.empty() && !co_await send_events(sink.ended())) co_return std::nullopt;
  }
  if (outcome && !sink.complete()) outcome = Fail(internal_error(ErrorCode::kUpstreamFailed, "the stream ended without its end"));
  if (outcome) {
    if (request_.stream) co_await call_.finish({});
    // The connection serves again once the model's body has ended, too; a blocked answer is cut off at its source.
    if (call.stage() != http::CallStage::kDone && !markers_.block_completion)
      (void)co_await call.read({s_.parts_.loop.after(kBodyEnd), &call_.gone()});
    co_return std::nullopt;
  }
  Step refusal = upstream_failed(call, outcome.error());
  if (!refusal || !call_.started()) co_return refusal;
  out_.clear();
  sink.fail(out_);
  const iovec bytes = net::piece(out_);
  co_await call_.finish({&bytes, 1});
  co_return std::nullopt;
}

Result<void> Exchange::take_events(AnswerSink& sink, http::SseScanner& scanner) {
  while (!sink.ended()) {
    const std::optional<http::SseEvent> event = scanner.next();
    if (!event) break;
    CHECK_OK(sink.feed(event->data, out_));
    if (markers_.block_completion && sink.content_seen()) return end_blocked(sink);
  }
  return {};
}

/// Ends every choice as the filter would, in the model's place: what came so far stays.
Result<void> Exchange::end_blocked(AnswerSink& sink) {
  const std::string frame =
      R"({"id":"filter","object":"","created":)" + std::to_string(s_.parts_.clock.wall().seconds()) + R"(,"model":"filter","choices":[)";
  const std::string_view answer = *place_.operation == Operation::kCompletions ? R"(,"text":"")" : R"(,"delta":{})";
  for (uint32_t i = 0; i < request_.n; ++i) {
    std::string event = frame + R"({"index":)" + std::to_string(i);
    event += answer;
    CHECK_OK(sink.feed(event + R"(,"finish_reason":"content_filter"}]})", out_));
  }
  const uint64_t prompt = estimate_tokens(request_.content ? request_.content->raw().size() : 0, 0, 1);
  const uint64_t completion = sink.content_events();
  std::string event = frame + R"(],"usage":{"prompt_tokens":)" + std::to_string(prompt) + R"(,"completion_tokens":)" + std::to_string(completion);
  event += R"(,"total_tokens":)" + std::to_string(prompt + completion) + "}}";
  CHECK_OK(sink.feed(event, out_));
  return sink.feed("[DONE]", out_);
}

net::Task<bool> Exchange::send_events(bool last) {
  const bool faulty = fault_ == Fault::kCut || fault_ == Fault::kStall;
  const bool strikes = faulty && (++writes_ >= trip_at_ || last);
  // Struck in the middle of an event, not at its border.
  if (strikes) out_.resize(out_.size() / 2);
  const iovec bytes = net::piece(out_);
  net::Io io;
  if (call_.started()) {
    io = co_await call_.write({&bytes, 1});
  } else {
    fields();
    fields_.push_back({"cache-control", "no-cache"});
    io = co_await call_.start({200, "text/event-stream; charset=utf-8", fields_}, {&bytes, 1});
  }
  if (io && !strikes) co_return true;
  over_ = true;
  if (io && fault_ == Fault::kStall) co_await net::sleep(s_.parts_.loop, kStallMax, &call_.gone());
  co_return false;
}

net::Task<Exchange::Step> Exchange::respond(std::string_view body) {
  const bool cut = fault_ == Fault::kCut;
  if (cut) body = body.substr(0, body.size() / 2);
  const iovec bytes = net::piece(body);
  const http::ResponseHead head{200, "application/json", fields()};
  // Begun and never finished: the client sees a body that breaks off.
  if (cut) co_await call_.start(head, {&bytes, 1});
  else co_await call_.respond(head, {&bytes, 1});
  over_ = true;
  co_return std::nullopt;
}

}  // namespace wye::simulator
