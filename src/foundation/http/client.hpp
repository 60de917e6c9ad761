// The HTTP/1.1 client: pooled keep-alive connections to one origin and one call on them.
// Source: RFC 9112 §9 (connections). Redirects are answers like any other; nobody follows them. No proxy, no cookies.
// Threads: those of one loop.
#pragma once

#include "foundation/http/framing.hpp"
#include "foundation/net/dialer.hpp"

namespace wye::http {

/// Idle connections to one place, last in first out. Lives longer than its calls.
class Origin {
 public:
  static constexpr size_t kIdleMax = 1024;
  static constexpr std::chrono::seconds kIdleTime{30};

  Origin(net::Loop& loop, net::Resolver& resolver, net::DialTarget target);
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  const net::DialTarget& target() const { return target_; }
  size_t idle() const { return idle_.size(); }
  /// Closes what is idle; connections in use end with their calls.
  void close_idle();

 private:
  friend class ClientCall;
  /// A pooled connection; leaves the pool by itself when the peer closes it.
  class Idle;
  std::unique_ptr<net::Stream> take();
  void give(std::unique_ptr<net::Stream> stream);
  void sweep();
  void drop(Idle* idle);

  net::Loop& loop_;
  net::Resolver& resolver_;
  net::DialTarget target_;
  std::vector<std::unique_ptr<Idle>> idle_;
  std::vector<std::unique_ptr<Idle>> spare_;  // without a connection
  std::optional<net::Loop::TimerToken> sweep_;
};

/// What to send: the head (with its empty line) and the body as one gather. The pieces live until `exchange` has returned; at most
/// kSliceBytes of them are copied while the peer reads slowly.
struct OutCall {
  std::span<const iovec> pieces;
  bool is_head = false;  // the method is HEAD
};

/// How far a call came: decides what may be tried again.
enum class CallStage : uint8_t {
  kNotSent,    // surely not processed: resolve, connect or TLS failed
  kSent,       // the request went out, no byte of an answer came
  kAnswering,  // bytes of an answer came
  kDone,
};

/// One request and its answer. Destroying it before the body ended closes the connection: that is how a call is cancelled.
class ClientCall {
 public:
  explicit ClientCall(Origin& origin) : origin_(origin), parser_(HeadParser::Kind::kResponse) {}
  ~ClientCall();
  ClientCall(const ClientCall&) = delete;
  ClientCall& operator=(const ClientCall&) = delete;

  /// Sends and waits for the head; once a call. An answer that comes before all is sent ends the sending. A reused connection that
  /// dies before any byte of the answer is replaced once by a fresh one where `replayable`. Interim answers (1xx) are skipped.
  /// Errors: kUpstreamFailed, kUpstreamTimeout, kCancelled; `stage` tells how far it came.
  net::Task<Result<void>> exchange(OutCall call, net::Bound bound, bool replayable);

  /// Its fields stay until a `read` has to wait for more bytes, then they are absent; numbers and flags stay for good.
  const Head& head() const { return head_; }

  struct Piece {
    std::string_view bytes;  // valid until the next suspension; what `read_ready` gives, until the next read
    bool last = false;  // the body is complete with it
  };
  /// The next payload. Errors: kUpstreamFailed (cut, broken framing), kUpstreamTimeout (nothing came: it may be called again), kCancelled.
  net::Task<Result<Piece>> read(net::Bound bound);
  /// What of the body has come with the head and is still unread: no suspension. Same errors.
  Result<Piece> read_ready();
  /// True where `read_ready` has something to say.
  bool ready() const { return !pending_.empty() || framing_.done() || broken_; }
  /// `read` in two steps, for a stream's every chunk: no coroutine of its own, so nothing of it waits in memory.
  /// Where `ready()` is false: `call.take(co_await call.receive(bound))`. An empty piece that is not the last one means: again.
  net::ReceiveSome receive(net::Bound bound);
  Result<Piece> take(net::Io got);

  CallStage stage() const { return stage_; }
  bool reused() const { return reused_; }
  /// Time spent to connect, zero on a pooled connection.
  Nanos connect_time() const { return connect_time_; }

 private:
  net::Task<Result<void>> attempt(OutCall call, net::Bound bound);
  net::Task<Result<void>> connect(net::Bound bound);
  net::Task<Result<void>> receive_head(net::Bound bound);
  net::Task<Result<void>> receive_own(net::Bound bound);
  void release_buffer();

  Origin& origin_;
  std::unique_ptr<net::Stream> stream_;
  HeadParser parser_;
  Head head_;
  BodyFraming framing_;
  std::unique_ptr<char[]> buffer_;  // of the loop's pool: the head and what came with it; other coroutines own the scratch meanwhile
  size_t filled_ = 0;
  std::span<char> pending_;  // received, not yet read: in buffer_, or in the scratch within one `read`
  CallStage stage_ = CallStage::kNotSent;
  bool reused_ = false;
  bool keep_ = false;  // the connection may serve again
  bool broken_ = false;  // the body has failed: so does every further read
  Nanos connect_time_{};
};

}  // namespace wye::http
