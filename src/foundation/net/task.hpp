// The coroutine of both planes: lazy, move-only, owned by whoever awaits it.
// Threads: a Task lives and dies on one thread. Frames come from a per-thread free list: steady state allocates nothing.
#pragma once

#include "foundation/net/frame_pool.hpp"

namespace wye::net {

template <class T = void>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  static void* operator new(size_t size) { return FramePool::take(size); }
  static void operator delete(void* frame, size_t size) { FramePool::give(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return h.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  /// Failures are Results; an exception that leaves a coroutine is a broken invariant.
  void unhandled_exception() { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() {}
};

}  // namespace detail

/// `co_await task` runs it until it really waits, without suspending the caller where it never does: no deep recursion and no
/// switch for calls that finish at once. Destroying an unfinished Task destroys what it awaits.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() {
    handle_.resume();
    return handle_.done();
  }
  void await_suspend(std::coroutine_handle<> caller) { handle_.promise().continuation = caller; }
  T await_resume() { return handle_.promise().take(); }

  /// For Scope and for a loop's root: runs until the first wait.
  void start() { handle_.resume(); }
  bool done() const { return handle_.done(); }
  Handle handle() const { return handle_; }
  /// The result of a finished task that was started by hand.
  T result() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() { return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this)); }
}  // namespace detail

}  // namespace wye::net
