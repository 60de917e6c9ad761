// The audit trail of one process: takes records from any thread without waiting, writes them to one file in one chain.
//
// Durability: the writer thread takes what is queued, appends it, and calls fdatasync before it takes more; so a record is on the disk a
// few milliseconds after `record`, and a power cut loses at most what was queued. The head of the chain is stored apart (Table,
// collection `audit`) at most a second later, and at the end. A disk that refuses is tried again every second; meanwhile the queue fills,
// `healthy` is false, and what finds the queue full is counted and appears in the chain as a record `audit.gap`, never silently.
//
// Restart: the chain goes on. A last line without its end is cut off and recorded (`audit.recovered`). Where the file ends before the
// stored head, or differs from it, the chain goes on from the stored head: the place stays visibly broken, and `audit.resumed` says so.
//
// Lifetime: the destructor writes what is queued, unless the disk refuses. Threads: any.
#pragma once

#include <condition_variable>

#include "foundation/store/table.hpp"
#include "identity/audit/anonymous.hpp"
#include "identity/audit/chain.hpp"
#include "identity/audit/chain_file.hpp"

namespace wye::audit {

inline constexpr size_t kQueueRecords = 8'192;
inline constexpr size_t kQueueBytes = 16 << 20;
inline constexpr Nanos kHeadEvery = std::chrono::seconds(1);
inline constexpr Nanos kCloseMax = std::chrono::seconds(5);
inline constexpr std::string_view kHeadCollection = "audit";

struct TrailOptions {
  std::string chain;  // its name in the Table: `audit` of `wye up`, `audit-gateway-1` …
  /// What stands for a subject of a tenant; empty: subjects are written as they are. Called on the thread that records.
  std::function<std::string(std::string_view tenant, std::string_view subject)> pseudonym{};
  size_t queue_records = kQueueRecords;
  size_t queue_bytes = kQueueBytes;
};

/// A caller without a name that was refused.
struct AnonymousDenial {
  std::string_view reason;  // a constant: `auth.missing`, `jws.alg`
  std::string_view request_id;
  std::string_view action;
  std::string_view peer;
  std::string_view listener;
  int status = 401;
};

class Trail {
 public:
  /// Reads the end of the file and the stored head, and starts the writer. `heads` and `clock` outlive it. Errors: kIo, those of the Table.
  static Result<std::unique_ptr<Trail>> open(TrailOptions options, std::unique_ptr<ChainFile> file, store::Table& heads, const Clock& clock);
  ~Trail();
  Trail(const Trail&) = delete;
  Trail& operator=(const Trail&) = delete;

  /// Queues a record; false where there was no room: it is counted and a gap record will say so. Never waits for the disk.
  bool record(Record record);
  /// Counts a refusal of a caller without a name; some of them are recorded.
  void anonymous(const AnonymousDenial& denial);

  /// Waits until everything recorded so far is on the disk and its head is stored; false when `limit` passed first.
  bool flush(Nanos limit);
  /// False while the disk refuses or the queue is full: acts that must leave a trace are to be refused.
  bool healthy() const;
  /// Records that found the queue full, since the start.
  uint64_t dropped() const;
  /// Records written since the start.
  uint64_t written() const;

 private:
  struct Waiting {
    WallTime time{};
    Record record{};
  };
  /// What the writer takes at once.
  struct Batch {
    std::vector<Waiting> records{};
    uint64_t dropped = 0;
    uint64_t flush = 0;
    bool end = false;
  };
  Trail(TrailOptions options, std::unique_ptr<ChainFile> file, store::Table& heads, const Clock& clock);
  Result<void> take_up();
  Result<std::optional<Sealed>> last_record(std::string& last_line);
  bool push(Record record);  // with the lock held
  void run();
  Batch take_batch();
  void seal(Record record, WallTime time);
  bool write_out();
  bool store_head();

  const TrailOptions options_;
  const std::unique_ptr<ChainFile> file_;
  store::Table& heads_;
  const Clock& clock_;

  // Of the writer thread.
  json::Document scratch_;
  Head head_;             // of what was sealed
  std::string unwritten_;  // sealed, not yet on the disk
  uint64_t unwritten_records_ = 0;
  Head stored_;            // what the Table holds
  MonoTime stored_at_{INT64_MIN / 2};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable flushed_;
  std::vector<Waiting> queue_;
  size_t queued_bytes_ = 0;
  uint64_t dropped_now_ = 0;  // since the last batch
  uint64_t dropped_ = 0;
  uint64_t written_ = 0;
  uint64_t flush_asked_ = 0;
  uint64_t flush_done_ = 0;
  bool head_waits_ = false;
  bool failing_ = false;
  bool ending_ = false;
  AnonymousCount anonymous_;
  std::thread thread_;
};

/// The head that the Table holds for a chain; absent: none. Errors: those of the Table, kCorrupt.
Result<std::optional<Head>> stored_head(store::Table& heads, std::string_view chain);

}  // namespace wye::audit
