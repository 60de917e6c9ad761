#include "identity/token/key_schedule.hpp"

namespace wye::token {
namespace {

/// `base` moved by up to `share` of itself to either side.
Nanos jittered(Nanos base, double share, double draw) {
  return Nanos(static_cast<int64_t>(static_cast<double>(base.count()) * (1 + share * (2 * draw - 1))));
}

}  // namespace

std::string_view to_string(KeyState state) {
  constexpr std::array<std::string_view, 4> kNames = {"empty", "fresh", "stale_ok", "too_stale"};
  return kNames[static_cast<size_t>(state)];
}

KeyState key_state(std::optional<MonoTime> good_at, MonoTime now) {
  if (!good_at) return KeyState::kEmpty;
  const Nanos age = now - *good_at;
  if (age <= kKeysFreshFor) return KeyState::kFresh;
  return age <= kKeysServeFor ? KeyState::kStaleOk : KeyState::kTooStale;
}

bool KeySchedule::begin() { return !std::exchange(fetching_, true); }

void KeySchedule::succeeded(MonoTime now, double draw) {
  fetching_ = false;
  failures_ = 0;
  good_at_ = now;
  next_ = now + jittered(kKeysRefreshAfter, kKeysRefreshJitter, draw);
}

void KeySchedule::failed(MonoTime now, double draw) {
  fetching_ = false;
  const Nanos pause = std::min(kKeysBackOffMin * (int64_t{1} << std::min(failures_, 6u)), kKeysBackOffMax);
  ++failures_;
  next_ = now + jittered(pause, kKeysBackOffJitter, draw);
}

KidAnswer KeySchedule::on_unknown_kid(std::string_view kid, MonoTime now) {
  // An outage is no fault of the token: nobody waits for a fetch that follows a failed one.
  if (failing()) return KidAnswer::kUnavailable;
  if (fetching_) return KidAnswer::kWait;
  if (!may_verify(state(now))) return KidAnswer::kUnavailable;
  const auto known = missing_.find(std::string(kid));
  if (known != missing_.end() && now < known->second) return KidAnswer::kNoSuchKey;
  if (now < open_at_) return KidAnswer::kNoSuchKey;
  open_at_ = now + kUnknownKidPause;
  return KidAnswer::kFetch;
}

void KeySchedule::remember_missing(std::string kid, MonoTime now) {
  if (const auto known = missing_.find(kid); known != missing_.end() && now < known->second) return;
  while (!missing_order_.empty()) {
    const auto oldest = missing_.find(missing_order_.front());
    if (missing_.size() < kMissingKidsMax && now < oldest->second) break;
    missing_.erase(oldest);
    missing_order_.pop_front();
  }
  const MonoTime until = now + kMissingKidMemory;
  if (missing_.try_emplace(kid, until).second) missing_order_.push_back(std::move(kid));
}

}  // namespace wye::token
