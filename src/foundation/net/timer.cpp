#include "foundation/net/timer.hpp"

namespace wye::net {

void TimerWheel::file(Timer& timer, int64_t tick) {
  remove(timer);
  tick = std::clamp(tick, tick_ + 1, tick_ + kSlots - 1);
  const auto slot = static_cast<int32_t>(tick % kSlots);
  timer.slot_ = slot;
  timer.filed_tick_ = tick;
  timer.previous_ = nullptr;
  timer.next_ = slots_[static_cast<size_t>(slot)];
  if (timer.next_ != nullptr) timer.next_->previous_ = &timer;
  slots_[static_cast<size_t>(slot)] = &timer;
  occupied_[static_cast<size_t>(slot) / 64] |= uint64_t{1} << (slot % 64);
}

void TimerWheel::remove(Timer& timer) {
  if (timer.slot_ == Timer::kUnfiled) return;
  const auto slot = static_cast<size_t>(timer.slot_);
  (timer.previous_ != nullptr ? timer.previous_->next_ : slots_[slot]) = timer.next_;
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  if (slots_[slot] == nullptr) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  timer.slot_ = Timer::kUnfiled;
}

void TimerWheel::look_at(int32_t slot, MonoTime now) {
  // A fired timer may arm, remove or destroy others of this slot: always start again at the head. What is not due is filed
  // into a later slot, so the list shrinks.
  while (Timer* timer = slots_[static_cast<size_t>(slot)]) {
    remove(*timer);
    if (timer->due_.ns == INT64_MAX) continue;
    if (timer->due_ > now) {
      file(*timer, tick_of(timer->due_));
      continue;
    }
    timer->due_ = MonoTime{INT64_MAX};
    timer->fire();
  }
}

void TimerWheel::advance(MonoTime now) {
  const int64_t target = now.ns / kTick.count();
  // After a long sleep every slot is looked at once, not once a missed tick.
  if (target - tick_ > kSlots) tick_ = target - kSlots;
  while (tick_ < target) {
    ++tick_;
    const auto slot = static_cast<int32_t>(tick_ % kSlots);
    if ((occupied_[static_cast<size_t>(slot) / 64] >> (slot % 64)) & 1) look_at(slot, now);
  }
}

MonoTime TimerWheel::next_look() const {
  for (int64_t i = 1; i <= kSlots;) {
    const auto slot = static_cast<size_t>((tick_ + i) % kSlots);
    const uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) return MonoTime{(tick_ + i + std::countr_zero(word)) * kTick.count()};
    i += 64 - static_cast<int64_t>(slot % 64);
  }
  return MonoTime{INT64_MAX};
}

}  // namespace wye::net
