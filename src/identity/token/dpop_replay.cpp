#include "identity/token/dpop.hpp"

namespace wye::token {
namespace {

constexpr size_t kFirstSlots = 1024;

using Id = std::array<uint64_t, 2>;

/// A set of ids, open addressing, at most half full. Ids are digests: their bits are spread already.
class IdSet {
 public:
  bool contains(const Id& id) const { return !slots_.empty() && slots_[find(id)] == id; }
  size_t size() const { return size_; }
  void insert(const Id& id) {
    if (slots_.empty()) slots_.resize(kFirstSlots);
    else if (size_ * 2 >= slots_.size()) grow();
    slots_[find(id)] = id;
    ++size_;
  }
  /// Keeps its room where it was needed: the next generation is likely to be as large.
  void clear() {
    if (size_ * 8 < slots_.size()) std::vector<Id>().swap(slots_);
    else std::ranges::fill(slots_, Id{});
    size_ = 0;
  }

 private:
  size_t find(const Id& id) const {
    size_t at = id[0] & (slots_.size() - 1);
    while (slots_[at] != Id{} && slots_[at] != id) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<Id> before(slots_.size() * 2);
    before.swap(slots_);
    for (const Id& id : before) {
      if (id != Id{}) slots_[find(id)] = id;
    }
  }
  std::vector<Id> slots_;
  size_t size_ = 0;
};

}  // namespace

struct MemoryReplayStore::Shard {
  std::mutex mutex;
  IdSet now;
  IdSet before;
  MonoTime begun{INT64_MIN};
  size_t max = 0;
};

MemoryReplayStore::MemoryReplayStore(size_t per_generation) : shards_(std::make_unique<Shard[]>(kShards)) {
  for (size_t i = 0; i < kShards; ++i) shards_[i].max = std::max<size_t>(1, per_generation / kShards);
}

MemoryReplayStore::~MemoryReplayStore() = default;

ReplayStore::Use MemoryReplayStore::use(const crypto::Digest& id, MonoTime now) {
  Id key;
  std::memcpy(key.data(), id.data(), sizeof key);
  if (key == Id{}) key[1] = 1;  // zero means empty
  Shard& shard = shards_[id.back() % kShards];
  const std::lock_guard lock(shard.mutex);
  // An id lives through the generation that it came in and the next one: between one and two times kDpopMemory.
  if (shard.begun.ns == INT64_MIN) shard.begun = now;
  if (now - shard.begun >= Nanos(kDpopMemory)) {
    const bool both_over = now - shard.begun >= 2 * Nanos(kDpopMemory);
    std::swap(shard.now, shard.before);
    shard.now.clear();
    if (both_over) shard.before.clear();
    shard.begun = now;
  }
  if (shard.now.contains(key) || shard.before.contains(key)) return Use::kAgain;
  if (shard.now.size() >= shard.max) return Use::kFull;
  shard.now.insert(key);
  return Use::kFirst;
}

}  // namespace wye::token
