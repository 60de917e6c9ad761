#include "serving/runtime/lifecycle.hpp"

namespace wye::runtime {
namespace {

constexpr MonoTime kNever{INT64_MAX};
constexpr int kDoublingsMax = 20;

}  // namespace

std::string_view to_string(State state) {
  constexpr std::array<std::string_view, 12> kNames = {"absent", "fetching", "verifying", "starting", "loading",   "probing",
                                                       "ready",  "draining", "stopped",   "backoff",  "crashLoop", "failed"};
  return kNames[static_cast<size_t>(state)];
}

Action Lifecycle::enter(State state, MonoTime deadline, Action action) {
  state_ = state;
  deadline_ = deadline;
  return action;
}

Action Lifecycle::apply(Event event, MonoTime now, Random& random) {
  switch (event) {
    case Event::kStart:
      if (state_ != State::kAbsent && state_ != State::kStopped) return Action::kNone;
      terminating_ = false;
      return enter(State::kFetching, now + limits_.fetch_max, Action::kFetch);
    case Event::kDone: return done(now);
    case Event::kFailed: return missed(now, random);
    case Event::kExited: return exited(now, random);
    case Event::kTick: return now >= deadline_ ? tick(now, random) : Action::kNone;
    case Event::kStop: return stop(now);
    case Event::kIdle:
      if (state_ != State::kDraining || terminating_) return Action::kNone;
      terminating_ = true;
      deadline_ = now + limits_.terminate_max;
      return Action::kTerminate;
  }
  return Action::kNone;
}

Action Lifecycle::done(MonoTime now) {
  switch (state_) {
    case State::kFetching: return enter(State::kVerifying, now + limits_.verify_max, Action::kVerify);
    case State::kVerifying: return enter(State::kStarting, now + limits_.start_max, Action::kSpawn);
    case State::kStarting: alive_ = true; return enter(State::kLoading, now + limits_.load_max, Action::kAwaitHealth);
    case State::kLoading: attempts_ = 1; return enter(State::kProbing, now + limits_.probe_max, Action::kProbe);
    case State::kProbing:
      ready_since_ = now;
      ever_ready_ = true;
      misses_ = 0;
      attempts_ = 0;
      return enter(State::kReady, now + limits_.reprobe_every, Action::kNone);
    case State::kReady:  // a probe between requests was answered
      misses_ = 0;
      attempts_ = 0;
      return enter(State::kReady, now + limits_.reprobe_every, Action::kNone);
    default: return Action::kNone;
  }
}

Action Lifecycle::missed(MonoTime now, Random& random) {
  switch (state_) {
    case State::kFetching:
    case State::kVerifying:
    case State::kStarting:
    case State::kLoading: return fail(now, random);
    case State::kProbing:
      if (attempts_ >= limits_.probe_attempts) return fail(now, random);
      ++attempts_;
      deadline_ = now + limits_.probe_max;
      return Action::kProbe;
    case State::kReady:
      attempts_ = 0;
      if (++misses_ >= limits_.misses_max) return fail(now, random);
      deadline_ = now + limits_.reprobe_every;
      return Action::kNone;
    default: return Action::kNone;
  }
}

Action Lifecycle::exited(MonoTime now, Random& random) {
  if (!alive_) return Action::kNone;
  alive_ = false;
  switch (state_) {
    case State::kDraining: return enter(State::kStopped, kNever, Action::kNone);
    case State::kBackoff:
    case State::kCrashLoop: deadline_ = retry_at_; return Action::kNone;
    case State::kFailed: return Action::kNone;
    default: return fail(now, random);
  }
}

Action Lifecycle::stop(MonoTime now) {
  switch (state_) {
    case State::kDraining:
    case State::kStopped: return Action::kNone;
    case State::kReady: return enter(State::kDraining, now + limits_.drain_max, Action::kAwaitIdle);
    default:
      if (!alive_) return enter(State::kStopped, kNever, Action::kNone);
      terminating_ = true;  // nobody was ever sent to it, or it is being killed already
      return enter(State::kDraining, now + limits_.terminate_max, Action::kTerminate);
  }
}

Action Lifecycle::tick(MonoTime now, Random& random) {
  switch (state_) {
    case State::kFetching:
    case State::kVerifying:
    case State::kStarting:
    case State::kLoading: return fail(now, random);
    case State::kProbing: return missed(now, random);
    case State::kReady:
      if (now - ready_since_ >= limits_.settled_after) forget_failures();
      if (attempts_ > 0) return missed(now, random);  // the last one was never answered
      attempts_ = 1;
      deadline_ = now + limits_.probe_max;
      return Action::kProbe;
    case State::kDraining:
      if (!terminating_) {
        terminating_ = true;
        deadline_ = now + limits_.terminate_max;
        return Action::kTerminate;
      }
      deadline_ = now + limits_.terminate_max;
      return Action::kKill;
    case State::kBackoff:
    case State::kCrashLoop: return retry(now);
    default: return Action::kNone;
  }
}

void Lifecycle::forget_failures() {
  failures_ = 0;
  looping_ = false;
  recent_failures_.clear();
}

Action Lifecycle::retry(MonoTime now) {
  ++restarts_;
  attempts_ = misses_ = 0;
  return enter(State::kFetching, now + limits_.fetch_max, Action::kFetch);
}

Action Lifecycle::fail(MonoTime now, Random& random) {
  if (state_ == State::kReady && now - ready_since_ >= limits_.settled_after) forget_failures();
  recent_failures_.push_back(now);
  while (!recent_failures_.empty() && now - recent_failures_.front() > limits_.crash_loop_window) recent_failures_.pop_front();
  while (recent_failures_.size() > static_cast<size_t>(limits_.crash_loop_failures)) recent_failures_.pop_front();
  looping_ = looping_ || recent_failures_.size() >= static_cast<size_t>(limits_.crash_loop_failures);
  if (looping_ && !ever_ready_ && limits_.has_previous) return enter(State::kFailed, kNever, alive_ ? Action::kKill : Action::kNone);

  Nanos wait = limits_.backoff_max;
  if (!looping_) wait = std::min(wait, Nanos(limits_.backoff_first.count() << std::min(failures_, kDoublingsMax)));
  failures_ = std::min(failures_ + 1, 1'000'000);
  const double spread = 1.0 + limits_.jitter * (2.0 * random.unit() - 1.0);
  retry_at_ = now + Nanos(static_cast<int64_t>(static_cast<double>(wait.count()) * spread));
  // While the old process still stands, its exit sets the deadline: two of them would share memory and port.
  const MonoTime deadline = alive_ ? kNever : retry_at_;
  return enter(looping_ ? State::kCrashLoop : State::kBackoff, deadline, alive_ ? Action::kKill : Action::kNone);
}

}  // namespace wye::runtime
