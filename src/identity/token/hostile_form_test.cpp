// Hostile tokens: shape, encoding, header.
#include "identity/token/test_hostile.hpp"

namespace wye::token {
namespace {

std::vector<std::string> parts_of(const std::string& token) {
  const size_t first = token.find('.');
  const size_t second = token.find('.', first + 1);
  return {token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}
std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ".") + part;
  return text;
}
/// The same token with one of its parts changed after it was signed.
std::function<std::string(const TestToken&)> with_part(size_t index, std::function<std::string(std::string)> change) {
  return [=](const TestToken& token) {
    auto parts = parts_of(token.compact());
    parts[index] = change(parts[index]);
    return joined(parts);
  };
}
std::function<std::string(const TestToken&)> with_head(std::function<std::string(std::string)> change) {
  return [=](const TestToken& token) { return token.sign(change(token.head()), token.claims.json()); };
}
std::function<std::string(const TestToken&)> with_payload(std::function<std::string(std::string)> change) {
  return [=](const TestToken& token) { return token.sign(token.head(), change(token.claims.json())); };
}
std::string padded(std::string part) {
  while (part.size() % 4 != 0) part += '=';
  return part;
}
std::string with_plain_alphabet(std::string part) {
  part[part.size() / 2] = '+';
  return part;
}
/// Sets an unused bit of the last character, where there is one.
std::string with_unused_bits(std::string part) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  part.back() = kAlphabet[kAlphabet.find(part.back()) | 1];
  return part;
}

/// What a verifier believes that takes the algorithm from the header and the key as it is.
std::string mac_with_public_key(const TestToken& token) {
  const std::string input = crypto::to_base64url(token.head()) + "." + crypto::to_base64url(token.claims.json());
  const crypto::Digest mac = crypto::hmac_sha256(token.signer->key.public_key().spki_der(), input);
  return input + "." + crypto::to_base64url(crypto::as_text(mac));
}

TEST_F(HostileTest, Shape) {
  run({
      {"two parts", corp_v2, unchanged, "401 jws.shape",
       [](const TestToken& t) { return parts_of(t.compact())[0] + "." + parts_of(t.compact())[1]; }},
      {"four parts", corp_v2, unchanged, "401 jws.shape", [](const TestToken& t) { return t.compact() + ".AAAA"; }},
      {"five parts, as encrypted tokens", corp_v2, unchanged, "401 jws.shape", [](const TestToken& t) { return t.compact() + ".AAAA.AAAA"; }},
      {"no header", corp_v2, unchanged, "401 jws.shape", with_part(0, [](std::string) { return ""; })},
      {"no payload", corp_v2, unchanged, "401 claims.issuer", with_part(1, [](std::string) { return ""; })},
      {"no signature", corp_v2, unchanged, "401 jws.signature", with_part(2, [](std::string) { return ""; })},
      {"only dots", corp_v2, unchanged, "401 jws.header", [](const TestToken&) { return ".."; }},
      {"longer than 16 KiB", corp_v2, unchanged, "401 auth.malformed", [](const TestToken& t) { return t.compact() + std::string(16'384, 'A'); }},
      {"a header of over 2 KiB", corp_v2, [](TestToken& t, WallTime) { t.header.text("x", std::string(2'100, 'x')); }, "401 jws.size"},
      {"a payload of over 12 KiB, which makes the whole too long", corp_v2,
       [](TestToken& t, WallTime) { t.claims.text("x", std::string(11'900, 'x')); }, "401 auth.malformed"},
  });
  EXPECT_GE(refused, 8u);
}

TEST_F(HostileTest, Encoding) {
  run({
      {"padding in the signature", corp_v2, unchanged, "401 jws.base64", with_part(2, padded)},
      {"padding in the payload", corp_v2, [](TestToken& t, WallTime) { t.claims.text("x", std::string(4 - t.claims.json().size() % 3, 'x')); },
       "401 auth.malformed", with_part(1, [](std::string p) { return p + "="; })},
      {"plus instead of minus in the signature", corp_v2, unchanged, "401 jws.base64", with_part(2, with_plain_alphabet)},
      {"plus in the header", corp_v2, unchanged, "401 jws.base64", with_part(0, with_plain_alphabet)},
      {"slash in the payload", corp_v2, unchanged, "401 jws.base64", with_part(1, [](std::string p) { return p.replace(9, 1, "/"); })},
      {"unused bits of the signature set", corp_v2, unchanged, "401 jws.base64", with_part(2, with_unused_bits)},
      {"a character too many", corp_v2, unchanged, "401 jws.base64",
       with_part(2,
                 [](std::string p) {
                   while (p.size() % 4 != 1) p += 'A';
                   return p;
                 })},
      {"a tilde", corp_v2, unchanged, "401 jws.base64", with_part(1, [](std::string p) { return p.replace(5, 1, "~"); })},
      {"a line break in it", corp_v2, unchanged, "401 auth.malformed", with_part(1, [](std::string p) { return p.insert(7, "\n"); })},
      {"a blank in it", corp_v2, unchanged, "401 auth.malformed", with_part(1, [](std::string p) { return p.insert(7, " "); })},
      {"a NUL in it", corp_v2, unchanged, "401 auth.malformed", with_part(1, [](std::string p) { return p.insert(7, 1, '\0'); })},
      {"a quote around it", corp_v2, unchanged, "401 auth.malformed", [](const TestToken& t) { return '"' + t.compact() + '"'; }},
  });
}

TEST_F(HostileTest, Header) {
  const auto deep = [](std::string h) { return h.insert(h.size() - 1, R"(,"x":[[[[1]]]])"); };
  const auto twice = [](std::string h) { return h.insert(h.size() - 1, R"(,"alg":"RS256")"); };
  const auto twice_escaped = [](std::string h) { return h.insert(h.size() - 1, R"(,"\u0061lg":"RS256")"); };
  const auto many = [](std::string h) {
    for (int i = 0; i < 15; ++i) h.insert(h.size() - 1, ",\"m" + std::to_string(i) + "\":1");
    return h;
  };
  run({
      {"no JSON", corp_v2, unchanged, "401 jws.header", with_head([](std::string) { return "RS256"; })},
      {"an array", corp_v2, unchanged, "401 jws.header", with_head([](std::string h) { return "[" + h + "]"; })},
      {"a comma at the end", corp_v2, unchanged, "401 jws.header", with_head([](std::string h) { return h.insert(h.size() - 1, ","); })},
      {"a comment", corp_v2, unchanged, "401 jws.header", with_head([](std::string h) { return h + "/**/"; })},
      {"two values", corp_v2, unchanged, "401 jws.header", with_head([](std::string h) { return h + h; })},
      {"a byte order mark", corp_v2, unchanged, "401 jws.header", with_head([](std::string h) { return "\xEF\xBB\xBF" + h; })},
      {"broken UTF-8", corp_v2, unchanged, "401 jws.header", with_head([](std::string h) { return h.insert(h.size() - 1, ",\"x\":\"\xC3\""); })},
      {"a name twice", corp_v2, unchanged, "401 jws.header", with_head(twice)},
      {"a name twice, once escaped", corp_v2, unchanged, "401 jws.header", with_head(twice_escaped)},
      {"deeper than four", corp_v2, unchanged, "401 jws.header", with_head(deep)},
      {"more than 16 members", corp_v2, unchanged, "401 jws.header", with_head(many)},
      with_header("crit", corp_v2, "crit", R"(["exp"])", "401 jws.crit"),
      with_header("an empty crit", corp_v2, "crit", "[]", "401 jws.crit"),
      with_header("b64: false", corp_v2, "b64", "false", "401 jws.crit"),
      with_header("a key of its own", corp_v2, "jwk", ec_signer().jwk(), "401 jws.embedded_key"),
      with_header("a place for keys", corp_v2, "jku", R"("https://evil.example/keys")", "401 jws.embedded_key"),
      with_header("a place for certificates", corp_v2, "x5u", R"("https://evil.example/x5")", "401 jws.embedded_key"),
      with_header("certificates", corp_v2, "x5c", R"(["MIIB"])", "401 jws.embedded_key"),
      with_header("compressed", corp_v2, "zip", R"("DEF")", "401 jws.embedded_key"),
      with_header("encrypted", corp_v2, "enc", R"("A128GCM")", "401 jws.embedded_key"),
      with_header("a token in a token", corp_v2, "cty", R"("JWT")", "401 jws.embedded_key"),
  });
}

TEST_F(HostileTest, KeyIds) {
  const auto kid = [](std::string_view what, std::string_view text, std::string_view outcome) {
    return with_header(what, corp_v2, "kid", '"' + std::string(text) + '"', outcome);
  };
  run({
      {"none", corp_v2, [](TestToken& t, WallTime) { t.header.erase("kid"); }, "401 jws.kid"},
      with_header("a number", corp_v2, "kid", "1", "401 jws.kid"),
      with_header("null", corp_v2, "kid", "null", "401 jws.kid"),
      kid("empty", "", "401 jws.kid"),
      kid("longer than 256 bytes", std::string(257, 'k'), "401 jws.kid"),
      kid("a path", "../../../../dev/null", "401 jws.key"),
      kid("a URL", "https://evil.example/keys.json", "401 jws.key"),
      kid("SQL", "' OR '1'='1", "401 jws.key"),
      kid("a shell", "$(id)", "401 jws.key"),
      kid("another case", "RSA-1", "401 jws.key"),
      kid("a blank behind", "rsa-1 ", "401 jws.key"),
      kid("a NUL behind", "rsa-1\\u0000", "401 jws.key"),
      kid("a look-alike letter", "rs\\u0430-1", "401 jws.key"),
      kid("a prefix", "rsa", "401 jws.key"),
      kid("a key of another kind", "ec-1", "401 jws.key_alg"),
      kid("a key for another algorithm", "pss-only", "401 jws.key_alg"),
  });
  EXPECT_LE(rig.issuers["corp.v2"].keys_asked, 2) << "at the start, and once for all the unknown ones";
}

TEST_F(HostileTest, Algorithms) {
  const auto alg = [](std::string_view what, std::string_view name) {
    return HostileRow{what, corp_v2, [=](TestToken& t, WallTime) { t.alg = name; }, "401 jws.alg"};
  };
  const auto unsigned_as = [](std::string_view name) {
    return [=](const TestToken& t) {
      TestToken none = t;
      none.alg = name;
      auto parts = parts_of(none.compact());
      return parts[0] + "." + parts[1] + ".AAAA";
    };
  };
  run({
      {"none", corp_v2, unchanged, "401 jws.alg", unsigned_as("none")},
      {"None", corp_v2, unchanged, "401 jws.alg", unsigned_as("None")},
      {"NONE", corp_v2, unchanged, "401 jws.alg", unsigned_as("NONE")},
      {"nOnE", corp_v2, unchanged, "401 jws.alg", unsigned_as("nOnE")},
      alg("an empty one", ""),
      alg("another case", "rs256"),
      alg("a blank behind", "RS256 "),
      alg("a look-alike letter", "R\\u0405256"),
      {"a MAC with the public key as secret", corp_v2, [](TestToken& t, WallTime) { t.alg = "HS256"; }, "401 jws.alg", mac_with_public_key},
      alg("HS512", "HS512"),
      alg("not in the issuer's list", "RS512"),
      alg("of the other RSA family", "PS256"),
      alg("of another kind of key", "ES256"),
      alg("EdDSA", "EdDSA"),
      alg("an encryption", "RSA-OAEP"),
      {"a number", corp_v2, unchanged, "401 jws.alg", with_head([](std::string h) { return h.replace(h.find("\"RS256\""), 7, "256"); })},
      {"missing", corp_v2, unchanged, "401 jws.alg", with_head([](std::string h) { return h.replace(h.find("\"alg\""), 5, "\"agl\""); })},
  });
}

TEST_F(HostileTest, Signatures) {
  const auto flip = [](size_t at) {
    return [=](std::string part) {
      part[at] = part[at] == 'A' ? 'B' : 'A';
      return part;
    };
  };
  run({
      {"one bit of it", corp_v2, unchanged, "401 jws.signature", with_part(2, flip(10))},
      {"of another token", corp_v2, unchanged, "401 jws.signature",
       [](const TestToken& t) {
         TestToken other = t;
         other.claims.text("uti", "other");
         return joined({parts_of(t.compact())[0], parts_of(t.compact())[1], parts_of(other.compact())[2]});
       }},
      {"by another key under the same kid", corp_v2, [](TestToken& t, WallTime) { t.signer = &rsa_signer_2(); }, "401 jws.signature"},
      {"cut short", corp_v2, unchanged, "401 jws.signature", with_part(2, [](std::string p) { return p.substr(0, p.size() - 6); })},
      {"zero bytes in front", corp_v2, unchanged, "401 jws.signature", with_part(2, [](std::string p) { return "AAAA" + p; })},
      {"a claim changed afterwards", corp_v2, unchanged, "401 jws.signature",
       [](const TestToken& t) {
         TestToken other = t;
         other.claims.text("scp", "admin");
         return joined({parts_of(t.compact())[0], parts_of(other.compact())[1], parts_of(t.compact())[2]});
       }},
      {"payload: a name twice", corp_v2, unchanged, "401 claims.json", with_payload([](std::string p) { return p.insert(1, R"("scp":"x",)"); })},
      {"payload: deeper than eight", corp_v2, [](TestToken& t, WallTime) { t.claims.set("x", "[[[[[[[[1]]]]]]]]"); }, "401 claims.json"},
      {"payload: an array of 513", corp_v2,
       [](TestToken& t, WallTime) {
         std::string list = "[1";
         for (int i = 0; i < 512; ++i) list += ",1";
         t.claims.set("x", list + "]");
       },
       "401 claims.json"},
      {"payload: 129 members", corp_v2,
       [](TestToken& t, WallTime) {
         for (int i = 0; i < 129; ++i) t.claims.set("m" + std::to_string(i), "1");
       },
       "401 claims.json"},
      with_claim("payload: a number beyond every double", corp_v2, "x", "1e999", "401 claims.json"),
  });
}

}  // namespace
}  // namespace wye::token
