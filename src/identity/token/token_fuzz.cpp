// Whole tokens as anybody may send them → Principal: nothing crashes, and what is believed is exactly what was signed.
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "identity/token/claims.hpp"

#include <cstdlib>

namespace {

using namespace wye;
using namespace wye::token;

constexpr WallTime kNow{1'795'446'000'000'000'000};
constexpr std::string_view kTenant = "1f1e1111-1111-4111-8111-111111111111";

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outside {
  crypto::PrivateKey key = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  std::shared_ptr<const KeySet> keys;
  std::vector<IssuerRulesPtr> rules;
  json::Document scratch;

  Outside() {
    std::string jwk(key.public_key().jwk());
    jwk.pop_back();
    keys = KeySet::parse(R"({"keys":[)" + jwk + R"(,"kid":"k","use":"sig"}]})", {})->keys;
    config::Issuer entra;
    entra.entra.emplace();
    entra.entra->tenant_ids = {std::string(kTenant)};
    config::Issuer oidc;
    oidc.type = config::IssuerType::kOidc;
    oidc.oidc.emplace();
    oidc.oidc->issuer = "https://issuer.example";
    config::Issuer kubernetes;
    kubernetes.type = config::IssuerType::kKubernetes;
    kubernetes.kubernetes.emplace();
    kubernetes.kubernetes->issuer = "https://cluster.example";
    config::Issuer spiffe;
    spiffe.type = config::IssuerType::kSpiffe;
    spiffe.spiffe.emplace();
    spiffe.spiffe->trust_domains = {"corp.example"};
    spiffe.spiffe->bundle_file = {"/b", "/b"};
    for (config::Issuer* issuer : {&entra, &oidc, &kubernetes, &spiffe}) {
      issuer->audiences = {"wye"};
      issuer->tokens.algorithms = {config::TokenAlgorithm::kEs256};
      rules.push_back(*make_issuer_rules("x", *issuer));
    }
  }
};

Outside& outside() {
  static Outside one;
  return one;
}

void check_claims(std::string_view payload) {
  for (const IssuerRulesPtr& rules : outside().rules) {
    for (const AcceptedIssuer& accepted : rules->accepted) {
      const auto token = read_claims(payload, {}, *rules, accepted, kNow, outside().scratch);
      if (!token) {
        require(token.error().code == ErrorCode::kUnauthenticated && token.error().detail.starts_with("claims."));
        continue;
      }
      require(!token->fields.subject.empty() && token->fields.issuer == "x");
      require(token->fields.expires_at.ns + rules->skew.count() > kNow.ns);
      require((token->fields.binding == Binding::kNone) == token->confirmation.empty());
      if (rules->kind == IssuerKind::kEntra) require(token->fields.subject.starts_with(kTenant) && is_guid(token->fields.client));
      if (rules->kind == IssuerKind::kSpiffe) require(token->fields.subject.starts_with("spiffe://corp.example/"));
      require(payload.contains("wye"));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const JwsRules rules{.algorithms = crypto::AlgorithmSet::all(), .kid = KidRule::kOptional};
  // As it is: nobody but the owner of the key signs.
  if (const auto jws = parse_jws(input, rules)) require(!verify_jws(*jws, *outside().keys, rules));
  // As payload, and signed, so that the fuzzer reaches what stands behind a signature.
  check_claims(input);
  const auto compact = crypto::sign_jws(outside().key, crypto::SignatureAlgorithm::kEs256, R"("kid":"k","typ":"JWT")", input);
  require(compact.has_value());
  if (const auto jws = parse_jws(*compact, rules)) {
    const auto payload = verify_jws(*jws, *outside().keys, rules);
    require(payload && payload->bytes() == input);
    static_cast<void>(check_hint_times(*outside().rules.front(), jws->exp_hint(), jws->nbf_hint(), kNow));
    static_cast<void>(check_audience(*outside().rules.front(), jws->aud_hint(), outside().scratch));
  }
  // As a number of seconds.
  if (const auto time = parse_numeric_date(input)) require(time->ns >= 0 && std::ranges::none_of(input, [](char c) { return c == '-' || c == 'e'; }));
  return 0;
}
