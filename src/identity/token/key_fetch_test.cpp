// How keys are fetched: what an issuer's answers may be, how long they may take, over TLS and from files.
#include "identity/token/key_fetch.hpp"

#include "foundation/crypto/certificate_maker.hpp"
#include "identity/token/test_issuer.hpp"

namespace wye::token {
namespace {

class KeyFetchTest : public testing::Test {
 protected:
  KeyFetchTest() {
    issuers_.play("x", "https://issuer.example", jwks({ec_signer().jwk()}));
    source_ = {.id = "x", .issuer_name = "x", .issuer = "https://issuer.example", .discovery = issuers_.url("x", "metadata"), .loopback_only = true};
  }
  FakeIssuers::Issuer& issuer() { return issuers_["x"]; }
  net::Task<void> fetch_into(std::string uri, std::optional<Result<FetchedKeys>>& into) {
    into = co_await fetch_keys({loop_, resolver_, loop_.clock()}, source_, std::move(uri));
  }
  /// `ok`, or the detail.
  std::string fetch(std::string uri = {}) {
    std::optional<Result<FetchedKeys>> found;
    net::Scope scope;
    const MonoTime begun = loop_.now();
    scope.spawn(fetch_into(std::move(uri), found));
    for (int i = 0; i < 100 && !found; ++i) loop_.run_for(100ms);
    took_ = loop_.now() - begun;
    if (!found) return "never";
    if (*found) keys_ = (*found)->json;
    return *found ? "ok" : found->error().detail;
  }

  net::SimLoop loop_{3};
  net::TableResolver resolver_;
  FakeIssuers issuers_{loop_, loop_.clock()};
  KeySource source_;
  std::string keys_;
  Nanos took_{};
};

TEST_F(KeyFetchTest, MetadataThenKeys) {
  EXPECT_EQ(fetch(), "ok");
  EXPECT_EQ(keys_, issuer().keys);
  EXPECT_EQ(fetch(issuers_.url("x", "keys")), "ok");
  EXPECT_EQ(issuer().metadata_asked, 1) << "a known place saves the question";
  issuer().content_type = "application/jwk-set+json; charset=utf-8";
  EXPECT_EQ(fetch(), "ok");
}

TEST_F(KeyFetchTest, AnswersThatAreNone) {
  issuer().status = 302;
  EXPECT_EQ(fetch(), "status 302") << "nobody is sent elsewhere";
  issuer().status = 404;
  EXPECT_EQ(fetch(), "status 404");
  issuer().status = 200;
  issuer().content_type = "text/html";
  EXPECT_EQ(fetch(), "the answer is no JSON by its content type");
  issuer().content_type = "application/json";
  issuer().issuer = "https://issuer.example/";
  EXPECT_EQ(fetch(), "the metadata is of another issuer than https://issuer.example");
  issuer().issuer = "https://issuer.example";
  for (const std::string_view uri : {"http://10.0.0.1/keys", "https://keys.example/keys", "file:///etc/passwd", "/keys", ""}) {
    // The loopback issuer may not send us elsewhere; an empty one means the issuer's own.
    issuer().jwks_uri = uri;
    EXPECT_EQ(fetch(), uri.empty() ? "ok" : "the jwks_uri is no https URL") << uri;
  }
  issuer().keys = std::string(kKeySetBytesMax.n + 1, ' ');
  EXPECT_EQ(fetch(), "the answer is too large");
  issuer().issuer = std::string(kDiscoveryBytesMax, 'x');
  EXPECT_EQ(fetch(), "the answer is too large");
}

TEST_F(KeyFetchTest, MetadataMeansItself) {
  KeySource source = source_;
  source.loopback_only = false;
  const auto uri = [&](std::string_view json) {
    const auto read = read_metadata(json, source);
    return read ? *read : read.error().detail;
  };
  EXPECT_EQ(uri(R"({"issuer":"https://issuer.example","jwks_uri":"https://keys.example/k"})"), "https://keys.example/k");
  EXPECT_EQ(uri(R"({"issuer":"https://issuer.example","jwks_uri":"http://keys.example/k"})"), "the jwks_uri is no https URL");
  EXPECT_EQ(uri(R"({"issuer":"https://issuer.example","jwks_uri":"http://127.0.0.1/k"})"), "the jwks_uri is no https URL");
  EXPECT_EQ(uri(R"({"issuer":"https://issuer.example"})"), "the metadata has no jwks_uri");
  EXPECT_EQ(uri(R"({"issuer":"https://issuer.example","issuer":"x","jwks_uri":"https://k.example"})"), "the metadata is no strict JSON object");
  EXPECT_EQ(uri("[]"), "the metadata is no strict JSON object");
}

TEST_F(KeyFetchTest, TheBearerIsForTheIssuerAlone) {
  const TestFolder folder;
  source_.bearer_file = folder / "token";
  EXPECT_TRUE(fetch().starts_with("the bearer token for the fetch can not be read"));
  const auto put = [&](std::string_view text) { std::ofstream(source_.bearer_file, std::ios::binary) << text; };
  put("first\n");
  EXPECT_EQ(fetch(), "ok");
  EXPECT_EQ(issuer().authorization, "Bearer first");
  put("second");
  EXPECT_EQ(fetch(), "ok");
  EXPECT_EQ(issuer().authorization, "Bearer second") << "read anew each time";
  put("one\r\nx-evil: yes");
  EXPECT_EQ(fetch(), "ok");
  EXPECT_EQ(issuer().authorization, "") << "what could break a header is not sent";
  put("third");
  FakeIssuers elsewhere(loop_, loop_.clock());
  elsewhere.play("y", "", issuer().keys);
  issuer().jwks_uri = elsewhere.url("y", "keys");
  EXPECT_EQ(fetch(), "ok");
  EXPECT_EQ(elsewhere["y"].keys_asked, 1);
  EXPECT_EQ(elsewhere["y"].authorization, "");
  // A cluster publishes the address of its API server, which wants the token: asked under the issuer's own name.
  issuers_.play("openid", "", issuer().keys);
  issuer().jwks_uri = "http://127.0.0.1:9/openid/v1/jwks";
  EXPECT_EQ(fetch(), "ok");
  EXPECT_EQ(issuers_["openid"].authorization, "Bearer third");
}

TEST_F(KeyFetchTest, Limits) {
  issuer().silent = true;
  EXPECT_NE(fetch(), "ok");
  EXPECT_LE(took_, 5s + 200ms);
  EXPECT_GE(took_, 5s - 200ms);
  issuer().silent = false;
  issuer().delay = 3s;  // each answer is in time, both together are not
  EXPECT_NE(fetch(), "ok");
  EXPECT_LE(took_, 5s + 200ms);
  loop_.swallow_connects(issuers_.endpoint());
  EXPECT_NE(fetch(), "ok");
  EXPECT_LE(took_, 2s + 200ms);
}

/// A certificate authority whose files lie in a folder.
struct FileAuthority {
  FileAuthority(const std::filesystem::path& place, std::string name, WallTime now)
      : folder(place / name),
        from{(now.seconds() - 3'600) * 1'000'000'000},
        until{(now.seconds() + 3'600) * 1'000'000'000} {
    std::filesystem::create_directories(folder);
    put("ca.pem", ca.certificate_pem());
  }
  net::TlsServerFiles issue(std::vector<std::string> names) const {
    const auto made = ca.issue({.dns_names = std::move(names), .not_before = from, .not_after = until, .for_servers = true});
    put("server.pem", made->pem);
    put("server.key", made->key.reveal());
    return {.certificate_chain = folder / "server.pem", .key = folder / "server.key"};
  }
  void put(std::string_view name, std::string_view text) const { std::ofstream(folder / name, std::ios::binary) << text; }
  std::filesystem::path root() const { return folder / "ca.pem"; }

  std::filesystem::path folder;
  WallTime from, until;
  crypto::CertificateAuthority ca =
      std::move(*crypto::CertificateAuthority::make({.common_name = "root", .not_before = from, .not_after = until, .authority = true}));
};

TEST_F(KeyFetchTest, HttpsWithAVerifiedName) {
  const TestFolder folder;
  const FileAuthority authority(folder.path(), "ours", loop_.clock().wall());
  const FileAuthority stranger(folder.path(), "theirs", loop_.clock().wall());
  http::ConnectionCount count(100);
  http::ServerOptions options{.listener_name = "tls"};
  options.tls = std::move(*net::make_tls_server(authority.issue({"issuer.example"})));
  http::Server server(loop_, loop_.clock(), issuers_, count, std::move(*loop_.listen(net::Endpoint::loopback(0))), options);
  server.start();
  const uint16_t port = server.local().port;
  resolver_.set("issuer.example", {net::Endpoint::loopback(port)});
  resolver_.set("other.example", {net::Endpoint::loopback(port)});
  const std::string base = "https://issuer.example:" + std::to_string(port) + "/x/";
  issuer().jwks_uri = base + "keys";
  source_.discovery = base + "metadata";
  source_.loopback_only = false;
  source_.ca_file = authority.root();
  EXPECT_EQ(fetch(), "ok");
  source_.discovery = "https://other.example:" + std::to_string(port) + "/x/metadata";
  EXPECT_NE(fetch(), "ok") << "the certificate is for another name";
  source_.discovery = base + "metadata";
  source_.ca_file = stranger.root();
  EXPECT_NE(fetch(), "ok") << "signed by somebody whom nobody trusts";
  source_.ca_file = folder / "missing.pem";
  EXPECT_NE(fetch(), "ok");
  source_.ca_file = authority.root();
  EXPECT_EQ(fetch(), "ok");
  source_.discovery = "http://issuer.example:" + std::to_string(port) + "/x/metadata";
  EXPECT_EQ(fetch(), "the address of the metadata is no https URL");
}

/// Bundles of SPIFFE trust domains, from a file.
class BundleFileTest : public testing::Test {
 protected:
  BundleFileTest() { use({"corp.example"}); }
  void use(std::vector<std::string> domains) {
    put(jwks({rsa_signer().jwk(R"("use":"jwt-svid")")}));
    rig_.use({rules_of("mesh", spiffe_config(rig_.folder / "bundle.json", std::move(domains)))});
  }
  void put(std::string_view text) {
    const auto path = rig_.write("bundle.json", text);
    std::filesystem::last_write_time(path, std::filesystem::file_time_type(std::chrono::seconds(++written_)));
    rig_.sets.refresh_files();
  }
  std::string outcome() { return rig_.outcome(spiffe(rig_.now()).compact()); }
  std::string bundle(std::string_view members = {}) {
    return "{" + std::string(members) + R"("keys":[)" + rsa_signer().jwk(R"("use":"jwt-svid")") + "]}";
  }
  AuthRig rig_;
  int written_ = 1'000;
};

TEST_F(BundleFileTest, ReadAgainWhenItChanges) {
  EXPECT_EQ(outcome(), "ok");
  put(jwks({rsa_signer_2().named("rsa-1").jwk(R"("use":"jwt-svid")")}));
  EXPECT_EQ(outcome(), "401 jws.signature");
  put(bundle());
  EXPECT_EQ(outcome(), "ok");
  put("{ broken");
  EXPECT_EQ(outcome(), "ok") << "a broken file changes nothing";
  EXPECT_TRUE(rig_.sink.text().contains("issuer.bundle_refused"));
  put(bundle(R"("spiffe_sequence":7,)"));
  put(R"({"spiffe_sequence":6,"keys":[]})");
  EXPECT_EQ(outcome(), "ok") << "an older bundle revokes nothing";
  put(R"({"spiffe_sequence":8,"keys":[]})");
  EXPECT_EQ(outcome(), "401 jws.key") << "an empty one revokes";
}

TEST_F(BundleFileTest, AMissingFile) {
  std::filesystem::remove(rig_.folder / "bundle.json");
  rig_.sets.refresh_files();
  EXPECT_EQ(outcome(), "ok");
  rig_.loop.run_for(25h);
  rig_.sets.refresh_files();
  EXPECT_EQ(outcome(), "503 issuer.stale");
  put(bundle());
  EXPECT_EQ(outcome(), "ok");
  rig_.use({rules_of("mesh", spiffe_config(rig_.folder / "nowhere.json"))});
  EXPECT_EQ(outcome(), "503 issuer.stale");
}

TEST_F(BundleFileTest, EachTrustDomainItsOwnKeys) {
  const auto with = [](std::string_view domain, const TestSigner& signer) {
    return "\"" + std::string(domain) + R"(":{"keys":[)" + signer.named("k").jwk(R"("use":"jwt-svid")") + "]}";
  };
  put(R"({"trust_domains":{)" + with("corp.example", rsa_signer()) + "," + with("partner.example", rsa_signer_2()) + "}}");
  rig_.use({rules_of("mesh", spiffe_config(rig_.folder / "bundle.json", {"corp.example", "partner.example"}))});
  const auto ask = [&](const TestSigner& signer, std::string_view sub) {
    TestToken token = spiffe(rig_.now());
    token.signer = &signer;
    token.header.text("kid", "k");
    token.claims.text("sub", sub);
    return rig_.outcome(token.compact());
  };
  EXPECT_EQ(ask(rsa_signer(), "spiffe://corp.example/a"), "ok");
  EXPECT_EQ(ask(rsa_signer_2(), "spiffe://partner.example/a"), "ok");
  EXPECT_EQ(ask(rsa_signer_2(), "spiffe://corp.example/a"), "401 jws.signature") << "the bundle of sub, and no other";
  EXPECT_EQ(ask(rsa_signer(), "spiffe://partner.example/a"), "401 jws.signature");
}

}  // namespace
}  // namespace wye::token
