// A worker's side of a Badge, and what Credentials posts to it. Private to identity/workload.
// Threads: all of it those of the worker's loop.
#pragma once

#include "foundation/net/wait.hpp"
#include "identity/workload/credential_reader.hpp"

namespace wye::workload {

/// Waits until someone notifies its slot.
class Arrival final : public net::Waiter {
 public:
  Arrival(net::WaitSlot& slot, const net::Bound& bound) : slot_(slot), bound_(bound) {}
  bool await_ready() {
    if (bound_.cancel == nullptr || !bound_.cancel->requested()) return false;
    status_ = net::IoStatus::kCancelled;
    return true;
  }
  void await_suspend(std::coroutine_handle<> h) { slot_.wait(*this, h, bound_); }
  net::IoStatus await_resume() const { return status_; }

 private:
  bool attempt() override { return true; }
  void fail(net::IoStatus status) override { status_ = status; }
  net::WaitSlot& slot_;
  net::Bound bound_;
  net::IoStatus status_ = net::IoStatus::kOk;
};

class CredentialReader::Slot {
 public:
  explicit Slot(BadgePtr held) : badge(std::move(held)), view(badge->view()) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  /// A place in a ring; alone it is a ring of one.
  struct Link {
    Link* next = this;
    Link* previous = this;
    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link() { leave(); }
    bool alone() const { return next == this; }
    void leave() {
      previous->next = next;
      next->previous = previous;
      next = previous = this;
    }
    void join(Link& ring) {
      previous = ring.previous;
      next = &ring;
      previous->next = next->previous = this;
    }
  };
  /// One who waits. Lives in the coroutine that waits; in the ring for as long as it lives or until it is woken.
  struct Waiting : Link {
    Waiting(net::TimerWheel& wheel, Link& ring) : slot(wheel) { join(ring); }
    net::WaitSlot slot;
  };
  /// Resumes all who wait now; who comes meanwhile waits for the next time.
  void wake();

  const BadgePtr badge;
  Badge::View view;
  bool wanted = false;  // Credentials knows that somebody waits
  Link waiting;
};

struct CredentialReader::State {
  net::Loop& loop;
  Credentials* credentials;
  std::unordered_map<const Badge*, std::weak_ptr<Slot>> slots;
  /// What Credentials says of a Badge now.
  void deliver(const Badge& badge, const Badge::View& view);
};

}  // namespace wye::workload
