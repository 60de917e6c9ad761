// For tests only: tables of tokens that must be refused. A row names what is wrong, changes a token that is accepted in that one thing,
// and says with which status and for which reason it is refused.
#pragma once

#include "identity/token/test_issuer.hpp"

namespace wye::token {

struct HostileRow {
  std::string_view what;
  TestToken (*base)(WallTime now);
  std::function<void(TestToken& token, WallTime now)> change;
  std::string_view outcome;                                       // `401 claims.audience`
  std::function<std::string(const TestToken& token)> form = {};   // the bytes, where they are not those of compact()
};

/// Every kind of issuer, with keys.
class HostileTest : public testing::Test {
 protected:
  HostileTest() {
    std::string rsa = rsa_signer().jwk();
    const std::string keys = jwks({rsa, ec_signer().jwk(), rsa_signer_2().named("pss-only").jwk(R"("alg":"PS256")")});
    const auto bundle = rig.write("bundle.json", jwks({rsa_signer().jwk(R"("use":"jwt-svid")")}));
    std::vector<IssuerRulesPtr> all = {
        rules_of("corp", entra_config()),     rules_of("partners", entra_config({std::string(kTenantB), "77777777-7777-4777-8777-777777777777"})),
        rules_of("fabrikam", oidc_config()),  rules_of("strict", oidc_config("https://strict.fabrikam.example", true)),
        rules_of("aks", kubernetes_config()), rules_of("mesh", spiffe_config(bundle)),
    };
    for (IssuerRulesPtr& one : all) one = rig.issuers.move_here(one, keys);
    rig.use(std::move(all));
  }

  /// Runs a table: the base of each row is accepted, the row is refused as it says, and its answer holds the challenge.
  void run(const std::vector<HostileRow>& rows) {
    for (const HostileRow& row : rows) {
      SCOPED_TRACE(row.what);
      TestToken token = row.base(rig.now());
      const std::string good = token.compact();
      EXPECT_EQ(rig.outcome(good), "ok") << "what the row starts from";
      row.change(token, rig.now());
      const std::string bad = row.form ? row.form(token) : token.compact();
      EXPECT_NE(bad, good) << "the row changes nothing";
      const Result<PrincipalRef> result = rig.ask(bad);
      EXPECT_EQ(AuthRig::text_of(result), row.outcome);
      if (result) continue;
      const bool no_token = row.outcome.contains("auth.");
      EXPECT_EQ(client_message(result.error()), no_token ? "Authentication required." : kInvalidTokenMessage);
      EXPECT_EQ(challenge_for(result.error(), ProofMode::kOff).bearer, R"(Bearer realm="wye", error="invalid_token")");
      ++refused;
    }
  }

  AuthRig rig;
  size_t refused = 0;
};

/// Changes claims only.
inline HostileRow with_claim(std::string_view what, TestToken (*base)(WallTime), std::string_view name, std::string json, std::string_view outcome) {
  return {what, base, [=](TestToken& token, WallTime) { token.claims.set(name, json); }, outcome};
}
inline HostileRow without_claim(std::string_view what, TestToken (*base)(WallTime), std::string_view name, std::string_view outcome) {
  return {what, base, [=](TestToken& token, WallTime) { token.claims.erase(name); }, outcome};
}
inline HostileRow with_header(std::string_view what, TestToken (*base)(WallTime), std::string_view name, std::string json, std::string_view outcome) {
  return {what, base, [=](TestToken& token, WallTime) { token.header.set(name, json); }, outcome};
}
inline void unchanged(TestToken&, WallTime) {}

// Bases with the defaults of their functions.
inline TestToken corp_v2(WallTime now) { return entra_v2(now); }
inline TestToken corp_v1(WallTime now) { return entra_v1(now); }
inline TestToken partner_v2(WallTime now) { return entra_v2(now, config::kEntraAuthority, kTenantB); }

}  // namespace wye::token
