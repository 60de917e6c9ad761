#include "identity/token/key_set.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "identity/token/jws.hpp"

namespace wye::token {
namespace {

using crypto::to_base64url;
using enum crypto::SignatureAlgorithm;

struct Keys {
  crypto::PrivateKey rsa = *crypto::PrivateKey::generate_rsa(2'048);
  crypto::PrivateKey ec = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  crypto::PrivateKey other_ec = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  crypto::PrivateKey ed = *crypto::PrivateKey::generate_ed25519();
};
const Keys& made() {
  static const Keys keys;
  return keys;
}
std::string jwk(const crypto::PrivateKey& key, std::string_view members = "") {
  std::string text(key.public_key().jwk());
  text.pop_back();
  return text + (members.empty() ? "" : ",") + std::string(members) + '}';
}
std::string set_of(std::initializer_list<std::string> keys, std::string_view members = "") {
  std::string text = "{";
  text += members;
  text += "\"keys\":[";
  for (const std::string& one : keys) (text += one) += ',';
  if (keys.size() > 0) text.pop_back();
  return text + "]}";
}
KeySetParse parse(std::string_view json, const KeySetRules& rules = {}) {
  auto found = KeySet::parse(json, rules);
  EXPECT_TRUE(found) << found.error().detail;
  return found ? std::move(*found) : KeySetParse{.keys = std::make_shared<KeySet>()};
}
std::string refusal(std::string_view json) {
  const auto found = KeySet::parse(json, {});
  return found ? "accepted" : found.error().detail;
}
/// What became of one key that stands beside a good one: `used`, or the fault.
std::string fate(const std::string& key, const KeySetRules& rules = {}) {
  const std::string good = jwk(made().ed, rules.use == KeyUse::kJwtSvid ? R"("kid":"good","use":"jwt-svid")" : R"("kid":"good")");
  const KeySetParse found = parse(set_of({key, good}), rules);
  EXPECT_EQ(found.keys->find("good").size(), 1U) << "the good key beside it is lost: " << key;
  if (found.quarantine.empty()) return "used";
  EXPECT_EQ(found.quarantine.size(), 1U);
  EXPECT_EQ(found.quarantine[0].index, 0U);
  EXPECT_FALSE(found.quarantine[0].why.empty());
  EXPECT_EQ(found.alarms(), is_alarm(found.quarantine[0].fault) ? 1U : 0U);
  return std::string(to_string(found.quarantine[0].fault));
}
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

struct Row {
  std::string key;
  std::string_view expected;
};

std::string with(std::string_view kind, std::string_view members) { return "{\"kty\":\"" + std::string(kind) + "\"," + std::string(members) + '}'; }
/// 2^2047 + c as foundation/crypto's test of the fingerprint has it.
std::string roca_modulus() {
  std::string roca(256, '\0');
  roca[0] = '\x80';
  const std::string tail = *crypto::from_hex("0dc6550752fcfb298864223e631d0aba18e8ca9b7da1a54a081ae7c9");
  return roca.replace(roca.size() - tail.size(), tail.size(), tail);
}

std::vector<Row> sound_keys() {
  const std::string rsa = jwk(made().rsa);
  const std::string ec = jwk(made().ec);
  return {
      {rsa, "used"},
      {ec, "used"},
      {jwk(made().ec, R"("use":"sig","alg":"ES256","key_ops":["verify"],"x5t":"a","x5c":["b"],"ext":true)"), "used"},
      {jwk(made().ec, R"("key_ops":["sign","verify"])"), "used"},
  };
}

std::vector<Row> keys_for_another_purpose() {
  const std::string rsa = jwk(made().rsa);
  return {
      {jwk(made().ec, R"("use":"enc")"), "other_purpose"},
      {jwk(made().ec, R"("use":"SIG")"), "other_purpose"},
      {jwk(made().ec, R"("use":"jwt-svid")"), "other_purpose"},
      {jwk(made().ec, R"("key_ops":["sign"])"), "other_purpose"},
      {jwk(made().ec, R"("key_ops":[])"), "other_purpose"},
      {jwk(made().rsa, R"("alg":"RSA-OAEP")"), "other_purpose"},
      {jwk(made().ec, R"("alg":"ES521")"), "other_purpose"},
      {jwk(made().ec, R"("alg":"es256")"), "other_purpose"},
      {jwk(made().ec, R"("alg":"HS256")"), "other_purpose"},
      {jwk(made().ec, R"("alg":"none")"), "other_purpose"},
      {with("EC", R"("crv":"secp256k1","x":"AA","y":"AA")"), "other_purpose"},
      {with("OKP", R"("crv":"X25519","x":"AA")"), "other_purpose"},
      {with("OKP", R"("crv":"Ed448","x":"AA")"), "other_purpose"},
      {with("AKP", R"("alg":"ML-DSA-44","pub":"AA")"), "other_purpose"},
  };
}

std::vector<Row> secret_keys() {
  const std::string rsa = jwk(made().rsa);
  return {
      {jwk(made().ec, R"("d":"AA")"), "private"},
      {jwk(made().ec, R"("d":"AA","use":"enc")"), "private"},
      {jwk(made().ec, R"("d":null)"), "private"},
      {jwk(made().rsa, R"("p":"AA")"), "private"},
      {jwk(made().rsa, R"("q":"AA")"), "private"},
      {jwk(made().rsa, R"("dp":"AA")"), "private"},
      {jwk(made().rsa, R"("dq":"AA")"), "private"},
      {jwk(made().rsa, R"("qi":"AA")"), "private"},
      {jwk(made().rsa, R"("k":"AA")"), "private"},
      {jwk(made().rsa, "\"\\u0064\":\"AA\""), "private"},
      {with("oct", "\"k\":\"" + to_base64url(std::string(64, 'k')) + '"'), "symmetric"},
  };
}

std::vector<Row> weak_keys() {
  const std::string rsa = jwk(made().rsa);
  const std::string short_rsa = with("RSA", "\"e\":\"AQAB\",\"n\":\"" + to_base64url(std::string(128, '\xC1')) + '"');
  return {
      {short_rsa, "weak"},
      {replaced(rsa, "\"AQAB\"", "\"Aw\""), "weak"},
      {replaced(rsa, "\"AQAB\"", "\"AQ\""), "weak"},
      {replaced(rsa, "\"AQAB\"", "\"AQAAAAE\""), "weak"},
      {with("RSA", "\"e\":\"AQAB\",\"n\":\"" + to_base64url(roca_modulus()) + '"'), "roca"},
  };
}

std::vector<Row> malformed_keys() {
  const std::string rsa = jwk(made().rsa);
  const std::string ec = jwk(made().ec);
  const std::string ed = jwk(made().ed);
  return {
      {"7", "malformed"},
      {"[]", "malformed"},
      {"{}", "malformed"},
      {with("RSA", R"("e":"AQAB")"), "malformed"},
      {replaced(rsa, "\"AQAB\"", "\"AAEAAQ\""), "malformed"},
      {replaced(rsa, "\"AQAB\"", "65537"), "malformed"},
      {replaced(rsa, "\"AQAB\"", "\"AQA=\""), "malformed"},
      {replaced(rsa, "\"n\":\"", "\"n\":\"!"), "malformed"},
      {replaced(rsa, "\"RSA\"", "\"EC\""), "malformed"},
      {replaced(ec, "\"EC\"", "\"RSA\""), "malformed"},
      {replaced(ec, "P-256", "P-384"), "malformed"},
      {replaced(ec, "\"x\":\"", "\"x\":\"AAAA"), "malformed"},
      {replaced(ec, R"("crv":"P-256",)", ""), "malformed"},
      {replaced(ed, "\"x\":\"", "\"x\":\"AAAA"), "malformed"},
      {jwk(made().ec, R"("kty":"EC")"), "malformed"},
      {jwk(made().ec, R"("foo":1,"foo":2)"), "malformed"},
      {jwk(made().ec, R"("kid":7)"), "malformed"},
      {jwk(made().ec, R"("kid":"")"), "malformed"},
      {jwk(made().ec, "\"kid\":\"" + std::string(257, 'k') + '"'), "malformed"},
      {jwk(made().ec, "\"kid\":\"" + std::string(256, 'k') + '"'), "used"},
      {jwk(made().ec, R"("use":["sig"])"), "malformed"},
      {jwk(made().ec, R"("key_ops":"verify")"), "malformed"},
      {jwk(made().ec, R"("key_ops":["verify",1])"), "malformed"},
      {jwk(made().ec, R"("alg":"ES384")"), "malformed"},
      {jwk(made().ec, R"("alg":"RS256")"), "malformed"},
      {jwk(made().ec, "\"issuer\":\"" + std::string(2'049, 'i') + '"'), "malformed"},
  };
}

// The rest of a set with one bad key stays usable.
TEST(KeySet, one_bad_jwk_is_quarantined) {
  for (const auto rows : {sound_keys, keys_for_another_purpose, secret_keys, weak_keys, malformed_keys}) {
    for (const Row& row : rows()) EXPECT_EQ(fate(row.key), row.expected) << row.key.substr(0, 200);
  }
  std::string many;
  for (int i = 0; i < 30; ++i) many += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":0";
  EXPECT_EQ(fate(jwk(made().ec, many)), "malformed") << "more than 32 members";
}

TEST(KeySet, TwoKeysOfOneKid) {
  const std::string a = jwk(made().ec, R"("kid":"k")");
  const std::string b = jwk(made().other_ec, R"("kid":"k")");
  const std::string c = jwk(made().rsa, R"("kid":"other")");
  const KeySetParse conflict = parse(set_of({a, c, b}));
  EXPECT_TRUE(conflict.keys->find("k").empty());
  EXPECT_EQ(conflict.keys->find("other").size(), 1U);
  ASSERT_EQ(conflict.quarantine.size(), 2U);
  EXPECT_EQ(conflict.quarantine[0].index, 0U);
  EXPECT_EQ(conflict.quarantine[1].index, 2U);
  EXPECT_EQ(conflict.quarantine[1].kid, "k");
  for (const QuarantinedKey& one : conflict.quarantine) EXPECT_EQ(one.fault, JwkFault::kKidConflict);
  // The same key twice, and a key that is not for signatures, are no conflict; nor are keys without kid.
  EXPECT_EQ(parse(set_of({a, a})).alarms(), 0U);
  const KeySetParse beside = parse(set_of({a, jwk(made().other_ec, R"("kid":"k","use":"enc")")}));
  EXPECT_EQ(beside.keys->find("k").size(), 1U);
  EXPECT_EQ(parse(set_of({jwk(made().ec), jwk(made().other_ec)})).keys->size(), 2U);
  // Whether an unreadable key is another one can not be known.
  const KeySetParse unreadable = parse(set_of({a, R"({"kty":"EC","crv":"P-256","kid":"k","x":"","y":""})", c}));
  EXPECT_EQ(unreadable.keys->size(), 1U);
  EXPECT_EQ(unreadable.quarantine[0].fault, JwkFault::kKidConflict);
  EXPECT_EQ(unreadable.quarantine[1].fault, JwkFault::kMalformed);
}

TEST(KeySet, FindsByExactKidAndKnowsItsKeys) {
  const KeySetParse found =
      parse(set_of({jwk(made().ec, R"("kid":"b","issuer":"https://i.example/{tenantid}/v2.0")"), jwk(made().rsa, R"("kid":"a")"), jwk(made().ed)}));
  ASSERT_EQ(found.keys->size(), 3U);
  ASSERT_EQ(found.keys->find("b").size(), 1U);
  EXPECT_EQ(found.keys->find("b")[0].issuer, "https://i.example/{tenantid}/v2.0");
  EXPECT_TRUE(found.keys->find("B").empty());
  EXPECT_TRUE(found.keys->find("").empty()) << "a key without kid answers to none";
  EXPECT_TRUE(found.keys->has_key(made().ec.public_key().thumbprint()));
  EXPECT_TRUE(found.keys->has_key(made().ed.public_key().thumbprint()));
  EXPECT_FALSE(found.keys->has_key(made().other_ec.public_key().thumbprint()));
  EXPECT_FALSE(KeySet().has_key(made().ec.public_key().thumbprint()));
}

TEST(KeySet, AKeyWithAnAlgorithmSignsNothingElse) {
  const KeySetParse found = parse(set_of({jwk(made().rsa, R"("kid":"k","alg":"PS512")")}));
  const JwsRules rules = {.algorithms = crypto::AlgorithmSet::all()};
  for (const auto algorithm : {kRs256, kRs512, kPs256, kPs512}) {
    const auto jws = parse_jws(*crypto::sign_jws(made().rsa, algorithm, R"("kid":"k")", "{}"), rules);
    const auto verified = verify_jws(*jws, *found.keys, rules);
    EXPECT_EQ(verified.has_value(), algorithm == kPs512);
    if (!verified) EXPECT_EQ(verified.error().detail, kJwsKeyAlg);
  }
}

TEST(KeySet, TextsThatAreNoKeySet) {
  EXPECT_EQ(refusal(""), "jwks.json");
  EXPECT_EQ(refusal("<html>"), "jwks.json");
  EXPECT_EQ(refusal("{\"keys\":[]} {}"), "jwks.json");
  EXPECT_EQ(refusal("[]"), "jwks.shape");
  EXPECT_EQ(refusal("{}"), "jwks.shape");
  EXPECT_EQ(refusal(R"({"keys":{}})"), "jwks.shape");
  EXPECT_EQ(refusal(R"({"keys":[],"keys":[]})"), "jwks.shape");
  EXPECT_EQ(refusal(R"({"keys":[],"a":1,"a":1})"), "jwks.shape");
  EXPECT_EQ(refusal(R"({"keys":[]})"), "accepted");
  EXPECT_TRUE(parse(R"({"keys":[]})").array_was_empty);
  EXPECT_FALSE(parse(R"({"keys":[{}]})").array_was_empty);
}

TEST(KeySet, Bounds) {
  const auto padded = [](size_t bytes) {
    std::string text = R"({"keys":[],"pad":")";
    return text + std::string(bytes - text.size() - 2, 'x') + "\"}";
  };
  EXPECT_EQ(refusal(padded(512 * 1'024)), "accepted");
  EXPECT_EQ(refusal(padded(512 * 1'024 + 1)), "jwks.size");
  const auto many = [](size_t count) {
    std::string text = R"({"keys":[{})";
    for (size_t i = 1; i < count; ++i) text += ",{}";
    return text + "]}";
  };
  EXPECT_EQ(refusal(many(1'000)), "accepted");
  EXPECT_EQ(refusal(many(1'001)), "jwks.count");
  EXPECT_EQ(refusal("{\"keys\":" + std::string(7, '[') + std::string(7, ']') + '}'), "accepted");
  EXPECT_EQ(refusal("{\"keys\":" + std::string(8, '[') + std::string(8, ']') + '}'), "jwks.json");
}

TEST(KeySet, SpiffeBundle) {
  const KeySetRules spiffe = {.use = KeyUse::kJwtSvid};
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"jwt-svid","kid":"a")"), spiffe), "used");
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"jwt-svid")"), spiffe), "no_kid");
  EXPECT_EQ(fate(jwk(made().ec, R"("kid":"a")"), spiffe), "malformed") << "use is missing";
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"sig","kid":"a")"), spiffe), "other_purpose");
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"x509-svid","x5c":[])"), spiffe), "malformed");
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"x509-svid","x5c":["!"])"), spiffe), "malformed");
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"x509-svid","x5c":[1])"), spiffe), "malformed");
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"x509-svid")"), spiffe), "malformed");
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"x509-svid","kid":"a","x5c":["MIIB"])"), spiffe), "malformed");
  EXPECT_EQ(fate(jwk(made().ec, R"("use":"x509-svid","x5c":["MIIB"])")), "other_purpose") << "in a JWKS it is no root";
  const KeySetParse bundle =
      parse(set_of({jwk(made().ec, R"("use":"x509-svid","x5c":["MIIB","AAAA"])"), jwk(made().ec, R"("use":"jwt-svid","kid":"a")")},
                   R"("spiffe_sequence":12,"spiffe_refresh_hint":300,)"),
            spiffe);
  EXPECT_EQ(bundle.roots, std::vector{*crypto::from_base64("MIIB")});
  EXPECT_EQ(bundle.keys->size(), 1U);
  EXPECT_EQ(bundle.spiffe_sequence, 12);
  EXPECT_EQ(bundle.spiffe_refresh_hint, 300);
  EXPECT_FALSE(parse(set_of({}, R"("spiffe_sequence":-1,"spiffe_refresh_hint":1.5,)"), spiffe).spiffe_sequence);
}

TEST(KeySet, SharedSecretsOnlyForVectorsAndNeverBesidePublicKeys) {
  const std::string oct = R"({"kty":"oct","kid":"s","alg":"HS256","k":")" + to_base64url(std::string(32, 'k')) + "\"}";
  EXPECT_EQ(parse(set_of({oct})).keys->size(), 0U);
  EXPECT_EQ(parse(set_of({oct}), {.vector_keys = VectorKeys::kTaken}).keys->size(), 1U);
  const KeySetParse mixed = parse(set_of({oct, jwk(made().ec)}), {.vector_keys = VectorKeys::kTaken});
  EXPECT_EQ(mixed.keys->size(), 1U);
  EXPECT_EQ(mixed.quarantine[0].fault, JwkFault::kSymmetric);
}

TEST(PublicJwk, OneKeyFromText) {
  const auto good = parse_public_jwk(jwk(made().ec));
  ASSERT_TRUE(good);
  EXPECT_EQ(good->thumbprint, made().ec.public_key().thumbprint());
  for (const std::string& text :
       {jwk(made().ec, R"("d":"AA")"), jwk(made().ec, R"("use":"enc")"), std::string(R"({"kty":"oct","k":"AAAA"})"), std::string("{"), std::string(),
        jwk(made().ec, R"("kty":"EC")"), jwk(made().ec, "\"a\":\"" + std::string(kJwkBytesMax, 'a') + '"')}) {
    const auto refused = parse_public_jwk(text);
    ASSERT_FALSE(refused) << text.substr(0, 100);
    EXPECT_EQ(refused.error().detail, kJwsEmbeddedKey);
  }
}

}  // namespace
}  // namespace wye::token
