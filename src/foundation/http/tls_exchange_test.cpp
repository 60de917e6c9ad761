// Client and server of this room over TLS, both ours: bodies, streams, the pool, and whom the client believes.
#include <fstream>

#include "foundation/base/test_folder.hpp"
#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/http/http_rig.hpp"

namespace wye::http {
namespace {

constexpr WallTime kBegin{0};
constexpr WallTime kEnd{4'000'000'000'000'000'000};

class TlsExchange : public testing::TestWithParam<Engine> {
 protected:
  TlsExchange() {
    for (const std::string name : {"root", "stranger"}) {
      auto made = crypto::CertificateAuthority::make({.common_name = name, .not_before = kBegin, .not_after = kEnd});
      std::ofstream(folder / (name + ".pem")) << made->certificate_pem();
      const auto issued = made->issue({.dns_names = {"gate.test"}, .not_before = kBegin, .not_after = kEnd, .for_servers = true});
      std::ofstream(folder / (name + "-server.pem")) << issued->pem;
      std::ofstream(folder / (name + "-server.key")) << issued->key.reveal();
    }
    tls = std::move(*net::make_tls_server({folder / "root-server.pem", folder / "root-server.key"}));
    server.emplace(rig.loop(), rig.clock(), handler, count, std::move(*rig.loop().listen(net::Endpoint::loopback(0))),
                   ServerOptions{.listener_name = "test", .tls = tls});
    server->start();
  }
  net::DialTarget target(const net::TlsClientContext& context, std::string name = "gate.test") const {
    return {.host = "127.0.0.1", .port = server->local().port, .tls = &context, .server_name = std::move(name)};
  }
  std::unique_ptr<net::TlsClientContext> trust(std::string_view root) {
    return std::move(*net::make_tls_client(folder / (std::string(root) + ".pem"), rig.clock()));
  }

  TestFolder folder;
  Rig rig{GetParam()};
  net::TableResolver resolver;
  ScriptedHandler handler{rig.loop()};
  ConnectionCount count{10};
  std::shared_ptr<const net::TlsServerContext> tls;
  std::optional<Server> server;
};
INSTANTIATE_TEST_SUITE_P(All, TlsExchange, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

struct Heard {
  int status = 0;
  std::string body;
  bool reused = false;
  std::string error;
};

net::Task<Heard> exchange(Rig& rig, Origin& origin, std::string_view request) {
  Heard heard;
  ClientCall call(origin);
  const iovec piece = net::piece(request);
  const Result<void> sent = co_await call.exchange({{&piece, 1}}, rig.in(20s), true);
  if (!sent) {
    heard.error = sent.error().detail;
    co_return heard;
  }
  heard.status = call.head().status;
  heard.reused = call.reused();
  for (;;) {
    const Result<ClientCall::Piece> part = co_await call.read(rig.in(20s));
    if (!part) {
      heard.error = part.error().detail;
      co_return heard;
    }
    heard.body += part->bytes;
    if (part->last) co_return heard;
  }
}

net::Task<void> in_a_row(Rig& rig, Origin& origin, std::span<const std::string> requests, std::vector<Heard>& out) {
  for (const std::string& request : requests) out.push_back(co_await exchange(rig, origin, request));
}

TEST_P(TlsExchange, BodiesAndStreamsOverOneConnection) {
  const auto context = trust("root");
  Origin origin(rig.loop(), resolver, target(*context));
  std::string large(200'000, 'x');  // many records
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  const std::array requests = {get("/hello"), post("/echo", "small"), post("/echo", large), get("/stream"), get("/nothing"), get("/late")};
  std::vector<Heard> heard;
  ASSERT_TRUE(rig.run(in_a_row(rig, origin, requests, heard)));
  ASSERT_EQ(heard.size(), requests.size());
  const std::array<std::string, 6> bodies = {"hello", "small", large, "one;two;three;four;end", "", "hello"};
  for (size_t i = 0; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].error, "") << i;
    EXPECT_EQ(heard[i].status, i == 4 ? 204 : 200) << i;
    EXPECT_TRUE(heard[i].body == bodies[i]) << i << " " << heard[i].body.substr(0, 100);
    EXPECT_EQ(heard[i].reused, i > 0) << i;
  }
  EXPECT_EQ(count.now(), 1u);
}

TEST_P(TlsExchange, NothingIsSentToWhomTheClientDoesNotBelieve) {
  const auto stranger = trust("stranger");
  const auto known = trust("root");
  for (const net::DialTarget& wrong : {target(*stranger), target(*known, "other.test")}) {
    Origin origin(rig.loop(), resolver, wrong);
    std::vector<Heard> heard;
    const std::array requests = {post("/echo", "secret")};
    ASSERT_TRUE(rig.run(in_a_row(rig, origin, requests, heard)));
    EXPECT_TRUE(heard.at(0).error.contains("tls:")) << heard[0].error;
    EXPECT_EQ(origin.idle(), 0u);
  }
  EXPECT_TRUE(handler.seen.empty());
}

net::Task<void> cut_off(Rig& rig, Origin& origin, Heard& heard) { heard = co_await exchange(rig, origin, get("/half")); }

/// An answer without its end is no answer, however orderly TLS is closed.
TEST_P(TlsExchange, AStreamThatIsCutIsAnError) {
  const auto context = trust("root");
  Origin origin(rig.loop(), resolver, target(*context));
  Heard heard;
  ASSERT_TRUE(rig.run(cut_off(rig, origin, heard)));
  EXPECT_EQ(heard.status, 200);
  EXPECT_NE(heard.error, "");
  EXPECT_EQ(origin.idle(), 0u);
}

}  // namespace
}  // namespace wye::http
