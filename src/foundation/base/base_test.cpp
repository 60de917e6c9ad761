#include "foundation/base/clock.hpp"
#include "foundation/base/log.hpp"
#include "foundation/base/metrics.hpp"
#include "foundation/base/random.hpp"
#include "foundation/base/result.hpp"
#include "foundation/base/secret.hpp"
#include "foundation/base/units.hpp"

namespace wye {
namespace {

TEST(ErrorTable, EveryRowStandsAtItsOwnIndex) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kModelNotReady); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_EQ(error_row(code).error, code) << i;
    EXPECT_GE(error_row(code).status, 400);
  }
}

TEST(ErrorTable, InternalCodesAnswerAsInternal) {
  EXPECT_EQ(error_row(ErrorCode::kCorrupt).status, 500);
  EXPECT_EQ(client_message(internal_error(ErrorCode::kIo, "/etc/shadow: denied")), "An internal error occurred.");
}

Result<int> half(int x) {
  if (x % 2 != 0) return Fail(public_error(ErrorCode::kInvalidRequest, "odd"));
  return x / 2;
}
Result<int> quarter(int x) {
  TRY(const int h, half(x));
  return half(h);
}
TEST(ResultTest, TryReturnsTheError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().public_message, "odd");
}

TEST(Durations, RoundTripAndRefuse) {
  for (const char* text : {"250ms", "30s", "5m", "1h", "7d", "0s"}) EXPECT_EQ(format_duration(*parse_duration(text)), text);
  for (const char* text : {"", "5", "s", "-1s", "1.5s", "1 s", "99999999999999999999s", "9999999999d"}) EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Sizes, RoundTripAndRefuse) {
  for (const char* text : {"64KiB", "32MiB", "4GiB", "512B"}) EXPECT_EQ(format_bytes(*parse_bytes(text)), text);
  for (const char* text : {"", "5", "5KB", "-1KiB", "99999999999TiB"}) EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(Times, Rfc3339RoundTrip) {
  EXPECT_EQ(rfc3339({1'795'446'000'123'000'000}), "2026-11-23T15:00:00.123Z");
  EXPECT_EQ(parse_rfc3339("2026-11-23T15:00:00.123Z")->ns, 1'795'446'000'123'000'000);
  EXPECT_EQ(parse_rfc3339("2026-11-23T16:00:00+01:00")->ns, 1'795'446'000'000'000'000);
  for (const char* text : {"2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-23 15:00:00Z", "2026-11-23T15:00:00", "2026-11-23T24:00:00Z"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(JsonLineTest, EscapesAndReplacesBrokenUtf8) {
  std::array<char, 512> buffer;
  JsonLine line(buffer);
  line.text("a", "x\"\\\n\x01").text("b", "\xC3\xA4\xFF").number("n", 7).boolean("t", true).text("empty", "");
  EXPECT_EQ(line.finish(), "{\"a\":\"x\\\"\\\\\\n\\u0001\",\"b\":\"\xC3\xA4\xEF\xBF\xBD\",\"n\":7,\"t\":true}\n");
}

TEST(JsonLineTest, LeavesOutWhatDoesNotFit) {
  std::array<char, 40> buffer;
  JsonLine line(buffer);
  line.text("long", std::string(100, 'x')).number("n", 7);
  EXPECT_EQ(line.finish(), "{\"n\":7}\n");
}

TEST(LogTest, WritesOneLineAnEvent) {
  MemoryLogSink sink;
  ManualClock clock;
  Log log(sink, clock);
  log.info("config.accepted", {{"digest", "sha256:ab"}});
  log.write(LogLevel::kDebug, "never");
  EXPECT_EQ(sink.text(), "{\"time\":\"2025-10-09T08:53:20.000Z\",\"level\":\"info\",\"event\":\"config.accepted\",\"digest\":\"sha256:ab\"}\n");
}

TEST(MetricsTest, SumsShardsAndPrintsHistograms) {
  Metrics metrics;
  const auto requests = metrics.family(MetricKind::kCounter, "wye_requests_total", "Requests.", {"route"});
  const Series chat = metrics.series(requests, {"chat\"x"});
  MetricShard& a = metrics.make_shard();
  MetricShard& b = metrics.make_shard();
  a.add(chat, 2);
  b.add(chat);
  const auto latency = metrics.family(MetricKind::kHistogram, "wye_overhead_seconds", "Overhead.", {});
  a.observe(metrics.series(latency, {}), std::chrono::microseconds(5));
  const std::string text = metrics.expose();
  EXPECT_NE(text.find("wye_requests_total{route=\"chat\\\"x\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("wye_overhead_seconds_bucket{le=\"+Inf\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("wye_overhead_seconds_sum 5e-06\n"), std::string::npos) << text;
}

TEST(MetricsTest, AScrapeSeesExactlyOneOfTwoWhileOneMoves) {
  Metrics metrics;
  const auto family = metrics.family(MetricKind::kGauge, "served", "h", {"digest"});
  const std::array series = {metrics.series(family, {"a"}), metrics.series(family, {"b"})};
  MetricShard& shard = metrics.make_shard();
  shard.add(series[0]);
  std::atomic<bool> over = false;
  std::thread writer([&] {
    for (int i = 0; i < 20'000; ++i) metrics.move_one(shard, series[i % 2], series[1 - i % 2]);
    over = true;
  });
  size_t scrapes = 0;
  while (!over || scrapes < 10) {
    const std::string text = metrics.expose();
    const bool a = text.contains("served{digest=\"a\"} 1");
    const bool b = text.contains("served{digest=\"b\"} 1");
    ++scrapes;
    if (a != b) continue;
    ADD_FAILURE() << text;
    break;
  }
  writer.join();
}

TEST(MetricsTest, GaugesFall) {
  Metrics metrics;
  const Series s = metrics.series(metrics.family(MetricKind::kGauge, "wye_in_flight", "In flight.", {}), {});
  MetricShard& shard = metrics.make_shard();
  shard.add(s, 2);
  shard.sub(s, 3);
  EXPECT_NE(metrics.expose().find("wye_in_flight -1\n"), std::string::npos);
}

TEST(SecretTest, IsNeitherCopiedNorPrinted) {
  static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
  Secret a("k");
  const Secret b = std::move(a);
  EXPECT_EQ(b.reveal(), "k");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the move must wipe
}

TEST(RandomTest, IsReplayable) {
  SeededRandom a(7), b(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
  for (int i = 0; i < 1000; ++i) EXPECT_LT(a.below(10), 10u);
}

}  // namespace
}  // namespace wye
