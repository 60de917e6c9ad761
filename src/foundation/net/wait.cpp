#include "foundation/net/wait.hpp"

namespace wye::net {

std::string_view to_string(IoStatus status) {
  constexpr std::array<std::string_view, 5> kNames = {"ok", "closed", "timeout", "cancelled", "failed"};
  return kNames[static_cast<size_t>(status)];
}

Cancel::~Cancel() {
  while (head_ != nullptr) head_->leave_cancel();
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void Cancel::request() {
  requested_ = true;
  bool destroyed = false;
  bool* const outer = std::exchange(destroyed_, &destroyed);
  // Each resumed coroutine may add, end or destroy other waits, and this object: take one at a time from the head.
  while (head_ != nullptr) {
    Waiter* waiter = head_;
    waiter->leave_cancel();
    if (waiter->slot_ != nullptr) waiter->slot_->end(IoStatus::kCancelled);
    if (destroyed) {
      if (outer != nullptr) *outer = true;
      return;
    }
  }
  destroyed_ = outer;
}

Waiter::~Waiter() {
  leave_cancel();
  if (slot_ != nullptr) slot_->forget(*this);
}

WaitSlot::~WaitSlot() {
  wheel_.remove(*this);
  if (waiter_ != nullptr) waiter_->slot_ = nullptr;
}

void Waiter::join_cancel(Cancel* cancel) {
  if (cancel == nullptr) return;
  cancel_ = cancel;
  previous_ = nullptr;
  next_ = cancel->head_;
  if (next_ != nullptr) next_->previous_ = this;
  cancel->head_ = this;
}

void Waiter::leave_cancel() {
  if (cancel_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : cancel_->head_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  cancel_ = nullptr;
}

void WaitSlot::wait(Waiter& waiter, std::coroutine_handle<> handle, const Bound& bound) {
  waiter.handle_ = handle;
  waiter.slot_ = this;
  waiter.join_cancel(bound.cancel);
  waiter_ = &waiter;
  wheel_.arm(*this, bound.deadline.at);
}

void WaitSlot::resume() {
  Waiter* waiter = std::exchange(waiter_, nullptr);
  waiter->slot_ = nullptr;
  waiter->leave_cancel();
  wheel_.disarm(*this);
  waiter->handle_.resume();
}

void WaitSlot::notify() {
  ready = true;
  if (waiter_ != nullptr && waiter_->attempt()) resume();
}

void WaitSlot::end(IoStatus status) {
  if (waiter_ == nullptr) return;
  waiter_->fail(status);
  resume();
}

}  // namespace wye::net
