// Requests refused before anybody was known: counted and sampled, so that a flood costs a few lines a minute and not a disk.
// Threads: one owner at a time (Trail locks).
#pragma once

#include "identity/audit/record.hpp"

namespace wye::audit {

/// Records a minute that are kept one by one; with the summary that is the most that anonymous callers can cause.
inline constexpr size_t kAnonymousSamples = 10;
inline constexpr Nanos kAnonymousWindow = std::chrono::minutes(1);
/// Reasons that are counted apart; further ones are counted as `other`.
inline constexpr size_t kAnonymousReasons = 32;

class AnonymousCount {
 public:
  /// Whether this one is to be recorded by itself. Counts it in any case.
  bool enter(std::string_view reason, MonoTime now);
  /// What was counted, once its minute is over (or `end` is true), and there was more than the samples; else absent.
  std::optional<Record> summary(MonoTime now, bool end = false);
  bool open() const { return total_ > 0; }

 private:
  MonoTime since_{};
  uint64_t total_ = 0;
  std::map<std::string, uint64_t, std::less<>> by_reason_;
};

}  // namespace wye::audit
