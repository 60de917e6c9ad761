#include "identity/token/authenticator.hpp"

#include "identity/token/principal_issuer.hpp"
#include "identity/token/test_certificates.hpp"
#include "identity/token/test_issuer.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kAuthority = "gate.contoso.example";
constexpr std::string_view kPath = "/v1/chat/completions";

class AuthenticatorTest : public testing::Test {
 protected:
  AuthenticatorTest() {
    rules_ = rig_.issuers.move_here(rules_of("corp", entra_config()), jwks({rsa_signer().jwk()}));
    rig_.use({rules_});
  }
  std::string key() { return rig_.keys.create({.tenant = "team-a", .routes = {"*"}, .created_by = "tester"}, rig_.now()); }
  std::string ask(const CredentialHeaders& headers) { return ask(ShownCredentials{.headers = headers}); }
  std::string ask(ShownCredentials shown) {
    shown.method = "POST";
    shown.authority = kAuthority;
    shown.path = kPath;
    const auto found = rig_.authenticator.try_authenticate(shown, rig_.now());
    return found ? AuthRig::text_of(*found) : "wait";
  }
  /// With `cnf`.
  std::string bound_token(std::string_view member, std::string_view value) {
    TestToken token = entra_v2(rig_.now());
    token.claims.set("cnf", "{\"" + std::string(member) + "\":\"" + std::string(value) + "\"}");
    return token.compact();
  }
  std::string proof(std::string_view token, std::string_view jti, const TestSigner& signer = ec_signer()) {
    const std::string ath = crypto::to_base64url(crypto::as_text(crypto::sha256(token)));
    const std::string claims = R"({"htm":"POST","htu":"https://gate.contoso.example/v1/chat/completions","iat":)" + seconds(rig_.now()) +
                               R"(,"jti":")" + std::string(jti) + R"(","ath":")" + ath + "\"}";
    const std::string head = R"("typ":"dpop+jwt","jwk":)" + std::string(signer.key.public_key().jwk());
    return *crypto::sign_jws(signer.key, crypto::SignatureAlgorithm::kEs256, head, claims);
  }
  std::string ask_dpop(std::string_view token, std::vector<std::string_view> proofs) {
    const std::string value = "DPoP " + std::string(token);
    return ask(ShownCredentials{.headers = {.authorization = value, .api_key = {}}, .dpop = proofs});
  }
  static std::string jkt() { return crypto::to_base64url(crypto::as_text(ec_signer().key.public_key().thumbprint())); }

  AuthRig rig_;
  IssuerRulesPtr rules_;
};

TEST_F(AuthenticatorTest, ApiKeys) {
  const std::string one = key();
  const std::string two = key();
  const std::string bearer = "Bearer " + one;
  const std::string lower = "bearer " + one;
  const std::string other = "Bearer " + two;
  EXPECT_EQ(ask(CredentialHeaders{}), "401 auth.missing");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = bearer, .api_key = {}}), "ok");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = lower, .api_key = {}}), "ok");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = {}, .api_key = one}), "ok");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = bearer, .api_key = one}), "ok");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = other, .api_key = one}), "400 auth.ambiguous");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = "Basic eA==", .api_key = {}}), "401 auth.scheme");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = {}, .api_key = "wye_live_x"}), "401 key.shape");
  std::string unknown = one;
  unknown.back() = unknown.back() == '0' ? '1' : '0';
  EXPECT_EQ(ask(CredentialHeaders{.authorization = {}, .api_key = unknown}), "401 key.crc");
  const std::string token = entra_v2(rig_.now()).compact();
  EXPECT_EQ(ask(CredentialHeaders{.authorization = {}, .api_key = token}), "401 key.shape") << "tokens come in Authorization alone";
  const std::string both = "Bearer " + token;
  EXPECT_EQ(ask(CredentialHeaders{.authorization = both, .api_key = one}), "400 auth.ambiguous");
  rig_.authenticator.take(std::make_shared<AuthRules>(AuthRules{.api_keys = false, .issuers = {rules_}}));
  EXPECT_EQ(ask(CredentialHeaders{.authorization = bearer, .api_key = {}}), "401 key.off");
  rig_.authenticator.take(std::make_shared<AuthRules>());
  EXPECT_EQ(ask(CredentialHeaders{.authorization = bearer, .api_key = {}}), "ok");
  EXPECT_EQ(ask(CredentialHeaders{.authorization = both, .api_key = {}}), "401 key.shape") << "without Issuers as it was before them";
}

TEST_F(AuthenticatorTest, DpopProofs) {
  const std::string token = bound_token("jkt", jkt());
  EXPECT_EQ(ask_dpop(token, {proof(token, "j1")}), "ok");
  EXPECT_EQ(ask_dpop(token, {proof(token, "j1")}), "401 dpop.replay");
  EXPECT_EQ(ask_dpop(token, {}), "401 dpop.missing");
  const std::string first = proof(token, "j2");
  EXPECT_EQ(ask_dpop(token, {first, first}), "401 dpop.header");
  const TestSigner stranger{*crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256), "x"};
  EXPECT_EQ(ask_dpop(token, {proof(token, "j3", stranger)}), "401 dpop.key");
  EXPECT_EQ(ask_dpop(token, {proof("another.token.here", "j4")}), "401 dpop.ath");
  const std::string plain = entra_v2(rig_.now()).compact();
  EXPECT_EQ(ask_dpop(plain, {proof(plain, "j5")}), "401 dpop.unbound") << "a proof for a token that asks for none proves nothing";
  EXPECT_EQ(rig_.outcome(token), "401 claims.cnf_bearer");
  EXPECT_EQ(ask_dpop(token, {proof(token, "j6")}), "ok");
  const auto proven = rig_.authenticator.try_authenticate({.headers = {.authorization = "DPoP x", .api_key = "y"}}, rig_.now());
  EXPECT_EQ(AuthRig::text_of(*proven), "400 auth.ambiguous");
  rig_.use_proof(ProofMode::kRequire);
  EXPECT_EQ(ask_dpop(token, {proof(token, "j7")}), "ok");
  EXPECT_EQ(rig_.outcome(plain), "401 auth.proof_required");
  rig_.use_proof(ProofMode::kOff);
  EXPECT_EQ(ask_dpop(token, {proof(token, "j8")}), "401 auth.scheme");
}

TEST_F(AuthenticatorTest, CertificateBoundTokens) {
  const auto authority = make_authority("someone");
  const auto stranger = make_authority("someone-else");
  const std::vector<std::string> chain = {der_of(authority.certificate_pem())};
  const std::vector<std::string> others = {der_of(stranger.certificate_pem())};
  const std::string token = "Bearer " + bound_token("x5t#S256", crypto::to_base64url(crypto::as_text(crypto::sha256(chain.front()))));
  std::unique_ptr<http::ConnectionNote> note;
  std::unique_ptr<http::ConnectionNote> other_note;
  const CredentialHeaders headers{.authorization = token, .api_key = {}};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask(ShownCredentials{.headers = headers, .chain = chain, .note = &note}), "ok");
    EXPECT_EQ(ask(ShownCredentials{.headers = headers, .chain = others, .note = &other_note}), "401 claims.cnf_certificate");
    EXPECT_EQ(ask(headers), "401 claims.cnf_certificate") << "also when the token is in the cache";
  }
  // A header about a certificate is worth nothing from a peer whose own certificate nobody accepts.
  const ForwardedCertificate forwarded{.fingerprint = crypto::sha256(chain.front()), .uri = {}};
  EXPECT_EQ(ask(ShownCredentials{.headers = headers, .chain = others, .note = &other_note, .forwarded = &forwarded}), "401 claims.cnf_certificate");
  rig_.use_proof(ProofMode::kRequire);
  EXPECT_EQ(ask(ShownCredentials{.headers = headers, .chain = chain, .note = &note}), "ok");
  // A certificate alone is nobody where no Issuer takes certificates.
  EXPECT_EQ(ask(ShownCredentials{.chain = chain, .note = &note}), "401 auth.missing");
}

TEST(Challenge, ByReasonAndMode) {
  const auto error = [](ErrorCode code, std::string_view reason) { return internal_error(code, std::string(reason)); };
  const auto unauthenticated = [&](std::string_view reason) { return error(ErrorCode::kUnauthenticated, reason); };
  EXPECT_EQ(challenge_for(unauthenticated("auth.missing"), ProofMode::kOff).bearer, R"(Bearer realm="wye")");
  EXPECT_EQ(challenge_for(unauthenticated("auth.missing"), ProofMode::kOff).dpop, "");
  EXPECT_EQ(challenge_for(unauthenticated("auth.missing"), ProofMode::kAccept).dpop, R"(DPoP algs="ES256 PS256")");
  for (const std::string_view reason : {"auth.scheme", "auth.malformed", "jws.signature", "claims.expired", "key.unknown"}) {
    EXPECT_EQ(challenge_for(unauthenticated(reason), ProofMode::kOff).bearer, R"(Bearer realm="wye", error="invalid_token")") << reason;
  }
  const Challenge proof = challenge_for(unauthenticated("dpop.replay"), ProofMode::kAccept);
  EXPECT_EQ(proof.bearer, "");
  EXPECT_TRUE(proof.dpop.contains(R"(error="invalid_dpop_proof")")) << proof.dpop;
  EXPECT_FALSE(proof.nonce_wanted);
  const Challenge nonce = challenge_for(unauthenticated("dpop.nonce"), ProofMode::kRequire);
  EXPECT_TRUE(nonce.dpop.contains(R"(error="use_dpop_nonce")")) << nonce.dpop;
  EXPECT_TRUE(nonce.nonce_wanted);
  for (const ErrorCode code : {ErrorCode::kAuthUnavailable, ErrorCode::kInvalidRequest, ErrorCode::kForbidden}) {
    EXPECT_EQ(challenge_for(error(code, "auth.missing"), ProofMode::kAccept).bearer, "");
  }
  EXPECT_EQ(scope_challenge("chat.create"), R"(Bearer realm="wye", error="insufficient_scope", scope="chat.create")");
}

TEST(Challenge, ClaimsOnlyForWhoUnderstandsThem) {
  PrincipalFields fields;
  const std::string json = R"({"access_token":{"acrs":{"essential":true,"value":"c1"}}})";
  EXPECT_EQ(claims_challenge(PrincipalIssuer::issue(fields), config::kEntraAuthority, "", json), "");
  fields.accepts_challenges = true;
  const Principal able = PrincipalIssuer::issue(fields);
  EXPECT_EQ(claims_challenge(able, config::kEntraAuthority, "", json),
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", error=\"insufficient_claims\", "
            "claims=\"" +
                crypto::to_base64(json) + "\"");
  EXPECT_TRUE(claims_challenge(able, config::kEntraAuthority, kTenantA, json)
                  .contains("https://login.microsoftonline.com/" + std::string(kTenantA) + "/oauth2/authorize"));
  EXPECT_EQ(claims_challenge(able, config::kEntraAuthority, "x\", evil=\"", json), "");
}

}  // namespace
}  // namespace wye::token
