// A Table that fails now and then, by a seed: for tests of everything that stands on a store.
#pragma once

#include "foundation/base/random.hpp"
#include "foundation/store/table.hpp"

namespace wye::store {

/// How often what goes wrong; shares are 0–1.
struct FaultPlan {
  double fail_before = 0;           // kIo, nothing done
  double fail_after = 0;            // kIo although the write was done: the answer got lost
  double lock_timeout = 0;          // kTimeout, nothing done
  double delay = 0;                 // sleeps up to `delay_max` first
  std::chrono::nanoseconds delay_max{};
};

/// Wraps another Table, which outlives it. `sleep` is how it waits. Threads: any.
class FaultTable final : public Table {
 public:
  using Sleep = std::function<void(std::chrono::nanoseconds)>;
  FaultTable(Table& inner, uint64_t seed, FaultPlan plan, Sleep sleep = {});
  /// Replaces the plan: `set_plan({})` heals it.
  void set_plan(FaultPlan plan);
  uint64_t faults() const { return faults_.load(std::memory_order_relaxed); }

  Result<std::optional<Record>> get(std::string_view collection, std::string_view key) override;
  Result<Page> list(std::string_view collection, const ListFrom& from) override;
  Result<Written> write(std::span<const Write> batch) override;
  Result<uint64_t> sequence() override;
  Result<Changes> changes(std::string_view collection, uint64_t since, uint32_t limit) override;

 private:
  struct Draw {
    std::optional<Error> before;
    bool after = false;
  };
  Draw draw();

  Table& inner_;
  Sleep sleep_;
  std::mutex mutex_;
  SeededRandom random_;
  FaultPlan plan_;
  std::atomic<uint64_t> faults_{0};
};

}  // namespace wye::store
