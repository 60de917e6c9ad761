// Peers that our own code would never be: old versions, forbidden ciphers, renegotiation, tickets, floods of key updates.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "foundation/net/engine_rig.hpp"
#include "foundation/net/test_certificates.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

const ManualClock kNow;

/// OpenSSL driven by hand over memory, its records carried over a stream.
class RawPeer {
 public:
  RawPeer(std::unique_ptr<Stream> stream, bool server)
      : stream_(std::move(stream)),
        context_(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())) {
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    server_ = server;
  }
  ~RawPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  SSL_CTX* context() { return context_; }
  SSL* ssl() { return ssl_; }
  Stream& stream() { return *stream_; }

  void start() {
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (server_) SSL_set_accept_state(ssl_);
    else SSL_set_connect_state(ssl_);
  }
  /// Sends what OpenSSL wants to send.
  Task<IoStatus> flush(Bound bound) {
    char* bytes = nullptr;
    const long n = BIO_get_mem_data(SSL_get_wbio(ssl_), &bytes);
    const std::string out(bytes, static_cast<size_t>(std::max(n, 0L)));
    (void)BIO_reset(SSL_get_wbio(ssl_));
    co_return co_await send_all(*stream_, out, bound);
  }
  Task<IoStatus> feed(Bound bound) {
    std::array<char, 4096> buffer;
    const Io got = co_await receive_some(*stream_, buffer, bound);
    if (got) BIO_write(SSL_get_rbio(ssl_), buffer.data(), static_cast<int>(got.n));
    co_return got.status;
  }
  /// The reason it failed, or empty.
  Task<std::string> shake(Bound bound) {
    for (;;) {
      ERR_clear_error();
      const int code = SSL_do_handshake(ssl_);
      const int error = SSL_get_error(ssl_, code);
      const char* reason = ERR_reason_error_string(ERR_peek_error());
      const std::string text = reason == nullptr ? "failed" : reason;
      co_await flush(bound);
      if (code == 1) co_return std::string();
      if (error != SSL_ERROR_WANT_READ) co_return text;
      if (const IoStatus status = co_await feed(bound); status != IoStatus::kOk) co_return std::string(to_string(status));
    }
  }
  /// Reads until there is plaintext or none can come.
  Task<std::string> read(Bound bound) {
    std::array<char, 4096> buffer;
    for (;;) {
      const int n = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
      co_await flush(bound);
      if (n > 0) co_return std::string(buffer.data(), static_cast<size_t>(n));
      if (SSL_get_error(ssl_, n) != SSL_ERROR_WANT_READ || co_await feed(bound) != IoStatus::kOk) co_return std::string();
    }
  }

 private:
  std::unique_ptr<Stream> stream_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  bool server_ = false;
};

using TlsResult = Result<std::unique_ptr<Stream>>;
Task<void> serve(std::unique_ptr<Stream> inner, const TlsServerContext& context, TlsResult& out, Bound bound) {
  out = co_await tls_accept(std::move(inner), context, bound);
}
Task<void> call(std::unique_ptr<Stream> inner, const TlsClientContext& context, TlsResult& out, Bound bound) {
  out = co_await tls_connect(std::move(inner), context, "gate.test", bound);
}

struct ClientRow {
  const char* what;
  int version_max;
  const char* ciphers;
  const char* groups;
  bool accepted;
};
Task<void> try_client(Loop& loop, const TlsPairContexts& contexts, const ClientRow& row, std::string& theirs, TlsResult& ours) {
  StreamPair pair = co_await connect_pair(loop);
  const Bound bound{loop.after(2s), nullptr};
  Scope scope;
  scope.spawn(serve(std::move(pair.server), *contexts.server, ours, bound));
  RawPeer peer(std::move(pair.client), false);
  SSL_CTX_set_max_proto_version(peer.context(), row.version_max);
  EXPECT_EQ(SSL_CTX_set_cipher_list(peer.context(), row.ciphers), 1);
  EXPECT_EQ(SSL_CTX_set1_groups_list(peer.context(), row.groups), 1);
  peer.start();
  theirs = co_await peer.shake(bound);
  co_await scope.join();
  if (!ours || !row.accepted) co_return;
  EXPECT_EQ(SSL_session_reused(peer.ssl()), 0);
  EXPECT_EQ(SSL_SESSION_get_ticket_lifetime_hint(SSL_get_session(peer.ssl())), 0u);
}
TEST(TlsServer, RefusesOldVersionsWeakCiphersAndOtherGroups) {
  const auto rows = std::to_array<ClientRow>({
      {"1.3", TLS1_3_VERSION, "ALL", "X25519", true},
      {"1.3 P-384", TLS1_3_VERSION, "ALL", "P-384", true},
      {"1.3 P-521", TLS1_3_VERSION, "ALL", "P-521", false},
      {"1.2 GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "P-256", true},
      {"1.2 ChaCha20", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", "X25519:P-256", true},
      {"1.2 CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", "P-256", false},
      {"1.2 CCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM", "P-256", false},
      {"1.2 P-521", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "P-521", false},
      {"1.1", TLS1_1_VERSION, "ALL:@SECLEVEL=0", "P-256", false},
      {"1.0", TLS1_VERSION, "ALL:@SECLEVEL=0", "P-256", false},
  });
  const TlsPairContexts contexts(kNow);
  for (const ClientRow& row : rows) {
    SCOPED_TRACE(row.what);
    EngineRig rig(Engine::kSim);
    std::string theirs;
    TlsResult ours = Fail(internal_error(ErrorCode::kInternal, "not tried"));
    EXPECT_TRUE(rig.run(try_client(rig.loop(), contexts, row, theirs, ours)));
    EXPECT_EQ(ours.has_value(), row.accepted) << (ours ? "" : ours.error().detail) << " / " << theirs;
    EXPECT_EQ(theirs.empty(), row.accepted) << theirs;
    if (row.version_max < TLS1_2_VERSION && !ours) EXPECT_EQ(ours.error().detail, "tls: unsupported protocol");
  }
}

Task<void> old_server(Loop& loop, const TlsPairContexts& contexts, const TlsServerFiles& files, TlsResult& ours) {
  StreamPair pair = co_await connect_pair(loop);
  const Bound bound{loop.after(2s), nullptr};
  Scope scope;
  scope.spawn(call(std::move(pair.client), *contexts.client, ours, bound));
  RawPeer peer(std::move(pair.server), true);
  SSL_CTX_set_max_proto_version(peer.context(), TLS1_1_VERSION);
  SSL_CTX_set_cipher_list(peer.context(), "ALL:@SECLEVEL=0");
  SSL_CTX_use_certificate_chain_file(peer.context(), files.certificate_chain.c_str());
  SSL_CTX_use_PrivateKey_file(peer.context(), files.key.c_str(), SSL_FILETYPE_PEM);
  peer.start();
  EXPECT_NE(co_await peer.shake(bound), "");
  co_await scope.join();
}
TEST(TlsClient, RefusesAServerThatSpeaksTls11) {
  TlsPairContexts contexts(kNow);
  EngineRig rig(Engine::kSim);
  TlsResult ours = Fail(internal_error(ErrorCode::kInternal, "not tried"));
  EXPECT_TRUE(rig.run(old_server(rig.loop(), contexts, contexts.authority.issue({.names = {"gate.test"}}), ours)));
  ASSERT_FALSE(ours);
  EXPECT_NE(ours.error().detail.find("protocol"), std::string::npos) << ours.error().detail;
}

Task<void> renegotiate(Loop& loop, const TlsPairContexts& contexts) {
  StreamPair pair = co_await connect_pair(loop);
  const Bound bound{loop.after(2s), nullptr};
  TlsResult ours = Fail(internal_error(ErrorCode::kInternal, "not tried"));
  Scope scope;
  scope.spawn(serve(std::move(pair.server), *contexts.server, ours, bound));
  RawPeer peer(std::move(pair.client), false);
  SSL_CTX_set_max_proto_version(peer.context(), TLS1_2_VERSION);
  peer.start();
  EXPECT_EQ(co_await peer.shake(bound), "");
  co_await scope.join();
  EXPECT_EQ(SSL_renegotiate(peer.ssl()), 1);
  SSL_do_handshake(peer.ssl());
  co_await peer.flush(bound);
  std::array<char, 16> buffer;
  // Refused by a warning: no bytes, no new handshake.
  const Io io = co_await receive_some(**ours, buffer, {loop.after(200ms), nullptr});
  EXPECT_NE(io.status, IoStatus::kOk);
  EXPECT_NE(co_await peer.shake({loop.after(200ms), nullptr}), "");
}
TEST(TlsServer, DoesNotRenegotiate) {
  const TlsPairContexts contexts(kNow);
  EngineRig rig(Engine::kSim);
  EXPECT_TRUE(rig.run(renegotiate(rig.loop(), contexts)));
}

/// A server as others are: two session tickets after the handshake, a key update now and then.
Task<void> chatty_server(Loop& loop, const TlsPairContexts& contexts, const TlsServerFiles& files, int key_updates) {
  StreamPair pair = co_await connect_pair(loop);
  const Bound bound{loop.after(20s), nullptr};
  TlsResult ours = Fail(internal_error(ErrorCode::kInternal, "not tried"));
  Scope scope;
  scope.spawn(call(std::move(pair.client), *contexts.client, ours, bound));
  RawPeer peer(std::move(pair.server), true);
  SSL_CTX_use_certificate_chain_file(peer.context(), files.certificate_chain.c_str());
  SSL_CTX_use_PrivateKey_file(peer.context(), files.key.c_str(), SSL_FILETYPE_PEM);
  peer.start();
  EXPECT_EQ(co_await peer.shake(bound), "");
  co_await scope.join();
  EXPECT_TRUE(ours);
  if (!ours) co_return;
  Stream& client = **ours;
  co_await sleep(loop, 50ms);
  EXPECT_FALSE(client.disturbed());  // the tickets are not for us
  for (int i = 0; i < key_updates; ++i) {
    EXPECT_EQ(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    EXPECT_EQ(SSL_do_handshake(peer.ssl()), 1);
  }
  EXPECT_EQ(SSL_write(peer.ssl(), "bytes", 5), 5);
  IoStatus sent{};
  std::string heard(5, '\0');
  // It reads nothing meanwhile: our answers fill the pipe, then we stop reading, and nothing grows.
  scope.spawn([](RawPeer& p, IoStatus& out, Bound b) -> Task<void> { out = co_await p.flush(b); }(peer, sent, bound));
  std::string got;
  const auto receive = [](Stream& s, std::string& into, Bound b) -> Task<void> {
    std::array<char, 16> buffer;
    const Io io = co_await receive_some(s, buffer, b);
    into.assign(buffer.data(), io.n);
  };
  scope.spawn(receive(client, got, bound));
  const bool flood = key_updates > 3000;
  co_await sleep(loop, flood ? Nanos(5s) : Nanos(100ms));
  EXPECT_EQ(got.empty(), flood);
  scope.spawn([](RawPeer& p, Bound b) -> Task<void> { EXPECT_EQ(co_await p.read(b), "thanks"); }(peer, bound));
  while (got.empty() && !bound.deadline.passed(loop.now())) co_await sleep(loop, 10ms);
  EXPECT_EQ(got, "bytes");
  EXPECT_EQ(co_await send_all(client, "thanks", bound), IoStatus::kOk);
  co_await scope.join();
  EXPECT_EQ(sent, IoStatus::kOk);
}
TEST(TlsClient, LetsTicketsAndKeyUpdatesPass) {
  for (const Engine engine : {Engine::kEpoll, Engine::kSim, Engine::kFaultySim}) {
    TlsPairContexts contexts(kNow);
    EngineRig rig(engine);
    EXPECT_TRUE(rig.run(chatty_server(rig.loop(), contexts, contexts.authority.issue({.names = {"gate.test"}}), 3)));
  }
}
TEST(TlsClient, AFloodOfKeyUpdatesIsHeldByBackPressure) {
  TlsPairContexts contexts(kNow);
  EngineRig rig(Engine::kFaultySim);
  EXPECT_TRUE(rig.run(chatty_server(rig.loop(), contexts, contexts.authority.issue({.names = {"gate.test"}}), 6000)));
}

}  // namespace
}  // namespace wye::net
