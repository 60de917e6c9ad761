#include "foundation/http/connection.hpp"

#include "foundation/http/slices.hpp"

namespace wye::http {
namespace {

/// A stalled write is looked at so often; kStalledWriteTime without any progress ends it.
constexpr std::chrono::seconds kStallLook{10};
constexpr int kStallLooks = static_cast<int>(kStalledWriteTime / kStallLook);
constexpr size_t kNowPiecesMax = 6;

/// `1f CR LF` in `out`.
iovec chunk_size(size_t payload, std::array<char, 24>& out) {
  char* end = std::to_chars(out.data(), out.data() + 16, payload, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {out.data(), static_cast<size_t>(end - out.data())};
}

}  // namespace

Connection::Connection(Server& server, std::unique_ptr<net::Stream> stream) : server_(server), stream_(std::move(stream)), born_(server.loop_.now()) {
  next = server_.connections_;
  if (next != nullptr) next->previous = this;
  server_.connections_ = this;
}

Connection::~Connection() {
  stream_->set_hangup_listener(nullptr);
  if (server_.next_to_cut_ == this) server_.next_to_cut_ = next;
  (previous != nullptr ? previous->next : server_.connections_) = next;
  if (next != nullptr) next->previous = previous;
  give_memory();
}

void Connection::take_memory() {
  buffer_ = server_.loop_.buffers().take();
  at_ = server_.take_memory();
}

void Connection::give_memory() {
  server_.loop_.buffers().give(std::move(buffer_));
  server_.give_memory(std::move(at_));
}

net::Task<void> Connection::run() {
  for (;;) {
    const Read read = co_await next_request();
    if (read == Read::kEnd) break;
    begin_request(read);
    if (read == Read::kRefuse) {
      // A copy: the handler takes it by value.
      co_await server_.handler_.refuse(*this, Error(*refusal_));
    } else {
      co_await answer_current();
    }
    if (answer_ != Answer::kDone) break;
    if (close_) {
      co_await linger();
      break;
    }
    end_request();
  }
}

net::Task<Connection::Read> Connection::next_request() {
  if (filled_ == 0) {
    if (!co_await await_bytes()) co_return Read::kEnd;
  } else if (++pipelined_ >= kPipelineMax) {
    refusal_ = public_error(ErrorCode::kInvalidRequest, "Too many requests were pipelined.");
    co_return Read::kRefuse;
  }
  at_->parser.reset();
  arrived_ = server_.loop_.now();
  co_return co_await receive_head();
}

net::Task<bool> Connection::await_bytes() {
  // An idle connection holds no memory: it is taken once there is something to put into it.
  give_memory();
  pipelined_ = 0;
  Deadline end = server_.loop_.after(requests_ == 0 ? Nanos(kFirstByteTime) : server_.options_.keep_alive_time);
  for (;;) {
    net::IoStatus status = net::IoStatus::kOk;
    if (!server_.draining_) status = co_await net::await_readable(*stream_, {end, &server_.idle_});
    const bool draining = server_.draining_;
    if (draining && requests_ == 0) {
      // Whoever has just connected gets a moment to say what for; nothing but a refusal to connect tells clients to go elsewhere.
      end = earlier(end, server_.loop_.after(kDrainFirstByteTime));
      status = co_await net::await_readable(*stream_, {end, &server_.cut_});
    }
    if (status != net::IoStatus::kOk && !draining) co_return false;
    if (server_.cut_.requested()) co_return false;
    // A drain closes what is idle, but a request that lies in the socket already is answered.
    take_memory();
    const net::TryResult got = stream_->try_receive({buffer_.get(), net::BufferPool::kBytes});
    if (got.state == net::TryResult::State::kMoved) {
      filled_ = got.n;
      co_return true;
    }
    give_memory();
    if (got.state != net::TryResult::State::kAgain || draining) co_return false;
  }
}

net::Task<Connection::Read> Connection::receive_head() {
  const Deadline deadline = server_.loop_.after(server_.options_.head_time);
  for (;;) {
    const Result<HeadParser::Step> step = at_->parser.parse({buffer_.get(), filled_}, at_->head);
    if (!step) {
      refusal_ = step.error();
      co_return Read::kRefuse;
    }
    if (*step == HeadParser::Step::kDone) co_return Read::kRequest;
    pipelined_ = 0;
    if (filled_ == net::BufferPool::kBytes) {
      refusal_ = internal_error(ErrorCode::kHeadTooLarge, "head");
      co_return Read::kRefuse;
    }
    const net::Io got = co_await net::receive_some(*stream_, {buffer_.get() + filled_, net::BufferPool::kBytes - filled_}, {deadline, &server_.cut_});
    if (got.status == net::IoStatus::kTimeout) {
      refusal_ = internal_error(ErrorCode::kRequestTimeout, "head");
      co_return Read::kRefuse;
    }
    if (!got) co_return Read::kEnd;
    filled_ += got.n;
  }
}

void Connection::begin_request(Read read) {
  answer_ = Answer::kNone;
  bytes_out_ = body_bytes_ = 0;
  body_read_ = chunked_answer_ = bodiless_answer_ = false;
  ++requests_;
  if (read == Read::kRefuse) {
    // Nothing of the request before may show in the refusal.
    at_->head.clear();
    at_->target.clear();
    framing_ = {};
    close_ = true;
  }
  gone_.reset();
  client_gone_ = false;
  if (stream_->peer_closed()) on_hangup();
  else stream_->set_hangup_listener(this);
}

/// An hour, a tenth more or less by the peer's port: connections that came together do not go together.
bool Connection::is_old() const {
  const Nanos limit = Nanos(kConnectionAge) / 1000 * (900 + stream_->peer().port % 201);
  return server_.loop_.now() - born_ > limit;
}

net::Task<void> Connection::answer_current() {
  framing_.start_request(at_->head);
  consumed_ = at_->head.size;
  close_ = at_->head.close || is_old() || requests_ >= kRequestsAConnection;
  const Result<void> parsed = check_request();
  if (!parsed) {
    close_ = true;
    co_await server_.handler_.refuse(*this, Error(parsed.error()));
    co_return;
  }
  co_await server_.handler_.answer(*this);
}

Result<void> Connection::check_request() {
  CHECK_OK(at_->target.parse(at_->head));
  const bool bodyless = at_->head.method == Method::kGet || at_->head.method == Method::kHead || at_->head.method == Method::kDelete;
  if (bodyless && !framing_.done()) return Fail(public_error(ErrorCode::kInvalidRequest, "This method takes no body."));
  if (at_->head.has(Known::kExpect) && !equals_ignore_case(at_->head.value(Known::kExpect), "100-continue"))
    return Fail(internal_error(ErrorCode::kExpectationFailed, "expect"));
  return {};
}

void Connection::end_request() {
  stream_->set_hangup_listener(nullptr);
  filled_ -= consumed_;
  if (filled_ > 0) std::memmove(buffer_.get(), buffer_.get() + consumed_, filled_);
  consumed_ = 0;
  large_.reset();
}

bool Connection::body_left() {
  // What lies in the buffer already is skipped; only a body that is still on its way costs the connection.
  while (!framing_.done() && consumed_ < filled_) {
    const Result<BodyFraming::Piece> piece = framing_.next({buffer_.get() + consumed_, filled_ - consumed_});
    if (!piece) return true;
    consumed_ += piece->used;
  }
  return !framing_.done();
}

std::string_view Connection::write_head(const ResponseHead& head, std::optional<uint64_t> length) {
  if (!body_read_ && body_left()) close_ = true;
  if (server_.draining_) close_ = true;
  // RFC 9110 §6.4.1 and §8.6: no body and no length in these; HEAD gets the head that GET would get.
  const bool framed = head.status >= 200 && head.status != 204 && head.status != 304;
  bodiless_answer_ = !framed || at_->head.method == Method::kHead;
  const bool chunked = framed && !length && !at_->head.http_1_0;
  chunked_answer_ = chunked && !bodiless_answer_;
  if (framed && !length && !chunked) close_ = true;
  HeadWriter out(at_->head_out);
  out.text("HTTP/1.1 ");
  out.number(static_cast<uint64_t>(head.status));
  out.text(" ");
  out.text(reason_phrase(head.status));
  out.text("\r\nserver: wye\r\n");
  out.field("date", server_.date_.at(server_.loop_.now()));
  if (!head.content_type.empty()) out.field("content-type", head.content_type);
  for (const OutField& field : head.fields) out.field(field.name, field.value);
  if (framed && length) out.field("content-length", *length);
  if (chunked) out.text("transfer-encoding: chunked\r\n");
  if (close_) out.text("connection: close\r\n");
  out.text("\r\n");
  return out.overflow() ? std::string_view() : out.done();
}

size_t Connection::gather(std::span<const iovec> pieces) {
  // Room for the head and a chunk size in front.
  at_->out.assign(2, iovec{});
  size_t payload = 0;
  for (const iovec& p : pieces) {
    if (p.iov_len == 0) continue;
    payload += p.iov_len;
    at_->out.push_back(p);
  }
  return payload;
}

void Connection::frame(size_t payload, bool last) {
  if (!chunked_answer_) return;
  if (payload > 0) {
    at_->out[1] = chunk_size(payload, chunk_size_);
    at_->out.push_back(net::piece(last ? "\r\n0\r\n\r\n" : "\r\n"));
  } else if (last) {
    at_->out.push_back(net::piece("0\r\n\r\n"));
  }
}

net::Task<net::Io> Connection::respond(ResponseHead head, std::span<const iovec> body) {
  if (answer_ != Answer::kNone) co_return net::Io{0, net::IoStatus::kFailed};
  size_t payload = gather(body);
  const std::string_view bytes = write_head(head, payload);
  if (bytes.empty()) {
    answer_ = Answer::kFailed;
    co_return net::Io{0, net::IoStatus::kFailed};
  }
  at_->out[0] = net::piece(bytes);
  if (bodiless_answer_) {
    at_->out.resize(1);
    payload = 0;
  }
  answer_ = Answer::kDone;
  co_return co_await send(payload, server_.cut_);
}

net::Task<net::Io> Connection::start(ResponseHead head, std::span<const iovec> first) {
  if (answer_ != Answer::kNone) co_return net::Io{0, net::IoStatus::kFailed};
  size_t payload = gather(first);
  const std::string_view bytes = write_head(head, std::nullopt);
  if (bytes.empty()) {
    answer_ = Answer::kFailed;
    co_return net::Io{0, net::IoStatus::kFailed};
  }
  at_->out[0] = net::piece(bytes);
  if (bodiless_answer_) {
    at_->out.resize(1);
    payload = 0;
  }
  frame(payload, false);
  answer_ = Answer::kStreaming;
  co_return co_await send(payload, gone_);
}

net::Task<net::Io> Connection::write(std::span<const iovec> pieces) {
  if (answer_ != Answer::kStreaming) co_return net::Io{0, net::IoStatus::kFailed};
  const size_t payload = gather(pieces);
  if (payload == 0 || bodiless_answer_) co_return net::Io{};
  frame(payload, false);
  co_return co_await send(payload, gone_);
}

bool Connection::write_now(std::span<const iovec> pieces) {
  if (answer_ != Answer::kStreaming || gone_.requested()) return false;
  // What goes out at once needs no memory of the connection, which is cold between two chunks.
  std::array<iovec, kNowPiecesMax + 2> out;
  std::array<char, 24> size;
  size_t count = 1;
  size_t payload = 0;
  for (const iovec& p : pieces.first(std::min(pieces.size(), kNowPiecesMax))) {
    payload += p.iov_len;
    out[count++] = p;
  }
  if (pieces.size() > kNowPiecesMax) std::abort();
  if (payload == 0 || bodiless_answer_) return true;
  if (chunked_answer_) {
    out[0] = chunk_size(payload, size);
    out[count++] = net::piece("\r\n");
  }
  const std::span<const iovec> all = std::span(out).subspan(chunked_answer_ ? 0 : 1, count - (chunked_answer_ ? 0 : 1));
  const net::TryResult sent = stream_->try_send(all);
  bytes_out_ += payload;
  size_t skip = sent.n;
  for (const iovec& p : all) {
    const size_t drop = std::min(skip, p.iov_len);
    skip -= drop;
    if (drop < p.iov_len) rest_.append(static_cast<const char*>(p.iov_base) + drop, p.iov_len - drop);
  }
  if (sent.state == net::TryResult::State::kFailed || sent.state == net::TryResult::State::kEof) answer_ = Answer::kFailed;
  return rest_.empty();
}

net::Task<net::Io> Connection::write_rest() {
  if (answer_ != Answer::kStreaming) co_return net::Io{0, net::IoStatus::kFailed};
  if (gone_.requested()) co_return net::Io{0, net::IoStatus::kCancelled};
  at_->out.assign(1, net::piece(rest_));
  const net::Io io = co_await send(0, gone_);
  std::string().swap(rest_);
  co_return io;
}

net::Task<net::Io> Connection::finish(std::span<const iovec> last) {
  if (answer_ != Answer::kStreaming) co_return net::Io{0, net::IoStatus::kFailed};
  const size_t payload = gather(last);
  answer_ = Answer::kDone;
  if (bodiless_answer_) co_return net::Io{};
  frame(payload, true);
  co_return co_await send(payload, gone_);
}

net::Task<net::Io> Connection::send(size_t payload, net::Cancel& cancel) {
  Slices slices(at_->out);
  net::Io total;
  for (int idle_looks = 0; !slices.done();) {
    const net::Io io = co_await net::send_gather(*stream_, slices.next(), bound(kStallLook, &cancel));
    total.n += io.n;
    slices.advance(io.n);
    idle_looks = io.n > 0 ? 0 : idle_looks + 1;
    // After a look the same bytes are offered again, as TLS wants it.
    if (io || (io.status == net::IoStatus::kTimeout && idle_looks < kStallLooks)) continue;
    answer_ = Answer::kFailed;
    total.status = io.status;
    co_return total;
  }
  bytes_out_ += payload;
  co_return total;
}

}  // namespace wye::http
