#include "llm/provider/outcome.hpp"

#include <cmath>

namespace wye::provider {
namespace {

using std::chrono::milliseconds;

constexpr double kDayMs = 86'400'000.0;
constexpr double kThirtyDays = 30.0 * 86'400.0;

/// Digits with an optional fraction; no sign, no exponent, no `nan`.
std::optional<double> decimal(std::string_view text) {
  const bool plain = !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  if (!plain || text.front() == '.') return std::nullopt;
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// A wait that can be believed: not negative, at most a day.
std::optional<milliseconds> believed(double ms) {
  if (!(ms >= 0) || ms > kDayMs) return std::nullopt;
  return milliseconds(static_cast<int64_t>(std::ceil(ms)));
}

bool is_zero(std::string_view remaining) {
  const std::optional<double> value = decimal(trimmed(remaining));
  return value && *value == 0;
}

// Calendar, by Howard Hinnant's days_from_civil (public domain algorithm) in <chrono>.
std::optional<WallTime> make_time(int year, unsigned month, unsigned day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  if (year < 1970 || year > 2200) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return WallTime{(days * 86'400 + hour * 3'600 + minute * 60 + second) * 1'000'000'000};
}

/// Takes dates apart piece by piece; any mismatch sticks.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  int number(size_t digits) {
    int value = 0;
    if (text_.size() < digits) return fail();
    for (size_t i = 0; i < digits; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return fail();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }
  void expect(std::string_view word) {
    if (!text_.starts_with(word)) {
      good_ = false;
      return;
    }
    text_.remove_prefix(word.size());
  }
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  unsigned month() {
    constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned i = 0; i < kMonths.size(); ++i) {
      if (!text_.starts_with(kMonths[i])) continue;
      text_.remove_prefix(3);
      return i + 1;
    }
    fail();
    return 0;
  }
  bool finished() const { return good_ && text_.empty(); }
  std::string_view rest() const { return text_; }

 private:
  int fail() {
    good_ = false;
    return 0;
  }
  std::string_view text_;
  bool good_ = true;
};

struct DayTime {
  int hour, minute, second;
};
DayTime read_clock(Reader& reader) {
  DayTime t{};
  t.hour = reader.number(2);
  reader.expect(":");
  t.minute = reader.number(2);
  reader.expect(":");
  t.second = reader.number(2);
  return t;
}

std::optional<WallTime> fixdate(std::string_view text) {  // Sun, 06 Nov 1994 08:49:37 GMT
  Reader reader(text);
  const int day = reader.number(2);
  reader.expect(" ");
  const unsigned month = reader.month();
  reader.expect(" ");
  const int year = reader.number(4);
  reader.expect(" ");
  const DayTime t = read_clock(reader);
  reader.expect(" GMT");
  if (!reader.finished()) return std::nullopt;
  return make_time(year, month, static_cast<unsigned>(day), t.hour, t.minute, t.second);
}

std::optional<WallTime> rfc850(std::string_view text, WallTime now) {  // Sunday, 06-Nov-94 08:49:37 GMT
  Reader reader(text);
  const int day = reader.number(2);
  reader.expect("-");
  const unsigned month = reader.month();
  reader.expect("-");
  const int short_year = reader.number(2);
  reader.expect(" ");
  const DayTime t = read_clock(reader);
  reader.expect(" GMT");
  if (!reader.finished()) return std::nullopt;
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(now.seconds()))));
  const int this_year = static_cast<int>(today.year());
  int year = this_year - this_year % 100 + short_year;
  if (year > this_year + 50) year -= 100;
  if (year < this_year - 49) year += 100;
  return make_time(year, month, static_cast<unsigned>(day), t.hour, t.minute, t.second);
}

std::optional<WallTime> asctime_date(std::string_view text) {  // Sun Nov  6 08:49:37 1994
  Reader reader(text);
  const unsigned month = reader.month();
  reader.expect(" ");
  const int day = reader.take(' ') ? reader.number(1) : reader.number(2);
  reader.expect(" ");
  const DayTime t = read_clock(reader);
  reader.expect(" ");
  const int year = reader.number(4);
  if (!reader.finished()) return std::nullopt;
  return make_time(year, month, static_cast<unsigned>(day), t.hour, t.minute, t.second);
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text, WallTime now) {
  text = trimmed(text);
  constexpr std::array<std::string_view, 7> kShort = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  constexpr std::array<std::string_view, 7> kLong = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  for (size_t i = 0; i < kShort.size(); ++i) {
    if (!text.starts_with(kShort[i])) continue;
    if (text.starts_with(kLong[i]) && text.substr(kLong[i].size()).starts_with(", ")) return rfc850(text.substr(kLong[i].size() + 2), now);
    text.remove_prefix(3);
    if (text.starts_with(", ")) return fixdate(text.substr(2));
    if (text.starts_with(' ')) return asctime_date(text.substr(1));
  }
  return std::nullopt;
}

std::optional<milliseconds> parse_reset(std::string_view text) {
  text = trimmed(text);
  if (const std::optional<double> seconds = decimal(text)) return believed(*seconds * 1000.0);
  double ms = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::optional<double> value = decimal(text.substr(0, digits));
    if (!value) return std::nullopt;
    text.remove_prefix(digits);
    const size_t unit = std::min(text.find_first_of("0123456789."), text.size());
    const std::string_view word = text.substr(0, unit);
    const double factor = word == "ms"  ? 1.0
                          : word == "s" ? 1'000.0
                          : word == "m" ? 60'000.0
                          : word == "h" ? 3'600'000.0
                          : word == "d" ? kDayMs
                                        : -1.0;
    if (factor < 0) return std::nullopt;
    ms += *value * factor;
    text.remove_prefix(unit);
  }
  return believed(ms);
}

RetryAfter parse_retry_after(int status, const RetryHeaders& headers, WallTime now) {
  RetryAfter out;
  const auto take = [&out](std::optional<milliseconds> wait) {
    if (!wait) {
      ++out.ignored;
      return false;
    }
    out.wait = std::clamp(*wait, kWaitMin, kWaitMax);
    return true;
  };
  const auto seconds = [](std::string_view text, double factor) -> std::optional<milliseconds> {
    const std::optional<double> value = decimal(trimmed(text));
    return value ? believed(*value * factor) : std::nullopt;
  };
  if (!headers.retry_after_ms.empty() && take(seconds(headers.retry_after_ms, 1.0))) return out;
  if (!headers.retry_after.empty()) {
    std::optional<milliseconds> wait = seconds(headers.retry_after, 1000.0);
    if (const std::optional<WallTime> date = parse_http_date(headers.retry_after, now); !wait && date) {
      const WallTime reference = parse_http_date(headers.date, now).value_or(now);
      wait = believed(static_cast<double>(date->ns - reference.ns) / 1e6);
    }
    if (take(wait)) return out;
  }
  if (status != 429) return out;
  std::optional<milliseconds> smallest;
  const auto reset = [&](std::string_view remaining, std::string_view text) {
    if (text.empty() || !is_zero(remaining)) return;
    const std::optional<milliseconds> wait = parse_reset(text);
    if (!wait) ++out.ignored;
    if (wait && wait->count() > 0 && (!smallest || *wait < *smallest)) smallest = wait;
  };
  reset(headers.remaining_requests, headers.reset_requests);
  reset(headers.remaining_tokens, headers.reset_tokens);
  if (smallest && take(smallest)) return out;
  if (!headers.reset.empty()) {
    const std::optional<double> value = decimal(trimmed(headers.reset));
    std::optional<milliseconds> wait;
    if (value) wait = believed(*value < kThirtyDays ? *value * 1000.0 : *value * 1000.0 - static_cast<double>(now.ns) / 1e6);
    take(wait);
  }
  return out;
}

}  // namespace wye::provider
