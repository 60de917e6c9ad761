#include "identity/workload/credential_reader.hpp"

#include "identity/workload/credential_core.hpp"

namespace wye::workload {
namespace {

Error unavailable(const std::string& reason, Nanos wait) {
  Error error = internal_error(ErrorCode::kUpstreamAuthUnavailable, "credential.unavailable: " + reason);
  if (wait.count() > 0) error.retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
  return error;
}

bool alive(const PresentedPtr& presented, MonoTime now) { return presented != nullptr && now < presented->expires_at; }

}  // namespace

void CredentialReader::Slot::wake() {
  // Each resumed coroutine may end others, which then leave whatever ring they are in; newcomers join the slot's own.
  Link turn;
  turn.join(waiting);
  waiting.leave();
  while (!turn.alone()) {
    auto& one = static_cast<Waiting&>(*turn.next);
    one.leave();
    one.slot.notify();
  }
}

void CredentialReader::State::deliver(const Badge& badge, const Badge::View& view) {
  const auto found = slots.find(&badge);
  if (found == slots.end()) return;
  const SlotPtr slot = found->second.lock();
  if (slot == nullptr) {
    slots.erase(found);
    return;
  }
  slot->view = view;
  slot->wanted = false;
  slot->wake();
}

CredentialReader::CredentialReader(net::Loop& loop, Credentials* credentials) : state_(std::make_shared<State>(loop, credentials)) {
  if (credentials != nullptr) credentials->core_->add_reader(loop, state_);
}

CredentialReader::~CredentialReader() {
  if (state_->credentials != nullptr) state_->credentials->core_->remove_reader(*state_);
}

CredentialReader::SlotPtr CredentialReader::hold(BadgePtr badge) {
  std::erase_if(state_->slots, [](const auto& item) { return item.second.expired(); });
  std::weak_ptr<Slot>& known = state_->slots[badge.get()];
  if (SlotPtr slot = known.lock()) return slot;
  // In the map before it looks: what comes after this look is posted.
  auto slot = std::make_shared<Slot>(std::move(badge));
  known = slot;
  return slot;
}

bool CredentialReader::live(const Slot& slot) const { return alive(slot.view.presented, state_->loop.now()); }

Result<PresentedPtr> CredentialReader::attach(const Slot& slot, std::string_view origin) const {
  if (!slot.badge->is_for(origin)) [[unlikely]]
    return Fail(internal_error(ErrorCode::kUpstreamAuthUnavailable, "credential.origin"));
  if (!live(slot)) [[unlikely]]
    return Fail(internal_error(ErrorCode::kUpstreamAuthUnavailable, "credential.unavailable"));
  return slot.view.presented;
}

net::Task<Result<void>> CredentialReader::ready(SlotPtr slot, net::Bound bound) {
  for (;;) {
    const MonoTime now = state_->loop.now();
    if (live(*slot)) co_return Result<void>{};
    const Unavailable& why = slot->view.unavailable;
    if (!why.reason.empty() && now < why.until) co_return Fail(unavailable(why.reason, why.until - now));
    if (state_->credentials == nullptr) co_return Fail(unavailable("nobody fetches it", Nanos{0}));
    if (!std::exchange(slot->wanted, true)) state_->credentials->core_->want(slot->badge);
    Slot::Waiting waiting(state_->loop.wheel(), slot->waiting);
    const net::IoStatus status = co_await Arrival(waiting.slot, bound);
    if (status == net::IoStatus::kCancelled) co_return Fail(internal_error(ErrorCode::kCancelled, "credential: the client has gone"));
    if (status != net::IoStatus::kOk) co_return Fail(unavailable("no answer within the time of the request", Nanos{0}));
  }
}

net::Task<bool> CredentialReader::rejected(SlotPtr slot, uint64_t generation, net::Bound bound) {
  const auto newer = [&] { return live(*slot) && slot->view.presented->generation > generation; };
  if (newer()) co_return true;
  if (state_->credentials == nullptr || !slot->badge->identity().can_change) co_return false;
  state_->credentials->core_->reject(slot->badge, generation);
  Slot::Waiting waiting(state_->loop.wheel(), slot->waiting);
  const net::IoStatus status = co_await Arrival(waiting.slot, bound);
  co_return status == net::IoStatus::kOk&& newer();
}

}  // namespace wye::workload
