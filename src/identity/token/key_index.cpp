#include "identity/token/key_index.hpp"

#include "foundation/crypto/random.hpp"
#include "identity/token/principal_issuer.hpp"

#include <cstdlib>

namespace wye::token {
namespace {

constexpr size_t kShards = 64;
constexpr int64_t kNanosPerDay = 86'400'000'000'000;

enum class KeyState : uint8_t { kUsable, kUnreadable, kPepperGone };

/// One key as a check needs it.
struct KeyEntry {
  Principal principal;
  crypto::Digest mac{};
  const Pepper* pepper;  // never null: an entry that can not verify is compared with random bytes
  WallTime not_before;
  WallTime expires_at;
  KeyState state;
  bool revoked;
  mutable std::atomic<int64_t> last_used_day{0};  // written by readers, at most once a day each
  mutable std::atomic<int64_t> noted_day{0};      // what flush_last_used has written
};
using EntryPtr = std::shared_ptr<const KeyEntry>;

uint64_t mix(const KeyId& id) {
  uint64_t front;
  uint32_t back;
  std::memcpy(&front, id.chars.data(), sizeof front);
  std::memcpy(&back, id.chars.data() + sizeof front, sizeof back);
  const uint64_t h = (front ^ (uint64_t{back} << 29)) * 0x9E3779B97F4A7C15ull;
  return h ^ (h >> 32);
}
struct IdHash {
  size_t operator()(const KeyId& id) const { return mix(id); }
};
using Shard = std::unordered_map<KeyId, EntryPtr, IdHash>;

size_t shard_of(const KeyId& id) { return (mix(id) >> 20) % kShards; }

Fail refused(std::string_view reason) {
  Error error = public_error(ErrorCode::kUnauthenticated, "The API key is not valid.");
  error.detail = reason;
  return Fail(std::move(error));
}

crypto::Digest random_mac() {
  crypto::Digest mac;
  crypto::random_bytes(mac);
  return mac;
}

EntryPtr make_entry(const KeyId& id, const std::optional<KeyRecord>& record, const Peppers& peppers) {
  const Pepper* pepper = record ? peppers.find(record->kid) : nullptr;
  if (pepper == nullptr) {
    const KeyState state = record ? KeyState::kPepperGone : KeyState::kUnreadable;
    return EntryPtr(new KeyEntry{PrincipalIssuer::issue({}), random_mac(), &peppers.current(), {}, {}, state, false});
  }
  Principal principal = PrincipalIssuer::issue({.kind = PrincipalKind::kKey,
                                                .tenant = record->tenant,
                                                .subject = "key:" + std::string(id.text()),
                                                .key_id = std::string(id.text()),
                                                .routes = record->routes,
                                                .expires_at = record->expires_at});
  return EntryPtr(new KeyEntry{std::move(principal), record->mac, pepper, record->not_before, record->expires_at, KeyState::kUsable,
                               record->revoked_at.has_value()});
}

}  // namespace

/// All keys at one moment. Immutable; a change copies only the shards it touches, so that an old snapshot that a long request keeps
/// alive costs little.
struct KeySnapshot {
  std::array<std::shared_ptr<const Shard>, kShards> shards;
  EntryPtr dummy;  // stands in for an unknown id

  const KeyEntry* find(const KeyId& id) const {
    const Shard& shard = *shards[shard_of(id)];
    const auto found = shard.find(id);
    return found == shard.end() ? nullptr : found->second.get();
  }
};

/// A snapshot in the making.
class KeyIndex::Loading {
 public:
  Loading(const KeySnapshot& base, const Peppers& peppers) : peppers_(peppers), next_(std::make_shared<KeySnapshot>(base)) {}

  void clear() {
    for (size_t i = 0; i < kShards; ++i) next_->shards[i] = own_[i] = std::make_shared<Shard>();
  }

  /// Takes over one record; absent value: it is gone.
  void apply(std::string_view key, const std::optional<std::string>& value) {
    const auto id = parse_key_id(key);
    if (!id) return;  // nobody can present it
    Shard& shard = writable(shard_of(*id));
    const auto found = shard.find(*id);
    if (!value) {
      if (found != shard.end()) shard.erase(found);
      return;
    }
    EntryPtr entry = make_entry(*id, decode_key_record(*id, *value), peppers_);
    if (found != shard.end()) {
      entry->last_used_day = found->second->last_used_day.load();
      entry->noted_day = found->second->noted_day.load();
    }
    shard[*id] = std::move(entry);
  }

  std::shared_ptr<const KeySnapshot> snapshot() const { return next_; }
  KeyRefresh report() const {
    KeyRefresh report{.changed = true};
    for (const auto& shard : next_->shards) {
      report.keys += shard->size();
      for (const auto& [id, entry] : *shard) {
        report.unreadable += entry->state == KeyState::kUnreadable ? 1 : 0;
        report.without_pepper += entry->state == KeyState::kPepperGone ? 1 : 0;
      }
    }
    return report;
  }
  uint64_t seen = 0;
  bool changed = false;

 private:
  Shard& writable(size_t i) {
    if (!own_[i]) next_->shards[i] = own_[i] = std::make_shared<Shard>(*next_->shards[i]);
    return *own_[i];
  }
  const Peppers& peppers_;
  std::shared_ptr<KeySnapshot> next_;
  std::array<std::shared_ptr<Shard>, kShards> own_;
};

KeyIndex::KeyIndex(store::Table& table, const Peppers& peppers) : table_(table), peppers_(peppers) {
  auto empty = std::make_shared<KeySnapshot>();
  for (auto& shard : empty->shards) shard = std::make_shared<Shard>();
  empty->dummy = make_entry({}, std::nullopt, peppers);
  snapshot_ = std::move(empty);
}

KeyIndex::~KeyIndex() = default;

void KeyIndex::publish(std::shared_ptr<const KeySnapshot> snapshot) {
  const std::lock_guard lock(publish_mutex_);
  snapshot_.swap(snapshot);
  generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const KeySnapshot> KeyIndex::current() const {
  const std::lock_guard lock(publish_mutex_);
  return snapshot_;
}

Result<> KeyIndex::load_all(Loading& loading) {
  loading.clear();
  loading.changed = true;
  // Read first: what changes during the listing is told again by the next refresh.
  TRY(loading.seen, table_.sequence());
  store::ListFrom from{.prefix = {}, .after = {}, .limit = store::kPageMax};
  while (true) {
    TRY(const store::Page page, table_.list(kKeyCollection, from));
    for (const store::Record& record : page.records) loading.apply(record.key, record.value);
    if (!page.more) return {};
    from.after = page.records.back().key;
  }
}

Result<> KeyIndex::load_changes(Loading& loading) {
  loading.seen = seen_;
  while (true) {
    TRY(const store::Changes found, table_.changes(kKeyCollection, loading.seen, store::kPageMax));
    if (found.reload) return load_all(loading);
    for (const store::Change& change : found.changes) loading.apply(change.key, change.value);
    loading.changed |= !found.changes.empty();
    loading.seen = found.next;
    if (!found.more) return {};
  }
}

Result<KeyRefresh> KeyIndex::refresh() {
  const std::lock_guard lock(refresh_mutex_);
  last_.changed = false;
  Loading loading(*current(), peppers_);
  if (loaded_) {
    TRY(const uint64_t now, table_.sequence());
    if (now == seen_) return last_;
    CHECK_OK(load_changes(loading));
  } else {
    CHECK_OK(load_all(loading));
  }
  loaded_ = true;
  seen_ = loading.seen;
  if (!loading.changed) return last_;
  last_ = loading.report();
  publish(loading.snapshot());
  return last_;
}

Result<size_t> KeyIndex::flush_last_used() {
  const std::lock_guard lock(refresh_mutex_);
  const auto snapshot = current();
  size_t written = 0;
  for (const auto& shard : snapshot->shards) {
    for (const auto& [id, entry] : *shard) {
      const int64_t day = entry->last_used_day.load(std::memory_order_relaxed);
      if (day <= entry->noted_day.load(std::memory_order_relaxed)) continue;
      const std::string text = std::to_string(day);
      // Another process, or this one before a restart, may have noted the day already.
      TRY(const auto noted, table_.get(kKeyUseCollection, id.text()));
      if (!noted || noted->value != text) {
        TRY(const auto done, table_.put(kKeyUseCollection, id.text(), text));
        written += done.applied ? 1 : 0;
      }
      entry->noted_day.store(day, std::memory_order_relaxed);
    }
  }
  return written;
}

KeyReader::KeyReader(const KeyIndex& index) : index_(index) { take_newest(); }

KeyReader::~KeyReader() {
  // A PrincipalRef that outlives its reader would point into freed memory.
  for (const auto& held : held_) {
    if (held.refs != 0) std::abort();
  }
}

void KeyReader::take_newest() {
  std::erase_if(held_, [](const detail::HeldKeys& held) { return held.refs == 0; });
  const std::lock_guard lock(index_.publish_mutex_);
  held_.push_back({index_.snapshot_});
  generation_ = index_.generation_.load(std::memory_order_relaxed);
}

Result<PrincipalRef> KeyReader::verify(std::string_view key, WallTime now) {
  const auto parsed = parse_api_key(key);
  if (!parsed) return refused(parsed.error() == KeyTextFault::kCrc ? "key.crc" : "key.shape");
  if (index_.generation_.load(std::memory_order_acquire) != generation_) take_newest();
  detail::HeldKeys& held = held_.back();
  const KeyEntry* found = held.snapshot->find(parsed->id);
  const KeyEntry& entry = found != nullptr ? *found : *held.snapshot->dummy;
  const bool same = crypto::equal_constant_time(entry.pepper->key.mac(key), entry.mac);
  if (found == nullptr) return refused("key.unknown");
  if (entry.state != KeyState::kUsable) return refused(entry.state == KeyState::kPepperGone ? "key.pepper" : "key.unreadable");
  if (!same) return refused("key.mac");
  if (entry.revoked) return refused("key.revoked");
  if (now >= entry.expires_at) return refused("key.expired");
  if (now < entry.not_before) return refused("key.not_yet");
  const int64_t day = now.ns / kNanosPerDay;
  if (entry.last_used_day.load(std::memory_order_relaxed) < day) entry.last_used_day.store(day, std::memory_order_relaxed);
  return PrincipalRef(entry.principal, held.refs);
}

}  // namespace wye::token
