// Reading the body of a request: in one piece, within size and time.
#include "foundation/http/connection.hpp"

namespace wye::http {

net::Task<Result<size_t>> Connection::receive_body(std::span<char> space) {
  // The first byte within kBodyFirstByteTime, then each window's worth (or the rest) within its window; all of it within the
  // listener's limit. What came quickly does not pay for a stall.
  const Nanos patience = body_came_ ? Nanos(kBodyRateWindow) : Nanos(kBodyFirstByteTime);
  const Deadline deadline{std::min(window_begun_ + patience, body_begun_ + server_.options_.body_time)};
  const net::Io got = co_await net::receive_some(*stream_, space, {deadline, &server_.cut_});
  pipelined_ = 0;
  if (got) {
    window_bytes_ += got.n;
    if (!std::exchange(body_came_, true) || window_bytes_ >= kBodyRateBytes * kBodyRateWindow.count()) {
      window_begun_ = server_.loop_.now();
      window_bytes_ = 0;
    }
    co_return got.n;
  }
  close_ = true;
  if (got.status == net::IoStatus::kTimeout) co_return Fail(internal_error(ErrorCode::kRequestTimeout, "body"));
  co_return Fail(internal_error(ErrorCode::kClosed, "the client closed within its body"));
}

net::Task<Result<std::span<char>>> Connection::read_body(size_t max) {
  if (body_read_) co_return Fail(internal_error(ErrorCode::kInternal, "the body is read once"));
  if (at_->head.content_length.value_or(0) > max) co_return Fail(internal_error(ErrorCode::kTooLarge, "content-length"));
  if (at_->head.has(Known::kExpect) && !at_->head.http_1_0 && !framing_.done() && filled_ == consumed_) {
    const iovec line = net::piece("HTTP/1.1 100 Continue\r\n\r\n");
    const net::Io io = co_await net::send_gather(*stream_, {&line, 1}, bound(kStalledWriteTime, &server_.cut_));
    if (!io) co_return Fail(internal_error(ErrorCode::kClosed, "100-continue"));
  }
  body_begun_ = window_begun_ = server_.loop_.now();
  window_bytes_ = 0;
  body_came_ = filled_ > consumed_;
  Result<std::span<char>> body = std::span<char>{};
  if (at_->head.chunked) body = co_await read_chunked(max);
  else if (at_->head.content_length.value_or(0) > 0) body = co_await read_sized(*at_->head.content_length);
  else body = std::span<char>(buffer_.get() + consumed_, 0);
  body_read_ = body.has_value();
  co_return body;
}

net::Task<Result<std::span<char>>> Connection::read_sized(uint64_t length) {
  const auto size = static_cast<size_t>(length);
  const size_t here = std::min(filled_ - at_->head.size, size);
  char* body = buffer_.get() + at_->head.size;
  body_bytes_ = here;
  framing_ = {};
  if (at_->head.size + size > net::BufferPool::kBytes) {
    large_ = std::make_unique_for_overwrite<char[]>(size + net::BufferPool::kSpare);
    std::memcpy(large_.get(), body, here);
    body = large_.get();
    consumed_ = at_->head.size + here;
    for (size_t got = here; got < size;) {
      CO_TRY(const size_t n, co_await receive_body({body + got, size - got}));
      got += n;
      body_bytes_ = got;
    }
  } else {
    const size_t end = at_->head.size + size;
    while (filled_ < end) {
      CO_TRY(const size_t n, co_await receive_body({buffer_.get() + filled_, net::BufferPool::kBytes - filled_}));
      filled_ += n;
      body_bytes_ = std::min(filled_ - at_->head.size, size);
    }
    consumed_ = end;
  }
  co_return std::span<char>(body, size);
}

net::Task<Result<std::span<char>>> Connection::read_chunked(size_t max) {
  size_t capacity = 0;
  size_t size = 0;
  for (;;) {
    while (!framing_.done() && consumed_ < filled_) {
      Result<BodyFraming::Piece> piece = framing_.next({buffer_.get() + consumed_, filled_ - consumed_});
      if (!piece) {
        close_ = true;
        co_return Fail(std::move(piece).error());
      }
      consumed_ += piece->used;
      body_bytes_ += piece->used;
      const std::string_view payload = piece->payload;
      if (size + payload.size() > max) co_return Fail(internal_error(ErrorCode::kTooLarge, "chunked body"));
      if (size + payload.size() > capacity) {
        const size_t grown = std::min(max, std::max<size_t>({size + payload.size(), capacity * 2, 16 << 10}));
        auto larger = std::make_unique_for_overwrite<char[]>(grown + net::BufferPool::kSpare);
        if (size > 0) std::memcpy(larger.get(), large_.get(), size);
        large_ = std::move(larger);
        capacity = grown;
      }
      if (!payload.empty()) std::memcpy(large_.get() + size, payload.data(), payload.size());
      size += payload.size();
    }
    if (framing_.done()) break;
    // The head stays where it is: views point into it.
    filled_ = consumed_ = at_->head.size;
    CO_TRY(const size_t n, co_await receive_body({buffer_.get() + filled_, net::BufferPool::kBytes - filled_}));
    filled_ += n;
  }
  if (large_ == nullptr) co_return std::span<char>(buffer_.get() + at_->head.size, 0);
  co_return std::span<char>(large_.get(), size);
}

net::Task<void> Connection::linger() {
  // RFC 9112 §9.6: read on for a while, or the client may see a reset instead of its answer.
  stream_->set_hangup_listener(nullptr);
  stream_->shutdown_send();
  server_.loop_.buffers().give(std::move(buffer_));
  large_.reset();
  const Deadline end = server_.loop_.after(kLingerTime);
  for (;;) {
    const Deadline deadline = earlier(end, server_.loop_.after(kLingerIdleTime));
    const net::Io got = co_await net::receive_some(*stream_, server_.loop_.scratch(), {deadline, &server_.cut_});
    if (!got) break;
  }
}

}  // namespace wye::http
