// For tests only: an issuer with keys and tokens of its own, on a simulated loop, and everything that believes it.
#pragma once

#include <gtest/gtest.h>

#include "foundation/base/test_folder.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "foundation/http/server.hpp"
#include "foundation/net/sim_loop.hpp"
#include "identity/token/authenticator.hpp"
#include "identity/token/test_keys.hpp"

#include <fstream>

namespace wye::token {

using namespace std::chrono_literals;

inline constexpr std::string_view kTenantA = "1f1e1111-1111-4111-8111-111111111111";
inline constexpr std::string_view kTenantB = "22222222-2222-4222-8222-222222222222";
inline constexpr std::string_view kApi = "33333333-3333-4333-8333-333333333333";
inline constexpr std::string_view kApiUri = "api://contoso.example/wye";
inline constexpr std::string_view kPerson = "44444444-4444-4444-8444-444444444444";
inline constexpr std::string_view kClient = "55555555-5555-4555-8555-555555555555";
inline constexpr std::string_view kGroup = "66666666-6666-4666-8666-666666666666";

/// A key that signs, under a kid. Made once a program: RSA keys take long.
struct TestSigner {
  crypto::PrivateKey key;
  std::string kid;
  /// Its JWK; `more` is JSON text of further members, as `"use":"sig"`.
  std::string jwk(std::string_view more = R"("use":"sig")") const {
    std::string text(key.public_key().jwk());
    text.pop_back();
    text += kid.empty() ? "" : R"(,"kid":")" + kid + '"';
    return text + (more.empty() ? "" : ",") + std::string(more) + "}";
  }
  TestSigner named(std::string other) const { return {key, std::move(other)}; }
};
inline const TestSigner& rsa_signer() {
  static const TestSigner signer{*crypto::PrivateKey::generate_rsa(2'048), "rsa-1"};
  return signer;
}
inline const TestSigner& rsa_signer_2() {
  static const TestSigner signer{*crypto::PrivateKey::generate_rsa(2'048), "rsa-2"};
  return signer;
}
inline const TestSigner& ec_signer() {
  static const TestSigner signer{*crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256), "ec-1"};
  return signer;
}
inline std::string jwks(std::initializer_list<std::string> keys) {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "" : ",") + key;
  return R"({"keys":[)" + text + "]}";
}

/// Members of a JSON object, in order, as JSON text: one of them can be changed.
class Members {
 public:
  Members() = default;
  Members(std::initializer_list<std::pair<std::string, std::string>> list) : list_(list) {}
  Members& set(std::string_view name, std::string_view json) {
    for (auto& [known, value] : list_) {
      if (known != name) continue;
      value = json;
      return *this;
    }
    list_.emplace_back(name, json);
    return *this;
  }
  Members& text(std::string_view name, std::string_view value) { return set(name, '"' + std::string(value) + '"'); }
  Members& erase(std::string_view name) {
    std::erase_if(list_, [&](const auto& member) { return member.first == name; });
    return *this;
  }
  /// Also where there is one of that name.
  Members& add(std::string_view name, std::string_view json) {
    list_.emplace_back(name, json);
    return *this;
  }
  std::string get(std::string_view name) const {
    for (const auto& [known, value] : list_) {
      if (known == name) return value;
    }
    return {};
  }
  std::string inner() const {
    std::string text;
    for (const auto& [name, value] : list_) text += (text.empty() ? "\"" : ",\"") + name + "\":" + value;
    return text;
  }
  std::string json() const { return "{" + inner() + "}"; }

 private:
  std::vector<std::pair<std::string, std::string>> list_;
};

/// A token in the making: what a row of a table may change.
struct TestToken {
  const TestSigner* signer = &rsa_signer();
  std::string alg = "RS256";
  Members header;   // beside alg
  Members claims;

  std::string head() const { return R"({"alg":")" + alg + '"' + (header.inner().empty() ? "" : ",") + header.inner() + "}"; }
  /// Signed over exactly these bytes, whatever they mean.
  std::string sign(std::string_view head_json, std::string_view payload) const {
    const std::string input = crypto::to_base64url(head_json) + "." + crypto::to_base64url(payload);
    return sign_input(input);
  }
  std::string sign_input(const std::string& input) const {
    const auto algorithm = crypto::parse_signature_algorithm(alg).value_or(signer->key.default_algorithm());
    const auto signature = signer->key.sign(algorithm, input);
    return input + "." + crypto::to_base64url(signature ? *signature : *signer->key.sign(signer->key.default_algorithm(), input));
  }
  std::string compact() const { return sign(head(), claims.json()); }
};

inline std::string seconds(WallTime now, std::chrono::seconds d = 0s) { return std::to_string(now.seconds() + d.count()); }

inline Members jwt_header(std::string_view kid = "rsa-1") { return {{"kid", '"' + std::string(kid) + '"'}, {"typ", R"("JWT")"}}; }

inline TestToken entra_v2(WallTime now, std::string_view authority = config::kEntraAuthority, std::string_view tenant = kTenantA) {
  TestToken token{.header = jwt_header(), .claims = {}};
  token.claims.text("aud", kApi).text("iss", std::string(authority) + "/" + std::string(tenant) + "/v2.0");
  token.claims.set("iat", seconds(now, -60s)).set("nbf", seconds(now, -60s)).set("exp", seconds(now, 3600s));
  token.claims.text("azp", kClient).text("azpacr", "1").text("oid", kPerson).text("scp", "chat.create models.list").text("sub", "pairwise");
  token.claims.text("tid", tenant).text("uti", "fqiBqXLPj0eQa82S-IYFAA").text("ver", "2.0");
  return token;
}
inline TestToken entra_v1(WallTime now, std::string_view tenant = kTenantA) {
  TestToken token = entra_v2(now, config::kEntraAuthority, tenant);
  token.header.text("x5t", "rsa-1");
  token.claims.text("iss", "https://sts.windows.net/" + std::string(tenant) + "/").text("aud", kApiUri).text("ver", "1.0");
  token.claims.erase("azp").erase("azpacr").text("appid", kClient).text("appidacr", "2");
  return token;
}
inline TestToken oidc(WallTime now) {
  TestToken token{.header = jwt_header(), .claims = {}};
  token.claims.text("iss", "https://login.fabrikam.example").text("aud", kApiUri).text("sub", "user-7").text("client_id", "cli");
  token.claims.set("iat", seconds(now, -60s)).set("exp", seconds(now, 3600s)).text("jti", "t-1").text("scope", "chat.create");
  return token;
}
inline TestToken rfc9068(WallTime now) {
  TestToken token = oidc(now);
  token.header.text("typ", "at+jwt");
  token.claims.text("iss", "https://strict.fabrikam.example");
  return token;
}
inline TestToken kubernetes(WallTime now) {
  TestToken token{.header = jwt_header().erase("typ"), .claims = {}};
  token.claims.text("iss", "https://kubernetes.default.svc.cluster.local")
      .set("aud", R"(["wye"])")
      .text("sub", "system:serviceaccount:team-a:caller");
  token.claims.set("iat", seconds(now, -60s)).set("nbf", seconds(now, -60s)).set("exp", seconds(now, 3600s)).text("jti", "e51f1fbc");
  token.claims.set("kubernetes.io", R"({"namespace":"team-a","node":{"name":"n1","uid":"517eb86e"},"pod":{"name":"p","uid":"0d8b260e"},)"
                                    R"("serviceaccount":{"name":"caller","uid":"e6a8680e"},"warnafter":1749207362})");
  return token;
}
inline TestToken spiffe(WallTime now) {
  TestToken token{.header = jwt_header(), .claims = {}};
  token.claims.text("sub", "spiffe://corp.example/team-a/caller").set("aud", R"(["wye"])").set("exp", seconds(now, 300s));
  return token;
}

inline config::FilePath file_path(const std::filesystem::path& path) { return {path.string(), path.string()}; }

inline config::Issuer entra_config(std::vector<std::string> tenants = {std::string(kTenantA)}) {
  config::Issuer issuer;
  issuer.type = config::IssuerType::kEntra;
  issuer.entra.emplace();
  issuer.entra->tenant_ids = std::move(tenants);
  issuer.audiences = {std::string(kApi), std::string(kApiUri)};
  return issuer;
}
inline config::Issuer oidc_config(std::string url = "https://login.fabrikam.example", bool strict = false) {
  config::Issuer issuer;
  issuer.type = config::IssuerType::kOidc;
  issuer.oidc.emplace();
  issuer.oidc->issuer = std::move(url);
  issuer.oidc->rfc9068 = strict;
  issuer.audiences = {std::string(kApiUri)};
  return issuer;
}
inline config::Issuer kubernetes_config() {
  config::Issuer issuer;
  issuer.type = config::IssuerType::kKubernetes;
  issuer.kubernetes.emplace();
  issuer.kubernetes->issuer = "https://kubernetes.default.svc.cluster.local";
  issuer.audiences = {"wye"};
  return issuer;
}
inline config::Issuer spiffe_config(const std::filesystem::path& bundle, std::vector<std::string> domains = {"corp.example"}) {
  config::Issuer issuer;
  issuer.type = config::IssuerType::kSpiffe;
  issuer.spiffe.emplace();
  issuer.spiffe->trust_domains = std::move(domains);
  issuer.spiffe->bundle_file = file_path(bundle);
  issuer.audiences = {"wye"};
  return issuer;
}
inline IssuerRulesPtr rules_of(std::string name, const config::Issuer& issuer) {
  auto rules = make_issuer_rules(std::move(name), issuer);
  EXPECT_TRUE(rules) << rules.error().detail;
  return rules ? *rules : nullptr;
}

/// Plays issuers over plain http on the loopback of a SimLoop: `GET /NAME/metadata` and `GET /NAME/keys`.
class FakeIssuers final : public http::Handler {
 public:
  struct Issuer {
    std::string issuer{};       // what the metadata calls itself
    std::string keys{};         // the set
    std::string jwks_uri{};     // empty: its own
    std::string content_type = "application/json";
    int status = 200;
    Nanos delay{};              // before each answer
    bool silent = false;        // never answers
    int metadata_asked = 0;
    int keys_asked = 0;
    std::string authorization{};  // of the last request
  };
  explicit FakeIssuers(net::Loop& loop, const Clock& clock)
      : loop_(loop),
        server_(loop, clock, *this, count_, std::move(*loop.listen(net::Endpoint::loopback(0))), {.listener_name = "issuer"}) {
    server_.start();
  }
  Issuer& operator[](const std::string& name) { return issuers_[name]; }
  std::string url(const std::string& name, std::string_view what) const {
    return "http://127.0.0.1:" + std::to_string(server_.local().port) + "/" + name + "/" + std::string(what);
  }
  net::Endpoint endpoint() const { return server_.local(); }
  /// Makes every source of the rules come from here; each plays under its source's id.
  IssuerRulesPtr move_here(const IssuerRulesPtr& rules, std::string_view keys) {
    auto moved = std::make_shared<IssuerRules>(*rules);
    for (KeySource& source : moved->sources) {
      if (source.discovery.empty()) continue;
      const std::string name = path_name(source.id);
      source.discovery = url(name, "metadata");
      source.loopback_only = true;
      if (!issuers_.contains(name)) play(name, source.issuer, keys);
    }
    return moved;
  }
  void play(const std::string& name, const std::string& as, std::string_view keys) {
    issuers_[name].issuer = as;
    issuers_[name].keys = keys;
  }
  static std::string path_name(std::string id) {
    std::ranges::replace(id, '#', '.');
    return id;
  }

 private:
  net::Task<void> answer(http::ServerCall& call) override {
    const std::string path(call.target().path());
    const size_t slash = path.find('/', 1);
    const auto found = issuers_.find(path.substr(1, slash - 1));
    if (found == issuers_.end()) co_return;
    const std::string name = found->first;
    Issuer& issuer = found->second;
    const bool keys = path.ends_with("/keys") || path.ends_with("/jwks");
    issuer.authorization = call.head().value(http::Known::kAuthorization);
    ++(keys ? issuer.keys_asked : issuer.metadata_asked);
    if (issuer.silent) co_await net::sleep(loop_, 1h, &call.gone());
    if (issuer.delay > 0ns) co_await net::sleep(loop_, issuer.delay, &call.gone());
    const std::string uri = issuer.jwks_uri.empty() ? url(name, "keys") : issuer.jwks_uri;
    const std::string body = keys ? issuer.keys : R"({"issuer":")" + issuer.issuer + R"(","jwks_uri":")" + uri + "\"}";
    const iovec piece = net::piece(body);
    co_await call.respond({issuer.status, issuer.content_type, {}}, {&piece, 1});
  }
  net::Task<void> refuse(http::ServerCall&, Error) override { co_return; }

  net::Loop& loop_;
  std::map<std::string, Issuer> issuers_;
  http::ConnectionCount count_{10'000};
  http::Server server_;
};

/// Everything between a header and a Principal, on one simulated loop.
class AuthRig {
 public:
  AuthRig() : AuthRig(1) {}
  explicit AuthRig(uint64_t seed) : loop(seed) {}
  WallTime now() const { return loop.clock().wall(); }
  void use(std::vector<IssuerRulesPtr> believed, ProofMode proof = ProofMode::kAccept) {
    std::vector<KeySource> sources;
    for (const auto& one : believed) sources.insert(sources.end(), one->sources.begin(), one->sources.end());
    sets.take(std::move(sources));
    rules = std::make_shared<AuthRules>(AuthRules{.issuers = std::move(believed), .proof = proof});
    authenticator.take(rules);
    sets.refresh_files();
    loop.run_for(1s);
  }
  void use_proof(ProofMode proof) {
    auto changed = std::make_shared<AuthRules>(*rules);
    changed->proof = proof;
    authenticator.take(rules = changed);
  }
  std::optional<Result<PrincipalRef>> ask_now(std::string_view token) {
    const std::string value = "Bearer " + std::string(token);
    return authenticator.try_authenticate({.headers = {.authorization = value, .api_key = {}}}, now());
  }
  /// As a request does it: at once, or with the wait.
  Result<PrincipalRef> ask(std::string_view token) {
    if (auto found = ask_now(token)) return std::move(*found);
    std::optional<Result<PrincipalRef>> later;
    net::Scope scope;
    scope.spawn(wait_for(std::string(token), later));
    loop.run_for(10s);
    if (!later) return Fail(internal_error(ErrorCode::kTimeout, "test: no answer"));
    return std::move(*later);
  }
  net::Task<void> wait_for(std::string token, std::optional<Result<PrincipalRef>>& into) {
    const std::string value = "Bearer " + token;
    into = co_await authenticator.authenticate({.headers = {.authorization = value, .api_key = {}}}, now());
  }
  /// `ok`, or status and reason: `401 claims.audience`.
  std::string outcome(std::string_view token) { return text_of(ask(token)); }
  static std::string text_of(const Result<PrincipalRef>& result) {
    if (result) return "ok";
    return std::to_string(error_row(result.error().code).status) + " " + result.error().detail;
  }
  std::filesystem::path write(std::string_view name, std::string_view text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
    return folder / name;
  }

  TestFolder folder;
  net::SimLoop loop;
  net::TableResolver resolver;
  SeededRandom random{5};
  MemoryLogSink sink;
  Log log{sink, loop.clock()};
  FakeIssuers issuers{loop, loop.clock()};
  KeySets sets{{loop, resolver, loop.clock(), random, log}};
  TestKeys keys;
  CertificateTrust trust{[](const std::filesystem::path&) -> Result<std::string> { return Fail(internal_error(ErrorCode::kIo, "none")); }};
  MemoryReplayStore replays{1'024};
  Authenticator authenticator{{.loop = loop,
                               .clock = loop.clock(),
                               .keys = keys.index(),
                               .key_sets = sets,
                               .certificates = trust,
                               .replays = replays,
                               .cache_bytes = size_t{1} << 20}};
  AuthRulesPtr rules;
};

}  // namespace wye::token
