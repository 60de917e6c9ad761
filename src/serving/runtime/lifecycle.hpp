// The life of one model process as a pure state machine: events and time come in, what to do next goes out.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/random.hpp"

namespace wye::runtime {

enum class State : uint8_t {
  kAbsent,     // not wanted yet
  kFetching,   // its file is looked for
  kVerifying,  // digest, format, memory
  kStarting,   // the program is being started
  kLoading,    // it runs; weights are being read
  kProbing,    // it says it is healthy; a real answer is asked for
  kReady,      // it gave a real answer
  kDraining,   // takes no new requests; ends when the last one has
  kStopped,    // ended because it was told to
  kBackoff,    // failed; tries again at `retry_at`
  kCrashLoop,  // failed too often; tries again at the longest interval
  kFailed,     // never worked and another version does: not tried again
};
std::string_view to_string(State state);

/// What happened. `kDone` is the end of the step that the state names.
enum class Event : uint8_t { kStart, kDone, kFailed, kExited, kTick, kStop, kIdle };

/// What the owner of the machine does next.
enum class Action : uint8_t { kNone, kFetch, kVerify, kSpawn, kAwaitHealth, kProbe, kAwaitIdle, kTerminate, kKill };

struct LifecycleLimits {
  Nanos fetch_max = std::chrono::minutes(30);
  Nanos verify_max = std::chrono::minutes(30);  // hashing a large file on a slow disk takes minutes
  Nanos start_max = std::chrono::seconds(60);
  Nanos load_max = std::chrono::minutes(10);
  Nanos probe_max = std::chrono::seconds(60);     // one attempt
  int probe_attempts = 3;
  Nanos reprobe_every = std::chrono::seconds(30);
  int misses_max = 3;
  Nanos drain_max = std::chrono::seconds(120);
  Nanos terminate_max = std::chrono::seconds(10);
  Nanos backoff_first = std::chrono::seconds(1);
  Nanos backoff_max = std::chrono::seconds(300);
  double jitter = 0.2;                            // share, both ways
  Nanos settled_after = std::chrono::seconds(600);  // Ready this long forgets earlier failures
  int crash_loop_failures = 5;
  Nanos crash_loop_window = std::chrono::minutes(10);
  bool has_previous = false;  // another version of the model serves: give up instead of looping
};

/// Threads: one owner. Never reads a clock.
class Lifecycle {
 public:
  explicit Lifecycle(LifecycleLimits limits) : limits_(limits) {}

  /// Takes one event. `kTick` may come at any time and does nothing before `deadline()`. Events that mean nothing in the present
  /// state are ignored. `random` spreads the retries.
  Action apply(Event event, MonoTime now, Random& random);

  State state() const { return state_; }
  /// When the next kTick is due.
  MonoTime deadline() const { return deadline_; }
  /// How often it failed since it was last settled.
  int failures() const { return failures_; }
  /// How often the program was started again after a failure.
  uint64_t restarts() const { return restarts_; }
  bool alive() const { return alive_; }
  bool ever_ready() const { return ever_ready_; }

 private:
  Action enter(State state, MonoTime deadline, Action action);
  Action fail(MonoTime now, Random& random);
  Action retry(MonoTime now);
  Action stop(MonoTime now);
  Action tick(MonoTime now, Random& random);
  Action done(MonoTime now);
  Action missed(MonoTime now, Random& random);
  void forget_failures();
  Action exited(MonoTime now, Random& random);

  LifecycleLimits limits_;
  State state_ = State::kAbsent;
  MonoTime deadline_{INT64_MAX};
  MonoTime retry_at_{};
  MonoTime ready_since_{};
  std::deque<MonoTime> recent_failures_;
  int failures_ = 0;
  int misses_ = 0;
  int attempts_ = 0;
  uint64_t restarts_ = 0;
  bool alive_ = false;        // between a spawn that worked and the exit
  bool ever_ready_ = false;
  bool looping_ = false;      // failed too often and not settled since
  bool terminating_ = false;  // SIGTERM was asked for
};

}  // namespace wye::runtime
