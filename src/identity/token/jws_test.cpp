#include "identity/token/jws.hpp"

#include "config/kinds/identity_enums.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"

namespace wye::token {
namespace {

using crypto::to_base64url;
using enum crypto::SignatureAlgorithm;

constexpr std::string_view kPayload = R"({"iss":"https://issuer.example","aud":"wye","exp":1760000000})";
constexpr JwsRules kRules = {.algorithms = {kRs256, kEs256}};

const crypto::PrivateKey& p256() {
  static const crypto::PrivateKey key = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  return key;
}
/// The JWK of a key with further members.
std::string jwk(const crypto::PrivateKey& key, std::string_view members) {
  std::string text(key.public_key().jwk());
  text.pop_back();
  return text + ',' + std::string(members) + '}';
}
std::shared_ptr<const KeySet> keys(std::string_view json) {
  auto parsed = KeySet::parse(json, {});
  EXPECT_TRUE(parsed);
  return parsed ? parsed->keys : std::make_shared<KeySet>();
}
std::shared_ptr<const KeySet> one_key() { return keys(R"({"keys":[)" + jwk(p256(), R"("kid":"k1")") + "]}"); }

/// A token over any header text, signed as it stands.
std::string token(std::string_view header, std::string_view payload = kPayload) {
  std::string text = to_base64url(header) + '.' + to_base64url(payload);
  return text + '.' + to_base64url(*p256().sign(kEs256, text));
}
std::string header(std::string_view members) {
  return R"({"alg":"ES256","kid":"k1")" + std::string(members.empty() ? "" : ",") + std::string(members) + '}';
}

/// `accepted`, or the reason, after parsing and verifying.
std::string outcome(std::string_view compact, const JwsRules& rules = kRules, const KeySet& set = *one_key()) {
  const auto jws = parse_jws(compact, rules);
  const auto payload = jws ? verify_jws(*jws, set, rules) : Result<VerifiedPayload>(Fail(jws.error()));
  if (payload) return "accepted";
  EXPECT_EQ(payload.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(payload.error().public_message, "The access token is not valid.");
  return payload.error().detail;
}

/// A header of exactly so many bytes, a payload of exactly so many.
std::string header_of(size_t bytes) {
  const std::string start = R"({"alg":"ES256","kid":"k1","pad":")";
  return start + std::string(bytes - start.size() - 2, 'x') + "\"}";
}

TEST(Jws, GivesThePayloadOfAGoodToken) {
  const std::string compact = token(header(R"("typ":"JWT","x5t":"abc")"));
  const auto jws = parse_jws(compact, kRules);
  ASSERT_TRUE(jws);
  EXPECT_EQ(jws->algorithm(), kEs256);
  EXPECT_EQ(jws->kid(), "k1");
  EXPECT_EQ(jws->typ(), "JWT");
  EXPECT_EQ(jws->issuer_hint(), "https://issuer.example");
  EXPECT_EQ(jws->aud_hint(), R"("wye")");
  EXPECT_EQ(jws->exp_hint(), "1760000000");
  EXPECT_EQ(jws->nbf_hint(), "");
  EXPECT_EQ(jws->subject_hint(), "");
  EXPECT_EQ(jws->embedded_jwk(), "");
  const auto set = one_key();
  const auto verified = verify_jws(*jws, *set, kRules);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->bytes(), kPayload);
  EXPECT_EQ(verified->key_issuer(), "");
  EXPECT_EQ(verified->key_thumbprint(), p256().public_key().thumbprint());
}

struct Row {
  std::string_view what;
  std::string compact;
  std::string_view expected;
};
/// Each row differs from a good token in the one thing that it names.
void expect(const std::vector<Row>& rows) {
  const auto set = one_key();
  for (const Row& row : rows) EXPECT_EQ(outcome(row.compact, kRules, *set), row.expected) << row.what;
}

/// What comes before the signature, the dot included.
std::string input_of(const std::string& compact) { return compact.substr(0, compact.rfind('.') + 1); }
std::string deep(size_t depth) { return header("\"x\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']')); }
std::string members(int count) {
  std::string text;
  for (int i = 2; i < count; ++i) text += (i > 2 ? ",\"m" : "\"m") + std::to_string(i) + "\":0";
  return header(text);
}
std::string kid(std::string_view value) { return R"({"alg":"ES256","kid":)" + std::string(value) + '}'; }
/// A good token made longer by a signature of zeros. One length in four can not be of base64url: then the header is a byte longer.
std::string long_token(size_t characters) {
  std::string text = input_of(token(header_of(60)));
  if ((characters - text.size()) % 4 == 1) text = input_of(token(header_of(61)));
  return text + std::string(characters - text.size(), 'A');
}

TEST(JwsForm, Shape) {
  const std::string good = token(header(""));
  expect({
      {"good", token(header("")), "accepted"},
      {"no dot", "eyJhbGciOiJFUzI1NiJ9", kJwsShape},
      {"one dot", input_of(good).substr(0, input_of(good).size() - 1), kJwsShape},
      {"three dots", good + '.', kJwsShape},
      {"JWE, five parts", good + ".AA.AA", kJwsShape},
      {"JSON serialization", R"({"payload":"e30","protected":"e30","signature":"AA"})", kJwsShape},
      {"empty", "", kJwsShape},
      {"only dots", "..", kJwsHeader},
  });
}

TEST(JwsForm, Size) {
  expect({
      {"good", token(header("")), "accepted"},
      {"header of 2,048 bytes", token(header_of(2'048)), "accepted"},
      {"header of 2,049 bytes", token(header_of(2'049)), kJwsSize},
      {"payload of 12,288 bytes", token(header(""), std::string(12'288, ' ')), kJwsSize},  // with its header and signature over 16,384 characters
      {"payload of 12,100 bytes", token(header(""), std::string(12'100, ' ')), "accepted"},
      {"16,384 characters", long_token(16'384), kJwsSignature},
      {"16,385 characters", long_token(16'385), kJwsSize},
  });
}

TEST(JwsForm, Base64) {
  const std::string good = token(header(""));
  expect({
      {"good", token(header("")), "accepted"},
      {"padding", good + "==", kJwsBase64},
      {"padded header", to_base64url(header(" \"x\":1")) + "=" + good.substr(good.find('.')), kJwsBase64},
      {"space at the end", good + ' ', kJwsBase64},
      {"line feed inside", good.substr(0, 20) + '\n' + good.substr(20), kJwsBase64},
      {"alphabet of base64", input_of(good) + std::string(86, '+'), kJwsBase64},
      {"slash", input_of(good) + std::string(86, '/'), kJwsBase64},
      {"length of 1 modulo 4", input_of(good) + std::string(85, 'A'), kJwsBase64},
      {"unused bits", input_of(good) + std::string(85, 'A') + 'B', kJwsBase64},
      {"no unused bits", input_of(good) + std::string(86, 'A'), kJwsSignature},
      {"not ASCII", good.substr(0, 5) + "\xC3\xA9" + good.substr(7), kJwsBase64},
      {"a NUL byte", good.substr(0, 5) + std::string(1, '\0') + good.substr(6), kJwsBase64},
  });
}

TEST(JwsForm, Header) {
  expect({
      {"good", token(header("")), "accepted"},
      {"header is no JSON", token("alg"), kJwsHeader},
      {"header is an array", token(R"(["ES256"])"), kJwsHeader},
      {"header is a string", token(R"("ES256")"), kJwsHeader},
      {"something behind the object", token(header("") + "{}"), kJwsHeader},
      {"byte order mark", token("\xEF\xBB\xBF" + header("")), kJwsHeader},
      {"invalid UTF-8", token(header("\"x\":\"\xFF\"")), kJwsHeader},
      {"comment", token("/**/" + header("")), kJwsHeader},
      {"trailing comma", token(R"({"alg":"ES256","kid":"k1",})"), kJwsHeader},
      {"alg twice", token(header(R"("alg":"ES256")")), kJwsHeader},
      {"alg twice, once escaped", token(header("\"\\u0061lg\":\"none\"")), kJwsHeader},
      {"other member twice", token(header(R"("x":1,"x":1)")), kJwsHeader},
      {"white space", token(" {\n\"alg\" : \"ES256\" ,\t\"kid\":\"k1\" }\r\n"), "accepted"},
      {"depth 4", token(deep(4)), "accepted"},
      {"depth 5", token(deep(5)), kJwsHeader},
      {"16 members", token(members(16)), "accepted"},
      {"17 members", token(members(17)), kJwsHeader},
      {"typ is a number", token(header(R"("typ":1)")), kJwsHeader},
      {"cty is a number", token(header(R"("cty":1)")), kJwsHeader},
  });
}

TEST(JwsForm, Alg) {
  expect({
      {"good", token(header("")), "accepted"},
      {"alg missing", token(R"({"kid":"k1"})"), kJwsAlg},
      {"none", to_base64url(R"({"alg":"none","kid":"k1"})") + ".e30.", kJwsAlg},
      {"None", token(R"({"alg":"None","kid":"k1"})"), kJwsAlg},
      {"NONE with crit", token(R"({"alg":"NONE","kid":"k1","crit":["b64"]})"), kJwsAlg},
      {"nOnE with a jwk", token(R"({"alg":"nOnE","kid":"k1","jwk":{}})"), kJwsAlg},
      {"empty alg", token(R"({"alg":"","kid":"k1"})"), kJwsAlg},
      {"lower case", token(R"({"alg":"es256","kid":"k1"})"), kJwsAlg},
      {"space behind", token(R"({"alg":"ES256 ","kid":"k1"})"), kJwsAlg},
      {"NUL behind", token("{\"alg\":\"ES256\\u0000\",\"kid\":\"k1\"}"), kJwsAlg},
      {"an array of algs", token(R"({"alg":["ES256"],"kid":"k1"})"), kJwsAlg},
      {"a number", token(R"({"alg":256,"kid":"k1"})"), kJwsAlg},
      {"null", token(R"({"alg":null,"kid":"k1"})"), kJwsAlg},
      {"not in the list", token(R"({"alg":"PS256","kid":"k1"})"), kJwsAlg},
      {"HMAC with the public key", token(R"({"alg":"HS256","kid":"k1"})"), kJwsAlg},
      {"in the list, other key", token(R"({"alg":"RS256","kid":"k1"})"), kJwsKeyAlg},
      {"escaped alg", token("{\"alg\":\"\\u0045S256\",\"kid\":\"k1\"}"), "accepted"},
  });
}

TEST(JwsForm, Crit) {
  expect({
      {"good", token(header("")), "accepted"},
      {"crit", token(header(R"("crit":["exp"],"exp":1)")), kJwsCrit},
      {"empty crit", token(header(R"("crit":[])")), kJwsCrit},
      {"crit null", token(header(R"("crit":null)")), kJwsCrit},
      {"b64", token(header(R"("b64":true)")), kJwsCrit},
      {"unknown member", token(header(R"("unknown":true)")), "accepted"},
  });
}

TEST(JwsForm, EmbeddedKey) {
  expect({
      {"good", token(header("")), "accepted"},
      {"jwk", token(header("\"jwk\":" + std::string(p256().public_key().jwk()))), kJwsEmbeddedKey},
      {"jwk null", token(header(R"("jwk":null)")), kJwsEmbeddedKey},
      {"jku", token(header(R"("jku":"https://issuer.example/keys")")), kJwsEmbeddedKey},
      {"x5u", token(header(R"("x5u":"https://issuer.example/cert")")), kJwsEmbeddedKey},
      {"x5c", token(header(R"("x5c":["MIIB"])")), kJwsEmbeddedKey},
      {"escaped jku", token(header("\"jk\\u0075\":\"https://issuer.example\"")), kJwsEmbeddedKey},
      {"zip", token(header(R"("zip":"DEF")")), kJwsEmbeddedKey},
      {"enc", token(header(R"("enc":"A256GCM")")), kJwsEmbeddedKey},
      {"nested", token(header(R"("cty":"JWT")")), kJwsEmbeddedKey},
      {"nested, lower case", token(header(R"("cty":"jwt")")), kJwsEmbeddedKey},
      {"nested, media type", token(header(R"("cty":"application/JWT")")), kJwsEmbeddedKey},
      {"other cty", token(header(R"("cty":"json")")), "accepted"},
      {"x5t", token(header(R"("x5t":"k1","x5t#S256":"k1")")), "accepted"},
  });
}

TEST(JwsForm, Kid) {
  expect({
      {"good", token(header("")), "accepted"},
      {"kid missing", token(R"({"alg":"ES256"})"), kJwsKid},
      {"kid empty", token(kid("\"\"")), kJwsKid},
      {"kid a number", token(kid("1")), kJwsKid},
      {"kid null", token(kid("null")), kJwsKid},
      {"kid of 257 bytes", token(kid('"' + std::string(257, 'k') + '"')), kJwsKid},
      {"kid of 256 bytes", token(kid('"' + std::string(256, 'k') + '"')), kJwsKey},
      {"kid escaped", token(kid("\"\\u006b1\"")), "accepted"},
      {"kid in upper case", token(kid("\"K1\"")), kJwsKey},
      {"kid with a NUL", token(kid("\"k1\\u0000\"")), kJwsKey},
      {"kid as path", token(kid("\"../../dev/null\"")), kJwsKey},
      {"kid as URL", token(kid("\"https://issuer.example/k1\"")), kJwsKey},
      {"kid as SQL", token(kid("\"x' OR '1'='1\"")), kJwsKey},
      {"kid as pattern", token(kid("\"k*\"")), kJwsKey},
  });
}

TEST(JwsForm, Signature) {
  const std::string good = token(header(""));
  expect({
      {"good", token(header("")), "accepted"},
      {"no signature", input_of(good), kJwsSignature},
      {"signature of another payload", good.substr(0, good.find('.') + 1) + "e30" + good.substr(good.rfind('.')), kJwsSignature},
      {"DER instead of r||s", input_of(good) + to_base64url("0D\x02 " + std::string(32, 'a') + "\x02 " + std::string(32, 'b')), kJwsSignature},
  });
}

TEST(Jws, PayloadBoundIsItsOwn) {
  // 12,288 bytes are 16,384 characters, so that the bound of the whole refuses first; the bound of the payload stands for itself.
  EXPECT_EQ(crypto::base64url_bytes(kJwsBytesMax), kJwsPayloadBytesMax);
}

TEST(Jws, KidMayBeMissingWhereTheRulesSaySo) {
  const JwsRules optional = {.algorithms = {kEs256}, .kid = KidRule::kOptional};
  const std::string without = token(R"({"alg":"ES256"})");
  EXPECT_EQ(outcome(without, optional), "accepted");
  EXPECT_EQ(outcome(token(R"({"alg":"ES256","kid":"k2"})"), optional), kJwsKey) << "a kid that is there is compared";
  EXPECT_EQ(outcome(without, optional, KeySet()), kJwsKey);
  const auto jws = parse_jws(without, optional);
  EXPECT_EQ(verify_jws(*jws, *one_key(), kRules).error().detail, kJwsKid) << "read mildly, judged strictly";
}

TEST(Jws, WithoutKidOnlyAFewKeysAreTried) {
  const JwsRules optional = {.algorithms = {kEs256}, .kid = KidRule::kOptional};
  std::string before;
  std::string after;
  for (size_t i = 0; i < kKeysTriedMax; ++i) {
    const auto other = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
    before += jwk(other, R"("kid":"a)" + std::to_string(i) + '"') + ',';
    after += ',' + jwk(other, R"("kid":"z)" + std::to_string(i) + '"');
  }
  const std::string own = jwk(p256(), R"("kid":"k1")");
  const std::string without = token(R"({"alg":"ES256"})");
  EXPECT_EQ(outcome(without, optional, *keys("{\"keys\":[" + own + after + "]}")), "accepted");
  EXPECT_EQ(outcome(without, optional, *keys("{\"keys\":[" + before + own + "]}")), kJwsSignature);
}

TEST(Jws, OnlyAlgKidTypForSpiffe) {
  const JwsRules strict = {.algorithms = {kEs256}, .header = HeaderRule::kOnlyAlgKidTyp};
  EXPECT_EQ(outcome(token(header(R"("typ":"JOSE")")), strict), "accepted");
  EXPECT_EQ(outcome(token(header(R"("x5t":"k1")")), strict), kJwsHeader);
  const auto mild = parse_jws(token(header(R"("x5t":"k1")")), kRules);
  EXPECT_EQ(check_jws(*mild, strict).error().detail, kJwsHeader);
}

TEST(Jws, AnEmbeddedKeyOnlyWhereOneIsRequired) {
  const JwsRules proof = {.algorithms = {kEs256}, .kid = KidRule::kOptional, .embedded_key = EmbeddedKeyRule::kRequired};
  const std::string own(p256().public_key().jwk());
  const auto jws = parse_jws(token(R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" + own + '}'), proof);
  ASSERT_TRUE(jws) << jws.error().detail;
  EXPECT_EQ(jws->embedded_jwk(), own);
  const auto key = parse_public_jwk(jws->embedded_jwk());
  ASSERT_TRUE(key);
  EXPECT_EQ(key->thumbprint, p256().public_key().thumbprint());
  EXPECT_TRUE(verify_jws(*jws, *key, proof));
  EXPECT_EQ(verify_jws(*jws, *key, {.algorithms = {kEs256}, .kid = KidRule::kOptional}).error().detail, kJwsEmbeddedKey);
  EXPECT_EQ(parse_jws(token(header("")), proof).error().detail, kJwsEmbeddedKey);
  EXPECT_EQ(parse_jws(token(header(R"("jwk":"x")")), proof).error().detail, kJwsEmbeddedKey);
  EXPECT_EQ(parse_jws(token(header("\"jku\":\"https://a.example\",\"jwk\":" + own)), proof).error().detail, kJwsEmbeddedKey);
  const auto stranger = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP256);
  EXPECT_EQ(verify_jws(*jws, *parse_public_jwk(stranger.public_key().jwk()), proof).error().detail, kJwsSignature);
  const auto large = *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP384);
  EXPECT_EQ(verify_jws(*jws, *parse_public_jwk(large.public_key().jwk()), proof).error().detail, kJwsKeyAlg);
}

TEST(Jws, FlippingAnyBitRefuses) {
  std::string compact = token(header(R"("typ":"JWT")"));
  const auto set = one_key();
  size_t accepted = 0;
  for (size_t bit = 0; bit < compact.size() * 8; ++bit) {
    compact[bit / 8] = static_cast<char>(compact[bit / 8] ^ (1 << bit % 8));
    accepted += outcome(compact, kRules, *set) == "accepted" ? 1 : 0;
    compact[bit / 8] = static_cast<char>(compact[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_EQ(accepted, 0U);
  EXPECT_EQ(outcome(compact, kRules, *set), "accepted");
}

TEST(Jws, EveryCutRefuses) {
  const std::string compact = token(header(""));
  for (size_t size = 0; size < compact.size(); ++size) EXPECT_NE(outcome(compact.substr(0, size)), "accepted") << size;
}

TEST(Jws, HintsOfPayloadsOfAnyKind) {
  const auto read = [](std::string_view payload) { return *parse_jws(token(header(""), payload), kRules); };
  EXPECT_EQ(read("not JSON").issuer_hint(), "");
  EXPECT_EQ(read(R"(["iss"])").issuer_hint(), "");
  EXPECT_EQ(read(R"({"iss":7})").issuer_hint(), "");
  EXPECT_EQ(read(R"({"iss":"a","iss":"b"})").issuer_hint(), "") << "said twice is not said";
  EXPECT_EQ(read(R"({"iss":"https:\/\/a.example\/","sub":"\u0061"})").issuer_hint(), "https://a.example/");
  EXPECT_EQ(read(R"({"iss":"https:\/\/a.example\/","sub":"\u0061"})").subject_hint(), "a");
  EXPECT_EQ(read(R"({"iss":"\ud800"})").issuer_hint(), "");
  EXPECT_EQ(read(R"({"iss":""})").issuer_hint(), "");
  EXPECT_EQ(read(R"({"aud":["a","b"],"nbf":1.5,"exp":-1})").aud_hint(), R"(["a","b"])");
  EXPECT_EQ(read(R"({"aud":["a","b"],"nbf":1.5,"exp":-1})").nbf_hint(), "1.5");
  EXPECT_EQ(read(R"({"aud":["a","b"],"nbf":1.5,"exp":-1})").exp_hint(), "-1");
}

TEST(Jws, OwnsItsBytes) {
  auto compact = std::make_unique<std::string>(token(header("")));
  auto jws = parse_jws(*compact, kRules);
  compact.reset();
  const UnverifiedJws moved = std::move(*jws);
  const auto set = one_key();
  EXPECT_EQ(moved.issuer_hint(), "https://issuer.example");
  EXPECT_EQ(verify_jws(moved, *set, kRules)->bytes(), kPayload);
}

TEST(Jws, OneReaderReadsManyTokens) {
  JwsReader reader;
  const std::string good = token(header(""));
  const std::string escaped = token(header(R"("typ":"\u004aWT")"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(reader.read("junk", kRules));
    EXPECT_EQ(reader.read(good, kRules)->kid(), "k1");
    EXPECT_EQ(reader.read(escaped, kRules)->typ(), "JWT");
    EXPECT_EQ(reader.read(token("{"), kRules).error().detail, kJwsHeader);
  }
}

// The MACs are in the code for published vectors alone.
TEST(Jws, NoConfigurationCanNameAMac) {
  size_t names = 0;
  for (const auto& one : config::EnumNames<config::TokenAlgorithm>::kNames) {
    const std::string_view name = one.text;
    EXPECT_TRUE(crypto::parse_signature_algorithm(name)) << name;
    EXPECT_FALSE(name.starts_with("HS") || name == "none") << name;
    ++names;
  }
  EXPECT_EQ(names, crypto::kPublicKeyAlgorithms);
}

TEST(Jws, EveryAlgorithmThatAConfigurationCanName) {
  for (const auto& key : {*crypto::PrivateKey::generate_rsa(2'048), p256(), *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP384),
                          *crypto::PrivateKey::generate_ec(crypto::EcCurve::kP521), *crypto::PrivateKey::generate_ed25519()}) {
    const auto set = keys("{\"keys\":[" + jwk(key, R"("kid":"k")") + "]}");
    for (size_t i = 0; i < crypto::kPublicKeyAlgorithms; ++i) {
      const auto algorithm = static_cast<crypto::SignatureAlgorithm>(i);
      const auto compact = crypto::sign_jws(key, algorithm, R"("kid":"k")", kPayload);
      if (!compact) continue;
      EXPECT_EQ(outcome(*compact, {.algorithms = crypto::AlgorithmSet::all()}, *set), "accepted") << to_string(algorithm);
      crypto::AlgorithmSet others;
      for (size_t j = 0; j < crypto::kPublicKeyAlgorithms; ++j) {
        if (j != i) others.insert(static_cast<crypto::SignatureAlgorithm>(j));
      }
      EXPECT_EQ(outcome(*compact, {.algorithms = others}, *set), kJwsAlg);
    }
  }
}

}  // namespace
}  // namespace wye::token
