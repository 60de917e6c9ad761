// The HTTP/1.1 server: accepts, reads heads strictly, hands each request to a Handler, drains.
// ServerCall is the seam for HTTP/2: a handler sees payload, never framing.
// Source: RFC 9112; slow-peer limits in limits.hpp.
// Threads: those of one loop; make one Server a loop.
#pragma once

#include "foundation/http/connection_note.hpp"
#include "foundation/http/message.hpp"
#include "foundation/http/target.hpp"
#include "foundation/net/loop.hpp"
#include "foundation/net/scope.hpp"
#include "foundation/net/tls.hpp"

namespace wye::http {

/// One request and its answer, as a handler sees them. Lives as long as the handler's task.
class ServerCall {
 public:
  virtual const Head& head() const = 0;
  virtual const Target& target() const = 0;
  virtual net::Endpoint peer() const = 0;
  /// The chain that the client showed in its TLS handshake: Stream::peer_certificates. Lives as long as the connection.
  virtual std::span<const std::string> peer_certificates() const = 0;
  /// The handler's own, null at first: what it learned of this connection, for its next requests.
  virtual std::unique_ptr<ConnectionNote>& note() = 0;
  virtual std::string_view listener() const = 0;
  /// When the first byte of the request was there.
  virtual MonoTime arrived() const = 0;
  /// Cancelled when the client has gone or a drain has run out of patience. Bind upstream waits to it.
  virtual net::Cancel& gone() = 0;
  virtual bool client_gone() const = 0;

  /// The whole body, in one piece with BufferPool::kSpare readable bytes behind it; valid until the call ends. Sends 100-continue
  /// where the client waits for it, so authenticate first.
  /// Errors: kTooLarge (over `max`), kRequestTimeout (too slow), kClosed, kInvalidRequest (broken chunking).
  virtual net::Task<Result<std::span<char>>> read_body(size_t max) = 0;

  /// A whole answer in one gather write. `body` and `head` live until it returns.
  virtual net::Task<net::Io> respond(ResponseHead head, std::span<const iovec> body) = 0;
  /// An answer whose end is not known yet: head and first pieces leave together.
  virtual net::Task<net::Io> start(ResponseHead head, std::span<const iovec> first) = 0;
  virtual net::Task<net::Io> write(std::span<const iovec> pieces) = 0;
  /// `write` in two steps, for a stream's every chunk: true where the socket took all of it at once, without a coroutine. Else the
  /// rest is copied here, and `co_await write_rest()` sends it before anything else is written. At most 6 pieces.
  virtual bool write_now(std::span<const iovec> pieces) = 0;
  virtual net::Task<net::Io> write_rest() = 0;
  /// The last pieces and the proper end. Without it the client sees a cut answer.
  virtual net::Task<net::Io> finish(std::span<const iovec> last) = 0;
  virtual bool started() const = 0;
  /// Payload bytes of the answer that were handed to the socket.
  virtual uint64_t bytes_out() const = 0;
  virtual uint64_t bytes_in() const = 0;

 protected:
  ~ServerCall() = default;
};

/// Port: what to do with a request. Lives longer than the server.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Answers; where it returns without an answer the connection is closed.
  virtual net::Task<void> answer(ServerCall& call) = 0;
  /// Answers a request that broke a framing rule; the head may be incomplete, only `peer` and `listener` are meaningful.
  virtual net::Task<void> refuse(ServerCall& call, Error error) = 0;
};

/// Connections of the process, over all loops. Threads: any.
class ConnectionCount {
 public:
  explicit ConnectionCount(size_t max) : max_(max) {}
  /// False where the process or (beyond loopback) the address has too many.
  bool enter(const net::Endpoint& peer);
  void leave(const net::Endpoint& peer);
  size_t now() const { return count_.load(std::memory_order_relaxed); }

 private:
  const size_t max_;
  std::atomic<size_t> count_{0};
  std::mutex mutex_;
  std::map<std::array<uint8_t, 17>, size_t> by_address_;
};

struct ServerOptions {
  std::string listener_name;
  Nanos head_time = kHeadTime;
  Nanos body_time = kBodyTime;
  Nanos keep_alive_time = kKeepAliveTime;
  std::shared_ptr<const net::TlsServerContext> tls = nullptr;  // null: plaintext
};

struct RequestMemory;

/// One listener on one loop.
class Server {
 public:
  /// Everything referred to outlives the server.
  Server(net::Loop& loop, const Clock& clock, Handler& handler, ConnectionCount& count, std::unique_ptr<net::Listener> listener,
         ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Begins to accept.
  void start();
  /// Handshakes that begin from now on show this one; connections that stand keep theirs. Only where there was one before.
  void take_tls(std::shared_ptr<const net::TlsServerContext> tls) { options_.tls = std::move(tls); }
  net::Endpoint local() const { return local_; }
  size_t connections() const { return scope_.size(); }
  /// Takes in who has connected already, stops listening, closes what is idle, lets requests in flight end (their answers say
  /// `Connection: close`); after `patience` their clients are cut off. Ends when no connection is left; once a server.
  net::Task<void> drain(Nanos patience);

 private:
  friend class Connection;
  net::Task<void> accept_loop();
  net::Task<void> serve(std::unique_ptr<net::Stream> stream);
  void admit(std::unique_ptr<net::Stream> stream);
  void cut_all();
  std::unique_ptr<RequestMemory> take_memory();
  void give_memory(std::unique_ptr<RequestMemory> memory);

  net::Loop& loop_;
  DateText date_;
  Handler& handler_;
  ConnectionCount& count_;
  std::unique_ptr<net::Listener> listener_;
  net::Endpoint local_;
  ServerOptions options_;
  net::Cancel stop_accepting_;
  net::Cancel idle_;  // listened to by connections that wait for a request
  net::Cancel cut_;   // ends everything
  bool draining_ = false;
  static constexpr size_t kMemoryKept = 256;
  std::vector<std::unique_ptr<RequestMemory>> spare_;  // of connections that idle
  class Connection* connections_ = nullptr;
  class Connection* next_to_cut_ = nullptr;
  net::Scope scope_;
};

}  // namespace wye::http
