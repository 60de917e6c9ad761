// What every wait has: a deadline and someone who may cancel it.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/net/timer.hpp"

namespace wye::net {

/// How a wait for bytes, a connection or time ended.
enum class IoStatus : uint8_t { kOk, kEof, kTimeout, kCancelled, kFailed };
std::string_view to_string(IoStatus status);

class Waiter;

/// One person may say stop, many waits listen. Cancelling resumes every listening wait with kCancelled; later ones end at once.
/// Threads: one. Outlives the waits that listen to it; what a cancelled wait resumes may destroy it.
class Cancel {
 public:
  Cancel() = default;
  Cancel(const Cancel&) = delete;
  Cancel& operator=(const Cancel&) = delete;
  ~Cancel();

  void request();
  bool requested() const { return requested_; }
  /// Makes it fresh again, for the next request of a connection. No wait may be listening.
  void reset() { requested_ = false; }

 private:
  friend class Waiter;
  Waiter* head_ = nullptr;
  bool* destroyed_ = nullptr;  // set while `request` is on the stack
  bool requested_ = false;
};

/// Bounds of a wait. A wait without deadline does not exist: `never` is spelled out where nothing else bounds it.
struct Bound {
  Deadline deadline;
  Cancel* cancel = nullptr;
};

/// A suspended operation: what to try when its readiness comes, whom to resume.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

 protected:
  ~Waiter();
  /// Tries the operation; true when it is finished and the coroutine shall go on.
  virtual bool attempt() = 0;
  /// Ends the operation without its result.
  virtual void fail(IoStatus status) = 0;
  void join_cancel(Cancel* cancel);
  void leave_cancel();

 private:
  friend class WaitSlot;
  friend class Cancel;
  std::coroutine_handle<> handle_;
  class WaitSlot* slot_ = nullptr;
  Cancel* cancel_ = nullptr;
  Waiter* next_ = nullptr;
  Waiter* previous_ = nullptr;
};

/// One direction of a stream: is it ready, who waits for it, until when.
/// Filed in the wheel of its loop only while a deadline is set; a new deadline is one store (lazy wheel).
class WaitSlot final : private Timer {
 public:
  explicit WaitSlot(TimerWheel& wheel) : wheel_(wheel) {}
  ~WaitSlot();
  WaitSlot(const WaitSlot&) = delete;
  WaitSlot& operator=(const WaitSlot&) = delete;

  /// True until an operation said "again": edge-triggered engines set it, operations clear it.
  bool ready = false;

  /// Suspends `waiter`. One at a time.
  void wait(Waiter& waiter, std::coroutine_handle<> handle, const Bound& bound);
  /// Readiness came: lets the waiter try, resumes it when it is finished.
  void notify();
  /// Ends the waiter, if any, with `status`.
  void end(IoStatus status);
  bool waiting() const { return waiter_ != nullptr; }
  TimerWheel& wheel() const { return wheel_; }
  /// The waiter dies while suspended (its coroutine is destroyed).
  void forget(Waiter& waiter) {
    if (waiter_ == &waiter) waiter_ = nullptr;
  }

 private:
  void fire() override { end(IoStatus::kTimeout); }
  void resume();
  TimerWheel& wheel_;
  Waiter* waiter_ = nullptr;
};

}  // namespace wye::net
