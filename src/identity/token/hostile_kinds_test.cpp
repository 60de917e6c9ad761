// Hostile tokens: what each kind of issuer says about its callers. All of them are signed by the right key.
#include "identity/token/test_hostile.hpp"

namespace wye::token {
namespace {

TEST_F(HostileTest, EntraTenants) {
  const std::string upper = "\"" + std::string("1F1E1111-1111-4111-8111-111111111111") + "\"";
  run({
      without_claim("no tid", corp_v2, "tid", "401 claims.tenant"),
      with_claim("tid of another tenant", corp_v2, "tid", '"' + std::string(kTenantB) + '"', "401 claims.tenant"),
      with_claim("tid of the partner in a token of ours", partner_v2, "tid", '"' + std::string(kTenantA) + '"', "401 claims.tenant"),
      with_claim("tid no GUID", corp_v2, "tid", R"("contoso.example")", "401 claims.tenant"),
      with_claim("tid in another case", corp_v2, "tid", upper, "401 claims.tenant"),
      with_claim("tid a list", corp_v2, "tid", "[\"" + std::string(kTenantA) + "\"]", "401 claims.tenant"),
      with_claim("tid of private persons", corp_v2, "tid", R"("9188040d-6c67-4c5b-b112-36a304b66dad")", "401 claims.tenant"),
      without_claim("no oid", corp_v2, "oid", "401 claims.oid"),
      with_claim("oid a mail address", corp_v2, "oid", R"("ann@contoso.example")", "401 claims.oid"),
      with_claim("oid empty", corp_v2, "oid", R"("")", "401 claims.oid"),
      with_claim("oid null", corp_v2, "oid", "null", "401 claims.oid"),
  });
}

TEST_F(HostileTest, EntraVersions) {
  const auto as_v1 = [](TestToken& t, WallTime) { t.claims.text("iss", "https://sts.windows.net/" + std::string(kTenantA) + "/"); };
  run({
      without_claim("no ver", corp_v2, "ver", "401 claims.version"),
      with_claim("ver 1.0 under the issuer of v2", corp_v2, "ver", R"("1.0")", "401 claims.version"),
      with_claim("ver 2.0 under the issuer of v1", corp_v1, "ver", R"("2.0")", "401 claims.version"),
      with_claim("ver a number", corp_v2, "ver", "2.0", "401 claims.version"),
      {"a v2 token under the issuer of v1", corp_v2, as_v1, "401 claims.version"},
      {"a v2 token without azp but with appid", corp_v2, [](TestToken& t, WallTime) { t.claims.erase("azp").text("appid", kClient); },
       "401 claims.id_token"},
      {"a v1 token without appid but with azp", corp_v1, [](TestToken& t, WallTime) { t.claims.erase("appid").text("azp", kClient); },
       "401 claims.id_token"},
      with_header("typ missing", corp_v2, "typ", R"("")", "401 claims.typ"),
      with_header("typ at+jwt", corp_v2, "typ", R"("at+jwt")", "401 claims.typ"),
      with_header("typ dpop+jwt", corp_v2, "typ", R"("dpop+jwt")", "401 claims.typ"),
      with_header("typ in another case", corp_v2, "typ", R"("jwt")", "401 claims.typ"),
      with_header("typ a look-alike", corp_v2, "typ", R"("JW\u0422")", "401 claims.typ"),
  });
}

TEST_F(HostileTest, EntraCallers) {
  run({
      without_claim("neither scp nor roles", corp_v2, "scp", "401 claims.scope"),
      with_claim("scp empty", corp_v2, "scp", R"("")", "401 claims.scope"),
      with_claim("scp a list", corp_v2, "scp", R"(["chat.create"])", "401 claims.scope"),
      with_claim("scp with two blanks", corp_v2, "scp", R"("a  b")", "401 claims.scope"),
      with_claim("scp and idtyp app", corp_v2, "idtyp", R"("app")", "401 claims.idtyp"),
      with_claim("idtyp a list", corp_v2, "idtyp", R"(["app"])", "401 claims.idtyp"),
      with_claim("roles a string", corp_v2, "roles", R"("Wye.Caller")", "401 claims.roles"),
      with_claim("roles with a number", corp_v2, "roles", R"(["Wye.Caller",1])", "401 claims.roles"),
      {"empty roles and no scp", corp_v2, [](TestToken& t, WallTime) { t.claims.erase("scp").set("roles", "[]"); }, "401 claims.scope"},
      with_claim("groups a string", corp_v2, "groups", R"("66666666-6666-4666-8666-666666666666")", "401 claims.groups"),
      with_claim("groups by name", corp_v2, "groups", R"(["Admins"])", "401 claims.groups"),
      with_claim("azp no GUID", corp_v2, "azp", R"("cli")", "401 claims.client"),
      with_claim("azpacr a number", corp_v2, "azpacr", "2", "401 claims.client_auth"),
      with_claim("an ID token: nonce", corp_v2, "nonce", R"("n")", "401 claims.id_token"),
      with_claim("an ID token: at_hash", corp_v2, "at_hash", R"("h")", "401 claims.id_token"),
      {"an ID token: roles, no client", corp_v2,
       [](TestToken& t, WallTime) { t.claims.erase("scp").erase("azp").erase("azpacr").set("roles", R"(["Wye.Caller"])"); }, "401 claims.id_token"},
      with_claim("uti a number", corp_v2, "uti", "1", "401 claims.uti"),
  });
}

TEST_F(HostileTest, OpenIdIssuers) {
  run({
      without_claim("no sub", oidc, "sub", "401 claims.subject"),
      with_claim("sub empty", oidc, "sub", R"("")", "401 claims.subject"),
      with_claim("sub a number", oidc, "sub", "7", "401 claims.subject"),
      with_claim("sub with a line break", oidc, "sub", R"("user\n7")", "401 claims.subject"),
      with_claim("sub of 256 bytes", oidc, "sub", '"' + std::string(256, 's') + '"', "401 claims.subject"),
      with_claim("scope with a trailing blank", oidc, "scope", R"("a ")", "401 claims.scope"),
      with_claim("an ID token: c_hash", oidc, "c_hash", R"("h")", "401 claims.id_token"),
      with_header("typ logout+jwt", oidc, "typ", R"("logout+jwt")", "401 claims.typ"),
      with_header("typ JWT where at+jwt is asked for", rfc9068, "typ", R"("JWT")", "401 claims.typ"),
      {"no typ where at+jwt is asked for", rfc9068, [](TestToken& t, WallTime) { t.header.erase("typ"); }, "401 claims.typ"},
      without_claim("no client_id", rfc9068, "client_id", "401 claims.client"),
      without_claim("no jti", rfc9068, "jti", "401 claims.jti"),
      without_claim("no iat", rfc9068, "iat", "401 claims.iat"),
      with_claim("groups with an object", oidc, "groups", "[{}]", "401 claims.groups"),
  });
}

TEST_F(HostileTest, ServiceAccounts) {
  const auto io = [](std::string_view what, std::string_view json, std::string_view outcome = "401 claims.kubernetes") {
    return with_claim(what, kubernetes, "kubernetes.io", std::string(json), outcome);
  };
  constexpr std::string_view kPod = R"("pod":{"name":"p","uid":"u"})";
  constexpr std::string_view kAccount = R"("serviceaccount":{"name":"caller","uid":"u"})";
  const auto object = [](std::initializer_list<std::string_view> members) {
    std::string text;
    for (const std::string_view one : members) text += (text.empty() ? "{" : ",") + std::string(one);
    return text + "}";
  };
  run({
      without_claim("no kubernetes.io", kubernetes, "kubernetes.io", "401 claims.kubernetes"),
      io("not an object", R"("team-a")"),
      io("no namespace", object({kPod, kAccount})),
      io("a namespace with a colon", object({R"("namespace":"team-a:x")", kPod, kAccount})),
      io("no account", object({R"("namespace":"team-a")", kPod})),
      io("no pod", object({R"("namespace":"team-a")", kAccount})),
      io("a pod without uid", object({R"("namespace":"team-a")", kAccount, R"("pod":{"name":"p"})"})),
      io("another namespace than sub", object({R"("namespace":"team-b")", kPod, kAccount}), "401 claims.subject"),
      io("another account than sub", object({R"("namespace":"team-a")", kPod, R"("serviceaccount":{"name":"other","uid":"u"})"}),
         "401 claims.subject"),
      io("a name that shifts the borders of sub", object({R"("namespace":"team-a")", kPod, R"("serviceaccount":{"name":"x:caller","uid":"u"})"})),
      with_claim("sub of a node", kubernetes, "sub", R"("system:node:n1")", "401 claims.subject"),
      with_claim("the API server's audience", kubernetes, "aud", R"(["https://kubernetes.default.svc"])", "401 claims.audience"),
      {"stretched to a year", kubernetes, [](TestToken& t, WallTime now) { t.claims.set("exp", seconds(now, 365 * 24h)); }, "401 claims.lifetime"},
      with_header("typ at+jwt", kubernetes, "typ", R"("at+jwt")", "401 claims.typ"),
  });
}

TEST_F(HostileTest, Svids) {
  const auto sub = [](std::string_view what, std::string_view text, std::string_view outcome) {
    return with_claim(what, spiffe, "sub", '"' + std::string(text) + '"', outcome);
  };
  run({
      without_claim("no sub", spiffe, "sub", "401 claims.issuer"),
      sub("another trust domain", "spiffe://evil.example/team-a/caller", "401 claims.issuer"),
      sub("a longer trust domain", "spiffe://corp.example.evil/team-a", "401 claims.issuer"),
      sub("a trust domain in upper case", "spiffe://CORP.example/team-a", "401 claims.issuer"),
      sub("a port", "spiffe://corp.example:443/team-a", "401 claims.issuer"),
      sub("a user", "spiffe://x@corp.example/team-a", "401 claims.issuer"),
      sub("no path", "spiffe://corp.example", "401 claims.subject"),
      sub("a slash behind", "spiffe://corp.example/team-a/", "401 claims.issuer"),
      sub("an empty segment", "spiffe://corp.example//team-a", "401 claims.issuer"),
      sub("a dot segment", "spiffe://corp.example/team-a/../team-b", "401 claims.issuer"),
      sub("an escape", "spiffe://corp.example/team%2Da", "401 claims.issuer"),
      sub("a query", "spiffe://corp.example/team-a?x", "401 claims.issuer"),
      sub("https", "https://corp.example/team-a", "401 claims.issuer"),
      with_claim("another audience", spiffe, "aud", R"(["spiffe://corp.example/other"])", "401 claims.audience"),
      with_header("a header beyond alg, kid, typ", spiffe, "x", "1", "401 jws.header"),
      with_header("typ at+jwt", spiffe, "typ", R"("at+jwt")", "401 claims.typ"),
      {"EdDSA", spiffe, [](TestToken& t, WallTime) { t.alg = "EdDSA"; }, "401 jws.alg"},
  });
}

}  // namespace
}  // namespace wye::token
