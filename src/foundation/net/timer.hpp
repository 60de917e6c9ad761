// Deadlines at the cost of a store: one wheel a loop, 1,024 slots of 100 ms, entries re-filed only when their slot comes round.
// Source of the idea: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), the lazy variant.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye::net {

class TimerWheel;

/// Something with a deadline. Threads: that of its wheel. Must be removed before it dies.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 protected:
  ~Timer() = default;
  /// The deadline passed (up to one slot late). May arm it again or destroy it.
  virtual void fire() = 0;

 private:
  friend class TimerWheel;
  static constexpr int32_t kUnfiled = -1;
  MonoTime due_{INT64_MAX};
  int64_t filed_tick_ = 0;
  int32_t slot_ = kUnfiled;
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
};

class TimerWheel {
 public:
  static constexpr Nanos kTick = std::chrono::milliseconds(100);
  static constexpr int32_t kSlots = 1024;

  explicit TimerWheel(MonoTime start) : tick_(start.ns / kTick.count()) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Stores the deadline; files the timer only where it is not filed early enough already.
  void arm(Timer& timer, MonoTime due) {
    timer.due_ = due;
    if (due.ns == INT64_MAX) return;
    const int64_t tick = tick_of(due);
    if (timer.slot_ == Timer::kUnfiled || tick < timer.filed_tick_) file(timer, tick);
  }
  /// Forgets the deadline; the entry leaves the wheel when its slot comes round.
  void disarm(Timer& timer) { timer.due_ = MonoTime{INT64_MAX}; }
  /// Takes the entry out at once.
  void remove(Timer& timer);
  /// Fires what is due.
  void advance(MonoTime now);
  /// When `advance` has something to look at; never where the wheel is empty.
  MonoTime next_look() const;

 private:
  static int64_t tick_of(MonoTime t) { return t.ns / kTick.count() + 1; }
  void file(Timer& timer, int64_t tick);
  void look_at(int32_t slot, MonoTime now);

  int64_t tick_;
  std::array<Timer*, kSlots> slots_{};
  std::array<uint64_t, kSlots / 64> occupied_{};
};

}  // namespace wye::net
