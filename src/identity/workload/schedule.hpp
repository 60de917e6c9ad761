// When a token is fetched: ahead of its end, again after a failure, never in a storm. Pure: time and chance are arguments.
// Source: Microsoft Learn, "How to use managed identities for Azure resources on a virtual machine to acquire an access token" (retries
// of IMDS: 404, 410, 429, 5xx; upgrades last at most 70 s) and "Managed identity best practices" (caches, long-lived tokens).
// Threads: values of one thread.
#pragma once

#include "identity/workload/fault.hpp"

namespace wye::workload {

/// A token this close to its end is not sent any more: it would die on its way.
inline constexpr Nanos kExpiryMargin = std::chrono::seconds(5);
/// Fetched anew so long before the end, or at half of its life, whatever is earlier; never before a tenth of it.
inline constexpr Nanos kRefreshAhead = std::chrono::minutes(10);
inline constexpr double kRefreshJitter = 0.1;  // of the wait, both ways
inline constexpr Nanos kBackoffFirst = std::chrono::seconds(1);
inline constexpr Nanos kBackoffMax = std::chrono::seconds(60);
inline constexpr double kBackoffJitter = 0.2;
/// An upstream that refuses tokens makes us fetch at most once in so long.
inline constexpr Nanos kRejectionEvery = std::chrono::seconds(10);
/// When IMDS is asked within one round, from its begin.
inline constexpr std::array<Nanos, 5> kImdsTries = {std::chrono::seconds(0), std::chrono::seconds(2), std::chrono::seconds(6),
                                                    std::chrono::seconds(14), std::chrono::seconds(30)};
/// After a 410 it is back within so long.
inline constexpr Nanos kImdsGoneMax = std::chrono::seconds(70);
inline constexpr Nanos kImdsGoneEvery = std::chrono::seconds(20);

/// How long after its arrival a token of that life is fetched anew. `chance` is uniform in [0, 1).
Nanos refresh_after(Nanos life, double chance);
/// How long after the nth failure in a row (from 1) the next try is due.
Nanos backoff_after(uint32_t failures, double chance);
/// When IMDS is tried again within a round, from its begin; absent: the round is over. `tries` have been made, the last at `elapsed`.
std::optional<Nanos> next_imds_try(const Fault& fault, size_t tries, Nanos elapsed);

/// How a source wants to be asked.
struct ScheduleRules {
  bool imds = false;   // its tries come in the rounds that IMDS asks for
  Nanos every{0};      // the value has no end and is looked at so often; zero: by its life
  bool local = false;  // a file: looking again costs nobody anything, so nothing is refused for good
};

/// The state of one source: when the next fetch is due, and what the last one means.
class Schedule {
 public:
  explicit Schedule(ScheduleRules rules) : rules_(rules) {}

  /// When the next fetch begins; INT64_MAX: not by itself.
  MonoTime due() const { return due_; }
  uint32_t failures() const { return failures_; }
  bool refused() const { return refused_; }
  /// The first fetch is due now.
  void begin(MonoTime now);
  /// `life`: absent where the value has no end.
  void succeeded(MonoTime now, std::optional<Nanos> life, double chance);
  /// True where the round is over and those who wait are told; false: another try of it follows. `holding`: a value is there; then even
  /// what the issuer refused is asked for again, every kBackoffMax.
  bool failed(MonoTime now, const Fault& fault, double chance, bool holding);
  /// A request has nothing to send. What the issuer refused for good is asked once more, at most once in kBackoffMax.
  void wanted(MonoTime now);
  /// The upstream refused what we have. True: a fetch is due now; false: one was made for that reason within kRejectionEvery.
  bool rejected(MonoTime now);

 private:
  ScheduleRules rules_;
  MonoTime due_{INT64_MAX};
  MonoTime round_began_{0};
  MonoTime failed_at_{0};
  std::optional<MonoTime> rejected_at_;
  size_t tries_ = 0;  // of this round
  uint32_t failures_ = 0;
  bool refused_ = false;
};

}  // namespace wye::workload
