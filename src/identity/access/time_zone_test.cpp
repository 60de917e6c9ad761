#include "identity/access/time_zone.hpp"

#include "identity/access/conditions.hpp"

namespace wye::access {
namespace {

std::string big_endian(int64_t value, size_t width) {
  std::string out;
  for (size_t i = width; i > 0; --i) out += static_cast<char>(value >> (8 * (i - 1)) & 0xff);
  return out;
}

struct Zone {
  std::vector<std::pair<int64_t, uint8_t>> transitions;
  std::vector<int32_t> offsets;
  std::string footer;
};
std::string block(const Zone& zone, char version, size_t width) {
  std::string out = "TZif";
  out += version;
  out += std::string(15, '\0');
  for (const size_t n : {size_t{0}, size_t{0}, size_t{0}, zone.transitions.size(), zone.offsets.size(), size_t{4}})
    out += big_endian(static_cast<int64_t>(n), 4);
  for (const auto& [at, type] : zone.transitions) out += big_endian(at, width);
  for (const auto& [at, type] : zone.transitions) out += static_cast<char>(type);
  for (const int32_t offset : zone.offsets) out += big_endian(offset, 4) + std::string(2, '\0');
  return out + std::string("TST\0", 4);
}
std::string tzif(const Zone& zone) { return block({{}, {0}, ""}, '2', 4) + block(zone, '2', 8) + "\n" + zone.footer + "\n"; }

constexpr int64_t kJanuary = 1'767'225'600;  // 2026-01-01T00:00:00Z
constexpr int64_t kDay = 86'400;

TEST(TimeZone, FollowsTheFooterAfterTheLastTransition) {
  const auto berlin = TimeZone::parse(tzif({{{0, 0}}, {3600}, "CET-1CEST,M3.5.0,M10.5.0/3"}));
  ASSERT_TRUE(berlin);
  EXPECT_EQ(berlin->offset_at(kJanuary), 3600);
  EXPECT_EQ(berlin->offset_at(1'774'745'999), 3600);  // 2026-03-29T00:59:59Z
  EXPECT_EQ(berlin->offset_at(1'774'746'000), 7200);
  EXPECT_EQ(berlin->offset_at(1'792'889'999), 7200);  // 2026-10-25T00:59:59Z
  EXPECT_EQ(berlin->offset_at(1'792'890'000), 3600);
  const auto sydney = TimeZone::parse(tzif({{{0, 0}}, {36000}, "AEST-10AEDT,M10.1.0,M4.1.0/3"}));
  ASSERT_TRUE(sydney);
  EXPECT_EQ(sydney->offset_at(kJanuary), 39'600);
  EXPECT_EQ(sydney->offset_at(kJanuary + 180 * kDay), 36'000);
  EXPECT_EQ(TimeZone::parse(tzif({{}, {19'800}, "IST-5:30"}))->offset_at(kJanuary), 19'800);
  EXPECT_EQ(TimeZone::parse(tzif({{}, {0}, "<+0330>-3:30"}))->offset_at(kJanuary), 12'600);
  EXPECT_EQ(TimeZone::parse(tzif({{}, {0}, "XXX0YYY,J60/0,J365"}))->offset_at(kJanuary + 59 * kDay), 3600);
  EXPECT_EQ(TimeZone::utc().offset_at(kJanuary), 0);
}

TEST(TimeZone, TransitionsRuleTheirTime) {
  const auto zone = TimeZone::parse(tzif({{{100, 1}, {200, 0}}, {60, 120}, ""}));
  ASSERT_TRUE(zone);
  EXPECT_EQ(zone->offset_at(99), 60);
  EXPECT_EQ(zone->offset_at(100), 120);
  EXPECT_EQ(zone->offset_at(199), 120);
  EXPECT_EQ(zone->offset_at(200), 60);
  EXPECT_EQ(zone->offset_at(INT64_C(1) << 40), 60);
}

TEST(TimeZone, RefusesWhatIsNoZoneAndNeverReadsBeyondIt) {
  const std::string good = tzif({{{100, 1}, {200, 0}}, {60, 120}, "CET-1CEST,M3.5.0,M10.5.0/3"});
  ASSERT_TRUE(TimeZone::parse(good));
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(TimeZone::parse(std::string(good, 0, n))) << n;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char bit : {'\x01', '\x40', '\x80'}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ bit);
      if (const auto zone = TimeZone::parse(bad)) zone->offset_at(kJanuary);
    }
  }
  EXPECT_FALSE(TimeZone::parse(tzif({{{100, 2}}, {60, 120}, ""})));          // a type that is not there
  EXPECT_FALSE(TimeZone::parse(tzif({{{100, 0}, {100, 1}}, {60, 120}, ""})));  // times that do not grow
  EXPECT_FALSE(TimeZone::parse(tzif({{}, {}, ""})));
  EXPECT_FALSE(TimeZone::parse(tzif({{}, {100'000}, ""})));
  for (const std::string_view footer : {"C-1", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M1.1.1",
                                        "CET-1CEST,J0,J1", "CET-1CEST,M3.5.0", "CET-1x", "CET-999"}) {
    EXPECT_FALSE(TimeZone::parse(tzif({{}, {0}, std::string(footer)}))) << footer;
  }
}

TEST(TimeWindow, DaysAndHoursOfTheZone) {
  using config::EnumSet;
  using config::Weekday;
  const EnumSet<Weekday> thursday = {Weekday::kThursday};  // 2026-01-01 is one
  const TimeZone utc = TimeZone::utc();
  const auto at = [](int64_t seconds) { return WallTime{(kJanuary + seconds) * 1'000'000'000}; };
  const int32_t eight = 8 * 3600, six = 18 * 3600, ten = 22 * 3600, day = 24 * 3600;
  EXPECT_FALSE(in_window(thursday, eight, six, utc, at(eight - 1)));
  EXPECT_TRUE(in_window(thursday, eight, six, utc, at(eight)));
  EXPECT_TRUE(in_window(thursday, eight, six, utc, at(six - 1)));
  EXPECT_FALSE(in_window(thursday, eight, six, utc, at(six)));
  EXPECT_FALSE(in_window(thursday, eight, six, utc, at(eight + kDay)));
  // Over midnight: it counts as the day on which it begins.
  EXPECT_TRUE(in_window(thursday, ten, eight, utc, at(ten)));
  EXPECT_TRUE(in_window(thursday, ten, eight, utc, at(kDay + eight - 1)));
  EXPECT_FALSE(in_window(thursday, ten, eight, utc, at(0)));
  EXPECT_FALSE(in_window(thursday, ten, eight, utc, at(kDay + ten)));
  EXPECT_TRUE(in_window(thursday, 0, day, utc, at(kDay - 1)));
  EXPECT_FALSE(in_window(thursday, 0, day, utc, at(kDay)));
  // Another zone, another day.
  const auto east = TimeZone::parse(tzif({{}, {3600}, "E-1"}));
  EXPECT_FALSE(east);  // a name has three letters
  const auto tokyo = TimeZone::parse(tzif({{}, {32'400}, "JST-9"}));
  ASSERT_TRUE(tokyo);
  EXPECT_TRUE(in_window(thursday, 0, eight, *tokyo, at(-9 * 3600)));
  EXPECT_FALSE(in_window(thursday, 0, eight, utc, at(-9 * 3600)));
  EXPECT_TRUE(in_window({}, eight, six, utc, WallTime{-1}) == in_window({}, eight, six, utc, WallTime{(kDay - 1) * 1'000'000'000}));
}

}  // namespace
}  // namespace wye::access
