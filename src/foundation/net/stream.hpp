// Bytes in, bytes out: a connection, whatever carries it (a socket, TLS over one, a simulated pipe).
// Threads: that of its loop. One coroutine at a time receives and one sends.
#pragma once

#include <sys/uio.h>

#include "foundation/net/task.hpp"
#include "foundation/net/wait.hpp"

namespace wye::net {

/// An address to connect to or listen on. A value; no name, no resolution.
struct Endpoint {
  std::array<uint8_t, 16> address{};  // IPv4 in the first four bytes
  uint16_t port = 0;
  bool v6 = false;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  static Endpoint loopback(uint16_t port) { return Endpoint{{127, 0, 0, 1}, port, false}; }
  bool is_loopback() const;
};
/// `127.0.0.1:8080`, `[::1]:8080`.
std::string to_string(const Endpoint& endpoint);
std::string address_text(const Endpoint& endpoint);
/// Parses a literal address without port (`127.0.0.1`, `::1`, `[::1]`); absent for names and for octal, hex or short forms.
std::optional<Endpoint> parse_address(std::string_view text, uint16_t port);

/// What a try gave: bytes moved, or why not. `again` means: wait for the slot, then try again.
struct TryResult {
  size_t n = 0;
  enum class State : uint8_t { kMoved, kAgain, kEof, kFailed } state = State::kMoved;
};

/// Told, outside any coroutine's turn, that the peer closed or reset its side.
class HangupListener {
 public:
  virtual void on_hangup() = 0;

 protected:
  ~HangupListener() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;

  /// Never blocks. Bytes land in `buffer`; EOF once the peer has sent its last byte.
  virtual TryResult try_receive(std::span<char> buffer) = 0;
  /// Never blocks. May take less than all.
  virtual TryResult try_send(std::span<const iovec> pieces) = 0;
  /// The slot to wait on after `try_receive` said again; likewise for `try_send`. A coroutine that a slot resumes may destroy the
  /// stream: whoever notifies a slot keeps it alive until that event is over.
  virtual WaitSlot& receive_slot() = 0;
  virtual WaitSlot& send_slot() = 0;

  /// No more bytes will be sent; the peer reads EOF.
  virtual void shutdown_send() = 0;
  /// True once the peer's FIN or RST was seen, even if bytes before it are unread.
  virtual bool peer_closed() const = 0;
  /// For a pooled idle connection: true where bytes or a hang-up wait that nobody asked for.
  virtual bool disturbed() const = 0;
  /// At most one; null takes it away. Told once; a hang-up seen before is not told again: look at peer_closed() first.
  virtual void set_hangup_listener(HangupListener* listener) = 0;
  virtual Endpoint peer() const = 0;
  /// The chain that the peer showed in its handshake, DER, leaf first, as long as the stream lives; empty without TLS, where none was asked
  /// for or shown, and on the client's side. The handshake proved that the peer holds the leaf's key, nothing else.
  virtual std::span<const std::string> peer_certificates() const { return {}; }
  /// After a connect: true where the connection stands.
  virtual bool connected() = 0;
  /// Why the last try said kFailed or connected() said no, for the log: "Connection refused". Empty where nothing failed.
  virtual std::string failure() const { return {}; }
};

/// The result of a wait for bytes.
struct Io {
  size_t n = 0;
  IoStatus status = IoStatus::kOk;
  explicit operator bool() const { return status == IoStatus::kOk; }
};

/// `co_await receive_some(stream, buffer, bound)`: at least one byte, or how the wait ended.
class ReceiveSome final : public Waiter {
 public:
  ReceiveSome(Stream& stream, std::span<char> buffer, const Bound& bound) : stream_(stream), buffer_(buffer), bound_(bound) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h) { stream_.receive_slot().wait(*this, h, bound_); }
  Io await_resume() const { return io_; }

 private:
  bool attempt() override;
  void fail(IoStatus status) override { io_ = {0, status}; }
  Stream& stream_;
  std::span<char> buffer_;
  Bound bound_;
  Io io_;
};
inline ReceiveSome receive_some(Stream& stream, std::span<char> buffer, const Bound& bound) { return {stream, buffer, bound}; }

/// `co_await send_gather(stream, pieces, bound)`: all of it, or how the wait ended. Sends at once; only where the socket takes less is
/// the rest copied (the pieces need to live until the call, not until its end) and readiness awaited.
class SendGather final : public Waiter {
 public:
  SendGather(Stream& stream, std::span<const iovec> pieces, const Bound& bound) : stream_(stream), pieces_(pieces), bound_(bound) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h) { stream_.send_slot().wait(*this, h, bound_); }
  Io await_resume() const { return io_; }

 private:
  bool attempt() override;
  void fail(IoStatus status) override { io_.status = status; }
  Stream& stream_;
  std::span<const iovec> pieces_;
  Bound bound_;
  std::string rest_;
  size_t sent_of_rest_ = 0;
  Io io_;
};
inline SendGather send_gather(Stream& stream, std::span<const iovec> pieces, const Bound& bound) { return {stream, pieces, bound}; }

inline iovec piece(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

/// `co_await await_readable(stream, bound)`: bytes, EOF or a failure wait to be received; takes none of them.
class AwaitReadable final : public Waiter {
 public:
  AwaitReadable(Stream& stream, const Bound& bound) : stream_(stream), bound_(bound) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h) { stream_.receive_slot().wait(*this, h, bound_); }
  IoStatus await_resume() const { return status_; }

 private:
  bool attempt() override { return true; }
  void fail(IoStatus status) override { status_ = status; }
  Stream& stream_;
  Bound bound_;
  IoStatus status_ = IoStatus::kOk;
};
inline AwaitReadable await_readable(Stream& stream, const Bound& bound) { return {stream, bound}; }

/// `co_await await_connected(stream, bound)`: kOk once the connection stands, kFailed where it was refused.
class AwaitConnected final : public Waiter {
 public:
  AwaitConnected(Stream& stream, const Bound& bound) : stream_(stream), bound_(bound) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h) { stream_.send_slot().wait(*this, h, bound_); }
  IoStatus await_resume() const { return status_; }

 private:
  bool attempt() override;
  void fail(IoStatus status) override { status_ = status; }
  Stream& stream_;
  Bound bound_;
  IoStatus status_ = IoStatus::kOk;
};
inline AwaitConnected await_connected(Stream& stream, const Bound& bound) { return {stream, bound}; }

}  // namespace wye::net
