#include "foundation/http/client.hpp"

namespace wye::http {
namespace {

Error wait_error(net::IoStatus status, std::string detail) {
  switch (status) {
    case net::IoStatus::kTimeout: return internal_error(ErrorCode::kUpstreamTimeout, std::move(detail));
    case net::IoStatus::kCancelled: return internal_error(ErrorCode::kCancelled, std::move(detail));
    default: return internal_error(ErrorCode::kUpstreamFailed, std::move(detail));
  }
}

}  // namespace

class Origin::Idle final : public net::HangupListener {
 public:
  Idle(Origin& origin, std::unique_ptr<net::Stream> stream, MonoTime since) : origin_(origin), stream_(std::move(stream)), since_(since) {
    stream_->set_hangup_listener(this);
  }
  ~Idle() {
    if (stream_ != nullptr) stream_->set_hangup_listener(nullptr);
  }
  void on_hangup() override { origin_.drop(this); }
  std::unique_ptr<net::Stream> take() {
    stream_->set_hangup_listener(nullptr);
    return std::move(stream_);
  }
  bool disturbed() const { return stream_->disturbed(); }
  MonoTime since() const { return since_; }

 private:
  Origin& origin_;
  std::unique_ptr<net::Stream> stream_;
  MonoTime since_;
};

Origin::Origin(net::Loop& loop, net::Resolver& resolver, net::DialTarget target) : loop_(loop), resolver_(resolver), target_(std::move(target)) {}

Origin::~Origin() {
  if (sweep_) loop_.cancel_call(*sweep_);
}

void Origin::close_idle() { idle_.clear(); }

std::unique_ptr<net::Stream> Origin::take() {
  while (!idle_.empty()) {
    const std::unique_ptr<Idle> idle = std::move(idle_.back());
    idle_.pop_back();
    if (!idle->disturbed()) return idle->take();
  }
  return nullptr;
}

void Origin::give(std::unique_ptr<net::Stream> stream) {
  if (idle_.size() >= kIdleMax || stream->disturbed()) return;
  idle_.push_back(std::make_unique<Idle>(*this, std::move(stream), loop_.now()));
  if (!sweep_) sweep_ = loop_.call_at(loop_.now() + kIdleTime, [this] { sweep(); });
}

void Origin::sweep() {
  sweep_.reset();
  // The oldest stand in front.
  const auto young = std::ranges::find_if(idle_, [&](const auto& idle) { return loop_.now() - idle->since() < kIdleTime; });
  idle_.erase(idle_.begin(), young);
  if (!idle_.empty()) sweep_ = loop_.call_at(idle_.front()->since() + kIdleTime, [this] { sweep(); });
}

void Origin::drop(Idle* gone) {
  std::erase_if(idle_, [&](const auto& idle) { return idle.get() == gone; });
}

ClientCall::~ClientCall() {
  if (stream_ != nullptr && stage_ == CallStage::kDone && keep_) origin_.give(std::move(stream_));
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
    stage_ = CallStage::kNotSent;
    CO_CHECK_OK(co_await connect(bound));
    result = co_await attempt(call, bound);
  }
  co_return result;
}

net::Task<Result<void>> ClientCall::attempt(OutCall call, net::Bound bound) {
  stage_ = CallStage::kSent;
  const net::Io sent = co_await net::send_gather(*stream_, call.pieces, bound);
  // The peer may have answered (and closed) without reading all: its answer is worth more than the send error.
  if (!sent && sent.status != net::IoStatus::kFailed) co_return Fail(wait_error(sent.status, "sending the request"));
  co_return co_await receive_head(bound, call.is_head);
}

net::Task<Result<void>> ClientCall::receive_head(net::Bound bound, bool is_head) {
  parser_.reset();
  head_bytes_.clear();
  std::string_view bytes;  // from the first byte of the current head on; in the scratch or in head_bytes_
  for (int interim = 0;;) {
    const Result<HeadParser::Step> step = bytes.empty() ? HeadParser::Step::kMore : parser_.parse(bytes, head_);
    if (!step) {
      stage_ = CallStage::kAnswering;
      co_return Fail(internal_error(ErrorCode::kUpstreamFailed, "malformed head: " + step.error().public_message));
    }
    if (*step == HeadParser::Step::kMore) {
      if (head_bytes_.empty()) head_bytes_.assign(bytes);
      CO_TRY(bytes, co_await receive_more(bound));
      continue;
    }
    pending_ = bytes.substr(head_.size);
    if (head_.status >= 200) break;
    if (head_.status == 101 || ++interim > kInterimResponsesMax) {
      stage_ = CallStage::kAnswering;
      co_return Fail(internal_error(ErrorCode::kUpstreamFailed, "interim answers nobody asked for"));
    }
    parser_.reset();
    head_bytes_ = std::string(pending_);
    bytes = head_bytes_;
  }
  stage_ = CallStage::kAnswering;
  framing_.start_response(head_, is_head);
  keep_ = !head_.close && !framing_.until_close();
  if (framing_.done()) piece_of({});
  co_return Result<void>{};
}

net::Task<Result<std::string_view>> ClientCall::receive_more(net::Bound bound) {
  const std::span<char> scratch = origin_.loop_.scratch();
  const net::Io got = co_await net::receive_some(*stream_, scratch, bound);
  if (!got) {
    const bool part = !head_bytes_.empty();
    if (part) stage_ = CallStage::kAnswering;
    co_return Fail(wait_error(got.status, part ? "the answer ended within its head" : "no answer"));
  }
  if (head_bytes_.empty()) co_return std::string_view(scratch.data(), got.n);
  head_bytes_.append(scratch.data(), got.n);
  co_return std::string_view(head_bytes_);
}

ClientCall::Piece ClientCall::piece_of(std::string_view payload) {
  if (framing_.done()) {
    // Bytes that nobody asked for: the connection is not used again.
    keep_ = keep_ && pending_.empty();
    stage_ = CallStage::kDone;
  }
  return Piece{payload, framing_.done()};
}

Result<ClientCall::Piece> ClientCall::read_ready() {
  while (!framing_.done() && !pending_.empty()) {
    Result<BodyFraming::Piece> piece = framing_.next(pending_);
    if (!piece) return Fail(internal_error(ErrorCode::kUpstreamFailed, "malformed body: " + piece.error().public_message));
    pending_.remove_prefix(piece->used);
    if (piece->payload.empty()) continue;
    // The end of the body often stands right behind its last chunk: then this piece is the last, without another turn.
    if (pending_ == "\r\n0\r\n\r\n") {
      CHECK_OK(framing_.next(pending_));
      pending_ = {};
    }
    return piece_of(piece->payload);
  }
  return piece_of({});
}

net::Task<Result<ClientCall::Piece>> ClientCall::read(net::Bound bound) {
  for (;;) {
    if (!pending_.empty() || framing_.done()) {
      Result<Piece> piece = read_ready();
      if (!piece || piece->last || !piece->bytes.empty()) co_return piece;
    }
    const std::span<char> scratch = origin_.loop_.scratch();
    const net::Io got = co_await net::receive_some(*stream_, scratch, bound);
    if (!got) {
      if (got.status == net::IoStatus::kEof && framing_.until_close()) {
        stage_ = CallStage::kDone;
        keep_ = false;
        co_return Piece{{}, true};
      }
      co_return Fail(wait_error(got.status, "the answer was cut"));
    }
    pending_ = {scratch.data(), got.n};
  }
}

}  // namespace wye::http
