// Local time of a zone, from the compiled files of the IANA database (TZif).
// Source: RFC 9636; times after the last transition follow its POSIX TZ string. Leap seconds are not counted.
// Threads: immutable.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::access {

class TimeZone {
 public:
  static TimeZone utc() { return {}; }
  /// Takes the bytes of a TZif file, version 1 to 4. kCorrupt for anything else; never reads beyond them.
  static Result<TimeZone> parse(std::string_view tzif);
  /// Seconds east of UTC at that moment.
  int32_t offset_at(int64_t unix_seconds) const;

  /// One daylight saving rule of a POSIX TZ string, `Mm.w.d/time`, `Jn/time` or `n/time`.
  struct YearlyChange {
    enum class Kind : uint8_t { kMonthWeekDay, kJulian, kDay } kind = Kind::kMonthWeekDay;
    int month = 1, week = 1, day = 0;  // of kMonthWeekDay; else only `day`
    int32_t at = 7200;                 // seconds of the local day, may be negative
  };

 private:
  struct Transition {
    int64_t at = 0;
    int32_t offset = 0;
  };
  struct Forever {
    int32_t standard = 0;
    int32_t daylight = 0;
    bool has_daylight = false;
    YearlyChange begin{}, end{};
  };
  friend class TzifReader;
  static std::optional<Forever> parse_forever(std::string_view posix);
  int32_t forever_at(int64_t unix_seconds) const;

  int32_t before_ = 0;  // before the first transition
  std::vector<Transition> transitions_;
  std::optional<Forever> forever_;
};

}  // namespace wye::access
