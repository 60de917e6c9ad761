// The keys of all issuers of the process: fetched ahead of their end on a loop of their own, handed to every worker.
// Sources: OpenID Connect Discovery 1.0 §4 (metadata, `issuer` must match), RFC 7517 (JWK set), SPIFFE trust domain and bundle §4
// (an empty set revokes).
//
//   accepted configuration:         sets.take(sources)                  any thread
//   once a second, may block:       sets.refresh_files()                one thread: bundle files
//   in each worker, on a token:     generation(), current(); for a kid that the set has not judge(), then request()
//
// Each issuer has its own state machine and its own coroutine: a dead one slows nobody else. No redirects, no proxy; https with a
// verified name and TLS 1.2 or newer; plain http only towards loopback, and only for the issuer of `wye up`.
#pragma once

#include "foundation/base/log.hpp"
#include "foundation/base/random.hpp"
#include "foundation/net/resolver.hpp"
#include "identity/token/issuer_rules.hpp"
#include "identity/token/key_schedule.hpp"
#include "identity/token/key_set.hpp"

namespace wye::token {

/// What of an issuer changes without a new set. Threads: written by KeySets, read by any.
struct KeySourceState {
  static constexpr int64_t kNever = INT64_MIN;
  std::atomic<int64_t> good_at{kNever};   // MonoTime of the last good fetch
  std::atomic<int64_t> open_at{kNever};   // from when on an unknown kid may cause a fetch
  std::atomic<bool> fetching{false};
  std::atomic<bool> failing{false};
  std::optional<MonoTime> good() const {
    const int64_t ns = good_at.load(std::memory_order_acquire);
    return ns == kNever ? std::nullopt : std::optional(MonoTime{ns});
  }
};

/// The keys of one source at one moment.
struct PublishedKeys {
  std::string id;                           // KeySource::id
  std::string issuer_name;
  std::shared_ptr<const KeySet> keys;       // null: none yet
  uint64_t version = 0;                     // another one whenever the keys are others; never used twice in a process
  std::shared_ptr<KeySourceState> state;
};
/// All of them. Immutable.
struct PublishedSets {
  std::vector<PublishedKeys> sources;       // by id
  const PublishedKeys* find(std::string_view id) const;
};

/// For metrics: `issuer_state{issuer,state}`. An Issuer with several sources has the worst of their states.
struct IssuerState {
  std::string issuer;
  KeyState state;
};

/// How a wait for a kid ended.
enum class KidOutcome : uint8_t { kLookAgain, kNoSuchKey, kUnavailable };

class KeySets {
 public:
  /// What it works with; all of it outlives it. `loop` belongs to it alone or is shared with others that do not block.
  struct Surroundings {
    net::Loop& loop;
    net::Resolver& resolver;
    const Clock& clock;
    Random& random;  // used on the loop's thread only
    Log& log;
  };
  explicit KeySets(Surroundings surroundings);
  /// The loop does not run any more, or this is its thread. Every loop that waits in `request` outlives it.
  ~KeySets();
  KeySets(const KeySets&) = delete;
  KeySets& operator=(const KeySets&) = delete;

  /// From now on these sources; those that were there already keep keys and state. Fetches begin at once, bundle files wait for
  /// refresh_files. Threads: any one at a time.
  void take(std::vector<KeySource> sources);
  /// Looks whether bundle files have changed, and reads those. Blocking. Threads: one at a time.
  void refresh_files();

  /// Grows with every change of keys or sources. Threads: any.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  std::shared_ptr<const PublishedSets> current() const;
  /// Threads: any.
  std::vector<IssuerState> states() const;
  /// Whether a source has neither given keys nor failed yet: a token of it would have to be told to come back. Threads: any.
  bool starting() const;

  /// What can be said at once about a kid that the set has not: kNoSuchKey and kUnavailable are final, absent: `co_await request`.
  static std::optional<KidOutcome> judge(const PublishedKeys& keys, MonoTime now);
  /// Asks for the kid and waits, at most kKeyWaitMax. `own` is the loop of the caller. Threads: that of `own`.
  net::Task<KidOutcome> request(net::Loop& own, std::string source, std::string kid);

  /// For tests and for `wye check`: how many fetches of key sets began.
  uint64_t fetches() const { return fetches_.load(std::memory_order_relaxed); }

 private:
  class Source;
  struct Waiter;
  struct Bundle;
  struct Taken;
  void adopt(const std::vector<Taken>& sources);
  void on_request(const std::shared_ptr<Waiter>& waiter);
  void publish(const KeySourceState* state, std::shared_ptr<const KeySet> keys);
  void refresh_bundle(Bundle& bundle);

  Surroundings outside_;
  std::atomic<uint64_t> generation_{1};
  std::atomic<uint64_t> fetches_{0};
  mutable std::mutex publish_mutex_;  // around the next two, for moments
  std::shared_ptr<const PublishedSets> published_;
  uint64_t versions_ = 0;
  std::mutex bundles_mutex_;          // around the bundles, while files are read
  std::map<std::string, std::unique_ptr<Bundle>, std::less<>> bundles_;
  std::vector<KeySource> taken_;      // what `take` was given last, guarded by publish_mutex_
  std::shared_ptr<bool> alive_;       // written by the loop's thread; jobs that come too late see false
  std::map<std::string, std::unique_ptr<Source>, std::less<>> sources_;  // the loop's thread
};

}  // namespace wye::token
