#include "identity/token/api_key.hpp"

#include "foundation/crypto/crc32.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/random.hpp"

namespace wye::token {
namespace {

constexpr size_t kPrefixChars = 9;  // `wye_live_`
constexpr size_t kIdAt = kPrefixChars;
constexpr size_t kBarAt = kIdAt + kKeyIdChars;
constexpr size_t kSecretAt = kBarAt + 1;
constexpr size_t kCrcAt = kSecretAt + kKeySecretChars;
static_assert(kCrcAt + kKeyCrcChars == kApiKeyChars && kApiKeyChars == 71);

constexpr std::string_view prefix(KeyEnvironment environment) { return environment == KeyEnvironment::kLive ? "wye_live_" : "wye_test_"; }

KeyId id_of(std::string_view text) {
  KeyId id;
  std::memcpy(id.chars.data(), text.data(), id.chars.size());
  return id;
}

}  // namespace

std::string_view to_string(KeyEnvironment environment) { return environment == KeyEnvironment::kLive ? "live" : "test"; }

std::optional<KeyId> parse_key_id(std::string_view text) {
  if (text.size() != kKeyIdChars || !crypto::is_base62(text)) return std::nullopt;
  return id_of(text);
}

std::expected<ParsedKey, KeyTextFault> parse_api_key(std::string_view text) {
  if (text.size() != kApiKeyChars) return std::unexpected(KeyTextFault::kShape);
  const bool live = text.starts_with(prefix(KeyEnvironment::kLive));
  if (!live && !text.starts_with(prefix(KeyEnvironment::kTest))) return std::unexpected(KeyTextFault::kShape);
  const bool alphabet = crypto::is_base62(text.substr(kIdAt, kKeyIdChars)) && crypto::is_base62(text.substr(kSecretAt));
  if (text[kBarAt] != '_' || !alphabet) return std::unexpected(KeyTextFault::kShape);
  if (crypto::from_base62(text.substr(kCrcAt)) != uint64_t{crypto::crc32(text.substr(0, kCrcAt))}) return std::unexpected(KeyTextFault::kCrc);
  return ParsedKey{live ? KeyEnvironment::kLive : KeyEnvironment::kTest, id_of(text.substr(kIdAt))};
}

GeneratedKey generate_api_key(KeyEnvironment environment) {
  std::string secret = crypto::random_base62(kKeySecretChars);
  std::string text;
  text.reserve(kApiKeyChars);  // no growth: a reallocation would leave a copy behind
  text.append(prefix(environment)).append(crypto::random_base62(kKeyIdChars)).append("_").append(secret);
  crypto::wipe(secret);
  text.append(crypto::to_base62(crypto::crc32(text), kKeyCrcChars));
  const KeyId id = id_of(std::string_view(text).substr(kIdAt));
  return {id, Secret(std::move(text))};
}

}  // namespace wye::token
