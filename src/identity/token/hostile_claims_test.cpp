// Hostile tokens: issuer, audience, time, confirmation. All of them are signed by the right key.
#include "identity/token/test_hostile.hpp"

namespace wye::token {
namespace {

HostileRow iss(std::string_view what, TestToken (*base)(WallTime), std::string_view text, std::string_view outcome = "401 claims.issuer") {
  return with_claim(what, base, "iss", '"' + std::string(text) + '"', outcome);
}
HostileRow time(std::string_view what, std::string_view name, std::string_view json, std::string_view outcome) {
  return with_claim(what, corp_v2, name, std::string(json), outcome);
}
HostileRow shifted(std::string_view what, std::string_view name, std::chrono::seconds by, std::string_view outcome) {
  return {what, corp_v2, [=](TestToken& t, WallTime now) { t.claims.set(name, seconds(now, by)); }, outcome};
}

TEST_F(HostileTest, Issuers) {
  const std::string tenant(kTenantA);
  run({
      without_claim("none", corp_v2, "iss", "401 claims.issuer"),
      with_claim("a number", corp_v2, "iss", "1", "401 claims.issuer"),
      with_claim("a list", corp_v2, "iss", "[\"https://login.microsoftonline.com/" + tenant + "/v2.0\"]", "401 claims.issuer"),
      iss("somebody else", corp_v2, "https://evil.example/" + tenant + "/v2.0"),
      iss("a slash behind", corp_v2, "https://login.microsoftonline.com/" + tenant + "/v2.0/"),
      iss("no slash behind", corp_v1, "https://sts.windows.net/" + tenant),
      iss("another case", corp_v2, "https://LOGIN.microsoftonline.com/" + tenant + "/v2.0"),
      iss("plain http", corp_v2, "http://login.microsoftonline.com/" + tenant + "/v2.0"),
      iss("a longer host", corp_v2, "https://login.microsoftonline.com.evil.example/" + tenant + "/v2.0"),
      iss("a user before the host", corp_v2, "https://login.microsoftonline.com@evil.example/" + tenant + "/v2.0"),
      iss("a look-alike letter", corp_v2, "https://login.micros\\u043Eftonline.com/" + tenant + "/v2.0"),
      iss("a full-width dot", corp_v2, "https://login.microsoftonline\\uFF0Ecom/" + tenant + "/v2.0"),
      iss("a zero-width space", corp_v2, "https://login.microsoftonline.com\\u200B/" + tenant + "/v2.0"),
      iss("the template itself", corp_v2, "https://login.microsoftonline.com/{tenantid}/v2.0"),
      iss("common", corp_v2, "https://login.microsoftonline.com/common/v2.0"),
      iss("a tenant that nobody listed", corp_v2, "https://login.microsoftonline.com/99999999-9999-4999-8999-999999999999/v2.0"),
      iss("private persons", corp_v2, "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "401 claims.personal_account"),
      iss("legacy ServiceAccounts", kubernetes, "kubernetes/serviceaccount"),
  });
}

TEST_F(HostileTest, Audiences) {
  const auto aud = [](std::string_view what, std::string_view json) {
    return with_claim(what, corp_v2, "aud", std::string(json), "401 claims.audience");
  };
  std::string seventeen = "[\"" + std::string(kApi) + '"';
  for (int i = 0; i < 16; ++i) seventeen += ",\"a" + std::to_string(i) + '"';
  seventeen += ']';
  run({
      without_claim("none", corp_v2, "aud", "401 claims.audience"),
      aud("empty", R"("")"),
      aud("an empty list", "[]"),
      aud("a number", "1"),
      aud("an object", R"({"a":"33333333-3333-4333-8333-333333333333"})"),
      aud("somebody else", R"("99999999-9999-4999-8999-999999999999")"),
      aud("a prefix of ours", R"("33333333-3333-4333-8333")"),
      aud("ours as a prefix", R"("33333333-3333-4333-8333-3333333333334")"),
      aud("ours with a path", R"("api://contoso.example/wye/admin")"),
      aud("ours with a slash", R"("api://contoso.example/wye/")"),
      aud("ours in another case", R"("API://contoso.example/wye")"),
      aud("ours with a blank", R"("33333333-3333-4333-8333-333333333333 ")"),
      aud("ours and another in one string", R"("33333333-3333-4333-8333-333333333333 other")"),
      aud("a look-alike letter", R"("api://cont\u043Eso.example/wye")"),
      aud("a list with a number in it", R"(["33333333-3333-4333-8333-333333333333",1])"),
      aud("a list in a list", R"([["33333333-3333-4333-8333-333333333333"]])"),
      aud("seventeen", seventeen),
      aud("Microsoft Graph", R"("https://graph.microsoft.com")"),
  });
}

TEST_F(HostileTest, Times) {
  run({
      without_claim("no exp", corp_v2, "exp", "401 claims.exp"),
      time("exp as a string", "exp", R"("1795449600")", "401 claims.exp"),
      time("exp negative", "exp", "-1795449600", "401 claims.exp"),
      time("exp with an exponent", "exp", "1.7954496e9", "401 claims.exp"),
      time("exp true", "exp", "true", "401 claims.exp"),
      time("exp null", "exp", "null", "401 claims.exp"),
      time("exp in milliseconds, as long as 2^53 and more", "exp", "9007199254740993", "401 claims.exp"),
      time("exp far away", "exp", "9007199254740992", "401 claims.lifetime"),
      shifted("expired for the skew", "exp", -60s, "401 claims.expired"),
      shifted("expired long ago", "exp", -3600s, "401 claims.expired"),
      time("exp zero", "exp", "0", "401 claims.expired"),
      shifted("not yet", "nbf", 62s, "401 claims.not_yet"),
      time("nbf as a string", "nbf", R"("0")", "401 claims.nbf"),
      time("nbf negative", "nbf", "-1", "401 claims.nbf"),
      without_claim("no iat", corp_v2, "iat", "401 claims.iat"),
      shifted("issued in the future", "iat", 62s, "401 claims.iat"),
      time("iat as a string", "iat", R"("1")", "401 claims.iat"),
      shifted("lives for more than 29 h", "exp", 29h, "401 claims.lifetime"),
      {"lives for more than 24 h", oidc, [](TestToken& t, WallTime now) { t.claims.set("exp", seconds(now, 24h)); }, "401 claims.lifetime"},
      {"ends before it begins", corp_v2, [](TestToken& t, WallTime now) { t.claims.set("iat", seconds(now, 30s)).set("exp", seconds(now, -30s)); },
       "401 claims.lifetime"},
      {"a SPIFFE token that lives for ever", spiffe, [](TestToken& t, WallTime now) { t.claims.set("exp", seconds(now, 25h)); },
       "401 claims.lifetime"},
  });
}

TEST_F(HostileTest, Confirmations) {
  const std::string digest = crypto::to_base64url(std::string(32, 'd'));
  const auto cnf = [](std::string_view what, std::string_view json, std::string_view outcome = "401 claims.cnf") {
    return with_claim(what, corp_v2, "cnf", std::string(json), outcome);
  };
  run({
      cnf("empty", "{}"),
      cnf("a string", R"("x")"),
      cnf("null", "null"),
      cnf("an unknown member", R"({"kid":"x"})"),
      cnf("a key of its own", R"({"jwk":{}})"),
      cnf("an unknown one beside a known", R"({"jkt":")" + digest + R"(","x":1})"),
      cnf("not a digest", R"({"jkt":"x"})"),
      cnf("a short digest", R"({"jkt":")" + crypto::to_base64url(std::string(31, 'd')) + "\"}"),
      cnf("a digest with padding", R"({"jkt":")" + digest + "=\"}"),
      cnf("a key, sent as bearer", R"({"jkt":")" + digest + "\"}", "401 claims.cnf_bearer"),
      cnf("a certificate, on a connection without one", R"({"x5t#S256":")" + digest + "\"}", "401 claims.cnf_certificate"),
  });
  for (const ProofMode mode : {ProofMode::kOff, ProofMode::kAccept, ProofMode::kRequire}) {
    rig.use_proof(mode);
    TestToken token = corp_v2(rig.now());
    token.claims.set("cnf", R"({"jkt":")" + digest + "\"}");
    EXPECT_EQ(rig.outcome(token.compact()), mode == ProofMode::kOff ? "401 claims.cnf_off" : "401 claims.cnf_bearer");
  }
  EXPECT_EQ(rig.outcome(corp_v2(rig.now()).compact()), "401 auth.proof_required") << "required, and there is none";
}

}  // namespace
}  // namespace wye::token
