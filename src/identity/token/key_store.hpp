// API keys at rest: `id → MAC and terms`, never the key. Every call blocks on the Table: off the loop, never in a request.
#pragma once

#include "foundation/store/table.hpp"
#include "identity/token/key_record.hpp"
#include "identity/token/pepper.hpp"

namespace wye::token {

inline constexpr Days kKeyLifetimeDefault{90};
inline constexpr Days kKeyLifetimeMax{365};
inline constexpr Days kRotationGraceMax{30};
inline constexpr size_t kLiveKeysPerOwner = 2;
inline constexpr size_t kLiveKeysPerTenant = 1'000;
inline constexpr size_t kKeysMax = 100'000;     // all records, ended ones included

/// The collections of the Table that belong to this room. Last use stands apart, so that it wakes no index.
inline constexpr std::string_view kKeyCollection = "keys";
inline constexpr std::string_view kKeyUseCollection = "keys.used";
inline constexpr std::string_view kKeyGuardCollection = "keys.guard";

/// What the maker of a key says.
struct NewKey {
  std::string tenant{};
  std::vector<std::string> routes{"*"};  // at least one
  std::string created_by{};
  std::string owner{};  // empty: a new owner of its own
  KeyEnvironment environment = KeyEnvironment::kLive;
  std::chrono::nanoseconds lifetime = kKeyLifetimeDefault;  // > 0, ≤ kKeyLifetimeMax
};

/// A key at its birth: the only time that its text exists outside the hands of its owner.
struct IssuedKey {
  KeyRecord record;
  Secret text;
};

struct KeyPage {
  std::vector<KeyRecord> records{};  // in order of id; may be few or none although there is more
  std::string after{};               // where the next page starts
  bool more = false;
};

/// Threads: any. `table` and `peppers` outlive it. Errors beyond the Table's: kInvalidRequest (the terms break a rule or there are too
/// many keys; the public message says which), kNotFound (no such key), kCorrupt (the record means nothing), kOverloaded (others were
/// quicker many times running). After a Table's error a new key may be stored whose text nobody knows: it ends by itself.
class KeyStore {
 public:
  KeyStore(store::Table& table, const Peppers& peppers) : table_(table), peppers_(peppers) {}

  /// Makes a key. Limits hold also against other processes: every creation goes through one guard record.
  Result<IssuedKey> create(const NewKey& wanted, WallTime now);
  /// Makes a second key with the same owner, tenant, routes and length of life; the first ends after `grace` (≤ kRotationGraceMax) at
  /// the latest.
  Result<IssuedKey> rotate(const KeyId& id, std::chrono::nanoseconds grace, WallTime now);
  /// Ends a key for ever; again is fine. Every index that polls the same store has it at its next refresh.
  Result<> revoke(const KeyId& id, WallTime now);
  Result<KeyRecord> find(const KeyId& id);
  /// The keys of a tenant (empty: of all) among the next `limit` (1–1,000) ids above `after`.
  Result<KeyPage> list(std::string_view tenant, std::string_view after, uint32_t limit);
  /// Erases records that ended before `before`; gives their number.
  Result<uint64_t> purge(WallTime before);

 private:
  struct Stored {
    KeyRecord record;
    uint64_t version = 0;
  };
  /// Absent: others changed what the limits were counted on; try again.
  Result<std::optional<IssuedKey>> try_issue(const NewKey& wanted, const Stored* predecessor, WallTime now);
  Result<> check_room(const KeyRecord& fresh, WallTime now);
  Result<> each(const std::function<Result<>(const store::Record&)>& visit);
  Result<Stored> read(const KeyId& id);
  Result<> add_last_use(KeyRecord& record);

  store::Table& table_;
  const Peppers& peppers_;
};

}  // namespace wye::token
