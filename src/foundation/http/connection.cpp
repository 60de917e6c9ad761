#include "foundation/http/connection.hpp"

namespace wye::http {

Connection::Connection(Server& server, std::unique_ptr<net::Stream> stream) : server_(server), stream_(std::move(stream)), born_(server.loop_.now()) {
  next = server_.connections_;
  if (next != nullptr) next->previous = this;
  server_.connections_ = this;
}

Connection::~Connection() {
  stream_->set_hangup_listener(nullptr);
  (previous != nullptr ? previous->next : server_.connections_) = next;
  if (next != nullptr) next->previous = previous;
  server_.loop_.buffers().give(std::move(buffer_));
}

net::Task<void> Connection::run() {
  for (;;) {
    const Read read = co_await next_request();
    if (read == Read::kEnd) break;
    begin_request();
    if (read == Read::kRefuse) {
      close_ = true;
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
  parser_.reset();
  if (filled_ == 0) {
    // An idle connection holds no buffer: wait for bytes first, take the buffer then.
    server_.loop_.buffers().give(std::move(buffer_));
    pipelined_ = 0;
    const Nanos patience = requests_ == 0 ? Nanos(kFirstByteTime) : server_.options_.keep_alive_time;
    if (server_.draining_ && requests_ > 0) co_return Read::kEnd;
    const net::IoStatus status = co_await net::await_readable(*stream_, bound(patience, &server_.idle_));
    if (status != net::IoStatus::kOk) co_return Read::kEnd;
    buffer_ = server_.loop_.buffers().take();
  } else if (++pipelined_ > kPipelineMax) {
    refusal_ = public_error(ErrorCode::kInvalidRequest, "Too many requests were pipelined.");
    co_return Read::kRefuse;
  }
  arrived_ = server_.loop_.now();
  co_return co_await receive_head();
}

net::Task<Connection::Read> Connection::receive_head() {
  const Deadline deadline = server_.loop_.after(server_.options_.head_time);
  for (bool more = filled_ == 0;;) {
    if (more) {
      if (filled_ == net::BufferPool::kBytes) {
        refusal_ = internal_error(ErrorCode::kHeadTooLarge, "head");
        co_return Read::kRefuse;
      }
      const net::Io got = co_await net::receive_some(*stream_, {buffer_.get() + filled_, net::BufferPool::kBytes - filled_}, {deadline, &server_.cut_});
      if (got.status == net::IoStatus::kTimeout && filled_ > 0) {
        refusal_ = internal_error(ErrorCode::kRequestTimeout, "head");
        co_return Read::kRefuse;
      }
      if (!got) co_return Read::kEnd;
      filled_ += got.n;
    }
    const Result<HeadParser::Step> step = parser_.parse({buffer_.get(), filled_}, head_);
    if (!step) {
      refusal_ = step.error();
      co_return Read::kRefuse;
    }
    if (*step == HeadParser::Step::kDone) co_return Read::kRequest;
    more = true;
  }
}

void Connection::begin_request() {
  answer_ = Answer::kNone;
  bytes_out_ = body_bytes_ = 0;
  body_read_ = false;
  ++requests_;
  gone_.reset();
  client_gone_ = false;
  if (stream_->peer_closed()) on_hangup();
  else stream_->set_hangup_listener(this);
}

net::Task<void> Connection::answer_current() {
  framing_.start_request(head_);
  consumed_ = head_.size;
  const bool old = server_.loop_.now() - born_ > kConnectionAge;
  close_ = head_.close || server_.draining_ || old || requests_ >= kRequestsAConnection;
  const Result<void> parsed = check_request();
  if (!parsed) {
    close_ = true;
    co_await server_.handler_.refuse(*this, Error(parsed.error()));
    co_return;
  }
  co_await server_.handler_.answer(*this);
}

Result<void> Connection::check_request() {
  CHECK_OK(target_.parse(head_));
  const bool bodyless = head_.method == Method::kGet || head_.method == Method::kHead || head_.method == Method::kDelete;
  if (bodyless && !framing_.done()) return Fail(public_error(ErrorCode::kInvalidRequest, "This method takes no body."));
  if (head_.has(Known::kExpect) && !equals_ignore_case(head_.value(Known::kExpect), "100-continue"))
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
  HeadWriter out(head_out_);
  out.text("HTTP/1.1 ");
  out.number(static_cast<uint64_t>(head.status));
  out.text(" ");
  out.text(reason_phrase(head.status));
  out.text("\r\nserver: wye\r\n");
  out.field("date", server_.date_.at(server_.loop_.now()));
  if (!head.content_type.empty()) out.field("content-type", head.content_type);
  for (const OutField& field : head.fields) out.field(field.name, field.value);
  chunked_answer_ = !length && !head_.http_1_0;
  if (length) out.field("content-length", *length);
  else if (chunked_answer_) out.text("transfer-encoding: chunked\r\n");
  else close_ = true;
  if (close_) out.text("connection: close\r\n");
  out.text("\r\n");
  return out.overflow() ? std::string_view() : out.done();
}

size_t Connection::gather(std::span<const iovec> pieces) {
  // Room for the head and a chunk size in front.
  out_.assign(2, iovec{});
  size_t payload = 0;
  for (const iovec& p : pieces) {
    if (p.iov_len == 0) continue;
    payload += p.iov_len;
    out_.push_back(p);
  }
  return payload;
}

void Connection::frame(size_t payload, bool last) {
  if (!chunked_answer_) return;
  if (payload > 0) {
    HeadWriter size(chunk_size_);
    char hex[16];
    size.text({hex, static_cast<size_t>(std::to_chars(hex, hex + sizeof hex, payload, 16).ptr - hex)});
    size.text("\r\n");
    out_[1] = net::piece(size.done());
    out_.push_back(net::piece(last ? "\r\n0\r\n\r\n" : "\r\n"));
  } else if (last) {
    out_.push_back(net::piece("0\r\n\r\n"));
  }
}

net::Task<net::Io> Connection::respond(ResponseHead head, std::span<const iovec> body) {
  const size_t payload = gather(body);
  const std::string_view bytes = write_head(head, payload);
  if (bytes.empty()) {
    answer_ = Answer::kFailed;
    co_return net::Io{0, net::IoStatus::kFailed};
  }
  out_[0] = net::piece(bytes);
  // HEAD gets the head that GET would get.
  if (head_.method == Method::kHead) out_.resize(1);
  answer_ = Answer::kDone;
  co_return co_await send(payload);
}

net::Task<net::Io> Connection::start(ResponseHead head, std::span<const iovec> first) {
  const size_t payload = gather(first);
  const std::string_view bytes = write_head(head, std::nullopt);
  if (bytes.empty()) co_return net::Io{0, net::IoStatus::kFailed};
  out_[0] = net::piece(bytes);
  frame(payload, false);
  answer_ = Answer::kStreaming;
  co_return co_await send(payload);
}

net::Task<net::Io> Connection::write(std::span<const iovec> pieces) {
  const size_t payload = gather(pieces);
  if (payload == 0) co_return net::Io{};
  frame(payload, false);
  co_return co_await send(payload);
}

net::Task<net::Io> Connection::finish(std::span<const iovec> last) {
  const size_t payload = gather(last);
  frame(payload, true);
  const net::Io io = co_await send(payload);
  if (io) answer_ = Answer::kDone;
  co_return io;
}

net::Task<net::Io> Connection::send(size_t payload) {
  // In slices, so that the stall limit counts from the last progress and not for a whole long body.
  net::Io total;
  for (size_t at = 0; at < out_.size();) {
    size_t count = 0;
    size_t bytes = 0;
    while (at + count < out_.size() && count < kPiecesMax && bytes < kSliceBytes) bytes += out_[at + count++].iov_len;
    iovec& last = out_[at + count - 1];
    const size_t excess = bytes > kSliceBytes ? bytes - kSliceBytes : 0;
    last.iov_len -= excess;
    const net::Io io = co_await net::send_gather(*stream_, {&out_[at], count}, bound(kStalledWriteTime, &server_.cut_));
    if (!io) {
      answer_ = Answer::kFailed;
      co_return io;
    }
    total.n += io.n;
    at += count;
    if (excess > 0) {
      --at;
      out_[at] = {static_cast<char*>(out_[at].iov_base) + out_[at].iov_len, excess};
    }
  }
  bytes_out_ += payload;
  co_return total;
}

}  // namespace wye::http
