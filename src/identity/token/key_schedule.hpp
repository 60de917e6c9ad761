// When the keys of one issuer are fetched and what may be verified meanwhile: a state machine without clock and socket.
// Source: Microsoft identity platform, "Signing key rollover" (24 h, one refetch in 5 minutes).
// Times go in as arguments, chance as a draw of [0, 1). Threads: one owner.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye::token {

inline constexpr Nanos kKeysFreshFor = std::chrono::minutes(90);
inline constexpr Nanos kKeysServeFor = std::chrono::hours(24);
inline constexpr Nanos kKeysRefreshAfter = std::chrono::hours(1);
inline constexpr double kKeysRefreshJitter = 0.1;
inline constexpr Nanos kKeysBackOffMin = std::chrono::seconds(1);
inline constexpr Nanos kKeysBackOffMax = std::chrono::seconds(60);
inline constexpr double kKeysBackOffJitter = 0.2;
/// Between two fetches that an unknown kid causes, for one issuer.
inline constexpr Nanos kUnknownKidPause = std::chrono::minutes(5);
inline constexpr Nanos kMissingKidMemory = std::chrono::minutes(5);
inline constexpr size_t kMissingKidsMax = 1'024;
/// Requests that wait for one fetch, and for how long each.
inline constexpr size_t kKeyWaitersMax = 256;
inline constexpr Nanos kKeyWaitMax = std::chrono::seconds(2);

/// Whether an issuer's keys may verify.
enum class KeyState : uint8_t { kEmpty, kFresh, kStaleOk, kTooStale };
/// `empty fresh stale_ok too_stale`.
std::string_view to_string(KeyState state);
/// `good_at`: when the keys were last seen to be the issuer's; absent: never.
KeyState key_state(std::optional<MonoTime> good_at, MonoTime now);
constexpr bool may_verify(KeyState state) { return state == KeyState::kFresh || state == KeyState::kStaleOk; }

/// What to do about a token whose kid the set has not.
enum class KidAnswer : uint8_t {
  kWait,         // a fetch is under way: its outcome decides
  kFetch,        // begin one, then as above
  kNoSuchKey,    // a good set says so: the token is bad
  kUnavailable,  // the issuer does not answer: nobody can tell
};

class KeySchedule {
 public:
  explicit KeySchedule(MonoTime now) : next_(now) {}

  KeyState state(MonoTime now) const { return key_state(good_at_, now); }
  std::optional<MonoTime> good_at() const { return good_at_; }
  /// When the next fetch is due that nobody asked for. Meaningless while one is under way.
  MonoTime next() const { return next_; }
  bool fetching() const { return fetching_; }
  /// The last fetch failed.
  bool failing() const { return failures_ > 0; }

  /// A fetch begins; false where one is under way.
  bool begin();
  void succeeded(MonoTime now, double draw);
  /// Next try after 1, 2, 4 … 60 s, each ±20 %.
  void failed(MonoTime now, double draw);
  /// A token of this issuer, right in all that needs no key, names a kid that the set has not.
  KidAnswer on_unknown_kid(std::string_view kid, MonoTime now);
  /// After a fetch that was good: these sets have not got it.
  void remember_missing(std::string kid, MonoTime now);
  /// From when on an unknown kid may cause a fetch.
  MonoTime open_at() const { return open_at_; }
  size_t missing() const { return missing_.size(); }

 private:
  MonoTime next_;
  MonoTime open_at_{INT64_MIN};
  std::optional<MonoTime> good_at_;
  uint32_t failures_ = 0;
  bool fetching_ = false;
  std::unordered_map<std::string, MonoTime> missing_;  // until when
  std::deque<std::string> missing_order_;              // oldest in front
};

}  // namespace wye::token
