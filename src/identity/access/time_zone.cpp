#include "identity/access/time_zone.hpp"

namespace wye::access {
namespace {

constexpr int32_t kOffsetMost = 26 * 3600;  // RFC 9636 §3.2: more is no offset of a zone
constexpr size_t kTransitionsMost = 4096;

int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {
  return std::chrono::sys_days(std::chrono::year(static_cast<int>(y)) / std::chrono::month(static_cast<unsigned>(m)) /
                               std::chrono::day(static_cast<unsigned>(d)))
      .time_since_epoch()
      .count();
}
bool is_leap(int64_t y) { return std::chrono::year(static_cast<int>(y)).is_leap(); }

/// Seconds of local time since the epoch at which the change of that year happens.
int64_t local_moment(const TimeZone::YearlyChange& change, int64_t year) {
  using Kind = TimeZone::YearlyChange::Kind;
  int64_t day = days_from_civil(year, 1, 1);
  if (change.kind == Kind::kDay) day += change.day;
  if (change.kind == Kind::kJulian) day += change.day - 1 + (is_leap(year) && change.day >= 60 ? 1 : 0);
  if (change.kind == Kind::kMonthWeekDay) {
    const int64_t first = days_from_civil(year, change.month, 1);
    const int64_t weekday = ((first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0: Sunday
    const int64_t next = change.month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, change.month + 1, 1);
    day = first + (change.day - weekday + 7) % 7 + (change.week - 1) * 7;
    while (day >= next) day -= 7;
  }
  return day * 86'400 + change.at;
}

/// The POSIX TZ string: `CET-1CEST,M3.5.0,M10.5.0/3`.
class PosixReader {
 public:
  explicit PosixReader(std::string_view text) : text_(text) {}
  bool done() const { return at_ == text_.size(); }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool skip_name() {
    if (take('<')) {
      while (at_ < text_.size() && text_[at_] != '>') ++at_;
      return take('>');
    }
    const size_t begin = at_;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (at_ < text_.size() && letter(text_[at_])) ++at_;
    return at_ - begin >= 3;
  }
  std::optional<int32_t> number(int32_t most) {
    int32_t value = 0;
    const auto [end, ec] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (ec != std::errc() || value < 0 || value > most) return std::nullopt;
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }
  /// `[+-]hh[:mm[:ss]]` in seconds.
  std::optional<int32_t> time() {
    const bool minus = take('-');
    if (!minus) take('+');
    const auto hours = number(167);
    if (!hours) return std::nullopt;
    int32_t seconds = *hours * 3600;
    for (const int32_t unit : {60, 1}) {
      if (!take(':')) break;
      const auto part = number(59);
      if (!part) return std::nullopt;
      seconds += *part * unit;
    }
    return minus ? -seconds : seconds;
  }
  std::optional<TimeZone::YearlyChange> change() {
    using Kind = TimeZone::YearlyChange::Kind;
    TimeZone::YearlyChange out;
    if (take('M')) {
      const auto month = number(12);
      if (!month || *month < 1 || !take('.')) return std::nullopt;
      const auto week = number(5);
      if (!week || *week < 1 || !take('.')) return std::nullopt;
      const auto day = number(6);
      if (!day) return std::nullopt;
      out = {.kind = Kind::kMonthWeekDay, .month = *month, .week = *week, .day = *day};
    } else {
      out.kind = take('J') ? Kind::kJulian : Kind::kDay;
      const auto day = number(365);
      if (!day || (out.kind == Kind::kJulian && *day < 1)) return std::nullopt;
      out.day = *day;
    }
    if (take('/')) {
      const auto at = time();
      if (!at) return std::nullopt;
      out.at = *at;
    }
    return out;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<TimeZone::Forever> TimeZone::parse_forever(std::string_view posix) {
  PosixReader in(posix);
  Forever out;
  if (!in.skip_name()) return std::nullopt;
  const auto standard = in.time();
  if (!standard) return std::nullopt;
  out.standard = -*standard;  // POSIX counts west
  if (in.done()) return out;
  out.has_daylight = true;
  out.daylight = out.standard + 3600;
  if (!in.skip_name()) return std::nullopt;
  if (!in.take(',')) {
    const auto daylight = in.time();
    if (!daylight || !in.take(',')) return std::nullopt;
    out.daylight = -*daylight;
  }
  const auto begin = in.change();
  if (!begin || !in.take(',')) return std::nullopt;
  const auto end = in.change();
  if (!end || !in.done()) return std::nullopt;
  out.begin = *begin;
  out.end = *end;
  return out;
}

int32_t TimeZone::forever_at(int64_t unix_seconds) const {
  const Forever& f = *forever_;
  if (!f.has_daylight) return f.standard;
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(unix_seconds + f.standard)));
  const int64_t year = static_cast<int>(std::chrono::year_month_day(day).year());
  const int64_t begin = local_moment(f.begin, year) - f.standard;
  const int64_t end = local_moment(f.end, year) - f.daylight;
  const bool daylight = begin < end ? unix_seconds >= begin && unix_seconds < end : unix_seconds >= begin || unix_seconds < end;
  return daylight ? f.daylight : f.standard;
}

int32_t TimeZone::offset_at(int64_t unix_seconds) const {
  if (transitions_.empty()) return forever_ ? forever_at(unix_seconds) : before_;
  if (unix_seconds < transitions_.front().at) return before_;
  if (forever_ && unix_seconds >= transitions_.back().at) return forever_at(unix_seconds);
  const auto after = std::ranges::upper_bound(transitions_, unix_seconds, {}, &Transition::at);
  return std::prev(after)->offset;
}

/// Reads one header and its body; of version 2 and later the second, with 8-byte times.
class TzifReader {
 public:
  explicit TzifReader(std::string_view bytes) : bytes_(bytes) {}

  Result<TimeZone> read() {
    CHECK_OK(read_header());
    if (version_ >= '2') {
      const size_t body = time_count_ * 5 + type_count_ * 6 + char_count_ + leap_count_ * 8 + standard_count_ + ut_count_;
      if (!skip(body)) return corrupt();
      CHECK_OK(read_header());
      time_bytes_ = 8;
    }
    CHECK_OK(read_body());
    if (version_ >= '2') CHECK_OK(read_footer());
    return std::move(zone_);
  }

 private:
  static Fail corrupt() { return Fail(internal_error(ErrorCode::kCorrupt, "not a TZif file")); }
  bool skip(size_t n) {
    if (n > bytes_.size() - at_) return false;
    at_ += n;
    return true;
  }
  int64_t number(size_t at, size_t width) const {
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return width == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
  }
  Result<void> read_header() {
    const size_t begin = at_;
    if (!skip(44) || bytes_.substr(begin, 4) != "TZif") return corrupt();
    version_ = bytes_[begin + 4];
    size_t* const counts[] = {&ut_count_, &standard_count_, &leap_count_, &time_count_, &type_count_, &char_count_};
    for (size_t i = 0; i < 6; ++i) {
      const int64_t count = number(begin + 20 + i * 4, 4);
      if (count < 0 || static_cast<size_t>(count) > kTransitionsMost) return corrupt();
      *counts[i] = static_cast<size_t>(count);
    }
    if (type_count_ == 0) return corrupt();
    return {};
  }
  Result<void> read_body() {
    const size_t times = at_;
    const size_t indexes = times + time_count_ * time_bytes_;
    const size_t types = indexes + time_count_;
    const size_t body =
        time_count_ * (time_bytes_ + 1) + type_count_ * 6 + char_count_ + leap_count_ * (time_bytes_ + 4) + standard_count_ + ut_count_;
    if (!skip(body)) return corrupt();
    const auto offset = [&](size_t type) { return static_cast<int32_t>(number(types + type * 6, 4)); };
    for (size_t type = 0; type < type_count_; ++type) {
      if (offset(type) < -kOffsetMost || offset(type) > kOffsetMost) return corrupt();
    }
    zone_.before_ = offset(0);
    for (size_t i = 0; i < time_count_; ++i) {
      const auto type = static_cast<unsigned char>(bytes_[indexes + i]);
      const int64_t at = number(times + i * time_bytes_, time_bytes_);
      if (type >= type_count_ || (i > 0 && at <= zone_.transitions_.back().at)) return corrupt();
      zone_.transitions_.push_back({at, offset(type)});
    }
    return {};
  }
  Result<void> read_footer() {
    std::string_view rest = bytes_.substr(at_);
    if (rest.size() < 2 || rest.front() != '\n') return corrupt();
    rest.remove_prefix(1);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return corrupt();
    if (end == 0) return {};
    zone_.forever_ = TimeZone::parse_forever(rest.substr(0, end));
    if (!zone_.forever_) return corrupt();
    return {};
  }

  std::string_view bytes_;
  size_t at_ = 0;
  char version_ = 0;
  size_t time_bytes_ = 4;
  size_t ut_count_ = 0, standard_count_ = 0, leap_count_ = 0, time_count_ = 0, type_count_ = 0, char_count_ = 0;
  TimeZone zone_;
};

Result<TimeZone> TimeZone::parse(std::string_view tzif) { return TzifReader(tzif).read(); }

}  // namespace wye::access
