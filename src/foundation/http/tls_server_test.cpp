// The server over TLS: what a handler sees of the client's certificate, what it keeps with a connection, new certificates while running.
#include <fstream>

#include "foundation/base/test_folder.hpp"
#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/http/http_rig.hpp"

namespace wye::http {
namespace {

constexpr WallTime at(int64_t seconds) { return {seconds * 1'000'000'000}; }

/// Counts the requests of a connection in its note.
struct Count final : ConnectionNote {
  int requests = 0;
};
class NotingHandler final : public Handler {
 public:
  net::Task<void> answer(ServerCall& call) override {
    if (call.note() == nullptr) call.note() = std::make_unique<Count>();
    ++static_cast<Count&>(*call.note()).requests;
    text_ = std::to_string(static_cast<Count&>(*call.note()).requests) + " of a connection, certificates:";
    for (const std::string& der : call.peer_certificates()) text_ += " " + crypto::digest_text(crypto::sha256(der));
    const iovec piece = net::piece(text_);
    co_await call.respond({200, "text/plain", {}}, {&piece, 1});
  }
  net::Task<void> refuse(ServerCall&, Error) override { co_return; }

 private:
  std::string text_;
};

class TlsServerTest : public testing::TestWithParam<Engine> {
 protected:
  TlsServerTest() {
    write("root.pem", root.certificate_pem());
    caller = issue("caller", {.common_name = "caller", .not_before = at(0), .not_after = at(4'000'000'000), .for_clients = true});
  }
  void write(std::string_view name, std::string_view text) { std::ofstream(folder / name) << text; }
  crypto::Digest issue(const std::string& name, const crypto::CertificateSpec& spec) {
    const auto made = root.issue(spec);
    EXPECT_TRUE(made) << made.error().detail;
    write(name + ".pem", made->pem);
    write(name + ".key", made->key.reveal());
    return crypto::certificates_from_pem(made->pem)->front().facts().fingerprint;
  }
  /// A new certificate for the server, and its fingerprint.
  std::shared_ptr<const net::TlsServerContext> server_tls() {
    issue("server", {.dns_names = {"gate.test"}, .not_before = at(0), .not_after = at(4'000'000'000), .for_servers = true});
    auto made = net::make_tls_server({folder / "server.pem", folder / "server.key", net::ClientCertificates::kRequest, {}});
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  std::unique_ptr<net::TlsClientContext> client_tls(bool shows) {
    const net::TlsClientFiles own = shows ? net::TlsClientFiles{folder / "caller.pem", folder / "caller.key"} : net::TlsClientFiles{};
    auto made = net::make_tls_client(folder / "root.pem", rig.clock(), own);
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }

  TestFolder folder;
  crypto::CertificateAuthority root =
      std::move(*crypto::CertificateAuthority::make({.common_name = "root", .not_before = at(0), .not_after = at(4'000'000'000)}));
  crypto::Digest caller{};
  Rig rig{GetParam()};
  NotingHandler handler;
  ConnectionCount count{10};
};
INSTANTIATE_TEST_SUITE_P(All, TlsServerTest, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

net::Task<void> connect(Rig& rig, net::Endpoint to, const net::TlsClientContext& context, RawClient& client, bool& done) {
  if (!co_await client.connect(to)) co_return;
  auto secured = co_await net::tls_connect(std::move(client.stream), context, "gate.test", rig.in(5s));
  EXPECT_TRUE(secured) << secured.error().detail;
  if (!secured) co_return;
  client.stream = std::move(*secured);
  done = true;
}

net::Task<void> two_requests(Rig& rig, net::Endpoint to, const net::TlsClientContext& context, std::string& heard) {
  RawClient client(rig.loop());
  bool done = false;
  co_await connect(rig, to, context, client, done);
  if (!done) co_return;
  EXPECT_TRUE(co_await client.send(get("/x")));
  EXPECT_TRUE(co_await client.hear("certificates:"));
  EXPECT_TRUE(co_await client.send(get("/x", "Connection: close\r\n")));
  co_await client.hear_all();
  heard = client.heard;
}
TEST_P(TlsServerTest, TheHandlerSeesTheChainAndKeepsANote) {
  Server server(rig.loop(), rig.clock(), handler, count, std::move(*rig.loop().listen(net::Endpoint::loopback(0))),
                {.listener_name = "test", .tls = server_tls()});
  server.start();
  for (const bool shows : {true, false}) {
    const auto context = client_tls(shows);
    std::string heard;
    EXPECT_TRUE(rig.run(two_requests(rig, server.local(), *context, heard)));
    const std::string names = shows ? " " + crypto::digest_text(caller) : std::string();
    EXPECT_TRUE(heard.contains("1 of a connection, certificates:" + names)) << heard;
    EXPECT_TRUE(heard.contains("2 of a connection, certificates:" + names)) << heard;
    EXPECT_EQ(count_of(heard, "sha256:"), shows ? 2U : 0U);
  }
}

net::Task<void> plain_request(Rig& rig, net::Endpoint to, std::string& heard) {
  heard = co_await ask(rig.loop(), to, get("/x", "Connection: close\r\n"));
}
TEST_P(TlsServerTest, PlaintextHasNoChain) {
  Server server(rig.loop(), rig.clock(), handler, count, std::move(*rig.loop().listen(net::Endpoint::loopback(0))), {});
  server.start();
  std::string heard;
  EXPECT_TRUE(rig.run(plain_request(rig, server.local(), heard)));
  EXPECT_TRUE(heard.ends_with("1 of a connection, certificates:")) << heard;
}

net::Task<void> over_a_change(Rig& rig, Server& server, std::shared_ptr<const net::TlsServerContext> next, const net::TlsClientContext& before,
                              const net::TlsClientContext& after, std::string& heard) {
  RawClient old(rig.loop());
  bool done = false;
  co_await connect(rig, server.local(), before, old, done);
  EXPECT_TRUE(done);
  server.take_tls(std::move(next));
  RawClient young(rig.loop());
  done = false;
  co_await connect(rig, server.local(), after, young, done);
  EXPECT_TRUE(done);
  EXPECT_TRUE(co_await old.send(get("/x", "Connection: close\r\n")));
  co_await old.hear_all();
  heard = old.heard;
}
TEST_P(TlsServerTest, ANewCertificateIsForNewHandshakesOnly) {
  Server server(rig.loop(), rig.clock(), handler, count, std::move(*rig.loop().listen(net::Endpoint::loopback(0))),
                {.listener_name = "test", .tls = server_tls()});
  server.start();
  const auto before = client_tls(false);
  // Another authority signs from now on: only who trusts it gets in.
  root = std::move(*crypto::CertificateAuthority::make({.common_name = "next", .not_before = at(0), .not_after = at(4'000'000'000)}));
  write("root.pem", root.certificate_pem());
  const auto after = client_tls(false);
  std::string heard;
  EXPECT_TRUE(rig.run(over_a_change(rig, server, server_tls(), *before, *after, heard)));
  EXPECT_TRUE(heard.contains("1 of a connection")) << heard;
}

}  // namespace
}  // namespace wye::http
