// Assertions and what they are exchanged with: RFC 7523 and Entra, field by field.
#include "identity/workload/token_exchange.hpp"

#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/json/document.hpp"
#include "identity/workload/file_sources.hpp"
#include "identity/workload/workload_test_rig.hpp"

namespace wye::workload {
namespace {

const std::string kToken1 = "authorization: Bearer canary-token-1\r\n";

struct Assertion {
  std::string header;
  std::string payload;
  std::string signature;
  std::string_view signed_part;
};
Assertion take_apart(std::string_view jws) {
  const size_t first = jws.find('.');
  const size_t second = jws.find('.', first + 1);
  return {*crypto::from_base64url(jws.substr(0, first)), *crypto::from_base64url(jws.substr(first + 1, second - first - 1)),
          *crypto::from_base64url(jws.substr(second + 1)), jws.substr(0, second)};
}

TEST(TokenExchange, TheAddressOfTheEndpoint) {
  EXPECT_EQ(entra_token_url("https://login.microsoftonline.com/", "t-1")->target, "/t-1/oauth2/v2.0/token");
  EXPECT_EQ(entra_token_url("https://login.microsoftonline.com", "contoso.example")->origin(), "https://login.microsoftonline.com");
  for (const std::string_view bad : {"", ".", "..", "a/b", "a?b", "a b", "a%2fb"}) EXPECT_FALSE(entra_token_url("https://x", bad)) << bad;
}

TEST(TokenExchange, TheFormIsTheDocumentedOne) {
  ExchangeSpec spec;
  spec.client_id = "c";
  spec.scope = "https://cognitiveservices.azure.com/.default";
  EXPECT_EQ(exchange_form(spec, "a.b.c").reveal(),
            "grant_type=client_credentials&client_id=c&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default"
            "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c");
}

TEST(TokenExchange, TheAssertionSaysWhatRfc7523Asks) {
  const crypto::PrivateKey key = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  const Secret jws = *sign_client_assertion(key, crypto::SignatureAlgorithm::kEs256, "client \"1\"", "https://as.example/token", {},
                                            {1'795'446'000'000'000'000}, "j1");
  const Assertion assertion = take_apart(jws.reveal());
  EXPECT_TRUE(key.public_key().verify(crypto::SignatureAlgorithm::kEs256, assertion.signed_part, assertion.signature));
  EXPECT_EQ(assertion.header, R"({"alg":"ES256","typ":"JWT"})");
  EXPECT_EQ(assertion.payload, R"({"aud":"https://as.example/token","iss":"client \"1\"","sub":"client \"1\"","jti":"j1",)"
                               R"("iat":1795446000,"nbf":1795446000,"exp":1795446240})");
}

/// One element of DER (X.690 §8.1).
std::string der(uint8_t tag, const std::string& content) {
  std::string out(1, static_cast<char>(tag));
  if (content.size() < 128) return out + static_cast<char>(content.size()) + content;
  return out + "\x82" + static_cast<char>(content.size() >> 8) + static_cast<char>(content.size() & 0xFF) + content;
}

/// A self-signed certificate for an RSA key (RFC 5280 §4.1), as Entra wants them.
std::string rsa_certificate(const crypto::PrivateKey& key) {
  const std::string algorithm = der(0x30, der(0x06, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b") + der(0x05, ""));
  const std::string name = der(0x30, der(0x31, der(0x30, der(0x06, "\x55\x04\x03") + der(0x0c, "wye"))));
  const std::string validity = der(0x30, der(0x17, "251123150000Z") + der(0x17, "281123150000Z"));
  const std::string body = der(0x30, der(0x02, "\x01") + algorithm + name + validity + name + key.public_key().spki_der());
  const std::string signature = *key.sign(crypto::SignatureAlgorithm::kRs256, body);
  return der(0x30, body + algorithm + der(0x03, std::string(1, '\0') + signature));
}

/// A certificate and its key as files.
struct Certificate {
  explicit Certificate(WorkloadRig& rig)
      : own(*crypto::PrivateKey::generate_rsa(2048)),
        bytes(rsa_certificate(own)),
        certificate(
            rig.folder.write("client.pem", "-----BEGIN CERTIFICATE-----\n" + crypto::to_base64(bytes) + "\n-----END CERTIFICATE-----\n", 0644)),
        key(rig.folder.write("client.key", own.to_pem().reveal())) {}
  config::Credential spec() const {
    config::Credential credential;
    credential.type = config::CredentialType::kClientCertificate;
    auto& block = credential.client_certificate.emplace();
    block.tenant_id = kTenant;
    block.client_id = kClient;
    block.authority = kAuthority;
    block.cert_file = {certificate, certificate};
    block.key.file = {key, key};
    return credential;
  }
  crypto::PrivateKey own;
  std::string bytes;  // DER
  std::string certificate, key;
};

TEST(TokenExchange, OAuth2SignsWithAKeyReadEachTime) {
  WorkloadRig rig;
  const crypto::PrivateKey first = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  const crypto::PrivateKey second = *crypto::PrivateKey::generate_rsa(2048);
  const std::string file = rig.folder.write("key.pem", first.to_pem().reveal());
  config::Credential spec;
  spec.type = config::CredentialType::kOauth2;
  auto& block = spec.oauth2.emplace();
  block.token_url = std::string(kAuthority) + "/" + std::string(kTenant) + "/oauth2/v2.0/token";
  block.client_id = kClient;
  block.scope = "api://x/.default";
  block.key.file = {file, file};
  const auto slot = rig.hold(rig.take(spec));
  EXPECT_EQ(rig.line(slot), kToken1);
  const auto check = [&](const Seen& seen, const crypto::PrivateKey& key, crypto::SignatureAlgorithm algorithm) {
    const std::string& text = seen.form.at("client_assertion");
    const Assertion assertion = take_apart(text);
    EXPECT_TRUE(key.public_key().verify(algorithm, assertion.signed_part, assertion.signature));
    json::Document claims;
    ASSERT_TRUE(claims.parse(assertion.payload));
    EXPECT_EQ(claims.root().find("aud")->text(), block.token_url);
    EXPECT_EQ(claims.root().find("iss")->text(), kClient);
    EXPECT_EQ(claims.root().find("sub")->text(), kClient);
    EXPECT_LE(*claims.root().find("exp")->integer() - *claims.root().find("iat")->integer(), 300);
    EXPECT_EQ(*claims.root().find("iat")->integer(), WallTime{rig.loop.clock().wall().ns - (rig.loop.now() - seen.at).count()}.seconds());
  };
  ASSERT_EQ(rig.cloud.seen.size(), 1u);
  check(rig.cloud.seen[0], first, crypto::SignatureAlgorithm::kEs256);
  rig.folder.write("key.pem", second.to_pem().reveal());
  rig.run_for(40min);
  ASSERT_EQ(rig.cloud.seen.size(), 2u);
  check(rig.cloud.seen[1], second, crypto::SignatureAlgorithm::kRs256);
  const auto id = [&](size_t i) {
    json::Document claims;
    EXPECT_TRUE(claims.parse_copy(take_apart(rig.cloud.seen[i].form.at("client_assertion")).payload));
    return claims.root().find("jti")->text();
  };
  EXPECT_NE(id(0), id(1));
  EXPECT_GE(id(0).size(), 22u);
}

TEST(TokenExchange, ACertificateIsNamedByItsThumbprint) {
  WorkloadRig rig;
  const Certificate certificate(rig);
  EXPECT_EQ(rig.line(rig.hold(rig.take(certificate.spec()))), kToken1);
  const std::string& text = rig.cloud.seen.at(0).form.at("client_assertion");
  const Assertion assertion = take_apart(text);
  EXPECT_EQ(assertion.header,
            R"({"alg":"PS256","typ":"JWT","x5t#S256":")" + crypto::to_base64url(crypto::as_text(crypto::sha256(certificate.bytes))) + "\"}");
  EXPECT_TRUE(certificate.own.public_key().verify(crypto::SignatureAlgorithm::kPs256, assertion.signed_part, assertion.signature));
}

TEST(TokenExchange, AKeyThatDoesNotFitIsRefusedBeforeItIsUsed) {
  WorkloadRig rig;
  const Certificate certificate(rig);
  config::Credential spec = certificate.spec();
  const std::string other = rig.folder.write("other.pem", crypto::PrivateKey::generate_rsa(2048)->to_pem().reveal());
  spec.client_certificate->key.file = {other, other};
  EXPECT_NE(rig.refusal_of(spec).find("is not that of the certificate"), std::string::npos) << rig.refusal_of(spec);
  const std::string junk = rig.folder.write("junk.pem", "canary");
  spec.client_certificate->key.file = {junk, junk};
  EXPECT_NE(rig.refusal_of(spec).find("none that can be used"), std::string::npos);
  EXPECT_EQ(rig.refusal_of(spec).find("canary"), std::string::npos);
  const auto curve = crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  const std::string elliptic = rig.folder.write("ec.pem", curve->to_pem().reveal());
  spec.client_certificate->key.file = {elliptic, elliptic};
  EXPECT_NE(rig.refusal_of(spec).find("RSA keys only"), std::string::npos);
  spec.client_certificate->cert_file = spec.client_certificate->key.file;
  spec.client_certificate->key.file = {other, other};
  EXPECT_NE(rig.refusal_of(spec).find("no certificate in PEM"), std::string::npos);
}

TEST(KeyVault, TheKeyIsFetchedWithTheIdentityOfTheProcess) {
  for (const bool pod : {true, false}) {
    WorkloadRig rig;
    if (pod) rig.set_aks();
    config::Credential spec;
    spec.type = config::CredentialType::kApiKey;
    spec.api_key.emplace().key.key_vault = config::KeyVaultSecret{"https://contoso.vault.azure.net", "openai-key"};
    const auto slot = rig.hold(rig.take(spec));
    EXPECT_EQ(rig.line(slot), "api-key: canary-vault-key-1\r\n");
    ASSERT_EQ(rig.cloud.seen.size(), 2u);
    EXPECT_EQ(rig.cloud.seen[0].service, pod ? "entra" : "imds");
    if (pod) EXPECT_EQ(rig.cloud.seen[0].form.at("scope"), "https://vault.azure.net/.default");
    else EXPECT_NE(rig.cloud.seen[0].line.find("resource=https%3A%2F%2Fvault.azure.net"), std::string::npos);
    EXPECT_EQ(rig.cloud.seen[1].line, "GET /secrets/openai-key?api-version=7.4");
    // Rotated in the vault: seen within a quarter of an hour, with the token that is there.
    rig.cloud.vault_value = "canary-vault-key-2";
    rig.run_for(17min);
    EXPECT_EQ(rig.line(slot), "api-key: canary-vault-key-2\r\n");
    EXPECT_EQ(rig.cloud.asked("vault"), 2u);
    EXPECT_EQ(rig.cloud.seen.size(), 3u);
    // A vault that fails takes nothing away.
    rig.cloud.down = true;
    rig.run_for(3h);
    EXPECT_EQ(rig.line(slot), "api-key: canary-vault-key-2\r\n");
  }
}

TEST(KeyVault, OnlyVaultsAreOpened) {
  WorkloadRig rig;
  config::Credential spec;
  spec.type = config::CredentialType::kApiKey;
  for (const std::string bad : {"https://attacker.example", "https://vault.azure.net", "https://contoso.vault.azure.net.attacker.example",
                                "http://contoso.vault.azure.net", "https://contoso.vault.azure.net:8443", "https://contoso.vault.azure.net/x"}) {
    spec.api_key.emplace().key.key_vault = config::KeyVaultSecret{bad, "k"};
    EXPECT_NE(rig.refusal_of(spec), "") << bad;
  }
}

std::string svid(std::string_view payload) { return crypto::to_base64url(R"({"alg":"ES256"})") + "." + crypto::to_base64url(payload) + ".c2ln"; }

TEST(Spiffe, TheFileIsSentAsItIsAndReadAnew) {
  WorkloadRig rig;
  const int64_t now = rig.loop.clock().wall().seconds();
  const auto token = [&](int64_t life, std::string_view id) {
    return svid(R"({"aud":["other","https://models.contoso.example"],"sub":"spiffe://contoso.example/wye","jti":")" + std::string(id) +
                R"(","exp":)" + std::to_string(now + life) + "}");
  };
  const std::string first = token(300, "a");
  const std::string second = token(600, "b");
  const std::string file = rig.folder.write("svid", first + "\n", 0644);
  config::Credential spec;
  spec.type = config::CredentialType::kSpiffe;
  spec.spiffe.emplace().audience = "https://models.contoso.example";
  spec.spiffe->token_file = {file, file};
  const auto slot = rig.hold(rig.take(spec));
  EXPECT_EQ(rig.line(slot), "authorization: Bearer " + first + "\r\n");
  rig.folder.write("svid", second, 0644);
  rig.run_for(6s);
  EXPECT_EQ(rig.line(slot), "authorization: Bearer " + second + "\r\n");
  // Nobody renews it any more: it ends when it says.
  rig.run_for(10min);
  EXPECT_EQ(rig.line(slot, kOrigin, 1s), "credential.unavailable: token.svid: the JWT has ended; nobody renews the file");
}

TEST(Spiffe, AnotherAudienceIsRefused) {
  const WallTime now{1'795'446'000'000'000'000};
  EXPECT_TRUE(svid_life(svid(R"({"aud":"a","exp":1795446060})"), "a", now));
  EXPECT_EQ(*svid_life(svid(R"({"aud":["b","a"],"exp":1795446060})"), "a", now), Nanos(60s));
  for (const std::string& bad :
       {svid(R"({"aud":"ab","exp":1795446060})"), svid(R"({"aud":[],"exp":1795446060})"), svid(R"({"exp":1795446060})"), svid(R"({"aud":"a"})"),
        svid(R"({"aud":"a","exp":"soon"})"), svid("x"), std::string("a.b"), std::string("a.b.c.d"), std::string()})
    EXPECT_EQ(svid_life(bad, "a", now).error().kind, Fault::Kind::kPermanent) << bad;
  EXPECT_EQ(svid_life(svid(R"({"aud":"a","exp":1795446000})"), "a", now).error().kind, Fault::Kind::kRetryable);
}

}  // namespace
}  // namespace wye::workload
