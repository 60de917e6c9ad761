// API keys at rest: `id → MAC and terms`, never the key. Every call blocks on the Table: off the loop, never in a request.
#pragma once

#include "foundation/store/table.hpp"
#include "identity/token/api_key.hpp"
#include "identity/token/pepper.hpp"

namespace wye::token {

using Days = std::chrono::duration<int64_t, std::ratio<86'400>>;

inline constexpr Days kKeyLifetimeDefault{90};
inline constexpr Days kKeyLifetimeMax{365};
inline constexpr Days kRotationGraceMax{30};
inline constexpr size_t kLiveKeysPerOwner = 2;
inline constexpr size_t kLiveKeysPerTenant = 1'000;
inline constexpr size_t kKeysMax = 100'000;     // all records, ended ones included
inline constexpr size_t kRoutesPerKeyMax = 64;
inline constexpr size_t kKeyTextBytesMax = 256;  // owner, created_by

/// The collections of the Table that belong to this room. Last use stands apart, so that it wakes no index.
inline constexpr std::string_view kKeyCollection = "keys";
inline constexpr std::string_view kKeyUseCollection = "keys.used";
inline constexpr std::string_view kKeyGuardCollection = "keys.guard";

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
  int64_t last_used_day = 0;  // days since 1970; 0: never; kept apart, filled by find and list

  bool live(WallTime now) const { return !revoked_at && now < expires_at; }
};

/// What the maker of a key says.
struct NewKey {
  std::string tenant;
  std::vector<std::string> routes{"*"};  // at least one
  std::string created_by;
  std::string owner;  // empty: a new owner of its own
  KeyEnvironment environment = KeyEnvironment::kLive;
  std::chrono::nanoseconds lifetime = kKeyLifetimeDefault;  // > 0, ≤ kKeyLifetimeMax
};

/// A key at its birth: the only time that its text exists outside the hands of its owner.
struct IssuedKey {
  KeyRecord record;
  Secret text;
};

struct KeyPage {
  std::vector<KeyRecord> records;  // in order of id
  bool more = false;
};

/// The text of a record as the Table holds it, one `name value` a line.
std::string encode_key_record(const KeyRecord& record);
/// Absent if the text is not exactly what encode writes for some record.
std::optional<KeyRecord> decode_key_record(const KeyId& id, std::string_view text);

/// Threads: any. `table` and `peppers` outlive it. Errors beyond the Table's: kInvalidRequest (the terms break a rule; the public
/// message says which), kNotFound (no such key), kConflict (too many live keys, or others were quicker eight times running).
class KeyStore {
 public:
  KeyStore(store::Table& table, const Peppers& peppers) : table_(table), peppers_(peppers) {}

  /// Makes a key. Limits hold also against other processes: every creation goes through one guard record.
  Result<IssuedKey> create(const NewKey& wanted, WallTime now);
  /// Makes a second key with the same owner, tenant and routes; the first ends after `grace` (≤ kRotationGraceMax) at the latest.
  Result<IssuedKey> rotate(const KeyId& id, std::chrono::nanoseconds grace, WallTime now);
  /// Ends a key for ever; again is fine. Every index that polls the same store has it at its next refresh.
  Result<> revoke(const KeyId& id, WallTime now);
  Result<KeyRecord> find(const KeyId& id);
  /// One page of keys of a tenant (empty: of all), from the id after `after`. A page may be short and still have more.
  Result<KeyPage> list(std::string_view tenant, std::string_view after, uint32_t limit);
  /// Remembers that a key was used on that day.
  Result<> note_used(const KeyId& id, int64_t day);
  /// Erases records that ended before `before`; gives their number.
  Result<uint64_t> purge(WallTime before);

 private:
  struct Successor;
  Result<IssuedKey> issue(const NewKey& wanted, const Successor* successor, WallTime now);
  Result<std::pair<KeyRecord, uint64_t>> read(const KeyId& id);

  store::Table& table_;
  const Peppers& peppers_;
};

}  // namespace wye::token
