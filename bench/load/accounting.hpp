#pragma once
// The kernel's accounting at one moment: run time of the watched processes (ns by the scheduler, summed over their threads, and the
// ticks that also hold threads which have ended), RSS, busy and stolen time of each core in ticks, system calls by tracepoint, allocations
// by the preloaded counter. Linux; reads /proc.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "options.hpp"

namespace wye::bench::load {

inline constexpr size_t kCoresMax = 64;
inline constexpr size_t kGroupsMax = 8;

struct GroupSample {
  uint64_t run_ns = 0;    // all living threads
  uint64_t tick_ns = 0;   // utime + stime in clock ticks: coarse, but nothing is lost
  uint64_t rss_bytes = 0;
  uint64_t syscalls = 0;
};

struct Sample {
  int64_t at_ns = 0;
  std::array<GroupSample, kGroupsMax> groups{};
  GroupSample own;
  size_t cores = 0;
  std::array<uint64_t, kCoresMax> core_busy_ns{};
  std::array<uint64_t, kCoresMax> core_steal_ns{};
  uint64_t malloc_calls = 0, malloc_bytes = 0;
};

class Accounting {
 public:
  explicit Accounting(const Options& options) : options_(options) {}
  ~Accounting();
  Accounting(const Accounting&) = delete;
  Accounting& operator=(const Accounting&) = delete;

  // Opens counters and files; prints the reason on failure.
  bool open();
  Sample sample() const;

 private:
  bool open_tracepoint();

  const Options& options_;
  std::array<std::vector<int>, kGroupsMax> counters_;  // one tracepoint counter a thread
  const volatile uint64_t* mallocs_ = nullptr;
};

}  // namespace wye::bench::load
