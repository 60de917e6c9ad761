// A Table that lives and dies with the process: for tests and for roles without a data folder.
#pragma once

#include "foundation/store/table.hpp"

namespace wye::store {

/// Threads: any; one mutex. Errors: only those of the limits.
class MemoryTable final : public Table {
 public:
  explicit MemoryTable(TableTuning tuning = {}) : tuning_(tuning) {}
  Result<std::optional<Record>> get(std::string_view collection, std::string_view key) override;
  Result<Page> list(std::string_view collection, const ListFrom& from) override;
  Result<Written> write(std::span<const Write> batch) override;
  Result<uint64_t> sequence() override;
  Result<Changes> changes(std::string_view collection, uint64_t since, uint32_t limit) override;

 private:
  struct Cell {
    std::optional<std::string> value;  // absent: erased
    uint64_t version = 0;
  };
  using Key = std::pair<std::string, std::string>;  // collection, key

  const Cell* find(const Key& key) const;
  void forget_old_erasures();

  TableTuning tuning_;
  std::mutex mutex_;
  std::map<Key, Cell> cells_;
  std::map<uint64_t, Key> by_version_;
  std::set<uint64_t> erased_;
  uint64_t sequence_ = 0;
  uint64_t forgotten_ = 0;  // erasures up to here are gone
};

}  // namespace wye::store
