// Structured concurrency: who spawns also waits. No coroutine is detached.
#pragma once

#include "foundation/net/task.hpp"
#include "foundation/net/wait.hpp"

namespace wye::net {

/// Owns the tasks it spawns. `co_await scope.join()` before it dies; its destructor ends what still waits by destroying it.
/// Threads: that of its loop.
class Scope {
 public:
  Scope() = default;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

  /// Starts `task` at once, up to its first wait.
  void spawn(Task<void> task);
  size_t size() const { return size_; }

  /// Ends when every task has ended. One joiner.
  class Join {
   public:
    explicit Join(Scope& scope) : scope_(&scope) {}
    Join(const Join&) = delete;
    Join& operator=(const Join&) = delete;
    // Joiner and scope may be destroyed while they wait, in either order.
    ~Join() {
      if (scope_ != nullptr && scope_->join_ == this) scope_->join_ = nullptr;
    }
    bool await_ready() const { return scope_->size_ == 0; }
    void await_suspend(std::coroutine_handle<> h) {
      waiting_ = h;
      scope_->join_ = this;
    }
    void await_resume() const {}

   private:
    friend class Scope;
    Scope* scope_;
    std::coroutine_handle<> waiting_;
  };
  Join join() { return Join(*this); }

 private:
  struct Runner;
  struct Node {
    Node* next = nullptr;
    Node* previous = nullptr;
  };
  static Runner run(Scope& scope, Task<void> task);
  void ended(Node& node);

  Node head_;
  size_t size_ = 0;
  Join* join_ = nullptr;
};

}  // namespace wye::net
