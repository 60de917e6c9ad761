// A small bounded pool of threads for the few calls that block (getaddrinfo, fsync), with the result back on the loop.
#pragma once

#include <condition_variable>

#include "foundation/base/result.hpp"
#include "foundation/net/loop.hpp"

namespace wye::net {

/// Threads: `submit` and `run` from any thread. Lifetime: every loop it was used with outlives it; the destructor drops what still
/// queues and waits for what runs.
class Offload {
 public:
  using Work = std::move_only_function<void()>;

  Offload(size_t threads, size_t queue_max);
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  /// Queues `work` for a pool thread; false, and nothing kept, where the queue is full.
  bool submit(Work work);

  /// `co_await offload.run(loop, fn, bound)`: fn() runs on a pool thread, its result (a default-constructible, movable value) comes
  /// back on `loop`. Errors: kOverloaded (queue full); kTimeout, kCancelled: the wait ends, fn goes on and its result is dropped, so
  /// fn owns what it touches.
  template <class F>
  auto run(Loop& loop, F fn, Bound bound) -> Task<Result<std::invoke_result_t<F&>>>;

 private:
  void work();

  const size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

namespace detail {

/// Waits until someone notifies its slot. Threads: one loop.
class Event final : public Waiter {
 public:
  Event(WaitSlot& slot, const Bound& bound) : slot_(slot), bound_(bound) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h) { slot_.wait(*this, h, bound_); }
  IoStatus await_resume() const { return status_; }

 private:
  bool attempt() override { return true; }
  void fail(IoStatus status) override { status_ = status; }
  WaitSlot& slot_;
  Bound bound_;
  IoStatus status_ = IoStatus::kOk;
};

/// The error of a wait that ended by its bound.
Error wait_error(IoStatus status, std::string_view what);

}  // namespace detail

template <class F>
auto Offload::run(Loop& loop, F fn, Bound bound) -> Task<Result<std::invoke_result_t<F&>>> {
  using Value = std::invoke_result_t<F&>;
  struct State {
    F fn;
    Value value{};
    WaitSlot* slot = nullptr;  // the loop's thread only; null once nobody waits
  };
  auto state = std::make_shared<State>(State{std::move(fn)});
  WaitSlot slot(loop.wheel());
  state->slot = &slot;
  struct Leave {
    State& left;
    ~Leave() { left.slot = nullptr; }
  } leave{*state};
  const bool queued = submit([&loop, held = state]() mutable {
    held->value = held->fn();
    loop.post([back = std::move(held)] {
      if (back->slot != nullptr) back->slot->notify();
    });
  });
  if (!queued) co_return Fail(internal_error(ErrorCode::kOverloaded, "offload: the queue is full"));
  const IoStatus status = co_await detail::Event(slot, bound);
  if (status != IoStatus::kOk) co_return Fail(detail::wait_error(status, "offload"));
  co_return std::move(state->value);
}

}  // namespace wye::net
