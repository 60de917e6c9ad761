// All keys in memory, for the path of a request: KeyIndex holds and refreshes them, one KeyReader a thread checks them.
//
//   every ≤ 2 s, on a thread that may block:   index.refresh();
//   in each loop thread, for each request:     reader.verify(credential, wall_time)
//
// A check is: shape and CRC of the text, look-up, HMAC-SHA-256 over the whole key, comparison in constant time, then time and
// revocation. No lock, no allocation, no I/O. An unknown id is checked against a dummy record: the same work, the same answer. There is no
// cache of accepted keys: hashing the key for its look-up would cost two of the three SHA-256 blocks that the check itself costs.
#pragma once

#include <list>

#include "foundation/base/clock.hpp"
#include "identity/token/key_store.hpp"
#include "identity/token/principal_ref.hpp"

namespace wye::token {

struct KeySnapshot;

/// What a refresh found; the numbers are those of all keys, changed or not.
struct KeyRefresh {
  bool changed = false;
  size_t keys = 0;
  size_t unreadable = 0;      // records that mean nothing: they verify nobody
  size_t without_pepper = 0;  // records whose pepper is gone: they verify nobody
};

/// Threads: `refresh` and `flush_last_used` from any one thread at a time (they lock); readers are apart. Outlives its readers.
class KeyIndex {
 public:
  /// Empty until the first refresh: verifies nobody. `table` and `peppers` outlive it.
  KeyIndex(store::Table& table, const Peppers& peppers);
  ~KeyIndex();
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;

  /// Takes over what changed in the Table. Blocking; one cheap read when nothing did. After an error the keys stay as they were and
  /// the next call tries again from there; how long to serve on with a store that is gone is the caller's decision.
  Result<KeyRefresh> refresh();
  /// Writes down the days on which keys were last used, those that changed, at most once a day a key. Blocking.
  Result<size_t> flush_last_used();

 private:
  friend class KeyReader;
  class Loading;
  Result<> load_all(Loading& loading);
  Result<> load_changes(Loading& loading);
  void publish(std::shared_ptr<const KeySnapshot> snapshot);
  std::shared_ptr<const KeySnapshot> current() const;

  store::Table& table_;
  const Peppers& peppers_;
  std::mutex refresh_mutex_;  // one refresh at a time
  uint64_t seen_ = 0;         // the Table's sequence that the snapshot stands for
  bool loaded_ = false;
  KeyRefresh last_;
  mutable std::mutex publish_mutex_;  // around `snapshot_` alone, for moments
  std::shared_ptr<const KeySnapshot> snapshot_;
  std::atomic<uint64_t> generation_{1};
};

namespace detail {
/// One snapshot as one thread holds it, with the number of PrincipalRefs into it.
struct HeldKeys {
  std::shared_ptr<const KeySnapshot> snapshot;
  uint64_t refs = 0;
};
}  // namespace detail

/// One thread's view of the index. Threads: one owner. Must go before the index and after every PrincipalRef it gave.
class KeyReader {
 public:
  explicit KeyReader(const KeyIndex& index);
  ~KeyReader();
  KeyReader(const KeyReader&) = delete;
  KeyReader& operator=(const KeyReader&) = delete;

  /// Who holds this key. Every failure is kUnauthenticated with the one message `The API key is not valid.`; the detail is the reason
  /// for log and metric: `key.shape key.crc key.unknown key.mac key.pepper key.unreadable key.revoked key.expired key.not_yet`.
  Result<PrincipalRef> verify(std::string_view key, WallTime now);

 private:
  void take_newest();

  const KeyIndex& index_;
  uint64_t generation_ = 0;
  std::list<detail::HeldKeys> held_;  // the newest at the back; older ones while requests still refer to them
};

}  // namespace wye::token
