// One source of keys on the loop of KeySets: its state machine, its fetches, who waits for them. Private to this room.
// Threads: the loop's.
#pragma once

#include "foundation/net/scope.hpp"
#include "identity/token/key_fetch.hpp"
#include "identity/token/key_sets.hpp"

namespace wye::token {

/// Suspends until someone notifies the slot, or its bound ends it.
class Signal final : public net::Waiter {
 public:
  Signal(net::WaitSlot& slot, const net::Bound& bound) : slot_(slot), bound_(bound) {}
  bool await_ready() { return std::exchange(slot_.ready, false); }
  void await_suspend(std::coroutine_handle<> h) { slot_.wait(*this, h, bound_); }
  net::IoStatus await_resume() const { return status_; }

 private:
  bool attempt() override {
    slot_.ready = false;
    return true;
  }
  void fail(net::IoStatus status) override { status_ = status; }
  net::WaitSlot& slot_;
  net::Bound bound_;
  net::IoStatus status_ = net::IoStatus::kOk;
};

/// A request that waits for a kid.
struct KeySets::Waiter {
  net::Loop& own;
  std::string source;
  std::string kid;
  KidOutcome outcome = KidOutcome::kUnavailable;  // written before it is posted back
  net::WaitSlot* slot = nullptr;                  // own's thread only; null once nobody waits
  /// Wakes the request, on its own loop.
  static void answer(const std::shared_ptr<Waiter>& waiter, KidOutcome outcome);
};

class KeySets::Source {
 public:
  Source(KeySets& sets, KeySource source, std::shared_ptr<KeySourceState> state);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// Begins to fetch, now and for ever.
  void start();
  /// Answers the waiter now or after a fetch.
  void ask(std::shared_ptr<Waiter> waiter);
  const std::shared_ptr<KeySourceState>& state() const { return state_; }

 private:
  net::Task<void> run();
  net::Task<void> fetch();
  void take_set(FetchedKeys fetched);
  void fail(const Error& error);
  void report(const KeySetParse& parsed);
  void tell_state();
  void answer_all(KidOutcome otherwise);

  KeySets& sets_;
  KeySource source_;
  std::shared_ptr<KeySourceState> state_;
  KeySchedule schedule_;
  std::string uri_;                     // where the set was the last time; forgotten after a failure
  std::optional<crypto::Digest> content_;
  std::shared_ptr<const KeySet> keys_;
  std::vector<std::shared_ptr<Waiter>> waiters_;
  net::WaitSlot wake_;
  net::Scope scope_;  // last: its coroutine uses all of the above
};

}  // namespace wye::token
