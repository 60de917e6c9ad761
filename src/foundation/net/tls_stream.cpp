#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "foundation/net/tls_context.hpp"

namespace wye::net {
namespace {

using State = TryResult::State;
constexpr size_t kRecordBytesMax = 16 << 10;
// What may wait to be sent before OpenSSL is told to wait: a peer that asks for key updates and reads nothing gets no more.
constexpr size_t kUnsentBytesMax = 64 << 10;
constexpr size_t kIdleBytesMax = 64;

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// Between two records their ciphertext buffer is lent to the thread: idle connections hold none.
thread_local std::string spare_buffer;

/// Records over an inner stream. The inner slots are watched all the time by two waiters that never finish; what they learn goes on
/// to the slots of this stream, so that plaintext held by OpenSSL and sockets that are ready stay two things.
class TlsStream final : public Stream {
 public:
  explicit TlsStream(std::unique_ptr<Stream> inner);
  ~TlsStream() override;

  bool prepare(SSL_CTX* context, bool server);
  SSL* ssl() { return ssl_.get(); }
  /// kMoved when it is done.
  State step_handshake();

  TryResult try_receive(std::span<char> buffer) override;
  TryResult try_send(std::span<const iovec> pieces) override;
  WaitSlot& receive_slot() override { return receive_; }
  WaitSlot& send_slot() override { return send_; }
  void shutdown_send() override;
  bool peer_closed() const override { return inner_->peer_closed() || (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  bool disturbed() const override;
  void set_hangup_listener(HangupListener* listener) override { inner_->set_hangup_listener(listener); }
  Endpoint peer() const override { return inner_->peer(); }
  bool connected() override { return inner_->connected(); }
  std::string failure() const override { return failure_; }
  std::span<const std::string> peer_certificates() const override { return peer_certificates_; }

 private:
  class InnerWatch final : public Waiter {
   public:
    InnerWatch(TlsStream& owner, void (TlsStream::*told)()) : owner_(owner), told_(told) {}
    void watch(WaitSlot& slot) { slot.wait(*this, std::noop_coroutine(), {Deadline::never(), nullptr}); }

   private:
    // Must not touch itself afterwards: the stream may be gone.
    bool attempt() override {
      (owner_.*told_)();
      return false;
    }
    void fail(IoStatus) override {}
    TlsStream& owner_;
    void (TlsStream::*told_)();
  };

  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* to, int size);
  static int bio_write(BIO* bio, const char* from, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);

  void on_inner_receive() { receive_.notify(); }
  void on_inner_send();
  /// True where nothing waits to be sent any more.
  bool flush();
  State after(int code);
  template <class Call>
  State attempt(Call call);
  void note_failure(int ssl_error);

  std::unique_ptr<Stream> inner_;
  WaitSlot receive_;
  WaitSlot send_;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::string unsent_;  // ciphertext
  size_t unsent_from_ = 0;
  size_t unreported_ = 0;  // plaintext whose record has not left: the next try_send brings these bytes again and skips them
  std::optional<State> received_end_;
  std::string failure_;
  std::vector<std::string> peer_certificates_;  // of a client, DER, leaf first
  bool inner_eof_ = false;
  bool inner_send_failed_ = false;
  bool receive_wants_send_ = false;
  bool shutdown_begun_ = false;
  bool shutdown_owed_ = false;
  bool shaken_ = false;  // OpenSSL forgets it on errors
  bool broken_ = false;
  bool* gone_ = nullptr;
  InnerWatch inner_receive_{*this, &TlsStream::on_inner_receive};
  InnerWatch inner_send_{*this, &TlsStream::on_inner_send};
};

TlsStream::TlsStream(std::unique_ptr<Stream> inner)
    : inner_(std::move(inner)),
      receive_(inner_->receive_slot().wheel()),
      send_(inner_->send_slot().wheel()) {
  receive_.ready = true;
  send_.ready = true;
  inner_receive_.watch(inner_->receive_slot());
  inner_send_.watch(inner_->send_slot());
}

TlsStream::~TlsStream() {
  if (gone_ != nullptr) *gone_ = true;
}

BIO_METHOD* TlsStream::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  return method;
}

bool TlsStream::prepare(SSL_CTX* context, bool server) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(bio_method());
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (server) SSL_set_accept_state(ssl_.get());
  else SSL_set_connect_state(ssl_.get());
  return true;
}

int TlsStream::bio_read(BIO* bio, char* to, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  TryResult got{0, State::kAgain};
  if (self.inner_->receive_slot().ready) got = self.inner_->try_receive({to, static_cast<size_t>(size)});
  if (got.state == State::kMoved) return static_cast<int>(got.n);
  if (got.state == State::kAgain) {
    BIO_set_retry_read(bio);
    return -1;
  }
  if (got.state == State::kEof) {
    self.inner_eof_ = true;
    return 0;
  }
  return -1;
}

int TlsStream::bio_write(BIO* bio, const char* from, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  if (self.unsent_.size() - self.unsent_from_ >= kUnsentBytesMax) {
    BIO_set_retry_write(bio);
    return -1;
  }
  if (self.unsent_from_ >= kUnsentBytesMax) self.unsent_.erase(0, std::exchange(self.unsent_from_, 0));
  if (self.unsent_.capacity() < spare_buffer.capacity() && self.unsent_.empty()) self.unsent_.swap(spare_buffer);
  self.unsent_.append(from, static_cast<size_t>(size));
  return size;
}

long TlsStream::bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<TlsStream*>(BIO_get_data(bio))->inner_eof_ ? 1 : 0;
  return 0;
}

bool TlsStream::flush() {
  while (unsent_from_ < unsent_.size()) {
    const iovec left = piece(std::string_view(unsent_).substr(unsent_from_));
    const TryResult sent = inner_->try_send({&left, 1});
    if (sent.state == State::kAgain) return false;
    if (sent.state != State::kMoved) {
      inner_send_failed_ = true;
      if (failure_.empty()) failure_ = "tls: " + (inner_->failure().empty() ? std::string("the connection failed") : inner_->failure());
      return false;
    }
    unsent_from_ += sent.n;
  }
  unsent_.clear();
  unsent_from_ = 0;
  if (unsent_.capacity() > spare_buffer.capacity()) unsent_.swap(spare_buffer);
  else if (unsent_.capacity() > kIdleBytesMax) std::string().swap(unsent_);
  if (std::exchange(shutdown_owed_, false)) inner_->shutdown_send();
  return true;
}

void TlsStream::on_inner_send() {
  if (!flush() && !inner_send_failed_) return;
  if (std::exchange(receive_wants_send_, false)) {
    bool gone = false;
    gone_ = &gone;
    receive_.notify();
    if (gone) return;
    gone_ = nullptr;
  }
  send_.notify();
}

void TlsStream::note_failure(int ssl_error) {
  broken_ = true;
  const unsigned long code = ERR_peek_error();
  const bool truncated = inner_eof_ && (ssl_error == SSL_ERROR_SYSCALL || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
  const long verdict = SSL_get_verify_result(ssl_.get());
  std::string reason = take_ssl_reason();
  if (!shaken_ && verdict != X509_V_OK) reason = X509_verify_cert_error_string(verdict);
  else if (truncated) reason = shaken_ ? "peer closed without close_notify" : "peer closed during the handshake";
  else if (code == 0 && !inner_->failure().empty()) reason = inner_->failure();
  if (failure_.empty()) failure_ = "tls: " + reason;
}

/// What an SSL call that did not succeed means for the receiving side.
State TlsStream::after(int code) {
  const int error = SSL_get_error(ssl_.get(), code);
  if (error == SSL_ERROR_WANT_READ) {
    receive_.ready = false;
    return State::kAgain;
  }
  if (error == SSL_ERROR_WANT_WRITE) {
    receive_.ready = false;
    receive_wants_send_ = true;
    return State::kAgain;
  }
  if (error == SSL_ERROR_ZERO_RETURN) return State::kEof;
  note_failure(error);
  return State::kFailed;
}

/// Makes a call of the receiving side, again where only unsent bytes held it up and they have left.
template <class Call>
State TlsStream::attempt(Call call) {
  for (;;) {
    ERR_clear_error();
    const int code = call();
    const State state = code == 1 ? State::kMoved : after(code);
    if (state != State::kAgain || !receive_wants_send_ || !flush()) return state;
    receive_wants_send_ = false;
    receive_.ready = true;
  }
}

State TlsStream::step_handshake() {
  State state = attempt([this] { return SSL_do_handshake(ssl_.get()); });
  shaken_ = state == State::kMoved;
  if (shaken_ && SSL_is_server(ssl_.get()) == 1) peer_certificates_ = certificates_of_client(ssl_.get());
  flush();
  if (inner_send_failed_ && state != State::kFailed) state = State::kFailed;
  return state == State::kEof ? State::kFailed : state;
}

TryResult TlsStream::try_receive(std::span<char> buffer) {
  if (received_end_) return {0, *received_end_};
  size_t moved = 0;
  State state = State::kMoved;
  while (moved < buffer.size() && state == State::kMoved) {
    size_t n = 0;
    state = attempt([&] { return SSL_read_ex(ssl_.get(), buffer.data() + moved, buffer.size() - moved, &n); });
    moved += n;
  }
  if (state == State::kEof || state == State::kFailed) received_end_ = state;
  flush();  // answers to key updates, alerts
  if (moved > 0) return {moved, State::kMoved};
  return {0, state};
}

TryResult TlsStream::try_send(std::span<const iovec> pieces) {
  thread_local std::array<char, kRecordBytesMax> gathered;
  if (broken_ || inner_send_failed_ || shutdown_begun_) return {0, State::kFailed};
  size_t total = 0;
  for (const iovec& p : pieces) total += p.iov_len;
  if (!flush()) {
    send_.ready = false;
    return {0, inner_send_failed_ ? State::kFailed : State::kAgain};
  }
  size_t moved = std::exchange(unreported_, 0);
  if (moved > total) return {0, State::kFailed};
  while (moved < total) {
    size_t n = 0;
    size_t skip = moved;
    for (const iovec& p : pieces) {
      const size_t from = std::min(skip, p.iov_len);
      skip -= from;
      const size_t take = std::min(p.iov_len - from, kRecordBytesMax - n);
      if (take > 0) std::memcpy(gathered.data() + n, static_cast<const char*>(p.iov_base) + from, take);
      n += take;
    }
    ERR_clear_error();
    size_t written = 0;
    const int code = SSL_write_ex(ssl_.get(), gathered.data(), n, &written);
    if (code != 1) {
      note_failure(SSL_get_error(ssl_.get(), code));
      return {0, State::kFailed};
    }
    if (!flush()) {
      if (inner_send_failed_) return {0, State::kFailed};
      unreported_ = n;
      send_.ready = false;
      return {moved, moved > 0 ? State::kMoved : State::kAgain};
    }
    moved += n;
  }
  return {moved, State::kMoved};
}

void TlsStream::shutdown_send() {
  if (std::exchange(shutdown_begun_, true)) return;
  if (!broken_ && !inner_send_failed_ && shaken_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  shutdown_owed_ = true;
  flush();
}

bool TlsStream::disturbed() const {
  if (inner_->peer_closed() || received_end_) return true;
  // Peeking lets OpenSSL take in what is not for us (session tickets, key updates).
  auto& self = const_cast<TlsStream&>(*this);
  char byte = 0;
  size_t n = 0;
  const State state = self.attempt([&] { return SSL_peek_ex(ssl_.get(), &byte, 1, &n); });
  self.flush();
  return state != State::kAgain;
}

/// `co_await Handshake(stream, bound)`.
class Handshake final : public Waiter {
 public:
  Handshake(TlsStream& stream, const Bound& bound) : stream_(stream), bound_(bound) {}
  bool await_ready() {
    if (bound_.cancel != nullptr && bound_.cancel->requested()) {
      status_ = IoStatus::kCancelled;
      return true;
    }
    return attempt();
  }
  void await_suspend(std::coroutine_handle<> h) { stream_.receive_slot().wait(*this, h, bound_); }
  IoStatus await_resume() const { return status_; }

 private:
  bool attempt() override {
    const State state = stream_.step_handshake();
    if (state == State::kFailed) status_ = IoStatus::kFailed;
    return state != State::kAgain;
  }
  void fail(IoStatus status) override { status_ = status; }
  TlsStream& stream_;
  Bound bound_;
  IoStatus status_ = IoStatus::kOk;
};

Task<Result<std::unique_ptr<Stream>>> shake(std::unique_ptr<TlsStream> stream, Bound bound) {
  const IoStatus status = co_await Handshake(*stream, bound);
  if (status == IoStatus::kOk) co_return std::unique_ptr<Stream>(std::move(stream));
  if (status == IoStatus::kTimeout) co_return Fail(internal_error(ErrorCode::kTimeout, "tls: the handshake took too long"));
  if (status == IoStatus::kCancelled) co_return Fail(internal_error(ErrorCode::kCancelled, "tls: cancelled during the handshake"));
  co_return Fail(internal_error(ErrorCode::kIo, stream->failure()));
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> inner, const TlsClientContext& context, std::string server_name,
                                                  Bound bound) {
  if (server_name.ends_with('.')) server_name.pop_back();
  const std::optional<Endpoint> address = parse_address(server_name, 0);
  if (server_name.empty() || server_name.contains('\0'))
    co_return Fail(internal_error(ErrorCode::kUsage, "tls: the server name must be a DNS name or an address, not \"" + server_name + "\""));
  auto stream = std::make_unique<TlsStream>(std::move(inner));
  if (!stream->prepare(context.impl().context.get(), false)) co_return Fail(internal_error(ErrorCode::kInternal, "tls: " + take_ssl_reason()));
  const bool named = expect_server(stream->ssl(), server_name, address, context.impl().clock.wall());
  if (!named) co_return Fail(internal_error(ErrorCode::kUsage, "tls: " + take_ssl_reason()));
  co_return co_await shake(std::move(stream), bound);
}

Task<Result<std::unique_ptr<Stream>>> tls_accept(std::unique_ptr<Stream> inner, const TlsServerContext& context, Bound bound) {
  auto stream = std::make_unique<TlsStream>(std::move(inner));
  if (!stream->prepare(context.impl().context.get(), true)) co_return Fail(internal_error(ErrorCode::kInternal, "tls: " + take_ssl_reason()));
  if (const Clock* clock = context.impl().clock; clock != nullptr) X509_VERIFY_PARAM_set_time(SSL_get0_param(stream->ssl()), clock->wall().seconds());
  co_return co_await shake(std::move(stream), bound);
}

}  // namespace wye::net
