// How much may be asked again: without a bound, targets that fail are asked twice as often just when they can least bear it.
// A fifth of the requests of the last ten seconds, and three a second for Routes that are asked seldom.
// Source: Finagle's RetryBudget. Pure: time is an argument. Private to edge/gateway. Threads: one owner.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye::gateway {

class RetryBudget {
 public:
  static constexpr size_t kSeconds = 10;
  static constexpr uint64_t kFreeASecond = 3;
  static constexpr uint64_t kRequestsARetry = 5;

  void note_request(MonoTime now) { ++slot(now).requests; }
  /// Whether one more attempt may be made now; counts it where it may.
  bool take(MonoTime now) {
    Slot& at = slot(now);
    uint64_t requests = 0;
    uint64_t retries = 0;
    for (const Slot& one : slots_) {
      if (one.second + static_cast<int64_t>(kSeconds) <= at.second) continue;
      requests += one.requests;
      retries += one.retries;
    }
    if (retries >= requests / kRequestsARetry + kFreeASecond * kSeconds) return false;
    ++at.retries;
    return true;
  }

 private:
  struct Slot {
    int64_t second = INT64_MIN / 2;
    uint64_t requests = 0;
    uint64_t retries = 0;
  };
  Slot& slot(MonoTime now) {
    const int64_t second = now.ns / 1'000'000'000;
    Slot& at = slots_[static_cast<size_t>(second) % kSeconds];
    if (at.second != second) at = Slot{.second = second};
    return at;
  }
  std::array<Slot, kSeconds> slots_;
};

}  // namespace wye::gateway
