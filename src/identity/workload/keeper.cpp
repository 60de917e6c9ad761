#include "foundation/crypto/digest.hpp"
#include "identity/workload/credential_core.hpp"

namespace wye::workload {
namespace {

/// A fetch may be more than one call: challenge and answer, token and secret.
constexpr Nanos kFetchesTimeout = 3 * kFetchTimeout;

/// The value inside a header line that line_of made.
std::string_view value_of(const Presented& presented) {
  std::string_view line = presented.line.reveal();
  line.remove_suffix(2);
  return line.substr(line.rfind(' ') + 1);
}

}  // namespace

Keeper::Keeper(Credentials::Core& core, std::shared_ptr<CredentialSet::Held> held)
    : core_(core),
      held_(std::move(held)),
      schedule_(held_->source->rules()) {}

Keeper::~Keeper() {
  if (timer_) core_.loop.cancel_call(*timer_);
}

void Keeper::begin() {
  schedule_.begin(core_.loop.now());
  arm();
}

void Keeper::look_again() {
  if (held_->source->rules().local) begin();
}

void Keeper::wanted() {
  schedule_.wanted(core_.loop.now());
  if (fetching_) return;  // its end is told to all
  arm();
  // What is known is told again: whoever asks has missed it, or has come to the end of what was said.
  if (schedule_.due() > core_.loop.now()) core_.publish(held_->badge);
}

void Keeper::rejected(uint64_t generation) {
  if (fetching_ || schedule_.due() <= core_.loop.now()) return;  // the end of that fetch is told to all
  const PresentedPtr presented = held_->badge->view().presented;
  const bool is_current = presented != nullptr && presented->generation == generation;
  if (!is_current || !schedule_.rejected(core_.loop.now())) {
    core_.publish(held_->badge);
    return;
  }
  arm();
}

void Keeper::arm() {
  if (timer_) core_.loop.cancel_call(*std::exchange(timer_, std::nullopt));
  if (fetching_ || schedule_.due().ns == INT64_MAX) return;
  timer_ = core_.loop.call_at(schedule_.due(), [this] {
    timer_.reset();
    start_fetch();
  });
}

void Keeper::start_fetch() {
  if (std::exchange(fetching_, true)) return;
  scope_.spawn(run());
}

net::Task<void> Keeper::run() {
  const MonoTime began = core_.loop.now();
  const FetchContext context{core_.loop, core_.resolver, core_.parts.clock, core_.parts.environment};
  FetchResult result = co_await held_->source->fetch(context, {core_.loop.after(kFetchesTimeout), &stop_});
  fetching_ = false;
  if (result) succeeded(std::move(*result), began);
  else failed(result.error());
  arm();
}

void Keeper::succeeded(Fetched fetched, MonoTime began) {
  std::optional<Secret> line = Badge::line_of(held_->badge->identity().style, fetched.value.reveal());
  if (!line) {
    failed(permanent("token.value: it holds a byte that no header field may have, or is too long"));
    return;
  }
  const MonoTime now = core_.loop.now();
  const PresentedPtr before = held_->badge->view().presented;
  auto presented = std::make_shared<Presented>();
  presented->line = std::move(*line);
  if (fetched.life) {
    // Counted from before it was asked for: it ends no later than we believe.
    presented->expires_at = began + *fetched.life - kExpiryMargin;
    presented->expires_wall = {core_.parts.clock.wall().ns + (*fetched.life - (now - began)).count()};
  }
  const bool same = before != nullptr && crypto::equal_constant_time(value_of(*before), fetched.value.reveal());
  presented->generation = before == nullptr ? 1 : same ? before->generation : before->generation + 1;
  schedule_.succeeded(now, fetched.life, core_.random.unit());
  {
    const std::lock_guard lock(held_->mutex);
    ++held_->state.fetches;
    held_->state.expires_at = presented->expires_wall;
  }
  note(CredentialState::State::kLive, {});
  if (std::exchange(told_wrong_, false) && core_.parts.told) core_.parts.told(*held_->badge, {});
  show(std::move(presented), {});
}

void Keeper::failed(const Fault& fault) {
  const MonoTime now = core_.loop.now();
  const bool round_over = schedule_.failed(now, fault, core_.random.unit(), holding());
  {
    const std::lock_guard lock(held_->mutex);
    ++held_->state.failures;
  }
  const auto state = holding()             ? CredentialState::State::kStale
                     : schedule_.refused() ? CredentialState::State::kRefused
                                           : CredentialState::State::kFailing;
  note(state, fault.reason);
  if (!round_over) return;
  const MonoTime until = schedule_.refused() ? now + kBackoffMax : schedule_.due();
  Unavailable unavailable{fault.reason, schedule_.refused(), until};
  if (!std::exchange(told_wrong_, true) && core_.parts.told) core_.parts.told(*held_->badge, unavailable);
  show(held_->badge->view().presented, std::move(unavailable));
}

bool Keeper::holding() const {
  const PresentedPtr presented = held_->badge->view().presented;
  return presented != nullptr && core_.loop.now() < presented->expires_at;
}

void Keeper::note(CredentialState::State state, const std::string& reason) {
  const std::lock_guard lock(held_->mutex);
  held_->state.state = state;
  held_->state.reason = reason;
}

void Keeper::show(PresentedPtr presented, Unavailable unavailable) {
  held_->badge->set(std::move(presented), std::move(unavailable));
  core_.publish(held_->badge);
}

}  // namespace wye::workload
