#include "foundation/http/client.hpp"

#include "foundation/http/slices.hpp"

namespace wye::http {
namespace {

/// How often a send that is stuck looks whether an answer has come instead.
constexpr std::chrono::seconds kEarlyAnswerTime{1};

Error wait_error(net::IoStatus status, std::string detail) {
  switch (status) {
    case net::IoStatus::kTimeout: return internal_error(ErrorCode::kUpstreamTimeout, std::move(detail));
    case net::IoStatus::kCancelled: return internal_error(ErrorCode::kCancelled, std::move(detail));
    default: return internal_error(ErrorCode::kUpstreamFailed, std::move(detail));
  }
}

}  // namespace

ClientCall::~ClientCall() {
  release_buffer();
  if (stream_ != nullptr && stage_ == CallStage::kDone && keep_) origin_.give(std::move(stream_));
}

void ClientCall::release_buffer() {
  if (buffer_ == nullptr) return;
  // Status and length stay; no view into the buffer does.
  head_.drop_views();
  origin_.loop_.buffers().give(std::move(buffer_));
  filled_ = 0;
}

net::Task<Result<void>> ClientCall::connect(net::Bound bound) {
  const MonoTime begun = origin_.loop_.now();
  net::DialResult dialled = co_await net::dial(origin_.loop_, origin_.resolver_, origin_.target_, bound);
  if (!dialled) co_return Fail(std::move(dialled).error());
  stream_ = std::move(*dialled);
  connect_time_ = origin_.loop_.now() - begun;
  co_return Result<void>{};
}

net::Task<Result<void>> ClientCall::exchange(OutCall call, net::Bound bound, bool replayable) {
  stream_ = origin_.take();
  reused_ = stream_ != nullptr;
  if (!reused_) CO_CHECK_OK(co_await connect(bound));
  Result<void> result = co_await attempt(call, bound);
  // A keep-alive race: the server closed the idle connection while the request was on its way.
  if (!result && reused_ && stage_ == CallStage::kSent && replayable && result.error().code == ErrorCode::kUpstreamFailed) {
    stream_.reset();
    reused_ = false;
    CO_CHECK_OK(co_await connect(bound));
    result = co_await attempt(call, bound);
  }
  co_return result;
}

net::Task<Result<void>> ClientCall::attempt(OutCall call, net::Bound bound) {
  stage_ = CallStage::kSent;
  Slices slices(call.pieces);
  while (!slices.done()) {
    const Deadline look = earlier(bound.deadline, origin_.loop_.after(kEarlyAnswerTime));
    const net::Io sent = co_await net::send_gather(*stream_, slices.next(), {look, bound.cancel});
    slices.advance(sent.n);
    const bool stuck = sent.status == net::IoStatus::kTimeout && !bound.deadline.passed(origin_.loop_.now());
    // The peer may answer (and close) without reading all: its answer is worth more than what is left to send.
    if (sent.status == net::IoStatus::kFailed) break;
    if (!sent && !stuck) co_return Fail(wait_error(sent.status, "sending the request"));
    if (!slices.done() && stream_->disturbed()) break;
  }
  const bool whole = slices.done();
  CO_CHECK_OK(co_await receive_head(bound));
  stage_ = CallStage::kAnswering;
  framing_.start_response(head_, call.is_head);
  keep_ = whole && !head_.close && !framing_.until_close();
  if (framing_.done()) static_cast<void>(read_ready());
  co_return Result<void>{};
}

net::Task<Result<void>> ClientCall::receive_head(net::Bound bound) {
  parser_.reset();
  filled_ = 0;
  for (int interim = 0;;) {
    if (filled_ == 0) { CO_CHECK_OK(co_await receive_own(bound)); }
    const Result<HeadParser::Step> step = parser_.parse({buffer_.get(), filled_}, head_);
    if (!step) co_return Fail(internal_error(ErrorCode::kUpstreamFailed, "malformed head: " + step.error().public_message));
    if (*step == HeadParser::Step::kMore) {
      CO_CHECK_OK(co_await receive_own(bound));
      continue;
    }
    if (head_.status >= 200) break;
    if (head_.status == 101 || ++interim > kInterimResponsesMax)
      co_return Fail(internal_error(ErrorCode::kUpstreamFailed, "interim answers nobody asked for"));
    filled_ -= head_.size;
    std::memmove(buffer_.get(), buffer_.get() + head_.size, filled_);
    parser_.reset();
  }
  pending_ = {buffer_.get() + head_.size, filled_ - head_.size};
  co_return Result<void>{};
}

net::Task<Result<void>> ClientCall::receive_own(net::Bound bound) {
  if (filled_ == net::BufferPool::kBytes) co_return Fail(internal_error(ErrorCode::kUpstreamFailed, "malformed head: too large"));
  for (;;) {
    // A call that waits holds no buffer.
    const net::IoStatus status = co_await net::await_readable(*stream_, bound);
    if (status != net::IoStatus::kOk) co_return Fail(wait_error(status, filled_ == 0 ? "no answer" : "the head of the answer is not complete"));
    if (buffer_ == nullptr) buffer_ = origin_.loop_.buffers().take();
    const net::TryResult got = stream_->try_receive({buffer_.get() + filled_, net::BufferPool::kBytes - filled_});
    if (got.state == net::TryResult::State::kMoved) {
      filled_ += got.n;
      stage_ = CallStage::kAnswering;
      co_return Result<void>{};
    }
    if (filled_ == 0) release_buffer();
    if (got.state == net::TryResult::State::kAgain) continue;
    co_return Fail(wait_error(net::IoStatus::kFailed, filled_ == 0 ? "closed without an answer" : "the answer ended within its head"));
  }
}

Result<ClientCall::Piece> ClientCall::read_ready() {
  if (broken_) return Fail(internal_error(ErrorCode::kUpstreamFailed, "malformed body"));
  std::span<char> rest = std::exchange(pending_, {});
  // Payloads move together over the framing between them: one receive is one piece.
  char* begin = rest.data();
  size_t size = 0;
  while (!rest.empty() && !framing_.done()) {
    const Result<BodyFraming::Piece> piece = framing_.next({rest.data(), rest.size()});
    if (!piece) {
      broken_ = true;
      keep_ = false;
      if (size > 0) return Piece{{begin, size}, false};
      return Fail(internal_error(ErrorCode::kUpstreamFailed, "malformed body: " + piece.error().public_message));
    }
    const std::string_view payload = piece->payload;
    if (size == 0) begin = rest.data() + (piece->used - payload.size());
    else if (!payload.empty()) std::memmove(begin + size, payload.data(), payload.size());
    size += payload.size();
    rest = rest.subspan(piece->used);
  }
  if (framing_.done()) {
    // Bytes that nobody asked for: the connection is not used again.
    keep_ = keep_ && rest.empty();
    stage_ = CallStage::kDone;
  }
  return Piece{{begin, size}, framing_.done()};
}

net::ReceiveSome ClientCall::receive(net::Bound bound) {
  release_buffer();
  return net::receive_some(*stream_, origin_.loop_.scratch(), bound);
}

Result<ClientCall::Piece> ClientCall::take(net::Io got) {
  if (got) {
    pending_ = origin_.loop_.scratch().first(got.n);
    return read_ready();
  }
  if (got.status == net::IoStatus::kEof && framing_.until_close()) {
    stage_ = CallStage::kDone;
    keep_ = false;
    framing_ = {};
    return Piece{{}, true};
  }
  broken_ = got.status != net::IoStatus::kTimeout;
  return Fail(wait_error(got.status, "the answer was cut"));
}

net::Task<Result<ClientCall::Piece>> ClientCall::read(net::Bound bound) {
  for (;;) {
    Result<Piece> piece = Piece{};
    if (ready()) piece = read_ready();
    else piece = take(co_await receive(bound));
    if (!piece || piece->last || !piece->bytes.empty()) co_return piece;
  }
}

}  // namespace wye::http
