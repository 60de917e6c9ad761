// When tokens are fetched, as tables: time and chance are arguments.
#include "identity/workload/schedule.hpp"

#include <gtest/gtest.h>

namespace wye::workload {
namespace {

using namespace std::chrono_literals;
constexpr MonoTime kStart{1'000'000'000'000};
constexpr double kMiddle = 0.5;  // no jitter
Fault status(int code, Fault::Kind kind = Fault::Kind::kRetryable) { return {kind, "status", code, std::nullopt, false}; }

TEST(Schedule, RefreshesAtHalfOfTheLifeOrTenMinutesBeforeTheEnd) {
  struct Row {
    Nanos life, wait;
  };
  for (const Row& row : {Row{24h, 12h}, Row{1h, 30min}, Row{30min, 15min}, Row{20min, 10min}, Row{15min, 5min}, Row{12min, 2min}, Row{11min, 66s},
                         Row{10min, 1min}, Row{5min, 30s}, Row{10s, 1s}})
    EXPECT_EQ(refresh_after(row.life, kMiddle).count(), Nanos(row.wait).count()) << row.life.count();
  EXPECT_EQ(refresh_after(1h, 0).count(), Nanos(27min).count());
  EXPECT_LT(refresh_after(1h, 0.999999), 33min);
  EXPECT_GT(refresh_after(1h, 0.999999), 32min);
}

TEST(Schedule, BacksOffFromOneSecondToSixty) {
  const std::array<Nanos, 8> expected = {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s};
  for (uint32_t n = 1; n <= expected.size(); ++n) EXPECT_EQ(backoff_after(n, kMiddle), expected[n - 1]) << n;
  EXPECT_EQ(backoff_after(1, 0), 1s);
  EXPECT_EQ(backoff_after(60, 0.999), 60s);
  EXPECT_GT(backoff_after(4, 0.9), 8s);
  EXPECT_LT(backoff_after(4, 0.1), 8s);
}

TEST(Schedule, ImdsIsAskedAtItsOwnTimes) {
  struct Row {
    int code;
    Fault::Kind kind;
    size_t tries;
    Nanos elapsed;
    std::optional<Nanos> next;
  };
  using enum Fault::Kind;
  const std::array rows = {Row{404, kPermanent, 1, 0s, 2s},
                           Row{429, kRetryable, 2, 2s, 6s},
                           Row{500, kRetryable, 3, 6s, 14s},
                           Row{503, kRetryable, 4, 14s, 30s},
                           Row{503, kRetryable, 5, 30s, std::nullopt},
                           Row{404, kPermanent, 5, 30s, std::nullopt},
                           Row{0, kRetryable, 1, 10s, 10s},
                           Row{400, kPermanent, 1, 0s, std::nullopt},
                           Row{403, kPermanent, 1, 0s, std::nullopt},
                           Row{410, kPermanent, 5, 30s, 50s},
                           Row{410, kPermanent, 6, 50s, 70s},
                           Row{410, kPermanent, 7, 70s, std::nullopt},
                           Row{302, kPermanent, 1, 0s, std::nullopt}};
  for (const Row& row : rows) EXPECT_EQ(next_imds_try(status(row.code, row.kind), row.tries, row.elapsed), row.next) << row.code << " " << row.tries;
}

TEST(Schedule, ARoundOfImdsEndsAndTheNextOneComesAfterTheBackoff) {
  Schedule schedule({.imds = true});
  schedule.begin(kStart);
  for (const Nanos at : {2s, 6s, 14s, 30s}) {
    EXPECT_FALSE(schedule.failed(schedule.due(), status(503), kMiddle, false));
    EXPECT_EQ((schedule.due() - kStart).count(), Nanos(at).count());
  }
  EXPECT_TRUE(schedule.failed(schedule.due(), status(503), kMiddle, false));
  EXPECT_EQ((schedule.due() - kStart).count(), Nanos(31s).count());
  EXPECT_FALSE(schedule.failed(schedule.due(), status(503), kMiddle, false));
  EXPECT_EQ((schedule.due() - kStart).count(), Nanos(33s).count());
}

TEST(Schedule, WhatIsRefusedForGoodWaitsUntilSomebodyNeedsIt) {
  Schedule schedule(ScheduleRules{});
  schedule.begin(kStart);
  EXPECT_TRUE(schedule.failed(kStart, status(400, Fault::Kind::kPermanent), kMiddle, false));
  EXPECT_TRUE(schedule.refused());
  EXPECT_EQ(schedule.due().ns, INT64_MAX);
  schedule.wanted(kStart + 59s);
  EXPECT_EQ(schedule.due().ns, INT64_MAX);
  schedule.wanted(kStart + 60s);
  EXPECT_EQ(schedule.due(), kStart + 60s);
  schedule.succeeded(kStart + 60s, Nanos(1h), kMiddle);
  EXPECT_FALSE(schedule.refused());
  EXPECT_EQ(schedule.due(), kStart + 60s + 30min);
  // With a value in hand it is asked again by itself.
  EXPECT_TRUE(schedule.failed(schedule.due(), status(400, Fault::Kind::kPermanent), kMiddle, true));
  EXPECT_EQ(schedule.due(), kStart + 60s + 30min + 60s);
}

TEST(Schedule, RetryAfterOfTheIssuerIsHeardWithinBounds) {
  for (const auto& [asked, wait] : {std::pair<Nanos, Nanos>{30s, 30s}, {0s, 1s}, {1h, 60s}}) {
    Schedule schedule(ScheduleRules{});
    schedule.begin(kStart);
    Fault fault = status(429);
    fault.retry_after = asked;
    EXPECT_TRUE(schedule.failed(kStart, fault, kMiddle, false));
    EXPECT_EQ((schedule.due() - kStart).count(), wait.count());
  }
}

TEST(Schedule, AFileIsLookedAtAgainWhateverWasWrong) {
  Schedule schedule({.every = 5s, .local = true});
  schedule.begin(kStart);
  schedule.succeeded(kStart, Nanos(1h), kMiddle);
  EXPECT_EQ(schedule.due(), kStart + 5s);
  EXPECT_TRUE(schedule.failed(kStart + 5s, status(0, Fault::Kind::kPermanent), kMiddle, false));
  EXPECT_FALSE(schedule.refused());
  EXPECT_EQ(schedule.due(), kStart + 6s);
}

TEST(Schedule, AnAssertionOutOfTimeIsReadOnceMoreAtOnce) {
  Schedule schedule(ScheduleRules{});
  schedule.begin(kStart);
  Fault fault = status(401, Fault::Kind::kPermanent);
  fault.again_at_once = true;
  EXPECT_FALSE(schedule.failed(kStart, fault, kMiddle, false));
  EXPECT_EQ(schedule.due(), kStart);
  EXPECT_TRUE(schedule.failed(kStart, fault, kMiddle, false));
  EXPECT_TRUE(schedule.refused());
}

TEST(Schedule, AnUpstreamThatRefusesCausesFewFetches) {
  Schedule schedule(ScheduleRules{});
  schedule.begin(kStart);
  schedule.succeeded(kStart, Nanos(1h), kMiddle);
  EXPECT_TRUE(schedule.rejected(kStart + 1s));
  EXPECT_EQ(schedule.due(), kStart + 1s);
  EXPECT_FALSE(schedule.rejected(kStart + 10s));
  EXPECT_TRUE(schedule.rejected(kStart + 11s));
}

}  // namespace
}  // namespace wye::workload
