#include "identity/token/api_key.hpp"

#include "foundation/base/random.hpp"
#include "foundation/crypto/crc32.hpp"
#include "foundation/crypto/encode.hpp"
#include "identity/token/credential.hpp"
#include "identity/token/principal.hpp"

#include <regex>

namespace wye::token {
namespace {

/// A key text of ours with a right CRC over whatever is in front of it.
std::string sealed(std::string front) { return front + crypto::to_base62(crypto::crc32(front), kKeyCrcChars); }

TEST(ApiKeyTest, GeneratedKeysHaveThePublishedShape) {
  const std::regex shape("^wye_(live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$");
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const auto environment = i % 2 == 0 ? KeyEnvironment::kLive : KeyEnvironment::kTest;
    const GeneratedKey key = generate_api_key(environment);
    const std::string text(key.text.reveal());
    EXPECT_TRUE(std::regex_match(text, shape)) << text;
    EXPECT_EQ(text.size(), kApiKeyChars);
    EXPECT_TRUE(seen.insert(text).second);
    const auto parsed = parse_api_key(text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->environment, environment);
    EXPECT_EQ(parsed->id, key.id);
    EXPECT_EQ(text.substr(9, 12), key.id.text());
  }
}

// One key written down, its CRC computed by another program (zlib): a change of polynomial, alphabet or order of digits would make
// every key in use invalid.
TEST(ApiKeyTest, TheFormatDoesNotDrift) {
  const std::string front = "wye_live_AbCdEf012345_" + std::string(43, 'x');
  EXPECT_EQ(sealed(front), front + "2P5mfs");
  EXPECT_TRUE(parse_api_key(front + "2P5mfs"));
}

TEST(ApiKeyTest, EverySingleByteChangedIsRefused) {
  const GeneratedKey key = generate_api_key(KeyEnvironment::kLive);
  const std::string text(key.text.reveal());
  for (size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      if (static_cast<char>(byte) == text[at]) continue;
      std::string bent = text;
      bent[at] = static_cast<char>(byte);
      EXPECT_FALSE(parse_api_key(bent)) << at << ' ' << byte;
    }
    EXPECT_FALSE(parse_api_key(text.substr(0, at)));
    std::string longer = text;
    longer.insert(at, 1, 'A');
    EXPECT_FALSE(parse_api_key(longer));
    if (at > 0 && text[at] != text[at - 1]) {
      std::string swapped = text;
      std::swap(swapped[at], swapped[at - 1]);
      EXPECT_FALSE(parse_api_key(swapped)) << at;
    }
  }
}

TEST(ApiKeyTest, ShapeIsJudgedBeforeTheCrc) {
  const std::string secret(43, 'x');
  const std::string id = "AbCdEf012345";
  ASSERT_TRUE(parse_api_key(sealed("wye_live_" + id + "_" + secret)));
  const std::string almost = "wye_live_" + id + "_" + std::string(42, 'x');
  for (const std::string& front :
       {"wye_prod_" + id + "_" + secret, "WYE_live_" + id + "_" + secret, "wye_live-" + id + "_" + secret, "wye_live_" + id + "-" + secret,
        "wye_live_AbCdEf01234__" + secret, almost + "_", almost + "\n", almost + std::string(1, '\0')}) {
    const auto parsed = parse_api_key(sealed(front));
    ASSERT_FALSE(parsed) << front;
    EXPECT_EQ(parsed.error(), KeyTextFault::kShape) << front;
  }
  std::string typo = sealed("wye_live_" + id + "_" + secret);
  typo[30] = 'y';
  EXPECT_EQ(parse_api_key(typo).error(), KeyTextFault::kCrc);
  // The largest six digits are above 2^32: no CRC at all.
  EXPECT_EQ(parse_api_key("wye_live_" + id + "_" + secret + "zzzzzz").error(), KeyTextFault::kCrc);
}

TEST(ApiKeyTest, IdsAreTwelveDigits) {
  EXPECT_TRUE(parse_key_id("AbCdEf012345"));
  for (const char* bad : {"", "AbCdEf01234", "AbCdEf0123456", "AbCdEf01234_", "AbCdEf01234\xc3"}) EXPECT_FALSE(parse_key_id(bad)) << bad;
}

struct HeaderCase {
  std::optional<std::string_view> authorization;
  std::optional<std::string_view> api_key;
  std::string_view credential;  // or, with a dot in it, the reason of the refusal
};

TEST(CredentialTest, ExactlyOne) {
  const HeaderCase cases[] = {
      {"Bearer abc", {}, "abc"},
      {"bearer abc", {}, "abc"},
      {"BEARER   abc", {}, "abc"},
      {"Bearer a-._~+/9==", {}, "a-._~+/9=="},
      {{}, "abc", "abc"},
      {"Bearer abc", "abc", "abc"},
      {{}, {}, "auth.missing"},
      {"Bearer abc", "abd", "auth.ambiguous"},
      {"Bearer abc", "", "auth.ambiguous"},
      {"Bearer", "abc", "auth.ambiguous"},
      {"Basic abc", "abc", "auth.ambiguous"},
      {"abc", "abc", "auth.ambiguous"},
      {"Bearer abc", "Bearer abc", "auth.ambiguous"},
      {"Basic abc", {}, "auth.scheme"},
      {"DPoP abc", {}, "auth.scheme"},
      {"abc", {}, "auth.scheme"},
      {"", {}, "auth.scheme"},
      {"Bearerabc", {}, "auth.scheme"},
      {"Bearer\tabc", {}, "auth.scheme"},
      {"Bearer", {}, "auth.malformed"},
      {"Bearer ", {}, "auth.malformed"},
      {"Bearer a b", {}, "auth.malformed"},
      {"Bearer a,b", {}, "auth.malformed"},
      {"Bearer abc, Bearer def", {}, "auth.malformed"},
      {"Bearer =", {}, "auth.malformed"},
      {"Bearer a=b", {}, "auth.malformed"},
      {"Bearer \"abc\"", {}, "auth.malformed"},
      {"Bearer \xc3\xa4", {}, "auth.malformed"},
      {"Bearer Bearer abc", {}, "auth.malformed"},
      {{}, "", "auth.malformed"},
      {{}, "Bearer abc", "auth.malformed"},
  };
  for (const HeaderCase& one : cases) {
    const auto found = bearer_from_headers({one.authorization, one.api_key});
    const std::string shown = std::string(one.authorization.value_or("-")) + " | " + std::string(one.api_key.value_or("-"));
    if (found) {
      EXPECT_EQ(*found, one.credential) << shown;
      continue;
    }
    EXPECT_EQ(found.error().detail, one.credential) << shown;
    const bool ambiguous = one.credential == "auth.ambiguous";
    EXPECT_EQ(found.error().code, ambiguous ? ErrorCode::kInvalidRequest : ErrorCode::kUnauthenticated) << shown;
    EXPECT_EQ(client_message(found.error()), ambiguous ? "Send exactly one credential." : "Authentication required.") << shown;
  }
}

TEST(CredentialTest, SizeIsBounded) {
  EXPECT_TRUE(bearer_from_headers({{}, std::string(kCredentialBytesMax, 'a')}));
  EXPECT_FALSE(bearer_from_headers({{}, std::string(kCredentialBytesMax + 1, 'a')}));
}

TEST(RoutePatternTest, OneStarAtTheEnd) {
  for (const char* good : {"*", "a", "a-b.c", "general-*", "a*", "0"}) EXPECT_TRUE(is_route_pattern(good)) << good;
  for (const char* bad : {"", "**", "a*b", "*a", "a**", "A", "-a", "a-", "a b", "a/b", ".*", "a_b", "\xc3\xa4"})
    EXPECT_FALSE(is_route_pattern(bad)) << bad;
  EXPECT_TRUE(is_route_pattern(std::string(63, 'a')));
  EXPECT_FALSE(is_route_pattern(std::string(64, 'a')));
  EXPECT_TRUE(is_route_pattern(std::string(62, 'a') + "*"));
  EXPECT_FALSE(is_route_pattern(std::string(63, 'a') + "*"));
}

TEST(RoutePatternTest, Matches) {
  EXPECT_TRUE(route_matches("*", "anything"));
  EXPECT_TRUE(route_matches("chat-*", "chat-local"));
  EXPECT_TRUE(route_matches("chat-*", "chat-"));
  EXPECT_FALSE(route_matches("chat-*", "chat"));
  EXPECT_TRUE(route_matches("chat", "chat"));
  EXPECT_FALSE(route_matches("chat", "chat-local"));
  EXPECT_FALSE(route_matches("chat", "Chat"));
  EXPECT_FALSE(route_matches("", "chat"));
}

}  // namespace
}  // namespace wye::token
