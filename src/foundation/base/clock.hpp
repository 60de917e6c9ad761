// Time as an argument. Only app/ makes a SystemClock; everything else is handed a Clock.
#pragma once

namespace wye {

using Nanos = std::chrono::nanoseconds;

/// A point of the monotonic clock, in nanoseconds since an arbitrary start.
struct MonoTime {
  int64_t ns = 0;
  friend auto operator<=>(MonoTime, MonoTime) = default;
  friend MonoTime operator+(MonoTime t, Nanos d) { return {t.ns + d.count()}; }
  friend MonoTime operator-(MonoTime t, Nanos d) { return {t.ns - d.count()}; }
  friend Nanos operator-(MonoTime a, MonoTime b) { return Nanos(a.ns - b.ns); }
};

/// Wall time, in nanoseconds since the Unix epoch (UTC).
struct WallTime {
  int64_t ns = 0;
  friend auto operator<=>(WallTime, WallTime) = default;
  int64_t seconds() const { return ns / 1'000'000'000; }
};

/// A point after which a wait ends with kTimeout.
struct Deadline {
  MonoTime at{INT64_MAX};
  static Deadline never() { return {}; }
  bool passed(MonoTime now) const { return now >= at; }
  friend Deadline earlier(Deadline a, Deadline b) { return a.at < b.at ? a : b; }
};

/// Port: what time it is. Threads: implementations may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() const = 0;
  virtual WallTime wall() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  MonoTime mono() const override;
  WallTime wall() const override;
};

/// A clock that only tests move. One thread moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = {1'760'000'000'000'000'000}) : wall_(start) {}
  MonoTime mono() const override { return mono_; }
  WallTime wall() const override { return wall_; }
  void advance(Nanos d) {
    mono_ = mono_ + d;
    wall_.ns += d.count();
  }

 private:
  MonoTime mono_{1'000'000'000};
  WallTime wall_;
};

/// RFC 3339 in UTC with milliseconds: `2026-11-23T15:00:00.123Z` (24 characters), written to `out`.
void format_rfc3339(WallTime t, char (&out)[24]);
std::string rfc3339(WallTime t);
/// Parses what format_rfc3339 writes, also without fraction and with a numeric offset; absent on anything else.
std::optional<WallTime> parse_rfc3339(std::string_view text);

/// Parses `250ms 30s 5m 1h 7d`; absent on anything else. Never negative.
std::optional<Nanos> parse_duration(std::string_view text);
/// Prints the shortest exact form of the same grammar.
std::string format_duration(Nanos d);

}  // namespace wye
