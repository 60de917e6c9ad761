#include "foundation/base/clock.hpp"

namespace wye {
namespace {

struct Unit {
  std::string_view suffix;
  int64_t ns;
};
// Longest first, so that printing takes the coarsest exact unit.
constexpr std::array kUnits = {Unit{"d", 86'400'000'000'000}, Unit{"h", 3'600'000'000'000}, Unit{"m", 60'000'000'000}, Unit{"s", 1'000'000'000},
                               Unit{"ms", 1'000'000}};

void put_digits(char* out, int value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

std::optional<int> take_digits(std::string_view& text, size_t width) {
  if (text.size() < width) return std::nullopt;
  int value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + width, value);
  if (ec != std::errc() || end != text.data() + width || text[0] == '-') return std::nullopt;
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Nanoseconds of `.123`, at most nine digits; absent where a point is followed by none.
std::optional<int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  int64_t value = 0;
  int digits = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9' && digits < 9; text.remove_prefix(1), ++digits) value = value * 10 + (text[0] - '0');
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) value *= 10;
  return value;
}

/// Seconds east of UTC: `Z` or `+hh:mm`.
std::optional<int64_t> take_offset(std::string_view& text) {
  if (take(text, 'Z')) return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int64_t sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto h = take_digits(text, 2);
  if (!h || !take(text, ':')) return std::nullopt;
  const auto m = take_digits(text, 2);
  if (!m || *h > 23 || *m > 59) return std::nullopt;
  return sign * (*h * 3600 + *m * 60);
}

}  // namespace

MonoTime SystemClock::mono() const { return {std::chrono::duration_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch()).count()}; }

WallTime SystemClock::wall() const { return {std::chrono::duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch()).count()}; }

void format_rfc3339(WallTime t, char (&out)[24]) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{floor<milliseconds>(Nanos(t.ns))};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  put_digits(out, static_cast<int>(date.year()), 4);
  put_digits(out + 5, static_cast<int>(static_cast<unsigned>(date.month())), 2);
  put_digits(out + 8, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  put_digits(out + 11, static_cast<int>(time.hours().count()), 2);
  put_digits(out + 14, static_cast<int>(time.minutes().count()), 2);
  put_digits(out + 17, static_cast<int>(time.seconds().count()), 2);
  put_digits(out + 20, static_cast<int>(time.subseconds().count()), 3);
  out[4] = out[7] = '-';
  out[10] = 'T';
  out[13] = out[16] = ':';
  out[19] = '.';
  out[23] = 'Z';
}

std::string rfc3339(WallTime t) {
  char text[24];
  format_rfc3339(t, text);
  return {text, sizeof text};
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto mo = take_digits(text, 2);
  if (!mo || !take(text, '-')) return std::nullopt;
  const auto d = take_digits(text, 2);
  if (!d || !take(text, 'T')) return std::nullopt;
  const auto h = take_digits(text, 2);
  if (!h || !take(text, ':')) return std::nullopt;
  const auto mi = take_digits(text, 2);
  if (!mi || !take(text, ':')) return std::nullopt;
  const auto s = take_digits(text, 2);
  if (!s) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty() || *h > 23 || *mi > 59 || *s > 59) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)}, day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *y < 1678 || *y > 2261) return std::nullopt;
  const int64_t seconds = sys_days{date}.time_since_epoch().count() * 86'400 + *h * 3600 + *mi * 60 + *s - *offset;
  return WallTime{seconds * 1'000'000'000 + *fraction};
}

std::optional<Nanos> parse_duration(std::string_view text) {
  int64_t value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end == text.data() || value < 0 || text[0] == '-') return std::nullopt;
  const std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& unit : kUnits) {
    if (suffix != unit.suffix) continue;
    if (value > INT64_MAX / unit.ns) return std::nullopt;
    return Nanos(value * unit.ns);
  }
  return std::nullopt;
}

std::string format_duration(Nanos d) {
  if (d.count() == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (d.count() % unit.ns == 0) return std::to_string(d.count() / unit.ns) + std::string(unit.suffix);
  }
  return std::to_string(d.count() / 1'000'000) + "ms";
}

}  // namespace wye
