// Who is asked next: the order of the attempts of one request.
// Private to edge/gateway. Threads: values of one owner.
#pragma once

#include "llm/route/route.hpp"

namespace wye::gateway {

/// The order of attempts: that of the plan, but for targets that come again. No allocation.
class Order {
 public:
  explicit Order(size_t choices) : size_(choices) {
    for (size_t i = 0; i < choices; ++i) queue_[i] = static_cast<uint8_t>(i);
  }
  std::optional<size_t> next() { return at_ < size_ ? std::optional<size_t>(queue_[at_++]) : std::nullopt; }
  bool empty() const { return at_ == size_; }
  void again_now(size_t choice) {
    queue_[--at_] = static_cast<uint8_t>(choice);
    at_once_ = true;
  }
  void again_last(size_t choice) {
    if (size_ < queue_.size()) queue_[size_++] = static_cast<uint8_t>(choice);
  }
  void again_after(size_t choice, std::chrono::milliseconds wait) {
    again_last(choice);
    asked_wait = wait;
  }
  /// Whether this choice was tried before; remembers that it now is. One that comes again at once counts as new.
  bool repeats(size_t choice) {
    const uint64_t bit = uint64_t{1} << choice;
    const bool before = (tried_ & bit) != 0 && !std::exchange(at_once_, false);
    tried_ |= bit;
    return before;
  }
  bool retried_at_once(size_t choice) const { return (retried_ >> choice & 1) != 0; }
  void note_retried(size_t choice) { retried_ |= uint64_t{1} << choice; }

  std::chrono::milliseconds asked_wait{};  // what the target that comes next asked for

 private:
  std::array<uint8_t, route::kMaxCandidates + 8> queue_;
  size_t size_;
  size_t at_ = 0;
  uint64_t tried_ = 0;
  uint64_t retried_ = 0;
  bool at_once_ = false;
};

}  // namespace wye::gateway
