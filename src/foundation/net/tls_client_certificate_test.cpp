// Servers that ask for certificates: what the handshake refuses, and what the stream says afterwards.
#include "foundation/crypto/certificate.hpp"
#include "foundation/net/engine_rig.hpp"
#include "foundation/net/test_certificates.hpp"

#include <fstream>
#include <sstream>

namespace wye::net {
namespace {

using namespace std::chrono_literals;

using TlsResult = Result<std::unique_ptr<Stream>>;

struct Ends {
  TlsResult client = Fail(internal_error(ErrorCode::kInternal, "not tried"));
  TlsResult server = Fail(internal_error(ErrorCode::kInternal, "not tried"));
  IoStatus heard{};  // TLS 1.3 tells a client that was refused only after its own part is done
};

Task<void> serve(std::unique_ptr<Stream> inner, const TlsServerContext& context, TlsResult& out, Bound bound) {
  out = co_await tls_accept(std::move(inner), context, bound);
  if (out) co_await send_all(**out, "hello", bound);
}

Task<void> secure(Loop& loop, const TlsServerContext& server, const TlsClientContext& client, Ends& out) {
  StreamPair pair = co_await connect_pair(loop);
  const Bound bound{loop.after(5s), nullptr};
  Scope scope;
  scope.spawn(serve(std::move(pair.server), server, out.server, bound));
  out.client = co_await tls_connect(std::move(pair.client), client, "gate.test", bound);
  if (out.client) {
    std::array<char, 16> buffer;
    out.heard = (co_await receive_some(**out.client, buffer, bound)).status;
  }
  co_await scope.join();
}

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> fingerprints(std::span<const std::string> chain) {
  std::vector<std::string> all;
  for (const std::string& der : chain) all.push_back(crypto::digest_text(crypto::sha256(der)));
  return all;
}
std::vector<std::string> fingerprints_of_file(const std::filesystem::path& path) {
  std::vector<std::string> all;
  const auto certificates = crypto::certificates_from_pem(text_of(path));
  EXPECT_TRUE(certificates);
  for (const crypto::Certificate& one : *certificates) all.push_back(crypto::digest_text(one.facts().fingerprint));
  return all;
}

class ClientCertificateTest : public testing::TestWithParam<Engine> {
 protected:
  std::unique_ptr<TlsServerContext> server(ClientCertificates clients, const std::filesystem::path& client_ca) {
    TlsServerFiles files = authority.issue({.names = {"gate.test"}});
    files.clients = clients;
    files.client_ca = client_ca;
    auto made = make_tls_server(files, &clock);
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  std::unique_ptr<TlsClientContext> client(const TlsServerFiles* own) {
    auto made = make_tls_client(authority.root(), clock, own == nullptr ? TlsClientFiles{} : TlsClientFiles{own->certificate_chain, own->key});
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  void shake(const TlsServerContext& of_server, const TlsClientContext& of_client, Ends& out) {
    EXPECT_TRUE(rig.run(secure(rig.loop(), of_server, of_client, out)));
  }

  EngineRig rig{GetParam()};
  ManualClock clock;
  TestAuthority authority;
  TestAuthority strangers;
};
std::string engine_name(const testing::TestParamInfo<Engine>& p) {
  constexpr std::array<const char*, 3> kNames = {"Epoll", "Sim", "FaultySim"};
  return kNames[static_cast<size_t>(p.param)];
}
INSTANTIATE_TEST_SUITE_P(All, ClientCertificateTest, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

struct Row {
  const char* what;
  ClientCertificates clients;
  bool with_ca;
  enum class Shown { kNothing, kOurs, kStrangers, kExpired, kForServers } shown;
  std::string refused;  // empty: the handshake succeeds
};
TEST_P(ClientCertificateTest, TheModeDecidesWhatTheHandshakeTakes) {
  using enum ClientCertificates;
  using Shown = Row::Shown;
  const std::vector<Row> rows = {
      {"nobody asks", kNone, false, Shown::kOurs, ""},
      {"asked, nothing", kRequest, true, Shown::kNothing, ""},
      {"asked, ours", kRequest, true, Shown::kOurs, ""},
      {"asked, strangers", kRequest, true, Shown::kStrangers, ""},
      {"asked without authorities, strangers", kRequest, false, Shown::kStrangers, ""},
      {"asked, expired", kRequest, true, Shown::kExpired, ""},
      {"must, nothing", kRequire, true, Shown::kNothing, "peer did not return a certificate"},
      {"must, ours", kRequire, true, Shown::kOurs, ""},
      {"must, strangers", kRequire, true, Shown::kStrangers, "certificate"},
      {"must, expired", kRequire, true, Shown::kExpired, "certificate has expired"},
      {"must, for servers", kRequire, true, Shown::kForServers, "unsuitable certificate purpose"},
      {"must be any, nothing", kRequire, false, Shown::kNothing, "peer did not return a certificate"},
      {"must be any, strangers", kRequire, false, Shown::kStrangers, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    std::optional<TlsServerFiles> own;
    if (row.shown == Shown::kOurs) own = authority.issue({.names = {"caller.test"}, .for_clients = true});
    if (row.shown == Shown::kStrangers) own = strangers.issue({.names = {"caller.test"}, .for_clients = true});
    if (row.shown == Shown::kExpired) own = authority.issue({.names = {"caller.test"}, .not_after_s = 1'750'000'000, .for_clients = true});
    if (row.shown == Shown::kForServers) own = authority.issue({.names = {"caller.test"}});
    const auto of_server = server(row.clients, row.with_ca ? authority.root() : std::filesystem::path());
    const auto of_client = client(own ? &*own : nullptr);
    Ends ends;
    shake(*of_server, *of_client, ends);
    if (!row.refused.empty()) {
      ASSERT_FALSE(ends.server);
      EXPECT_NE(ends.server.error().detail.find(row.refused), std::string::npos) << ends.server.error().detail;
      EXPECT_TRUE(!ends.client || ends.heard == IoStatus::kFailed);
      continue;
    }
    ASSERT_TRUE(ends.server) << ends.server.error().detail;
    EXPECT_EQ(ends.heard, IoStatus::kOk);
    const auto shown = (*ends.server)->peer_certificates();
    if (row.clients == kNone || !own) EXPECT_TRUE(shown.empty());
    else EXPECT_EQ(fingerprints(shown), fingerprints_of_file(own->certificate_chain));
    EXPECT_TRUE((*ends.client)->peer_certificates().empty());
  }
}

TEST_P(ClientCertificateTest, TheWholeChainIsThereLeafFirst) {
  const TlsServerFiles leaf = authority.issue({.names = {"caller.test"}, .for_clients = true});
  std::ofstream(leaf.certificate_chain, std::ios::app) << text_of(strangers.root()) << text_of(authority.root());
  const auto of_server = server(ClientCertificates::kRequest, {});
  const auto of_client = client(&leaf);
  Ends ends;
  shake(*of_server, *of_client, ends);
  ASSERT_TRUE(ends.server);
  EXPECT_EQ(fingerprints((*ends.server)->peer_certificates()), fingerprints_of_file(leaf.certificate_chain));
  EXPECT_EQ((*ends.server)->peer_certificates().size(), 3U);
}

TEST_P(ClientCertificateTest, TheClockOfTheContextJudges) {
  const TlsServerFiles own = authority.issue({.names = {"caller.test"}, .not_after_s = 1'760'000'000 + 3600, .for_clients = true});
  const auto of_server = server(ClientCertificates::kRequire, authority.root());
  const auto of_client = client(&own);
  for (const bool late : {false, true}) {
    Ends ends;
    shake(*of_server, *of_client, ends);
    EXPECT_EQ(ends.server.has_value(), !late);
    clock.advance(2h);
  }
}

TEST(ClientCertificateFiles, WhatIsWrongIsNamed) {
  const ManualClock clock;
  TestAuthority authority;
  TlsServerFiles files = authority.issue({.names = {"gate.test"}});
  files.clients = ClientCertificates::kRequire;
  files.client_ca = authority.folder() / "absent.pem";
  const auto absent = make_tls_server(files, &clock);
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().detail.find("absent.pem: no such file"), std::string::npos) << absent.error().detail;
  files.client_ca = files.key;
  EXPECT_FALSE(make_tls_server(files, &clock));
  files.client_ca = authority.root();
  EXPECT_TRUE(make_tls_server(files, &clock));
  EXPECT_FALSE(make_tls_server(files));  // nobody to judge the time
  const TlsServerFiles one = authority.issue({.names = {"a.test"}, .for_clients = true});
  const TlsServerFiles other = authority.issue({.names = {"b.test"}, .for_clients = true});
  EXPECT_TRUE(make_tls_client(authority.root(), clock, {one.certificate_chain, one.key}));
  EXPECT_FALSE(make_tls_client(authority.root(), clock, {one.certificate_chain, other.key}));
}

}  // namespace
}  // namespace wye::net
