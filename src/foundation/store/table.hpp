// Port: small ordered records within named collections, with versions, atomic batches and a sequence of changes to poll.
// Every call BLOCKS (a disk, a lock of another process): call it off the loop, never on the path of a request.
// Threads: any; implementations lock. Errors: kInvalidRequest (a limit below), kIo (disk, full or refused), kCorrupt (stored
// bytes make no sense), kTimeout (locked by another process for too long). After an error of `write` nothing or everything of
// the batch is stored: read before writing again.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::store {

// Limits; what is beyond them is refused, never cut.
inline constexpr size_t kCollectionBytesMax = 64;  // of [a-z0-9._-]
inline constexpr size_t kKeyBytesMax = 512;        // 1–512 bytes of any value, ordered as unsigned bytes
inline constexpr size_t kValueBytesMax = 4 << 20;
inline constexpr size_t kBatchWritesMax = 1'000;
inline constexpr size_t kBatchBytesMax = 16 << 20;
inline constexpr uint32_t kPageMax = 1'000;

/// One stored value. `version` is the number of the change that wrote it: it rises with every write and is never used twice.
struct Record {
  std::string key;
  std::string value;
  uint64_t version = 0;
  friend bool operator==(const Record&, const Record&) = default;
};

/// Some records in the order of their keys. `more`: ask again with `after` = the last key.
struct Page {
  std::vector<Record> records;
  bool more = false;
};

/// What must be true of a record for a write to happen.
struct Expect {
  enum class Kind : uint8_t { kAnything, kAbsent, kVersion };
  Kind kind = Kind::kAnything;
  uint64_t version = 0;
  static Expect anything() { return {}; }
  static Expect absent() { return {Kind::kAbsent, 0}; }
  static Expect at(uint64_t version) { return {Kind::kVersion, version}; }
};

/// One line of a batch; without a value it erases (erasing what is absent is fine). A batch names each record once.
struct Write {
  std::string collection;
  std::string key;
  std::optional<std::string> value{};
  Expect expect{};
};

/// What became of a batch. Not applied: an expectation did not hold and nothing at all was written; that is no Error.
struct [[nodiscard]] Written {
  bool applied = true;
  uint64_t sequence = 0;  // applied: version of the last line; line i of n has sequence − (n − 1 − i)
  size_t refused = 0;     // not applied: the index of the first line whose expectation failed
};

/// One record as it is after its newest change; absent value: erased.
struct Change {
  std::string key;
  std::optional<std::string> value;
  uint64_t version = 0;
};

/// The changes of one collection in order of version, each record at most once, in its newest state.
struct Changes {
  std::vector<Change> changes;
  uint64_t next = 0;    // pass this as `since` the next time
  bool more = false;    // ask again at once
  bool reload = false;  // erasures older than `since` are forgotten, or the store is an older copy: list everything anew
};

/// Where a listing starts and how much it gives.
struct ListFrom {
  std::string prefix{};  // only keys that start with it; empty: all
  std::string after{};   // only keys above it; empty: from the start
  uint32_t limit = 100;
};

class Table {
 public:
  virtual ~Table() = default;

  /// The record, or nothing.
  virtual Result<std::optional<Record>> get(std::string_view collection, std::string_view key) = 0;
  /// Records in key order. `limit` 1–kPageMax.
  virtual Result<Page> list(std::string_view collection, const ListFrom& from) = 0;
  /// All lines or none, durable when it returns. An empty batch is refused.
  virtual Result<Written> write(std::span<const Write> batch) = 0;
  /// The version of the newest change of any collection, 0 at first. Cheap: the thing to poll. Sees other processes' changes.
  virtual Result<uint64_t> sequence() = 0;
  /// What changed in a collection after `since`. `limit` 1–kPageMax.
  virtual Result<Changes> changes(std::string_view collection, uint64_t since, uint32_t limit) = 0;

  // Batches of one, on top of `write`.
  Result<Written> put(std::string_view collection, std::string_view key, std::string_view value);
  Result<Written> put_if_absent(std::string_view collection, std::string_view key, std::string_view value);
  Result<Written> put_if_version(std::string_view collection, std::string_view key, std::string_view value, uint64_t version);
  Result<Written> erase(std::string_view collection, std::string_view key);
};

/// How an adapter keeps house.
struct TableTuning {
  uint32_t erased_kept = 10'000;        // erasures remembered for `changes`; at least this many
  std::chrono::milliseconds lock_wait{5'000};  // how long to wait for another process
};

}  // namespace wye::store
