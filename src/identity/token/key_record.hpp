// One API key as the Table keeps it: its MAC and its terms, never its text.
// Threads: values and pure functions.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/crypto/digest.hpp"
#include "identity/token/api_key.hpp"

namespace wye::token {

using Days = std::chrono::duration<int64_t, std::ratio<86'400>>;

inline constexpr size_t kRoutesPerKeyMax = 64;
inline constexpr size_t kKeyTextBytesMax = 256;  // owner, created_by: printable ASCII

/// One stored key.
struct KeyRecord {
  KeyId id;
  crypto::Digest mac{};  // HMAC-SHA-256(pepper[kid], whole key)
  std::string kid;
  std::string tenant;
  std::string owner;                // whom it was given to; a key made without one is its own owner: `key:<id>`
  std::vector<std::string> routes;  // patterns
  std::string created_by;
  WallTime created_at;
  WallTime not_before;
  WallTime expires_at;
  std::optional<WallTime> revoked_at;
  KeyEnvironment environment = KeyEnvironment::kLive;
  int64_t last_used_day = 0;  // days since 1970; 0: never; kept apart, filled by find and list

  bool live(WallTime now) const { return !revoked_at && now < expires_at; }
};

/// The first rule that a record breaks, as a sentence for whoever asked for it; empty: none.
std::string_view key_record_fault(const KeyRecord& record);

/// The text of a record, one `name value` a line, times to the millisecond.
std::string encode_key_record(const KeyRecord& record);
/// Absent if the text is not exactly what encode writes for a record without fault.
std::optional<KeyRecord> decode_key_record(const KeyId& id, std::string_view text);

}  // namespace wye::token
