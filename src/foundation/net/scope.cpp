#include "foundation/net/scope.hpp"

namespace wye::net {

/// The root frame of one spawned task; it destroys itself when the task ends.
struct Scope::Runner {
  struct promise_type : Node {
    Scope& scope;

    promise_type(Scope& s, Task<void>&) : scope(s) {}
    static void* operator new(size_t size) { return FramePool::take(size); }
    static void operator delete(void* frame, size_t size) { FramePool::give(frame, size); }
    Runner get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> h) noexcept {
        Scope& owner = h.promise().scope;
        owner.ended(h.promise());
        h.destroy();
        if (owner.size_ == 0 && owner.join_ != nullptr) std::exchange(owner.join_, nullptr)->waiting_.resume();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Scope::Runner Scope::run(Scope&, Task<void> task) { co_await task; }

void Scope::spawn(Task<void> task) {
  const Runner runner = run(*this, std::move(task));
  Node& node = runner.handle.promise();
  node.next = head_.next;
  node.previous = &head_;
  if (node.next != nullptr) node.next->previous = &node;
  head_.next = &node;
  ++size_;
  runner.handle.resume();
}

void Scope::ended(Node& node) {
  node.previous->next = node.next;
  if (node.next != nullptr) node.next->previous = node.previous;
  --size_;
}

Scope::~Scope() {
  if (join_ != nullptr) join_->scope_ = nullptr;
  while (head_.next != nullptr) {
    auto& promise = static_cast<Runner::promise_type&>(*head_.next);
    const auto handle = std::coroutine_handle<Runner::promise_type>::from_promise(promise);
    ended(promise);
    handle.destroy();
  }
}

}  // namespace wye::net
