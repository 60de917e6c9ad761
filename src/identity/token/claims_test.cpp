#include "identity/token/claims.hpp"

#include "identity/token/challenge.hpp"
#include "identity/token/test_issuer.hpp"

namespace wye::token {
namespace {

constexpr WallTime kNow{1'795'446'000'000'000'000};

class ClaimsTest : public testing::Test {
 protected:
  Result<BelievedToken> read(const IssuerRulesPtr& rules, const TestToken& token, std::string_view key_issuer = {}) {
    json::Document iss;
    std::string_view text;
    if (iss.parse_copy(token.claims.get("iss"))) text = iss.root().string_raw();
    const auto accepted = std::ranges::find(rules->accepted, text, &AcceptedIssuer::iss);
    if (accepted == rules->accepted.end()) return invalid_token("test: no such issuer");
    return read_claims(token.claims.json(), key_issuer, *rules, *accepted, kNow, scratch_);
  }
  static std::string outcome(const Result<BelievedToken>& result) { return result ? "ok" : result.error().detail; }
  IssuerRulesPtr corp_ = rules_of("corp", entra_config());
  json::Document scratch_;
};

TEST_F(ClaimsTest, v1_and_v2_side_by_side) {
  const auto v2 = read(corp_, entra_v2(kNow));
  const auto v1 = read(corp_, entra_v1(kNow));
  ASSERT_TRUE(v2) << v2.error().detail;
  ASSERT_TRUE(v1) << v1.error().detail;
  for (const auto* token : {&*v1, &*v2}) {
    EXPECT_EQ(token->fields.kind, PrincipalKind::kUser);
    EXPECT_EQ(token->fields.issuer, "corp");
    EXPECT_EQ(token->fields.tenant, "") << "which Tenant it is follows from members, not from the token";
    EXPECT_EQ(token->fields.subject, std::string(kTenantA) + "/" + std::string(kPerson));
    EXPECT_EQ(token->fields.client, kClient);
    EXPECT_EQ(token->fields.scopes, (std::vector<std::string>{"chat.create", "models.list"}));
    EXPECT_EQ(token->fields.token_id, "fqiBqXLPj0eQa82S-IYFAA");
    EXPECT_EQ(token->fields.expires_at.seconds(), kNow.seconds() + 3600);
    EXPECT_EQ(token->fields.binding, Binding::kNone);
    EXPECT_TRUE(token->confirmation.empty());
  }
  EXPECT_EQ(v2->fields.client_auth, ClientAuth::kSecret);
  EXPECT_EQ(v1->fields.client_auth, ClientAuth::kCertificate);
  // Each version alone believes no token of the other.
  config::Issuer only_v2 = entra_config();
  only_v2.entra->versions = {config::EntraVersion::kV2};
  EXPECT_EQ(outcome(read(rules_of("corp", only_v2), entra_v1(kNow))), "test: no such issuer");
  ASSERT_EQ(corp_->sources.size(), 2u);
  EXPECT_EQ(corp_->sources[0].discovery, "https://login.microsoftonline.com/" + std::string(kTenantA) + "/.well-known/openid-configuration");
  EXPECT_EQ(corp_->sources[1].discovery, "https://login.microsoftonline.com/" + std::string(kTenantA) + "/v2.0/.well-known/openid-configuration");
}

TEST_F(ClaimsTest, multi_tenant_key_issuer_checked) {
  const auto both = rules_of("partners", entra_config({std::string(kTenantA), std::string(kTenantB)}));
  const std::string a = "https://login.microsoftonline.com/" + std::string(kTenantA) + "/v2.0";
  const std::string b = "https://login.microsoftonline.com/" + std::string(kTenantB) + "/v2.0";
  EXPECT_EQ(both->sources[1].issuer, "https://login.microsoftonline.com/{tenantid}/v2.0");
  const std::array rows = {
      std::tuple{std::string(), kTenantA, "ok"},
      std::tuple{std::string("https://login.microsoftonline.com/{tenantid}/v2.0"), kTenantA, "ok"},
      std::tuple{std::string("https://login.microsoftonline.com/{tenantid}/v2.0"), kTenantB, "ok"},
      std::tuple{a, kTenantA, "ok"},
      std::tuple{a, kTenantB, "claims.key_issuer"},
      std::tuple{b, kTenantA, "claims.key_issuer"},
      std::tuple{std::string("https://evil.example/{tenantid}/v2.0"), kTenantA, "claims.key_issuer"},
      std::tuple{std::string("https://login.microsoftonline.com/{tenantid}/v2.0/"), kTenantA, "claims.key_issuer"},
  };
  for (const auto& [key_issuer, tenant, wanted] : rows) {
    EXPECT_EQ(outcome(read(both, entra_v2(kNow, config::kEntraAuthority, tenant), key_issuer)), wanted) << key_issuer << " " << tenant;
  }
}

TEST_F(ClaimsTest, personal_tenant_refused) {
  const auto token = entra_v2(kNow, config::kEntraAuthority, kPersonalTenant);
  EXPECT_EQ(outcome(read(corp_, token)), "test: no such issuer");
  const auto listed = rules_of("everybody", entra_config({std::string(kTenantA), std::string(kPersonalTenant)}));
  EXPECT_EQ(outcome(read(listed, token)), "ok") << "whoever lists them means it";
}

TEST_F(ClaimsTest, overage_is_unknown) {
  TestToken known = entra_v2(kNow);
  known.claims.set("groups", "[\"" + std::string(kGroup) + "\",\"ABCDEF00-0000-4000-8000-000000000001\"]");
  const auto groups = read(corp_, known);
  ASSERT_TRUE(groups) << groups.error().detail;
  EXPECT_EQ(groups->fields.groups_state, GroupsState::kKnown);
  EXPECT_EQ(groups->fields.groups, (std::vector<std::string>{std::string(kGroup), "abcdef00-0000-4000-8000-000000000001"}));
  EXPECT_EQ(read(corp_, entra_v2(kNow))->fields.groups_state, GroupsState::kAbsent);
  TestToken sources = known;
  sources.claims.set("_claim_names", R"({"groups":"src1"})").set("_claim_sources", R"({"src1":{"endpoint":"https://graph.example/x"}})");
  TestToken implicit = known;
  implicit.claims.set("hasgroups", "true");
  for (const TestToken& token : {sources, implicit}) {
    const auto overage = read(corp_, token);
    ASSERT_TRUE(overage) << overage.error().detail;
    EXPECT_EQ(overage->fields.groups_state, GroupsState::kOverage);
    EXPECT_TRUE(overage->fields.groups.empty());
  }
}

TEST_F(ClaimsTest, app_token_without_scp) {
  TestToken roles = entra_v2(kNow);
  roles.claims.erase("scp").set("roles", R"(["Wye.Caller"])");
  TestToken typed = entra_v2(kNow);
  typed.claims.erase("scp").text("idtyp", "app");
  for (const TestToken& token : {roles, typed}) {
    const auto app = read(corp_, token);
    ASSERT_TRUE(app) << app.error().detail;
    EXPECT_EQ(app->fields.kind, PrincipalKind::kApp);
    EXPECT_TRUE(app->fields.scopes.empty());
  }
}

TEST_F(ClaimsTest, all_roles_used) {
  TestToken token = entra_v2(kNow);
  token.claims.set("roles", R"(["Wye.Caller","Wye.Auditor","Wye.Admin"])");
  const auto user = read(corp_, token);
  ASSERT_TRUE(user) << user.error().detail;
  EXPECT_EQ(user->fields.kind, PrincipalKind::kUser);
  EXPECT_EQ(user->fields.roles, (std::vector<std::string>{"Wye.Caller", "Wye.Auditor", "Wye.Admin"}));
}

TEST_F(ClaimsTest, id_token_refused) {
  // What Entra gives to a browser application of the same registration: the same audience, issuer and typ.
  TestToken token = entra_v2(kNow);
  token.claims.erase("azp").erase("azpacr").erase("scp").set("roles", R"(["Wye.Caller"])").text("name", "Ann");
  EXPECT_EQ(outcome(read(corp_, token)), "claims.id_token");
  token.claims.text("azp", kClient);
  EXPECT_EQ(outcome(read(corp_, token)), "ok") << "nothing else is wrong with it";
  token.claims.text("nonce", "n");
  EXPECT_EQ(outcome(read(corp_, token)), "claims.id_token");
}

TEST_F(ClaimsTest, TimesAtTheirBorders) {
  const auto exp = [](int64_t off) { return std::pair{std::string("exp"), kNow.seconds() + off}; };
  const auto nbf = [](int64_t off) { return std::pair{std::string("nbf"), kNow.seconds() + off}; };
  const auto iat = [](int64_t off) { return std::pair{std::string("iat"), kNow.seconds() + off}; };
  const std::array rows = {
      std::pair{exp(-59), "ok"}, std::pair{exp(-60), "claims.expired"}, std::pair{nbf(60), "ok"}, std::pair{nbf(61), "claims.not_yet"},
      std::pair{iat(60), "ok"},  std::pair{iat(61), "claims.iat"},
  };
  for (const auto& [change, wanted] : rows) {
    TestToken token = entra_v2(kNow);
    token.claims.set(change.first, std::to_string(change.second));
    EXPECT_EQ(outcome(read(corp_, token)), wanted) << change.first << " " << change.second - kNow.seconds();
  }
  TestToken long_lived = entra_v2(kNow);
  long_lived.claims.set("iat", seconds(kNow)).set("exp", seconds(kNow, 29h));
  EXPECT_EQ(outcome(read(corp_, long_lived)), "ok");
  long_lived.claims.set("exp", seconds(kNow, 29h + 1s));
  EXPECT_EQ(outcome(read(corp_, long_lived)), "claims.lifetime");
}

TEST(NumericDate, DigitsAndACutFractionOnly) {
  for (const std::string_view good : {"0", "1", "1795446000", "1795446000.999", "9007199254740992"}) EXPECT_TRUE(parse_numeric_date(good)) << good;
  EXPECT_EQ(parse_numeric_date("12.9")->ns, 12'000'000'000);
  for (const std::string_view bad : {"", "-1", "-0", "+1", "1e3", "1E3", "1.", ".5", "01", "1.5e1", " 1", "1 ", "9007199254740993", "\"1\"", "true",
                                     "null", "18446744073709551616", "0x10", "1.2.3"}) {
    EXPECT_FALSE(parse_numeric_date(bad)) << bad;
  }
}

TEST_F(ClaimsTest, NamedClaimsAndCapabilities) {
  config::Issuer named = entra_config();
  named.tokens.claims = {"department", "level", "flags", "missing", "nested"};
  TestToken token = entra_v2(kNow);
  token.claims.text("department", "legal").set("level", "7").set("flags", R"(["a",true,{"x":1}])").set("nested", "{}").set("xms_cc", R"(["CP1"])");
  const auto read_token = read(rules_of("corp", named), token);
  ASSERT_TRUE(read_token) << read_token.error().detail;
  ASSERT_EQ(read_token->fields.claims.size(), 3u);
  EXPECT_EQ(read_token->fields.claims[0].values, (std::vector<std::string>{"legal"}));
  EXPECT_EQ(read_token->fields.claims[1].values, (std::vector<std::string>{"7"}));
  EXPECT_EQ(read_token->fields.claims[2].values, (std::vector<std::string>{"a", "true"}));
  EXPECT_TRUE(read_token->fields.accepts_challenges);
  EXPECT_FALSE(read(corp_, entra_v2(kNow))->fields.accepts_challenges);
}

TEST_F(ClaimsTest, OtherIssuers) {
  const auto user = read(rules_of("fabrikam", oidc_config()), oidc(kNow));
  ASSERT_TRUE(user) << user.error().detail;
  EXPECT_EQ(user->fields.kind, PrincipalKind::kUser);
  EXPECT_EQ(user->fields.client, "cli");
  TestToken itself = oidc(kNow);
  itself.claims.text("sub", "cli");
  EXPECT_EQ(read(rules_of("fabrikam", oidc_config()), itself)->fields.kind, PrincipalKind::kApp);
  const auto workload = read(rules_of("aks", kubernetes_config()), kubernetes(kNow));
  ASSERT_TRUE(workload) << workload.error().detail;
  EXPECT_EQ(workload->fields.kind, PrincipalKind::kWorkload);
  EXPECT_EQ(workload->fields.service_account, "team-a/caller");
  EXPECT_EQ(workload->fields.token_id, "e51f1fbc");
  const auto mesh = rules_of("mesh", spiffe_config("/bundle.json"));
  const auto svid = read_claims(spiffe(kNow).claims.json(), {}, *mesh, mesh->accepted.front(), kNow, scratch_);
  ASSERT_TRUE(svid) << svid.error().detail;
  EXPECT_EQ(svid->fields.spiffe_id, "spiffe://corp.example/team-a/caller");
  config::Issuer unbound = kubernetes_config();
  unbound.kubernetes->allow_unbound_pod = true;
  TestToken no_pod = kubernetes(kNow);
  no_pod.claims.set("kubernetes.io", R"({"namespace":"team-a","serviceaccount":{"name":"caller","uid":"u"}})");
  EXPECT_EQ(outcome(read(rules_of("aks", unbound), no_pod)), "ok");
}

}  // namespace
}  // namespace wye::token
