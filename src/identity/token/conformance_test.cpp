// Published test vectors, as `make setup` fetches them pinned: Project Wycheproof (Apache-2.0) and the examples of RFC 7520, the
// JOSE cookbook, as the tests of jwcrypto hold them. What a pinned version holds is printed; every exception is named and proven.
#include <fstream>
#include <iostream>

#include "foundation/crypto/encode.hpp"
#include "identity/token/jws.hpp"

namespace wye::token {
namespace {

using enum crypto::SignatureAlgorithm;

constexpr std::array kMacs = {kHs256, kHs384, kHs512};

std::filesystem::path artefacts() {
  const auto variable = [](const char* name) { return std::string(std::getenv(name) == nullptr ? "" : std::getenv(name)); };
  if (!variable("WYE_ARTIFACTS").empty()) return variable("WYE_ARTIFACTS");
  if (!variable("XDG_CACHE_HOME").empty()) return variable("XDG_CACHE_HOME") + "/wye";
  return variable("HOME") + "/.cache/wye";
}
std::string read(std::string_view path) {
  std::ifstream file(artefacts() / path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Calls `each(group, test)` for every test of a Wycheproof file; false if it is missing or says another number of tests than expected.
bool for_each(std::string_view name, int64_t tests, const std::function<void(json::Value group, json::Value test)>& each) {
  const std::string text = read("wycheproof/" + std::string(name) + ".json");
  json::Document document;
  if (text.empty() || !document.parse(text)) {
    ADD_FAILURE() << name << " is missing: run make setup";
    return false;
  }
  EXPECT_EQ(document.root().find("numberOfTests")->integer(), tests) << name;
  for (const json::Value group : document.root().find("testGroups")->elements()) {
    for (const json::Value test : group.find("tests")->elements()) each(group, test);
  }
  return true;
}
std::string text(json::Value value, std::string_view name) {
  const auto found = value.find(name);
  return found ? found->text() : std::string();
}

/// Everything that the vectors use; product code has no such rules, since no configuration can name a MAC.
JwsRules vector_rules() {
  JwsRules rules = {.algorithms = crypto::AlgorithmSet::all(), .kid = KidRule::kOptional};
  for (const auto mac : kMacs) rules.algorithms.insert(mac);
  return rules;
}
/// `accepted`, or the reason.
std::string outcome(std::string_view compact, std::string_view key_set) {
  const auto keys = KeySet::parse(key_set, {.vector_keys = VectorKeys::kTaken});
  if (!keys) return keys.error().detail;
  const auto jws = parse_jws(compact, vector_rules());
  if (!jws) return jws.error().detail;
  const auto payload = verify_jws(*jws, *keys->keys, vector_rules());
  return payload ? "accepted" : payload.error().detail;
}
/// The public half where a group has one, else the shared secret.
std::string_view key_of(json::Value group) {
  const auto key = group.find("public");
  return key ? key->raw() : group.find("private")->raw();
}

/// What came of a file: tests by what they expect and what happened.
struct Tally {
  size_t valid = 0, accepted = 0, invalid = 0, refused = 0, acceptable = 0;
  std::map<int64_t, std::string> exceptions{};  // by number of the test, with the outcome

  void count(json::Value test, bool is_accepted, std::string how) {
    const std::string expected = text(test, "result");
    valid += expected == "valid" ? 1 : 0;
    invalid += expected == "invalid" ? 1 : 0;
    acceptable += expected == "acceptable" ? 1 : 0;
    accepted += expected == "valid" && is_accepted ? 1 : 0;
    refused += expected == "invalid" && !is_accepted ? 1 : 0;
    if (expected != (is_accepted ? "valid" : "invalid")) exceptions[*test.find("tcId")->integer()] = std::move(how);
  }
  void print(std::string_view name) const {
    std::cout << name << ": " << valid + invalid + acceptable << " tests, accepted " << accepted << " of " << valid << " valid, refused " << refused
              << " of " << invalid << " invalid, " << acceptable << " acceptable\n";
    for (const auto& [number, how] : exceptions) std::cout << "  exception " << number << ": " << how << '\n';
  }
};

TEST(Wycheproof, JsonWebSignatures) {
  Tally tally;
  std::map<int64_t, std::string> compact;
  std::map<int64_t, std::string> key;
  for_each("json_web_signature_test", 401, [&](json::Value group, json::Value test) {
    const int64_t number = *test.find("tcId")->integer();
    compact[number] = text(test, "jws");
    key[number] = key_of(group);
    std::string how = outcome(compact[number], "{\"keys\":[" + key[number] + "]}");
    tally.count(test, how == "accepted", how);
  });
  tally.print("json_web_signature_test");
  EXPECT_EQ(tally.valid, 46U);
  EXPECT_EQ(tally.accepted, 40U);
  EXPECT_EQ(tally.invalid, 355U);
  EXPECT_EQ(tally.refused, 353U);
  const std::map<int64_t, std::string> expected = {
      {346, "jws.key_alg"}, {350, "jws.key_alg"},                            // the key says PS256, the header PS384
      {347, "jws.key"},     {351, "jws.key"},                                // the key says ES521, which no standard has
      {367, "accepted"},    {370, "accepted"},                               // called invalid, yet the very token that 357 calls valid
      {372, "jws.base64"},  {373, "jws.base64"}};                            // called valid, with a `?` inside the base64url
  EXPECT_EQ(tally.exceptions, expected);
  EXPECT_EQ(compact[367], compact[357]);
  EXPECT_EQ(compact[370], compact[357]);
  EXPECT_EQ(key[367], key[357]);
  EXPECT_EQ(key[370], key[357]);
  for (const int64_t number : {346, 350}) EXPECT_TRUE(key[number].contains("\"PS256\"") && compact[number].starts_with("eyJhbGciOiJQUzM4NCIs"));
  for (const int64_t number : {347, 351}) EXPECT_TRUE(key[number].contains("\"ES521\""));
  for (const int64_t number : {372, 373}) EXPECT_TRUE(compact[number].contains('?')) << compact[number];
}

TEST(Wycheproof, JsonWebKeys) {
  Tally tally;
  for_each("json_web_key_test", 26, [&](json::Value group, json::Value test) {
    std::string how = outcome(text(test, "jws"), key_of(group));
    tally.count(test, how == "accepted", how);
  });
  tally.print("json_web_key_test");
  EXPECT_EQ(tally.valid, 5U);
  EXPECT_EQ(tally.accepted, 5U);
  EXPECT_EQ(tally.invalid, 21U);
  EXPECT_EQ(tally.refused, 21U);
}

/// Runs a file of one primitive with the key that each group gives as SPKI.
Tally primitive(std::string_view name, int64_t tests, crypto::SignatureAlgorithm algorithm) {
  Tally tally;
  for_each(name, tests, [&](json::Value group, json::Value test) {
    const auto key = crypto::PublicKey::from_spki_der(crypto::from_hex(text(group, "publicKeyDer")).value_or(""));
    const auto message = crypto::from_hex(text(test, "msg"));
    const auto signature = crypto::from_hex(text(test, "sig"));
    const bool good = key && message && signature && key->verify(algorithm, *message, *signature);
    tally.count(test, good, key ? (good ? "accepted: " : "refused: ") + text(test, "comment") : key.error().detail);
  });
  tally.print(name);
  EXPECT_EQ(tally.refused, tally.invalid);
  return tally;
}

TEST(Wycheproof, Primitives) {
  EXPECT_TRUE(primitive("ecdsa_secp256r1_sha256_p1363_test", 262, kEs256).exceptions.empty());
  EXPECT_TRUE(primitive("ecdsa_secp384r1_sha384_p1363_test", 280, kEs384).exceptions.empty());
  EXPECT_TRUE(primitive("rsa_pss_2048_sha256_mgf1_32_test", 108, kPs256).exceptions.empty());
  EXPECT_TRUE(primitive("ed25519_test", 151, kEdDsa).exceptions.empty());
  const Tally rsa = primitive("rsa_signature_2048_sha256_test", 259, kRs256);
  EXPECT_EQ(rsa.acceptable, 1U);
  const std::map<int64_t, std::string> expected = {      // Called acceptable: a DigestInfo without the NULL that RFC 8017 §9.2 asks for.
                                                   {8, "refused: Missing NULL in the ASN encoding"},
                                                   // Valid signatures of a key whose exponent is 3: such keys are not used here, whatever they sign.
                                                   {258, "key.size: RSA exponent below 65,537 or even"},
                                                   {259, "key.size: RSA exponent below 65,537 or even"}};
  EXPECT_EQ(rsa.exceptions, expected);
}

/// The examples of RFC 7520 stand in the file as Python texts and dictionaries.
class Cookbook {
 public:
  Cookbook() : source_(read("rfc7520/tests-cookbook.py")) { EXPECT_FALSE(source_.empty()) << "run make setup"; }
  /// The texts of `NAME = "…" + "…"` in one.
  std::string text(std::string_view name) const {
    std::string out;
    const std::string_view definition = of(name);
    bool inside = false;
    for (const char c : definition) {
      if (c == '"') inside = !inside;
      if (c != '"' && inside) out += c;
    }
    return out;
  }
  /// `NAME = {…}` as JSON: texts that follow each other become one.
  std::string object(std::string_view name) const {
    std::string out(of(name));
    for (size_t at = 0; (at = out.find('"', at)) != std::string::npos;) {
      const size_t next = out.find_first_not_of(" \n", at + 1);
      if (next != std::string::npos && out[next] == '"') {
        out.erase(at, next - at + 1);
      } else {
        ++at;
      }
    }
    return out;
  }

 private:
  /// What stands after `NAME = `, up to the empty line behind it.
  std::string_view of(std::string_view name) const {
    const std::string mark = '\n' + std::string(name) + " = ";
    const size_t begin = source_.find(mark);
    EXPECT_NE(begin, std::string::npos) << name;
    if (begin == std::string::npos) return {};
    const size_t end = source_.find("\n\n", begin + mark.size());
    return std::string_view(source_).substr(begin + mark.size(), end - begin - mark.size());
  }
  std::string source_;
};

/// `used`, or why not.
std::string fate(const std::string& jwk, VectorKeys vector_keys = VectorKeys::kRefused) {
  const auto parsed = KeySet::parse("{\"keys\":[" + jwk + "]}", {.vector_keys = vector_keys});
  if (!parsed) return parsed.error().detail;
  return parsed->quarantine.empty() ? "used" : std::string(to_string(parsed->quarantine[0].fault));
}

TEST(Rfc7520, SixKeys) {
  const Cookbook book;
  EXPECT_EQ(fate(book.object("EC_Public_Key_3_1")), "used");
  EXPECT_EQ(fate(book.object("EC_Private_Key_3_2")), "private");
  EXPECT_EQ(fate(book.object("RSA_Public_Key_3_3")), "used");
  EXPECT_EQ(fate(book.object("RSA_Private_Key_3_4")), "private");
  EXPECT_EQ(fate(book.object("Symmetric_Key_MAC_3_5")), "symmetric");
  EXPECT_EQ(fate(book.object("Symmetric_Key_MAC_3_5"), VectorKeys::kTaken), "used");
  EXPECT_EQ(fate(book.object("Symmetric_Key_Enc_3_6")), "symmetric");
  EXPECT_EQ(fate(book.object("Symmetric_Key_Enc_3_6"), VectorKeys::kTaken), "other_purpose");
}

TEST(Rfc7520, EightSignatures) {
  const Cookbook book;
  const std::string payload = book.text("Payload_plaintext_b64_4");
  const auto keys = [&](std::string_view name) { return "{\"keys\":[" + book.object(name) + "]}"; };
  // §4.1-4.4, compact.
  for (const auto& [section, key] : {std::pair("4_1_2", "RSA_Public_Key_3_3"), std::pair("4_2_2", "RSA_Public_Key_3_3"),
                                     std::pair("4_3_2", "EC_Public_Key_3_1"), std::pair("4_4_2", "Symmetric_Key_MAC_3_5")}) {
    const std::string header = book.text("JWS_Protected_Header_" + std::string(section));
    const std::string signature = book.text("JWS_Signature_" + std::string(section));
    EXPECT_EQ(outcome(header + '.' + payload + '.' + signature, keys(key)), "accepted") << section;
    // §4.5 is §4.4 with its payload sent apart; a compact token without the payload is another token, and refused.
    EXPECT_EQ(outcome(header + ".." + signature, keys(key)), "jws.signature") << section;
  }
  // §4.5-4.8 have no compact form that says the same: their signing inputs.
  const auto verifies = [&](std::string_view key_name, crypto::SignatureAlgorithm algorithm, const std::string& header, std::string_view signature) {
    const auto set = KeySet::parse(keys(key_name), {.vector_keys = VectorKeys::kTaken});
    EXPECT_EQ(set->keys->size(), 1U) << key_name;
    return set->keys->keys()[0].verify(algorithm, header + '.' + payload, crypto::from_base64url(book.text(signature)).value_or(""));
  };
  EXPECT_TRUE(verifies("Symmetric_Key_MAC_3_5", kHs256, book.text("JWS_Protected_Header_4_4_2"), "JWS_Signature_4_4_2")) << "4.5";
  EXPECT_TRUE(verifies("Symmetric_Key_MAC_3_5", kHs256, book.text("JWS_Protected_Header_4_6_2"), "JWS_Signature_4_6_2"));
  EXPECT_TRUE(verifies("Symmetric_Key_MAC_3_5", kHs256, "", "JWS_Signature_4_7_2"));
  EXPECT_TRUE(verifies("RSA_Public_Key_3_3", kRs256, book.text("JWS_Protected_Header_4_8_2"), "JWS_Signature_4_8_2"));
  EXPECT_TRUE(verifies("EC_Public_Key_3_1", kEs512, "", "JWS_Signature_4_8_3"));
  EXPECT_TRUE(verifies("Symmetric_Key_MAC_3_5", kHs256, book.text("JWS_Protected_Header_4_8_4"), "JWS_Signature_4_8_4"));
  EXPECT_FALSE(verifies("RSA_Public_Key_3_3", kRs384, book.text("JWS_Protected_Header_4_8_2"), "JWS_Signature_4_8_2"));
}

}  // namespace
}  // namespace wye::token
