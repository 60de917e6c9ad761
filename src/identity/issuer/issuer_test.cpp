// The endpoints from outside: what they say, what they sign, whom they refuse.
#include "foundation/crypto/encode.hpp"
#include "identity/issuer/client_proof.hpp"
#include "identity/issuer/test_rig.hpp"

namespace wye::issuer {
namespace {

using namespace std::chrono_literals;

const std::string kScope = std::string(kApiUri) + "/access_as_user";
const std::string kDefaultScope = std::string(kApiUri) + "/.default";
constexpr std::string_view kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr std::string_view kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
constexpr std::string_view kRedirect = "http://127.0.0.1:49152/callback";

/// A member of a payload as JSON text.
std::string claim(std::string_view payload, std::string_view name) {
  json::Document document;
  if (!document.parse(payload) || !document.root().find(name)) return {};
  return std::string(document.root().find(name)->raw());
}
std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

class Issuer : public testing::Test {
 protected:
  Reply owner(std::initializer_list<std::pair<std::string_view, std::string_view>> wish) {
    return rig.post(kOwnerTokenPath, form_of(wish), kOwnerKey);
  }
  std::string owner_payload(std::initializer_list<std::pair<std::string_view, std::string_view>> wish) {
    return rig.payload_of(owner(wish).member("access_token"));
  }
  std::string authorize_query(std::string_view redirect = kRedirect, std::string_view scope = kScope) {
    return form_of({{"response_type", "code"},
                    {"client_id", kCommandLineId},
                    {"redirect_uri", redirect},
                    {"scope", scope},
                    {"state", "s1"},
                    {"nonce", "n1"},
                    {"code_challenge", kChallenge},
                    {"code_challenge_method", "S256"}});
  }
  std::string decide(std::string query, std::string_view answer = "allow", std::string_view key = kOwnerKey) {
    append_field(query, kUserField, "owner@laptop.example");
    append_field(query, kOwnerField, key);
    append_field(query, kAnswerField, answer);
    return query;
  }
  std::string code_of(const Reply& reply) {
    const size_t at = reply.location.find("code=");
    EXPECT_NE(at, std::string::npos) << reply.status << reply.location << reply.body;
    if (at == std::string::npos) return {};
    return reply.location.substr(at + 5, reply.location.find('&', at) - at - 5);
  }
  Reply redeem(std::string_view code, std::string_view verifier = kVerifier, std::string_view redirect = kRedirect) {
    return rig.post(kTokenPath, form_of({{"grant_type", "authorization_code"},
                                         {"client_id", kCommandLineId},
                                         {"code", code},
                                         {"redirect_uri", redirect},
                                         {"code_verifier", verifier}}));
  }
  Rig rig;
};

TEST_F(Issuer, DiscoveryNamesItselfAndItsKeysInBothVersions) {
  for (const bool v1 : {false, true}) {
    const Reply reply = rig.get(v1 ? kDiscoveryV1 : kDiscoveryV2);
    ASSERT_EQ(reply.status, 200);
    EXPECT_EQ(reply.member("issuer"), v1 ? issuer_v1(rig.authority) : issuer_v2(rig.authority));
    EXPECT_EQ(reply.member("token_endpoint"), url_below(rig.authority, kTokenPath));
    const std::string keys_url = reply.member("jwks_uri");
    ASSERT_TRUE(keys_url.starts_with(rig.authority));
    const auto keys = token::KeySet::parse(rig.ask({.path = keys_url.substr(rig.authority.size())}).body, {});
    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->keys->size(), 2u);
    EXPECT_TRUE(keys->quarantine.empty());
  }
}

TEST_F(Issuer, AV2TokenOfAUser) {
  const Reply reply = owner({});
  EXPECT_EQ(reply.member("token_type"), "Bearer");
  EXPECT_EQ(reply.member("expires_in"), "3600");
  const std::string payload = rig.payload_of(reply.member("access_token"));
  EXPECT_EQ(claim(payload, "iss"), in_quotes(issuer_v2(rig.authority)));
  EXPECT_EQ(claim(payload, "aud"), in_quotes(kApiId));
  EXPECT_EQ(claim(payload, "ver"), "\"2.0\"");
  EXPECT_EQ(claim(payload, "tid"), in_quotes(kTenantId));
  EXPECT_EQ(claim(payload, "azp"), in_quotes(kCommandLineId));
  EXPECT_EQ(claim(payload, "azpacr"), "\"0\"");
  EXPECT_EQ(claim(payload, "scp"), in_quotes(kUserScope));
  EXPECT_EQ(claim(payload, "roles"), R"(["Wye.Caller"])");
  EXPECT_EQ(claim(payload, "idtyp"), "");
  EXPECT_EQ(claim(payload, "exp"), std::to_string(rig.clock.wall().seconds() + 3600));
}

TEST_F(Issuer, AV1TokenOfTheApplication) {
  const std::string payload = owner_payload({{"v1", "true"}, {"app", "true"}});
  EXPECT_EQ(claim(payload, "iss"), in_quotes(issuer_v1(rig.authority)));
  EXPECT_EQ(claim(payload, "aud"), in_quotes(kApiUri));
  EXPECT_EQ(claim(payload, "ver"), "\"1.0\"");
  EXPECT_EQ(claim(payload, "appid"), in_quotes(kAppId));
  EXPECT_EQ(claim(payload, "appidacr"), "\"2\"");
  EXPECT_EQ(claim(payload, "idtyp"), "\"app\"");
  EXPECT_EQ(claim(payload, "scp"), "");
  EXPECT_EQ(claim(payload, "azp"), "");
}

TEST_F(Issuer, EachSwitchChangesWhatItNames) {
  EXPECT_EQ(claim(owner_payload({{"wrong_audience", "true"}}), "aud"), in_quotes(kForeignAudience));
  EXPECT_EQ(claim(owner_payload({{"cae", "true"}}), "xms_cc"), R"(["cp1"])");
  EXPECT_EQ(owner({{"cae", "true"}}).member("expires_in"), "86400");
  const std::string overage = owner_payload({{"overage", "true"}});
  EXPECT_EQ(claim(overage, "groups"), "");
  EXPECT_EQ(claim(overage, "_claim_names"), R"({"groups":"src1"})");
  const std::string expired = owner_payload({{"expired", "true"}});
  EXPECT_EQ(claim(expired, "exp"), std::to_string(rig.clock.wall().seconds() - kExpiredSince.count()));
  EXPECT_EQ(claim(owner_payload({{"user", "visitor@laptop.example"}}), "roles"), "");
}

TEST_F(Issuer, OnlyTheOwnerWishes) {
  EXPECT_EQ(rig.post(kOwnerTokenPath, "").status, 401);
  EXPECT_EQ(rig.post(kOwnerTokenPath, "", "another key").status, 401);
  EXPECT_EQ(rig.post(kOwnerRotatePath, "", "another key").status, 401);
  EXPECT_EQ(owner({{"user", "nobody"}}).status, 400);
  EXPECT_EQ(owner({{"rolls", "true"}}).status, 400);
  EXPECT_EQ(owner({{"v1", "1"}}).status, 400);
  EXPECT_EQ(owner({{"app", "true"}, {"user", "owner@laptop.example"}}).status, 400);
}

TEST_F(Issuer, AnApplicationProvesItselfWithItsKeyAndWithNothingElse) {
  const auto assertion = [&](const crypto::PrivateKey& key) {
    const std::string payload = R"({"iss":")" + std::string(kAppId) + R"(","sub":")" + std::string(kAppId) + R"(","aud":")" +
                                url_below(rig.authority, kTokenPath) + R"(","exp":)" + std::to_string(rig.clock.wall().seconds() + 300) + "}";
    return *crypto::sign_jws(key, crypto::SignatureAlgorithm::kRs256, "", payload);
  };
  const auto ask = [&](std::string_view client, std::string_view text, std::string_view scope) {
    return rig.post(kTokenPath, form_of({{"grant_type", "client_credentials"},
                                         {"client_id", client},
                                         {"client_assertion_type", kAssertionType},
                                         {"client_assertion", text},
                                         {"scope", scope}}));
  };
  const Reply good = ask(kAppId, assertion(rig.app_key), kDefaultScope);
  ASSERT_EQ(good.status, 200) << good.body;
  EXPECT_EQ(claim(rig.payload_of(good.member("access_token")), "idtyp"), "\"app\"");
  EXPECT_EQ(good.member("refresh_token"), "");
  const auto stranger = crypto::PrivateKey::generate_rsa(2048);
  EXPECT_EQ(ask(kAppId, assertion(*stranger), kDefaultScope).member("error"), "invalid_client");
  EXPECT_EQ(ask(kAppId, "", kDefaultScope).status, 401);
  EXPECT_EQ(ask(kCommandLineId, assertion(rig.app_key), kDefaultScope).member("error"), "unauthorized_client");
  EXPECT_EQ(ask(kAppId, assertion(rig.app_key), kScope).member("error"), "invalid_scope");
  EXPECT_EQ(ask(kAppId, assertion(rig.app_key), "https://graph.microsoft.com/.default").member("error"), "invalid_scope");
  const Reply secret = rig.post(
      kTokenPath, form_of({{"grant_type", "client_credentials"}, {"client_id", kAppId}, {"client_secret", kOwnerKey}, {"scope", kDefaultScope}}));
  EXPECT_EQ(secret.status, 401);
  EXPECT_EQ(rig.post(kTokenPath, form_of({{"grant_type", "password"}, {"client_id", kCommandLineId}})).member("error"), "unsupported_grant_type");
}

TEST_F(Issuer, ACodeWithPkceBecomesATokenOnce) {
  const Reply page = rig.ask({.path = Rig::below(kAuthorizePath) + "?" + authorize_query(kRedirect, kScope + " openid profile")});
  ASSERT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("owner@laptop.example"), std::string::npos);
  EXPECT_TRUE(page.policy.starts_with("default-src 'none'"));
  const Reply decided = rig.post(kAuthorizePath, decide(authorize_query(kRedirect, kScope + " openid profile")));
  ASSERT_EQ(decided.status, 302) << decided.body;
  EXPECT_TRUE(decided.location.starts_with(kRedirect));
  EXPECT_NE(decided.location.find("state=s1"), std::string::npos);
  const std::string code = code_of(decided);
  const Reply token = redeem(code);
  ASSERT_EQ(token.status, 200) << token.body;
  EXPECT_EQ(claim(rig.payload_of(token.member("access_token")), "scp"), in_quotes(kUserScope));
  const std::string id_token = rig.payload_of(token.member("id_token"));
  EXPECT_EQ(claim(id_token, "aud"), in_quotes(kCommandLineId));
  EXPECT_EQ(claim(id_token, "nonce"), "\"n1\"");
  EXPECT_EQ(token.member("refresh_token"), "") << "nobody asked for one";
  EXPECT_EQ(redeem(code).member("error"), "invalid_grant");
}

TEST_F(Issuer, ACodeIsBoundToVerifierAndAddress) {
  const auto fresh = [&] { return code_of(rig.post(kAuthorizePath, decide(authorize_query()))); };
  EXPECT_EQ(redeem(fresh(), std::string(43, 'x')).member("error"), "invalid_grant");
  EXPECT_EQ(redeem(fresh(), "").member("error"), "invalid_grant");
  EXPECT_EQ(redeem(fresh(), kVerifier, "http://127.0.0.1:49153/callback").member("error"), "invalid_grant");
  const std::string late = fresh();
  rig.clock.advance(kCodeLifetime);
  EXPECT_EQ(redeem(late).member("error"), "invalid_grant");
}

TEST_F(Issuer, ThePageLeadsOnlyToThisMachineAndOnlyTheOwnerAgrees) {
  for (const std::string_view redirect :
       {"https://127.0.0.1/callback", "http://evil.example/", "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/",
        "http://localhost.evil.example/", "http://127.0.0.1:80x/", "http://127.0.0.1:8080\\@evil.example/", "", "javascript:alert(1)"}) {
    const Reply reply = rig.post(kAuthorizePath, decide(authorize_query(redirect)));
    EXPECT_EQ(reply.status, 400) << redirect;
    EXPECT_EQ(reply.location, "") << redirect;
  }
  for (const std::string_view redirect : {"http://localhost:8400", "http://[::1]:9/x", "http://127.0.0.1/callback"})
    EXPECT_EQ(rig.post(kAuthorizePath, decide(authorize_query(redirect))).status, 302) << redirect;
  const Reply wrong = rig.post(kAuthorizePath, decide(authorize_query(), "allow", "a guess"));
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(wrong.location, "");
  EXPECT_EQ(wrong.body.find("a guess"), std::string::npos);
  const Reply denied = rig.post(kAuthorizePath, decide(authorize_query(), "deny", ""));
  EXPECT_NE(denied.location.find("error=access_denied"), std::string::npos);
  std::string plain = authorize_query();
  plain.replace(plain.find("S256"), 4, "plai");
  EXPECT_NE(rig.post(kAuthorizePath, decide(plain)).location.find("error=invalid_request"), std::string::npos);
  const Reply script = rig.ask({.path = Rig::below(kAuthorizePath) + "?" + authorize_query() + "&x=%22%3E%3Cscript%3E"});
  EXPECT_EQ(script.body.find("<script>"), std::string::npos);
}

TEST_F(Issuer, ADeviceSignsIn) {
  const Reply begun = rig.post(kDeviceCodePath, form_of({{"client_id", kCommandLineId}, {"scope", kScope + " offline_access"}}));
  ASSERT_EQ(begun.status, 200) << begun.body;
  EXPECT_EQ(begun.member("verification_uri"), rig.authority + std::string(kDeviceLoginPath));
  const auto poll = [&] {
    return rig.post(kTokenPath, form_of({{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                         {"client_id", kCommandLineId},
                                         {"device_code", begun.member("device_code")}}));
  };
  EXPECT_EQ(poll().member("error"), "authorization_pending");
  EXPECT_EQ(poll().member("error"), "slow_down");
  const auto type = [&](std::string_view key, std::string_view answer) {
    return rig.ask(
        {.method = "POST",
         .path = std::string(kDeviceLoginPath),
         .form = form_of(
             {{kUserCodeField, begun.member("user_code")}, {kUserField, "visitor@laptop.example"}, {kOwnerField, key}, {kAnswerField, answer}})});
  };
  EXPECT_EQ(rig.ask({.path = std::string(kDeviceLoginPath)}).status, 200);
  EXPECT_EQ(type("a guess", "allow").status, 403);
  EXPECT_EQ(type(kOwnerKey, "allow").status, 200);
  EXPECT_EQ(type(kOwnerKey, "allow").status, 404) << "decided";
  const Reply token = poll();
  ASSERT_EQ(token.status, 200) << token.body;
  EXPECT_EQ(claim(rig.payload_of(token.member("access_token")), "preferred_username"), "\"visitor@laptop.example\"");
  const auto refresh = [&](std::string_view text) {
    return rig.post(kTokenPath, form_of({{"grant_type", "refresh_token"}, {"client_id", kCommandLineId}, {"refresh_token", text}}));
  };
  const Reply second = refresh(token.member("refresh_token"));
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_NE(second.member("refresh_token"), token.member("refresh_token"));
  EXPECT_EQ(refresh(token.member("refresh_token")).member("error"), "invalid_grant") << "a refresh token serves once";
  EXPECT_EQ(refresh(second.member("refresh_token")).member("error"), "invalid_grant") << "and its copy ends the sign-in";
}

TEST_F(Issuer, WhoSaysNoGetsNoToken) {
  const Reply begun = rig.post(kDeviceCodePath, form_of({{"client_id", kCommandLineId}, {"scope", kScope}}));
  rig.ask({.method = "POST",
           .path = std::string(kDeviceLoginPath),
           .form = form_of({{kUserCodeField, begun.member("user_code")}, {kOwnerField, kOwnerKey}, {kAnswerField, "deny"}})});
  const std::string form = form_of(
      {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"}, {"client_id", kCommandLineId}, {"device_code", begun.member("device_code")}});
  EXPECT_EQ(rig.post(kTokenPath, form).member("error"), "authorization_declined");
  EXPECT_EQ(rig.post(kTokenPath, form).member("error"), "bad_verification_code");
  EXPECT_EQ(rig.post(kDeviceCodePath, form_of({{"client_id", "x"}, {"scope", kScope}})).member("error"), "unauthorized_client");
  EXPECT_EQ(rig.post(kDeviceCodePath, form_of({{"client_id", kCommandLineId}, {"scope", "openid"}})).member("error"), "invalid_scope");
}

TEST_F(Issuer, ARotationChangesTheKeyThatSignsAndIsWrittenDownFirst) {
  const std::string before = owner({}).member("access_token");
  const auto kid_of = [](const std::string& token) { return std::string(token::parse_jws(token, {{crypto::SignatureAlgorithm::kRs256}})->kid()); };
  rig.disk_full = true;
  EXPECT_EQ(rig.post(kOwnerRotatePath, "", kOwnerKey).status, 500);
  EXPECT_EQ(kid_of(owner({}).member("access_token")), kid_of(before)) << "what can not be kept does not begin";
  rig.disk_full = false;
  const Reply rotated = rig.post(kOwnerRotatePath, "", kOwnerKey);
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  const std::string after = owner({}).member("access_token");
  EXPECT_EQ(kid_of(after), rotated.member("kid"));
  EXPECT_NE(kid_of(after), kid_of(before));
  rig.payload_of(after);
  EXPECT_EQ(SigningKeys::parse(Secret(rig.kept))->kid(), rotated.member("kid"));
  EXPECT_EQ(rig.get(kKeysPath).body.find(kid_of(before)), std::string::npos);
}

TEST_F(Issuer, OtherNamesTenantsPathsAndMethods) {
  const std::string port = ":" + std::to_string(rig.port);
  for (const std::string& host : {std::string("evil.example") + port, std::string("127.0.0.1"), std::string("127.0.0.1.evil.example") + port})
    EXPECT_EQ(rig.ask({.path = Rig::below(kDiscoveryV2), .host = host}).status, 421) << host;
  EXPECT_EQ(rig.ask({.path = Rig::below(kDiscoveryV2), .host = "localhost" + port}).status, 200);
  EXPECT_EQ(rig.ask({.path = "/common/v2.0/.well-known/openid-configuration"}).status, 404);
  EXPECT_EQ(rig.get("/else").status, 404);
  EXPECT_EQ(rig.get(kTokenPath).status, 405);
  EXPECT_EQ(rig.ask({.method = "POST", .path = Rig::below(kTokenPath), .form = "{}", .content_type = "application/json"}).status, 400);
}

}  // namespace
}  // namespace wye::issuer
