// The text form of an API key: `wye_{env}_{id}_{secret}{crc}`. Secret scanners find it by
// `^wye_(live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$`; the CRC makes a typing error cost no look-up.
// Threads: pure functions. Errors: absent.
#pragma once

#include "foundation/base/secret.hpp"

namespace wye::token {

enum class KeyEnvironment : uint8_t { kLive, kTest };
std::string_view to_string(KeyEnvironment environment);

inline constexpr size_t kKeyIdChars = 12;      // 71 bit: unique, not secret
inline constexpr size_t kKeySecretChars = 43;  // 256 bit
inline constexpr size_t kKeyCrcChars = 6;
inline constexpr size_t kApiKeyChars = 9 + kKeyIdChars + 1 + kKeySecretChars + kKeyCrcChars;

/// Names a key; not secret. Fixed size, so that a look-up allocates nothing.
struct KeyId {
  std::array<char, kKeyIdChars> chars{};
  std::string_view text() const { return {chars.data(), chars.size()}; }
  friend auto operator<=>(const KeyId&, const KeyId&) = default;
};
/// Exactly 12 base62 characters, else absent.
std::optional<KeyId> parse_key_id(std::string_view text);

/// What the text itself says. Not yet a claim about who calls.
struct ParsedKey {
  KeyEnvironment environment;
  KeyId id;
};

/// Why a text is no key.
enum class KeyTextFault : uint8_t { kShape, kCrc };

/// Checks shape, alphabet and CRC. No allocation.
std::expected<ParsedKey, KeyTextFault> parse_api_key(std::string_view text);

/// A new key and its id, from the kernel's randomness. Show the text once, store only its MAC.
struct GeneratedKey {
  KeyId id;
  Secret text;
};
GeneratedKey generate_api_key(KeyEnvironment environment);

}  // namespace wye::token
