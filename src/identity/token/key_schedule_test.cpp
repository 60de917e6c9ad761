#include "identity/token/key_schedule.hpp"

namespace wye::token {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1'000'000'000};
MonoTime at(Nanos d) { return kStart + d; }

KeySchedule good() {
  KeySchedule schedule(kStart);
  EXPECT_TRUE(schedule.begin());
  schedule.succeeded(kStart, 0.5);
  return schedule;
}

TEST(KeySchedule, StatesByAge) {
  KeySchedule schedule(kStart);
  EXPECT_EQ(schedule.state(at(100h)), KeyState::kEmpty);
  EXPECT_EQ(schedule.next(), kStart) << "fetched at once";
  schedule = good();
  const std::array rows = {std::pair{Nanos(0), KeyState::kFresh}, std::pair{Nanos(90min), KeyState::kFresh},
                           std::pair{Nanos(90min) + 1ns, KeyState::kStaleOk}, std::pair{Nanos(24h), KeyState::kStaleOk},
                           std::pair{Nanos(24h) + 1ns, KeyState::kTooStale}};
  for (const auto& [age, state] : rows) EXPECT_EQ(to_string(schedule.state(at(age))), to_string(state)) << age.count();
}

TEST(KeySchedule, OneFetchAtATime) {
  KeySchedule schedule(kStart);
  EXPECT_TRUE(schedule.begin());
  EXPECT_FALSE(schedule.begin());
  schedule.failed(kStart, 0.5);
  EXPECT_TRUE(schedule.begin());
}

TEST(KeySchedule, RefreshesAfterAnHourGiveOrTakeATenth) {
  for (const auto& [draw, wanted] : {std::pair{0.0, Nanos(54min)}, std::pair{0.5, Nanos(60min)}, std::pair{0.999999, Nanos(66min)}}) {
    KeySchedule schedule(kStart);
    schedule.begin();
    schedule.succeeded(kStart, draw);
    EXPECT_NEAR(static_cast<double>((schedule.next() - kStart).count()), static_cast<double>(wanted.count()), 1e9);
  }
}

TEST(KeySchedule, BacksOffToAMinuteGiveOrTakeAFifth) {
  KeySchedule schedule(kStart);
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    for (const double draw : {0.0, 0.999999}) {
      KeySchedule copy = schedule;
      copy.begin();
      copy.failed(kStart, draw);
      EXPECT_NEAR(static_cast<double>((copy.next() - kStart).count()), seconds * 1e9 * (draw == 0.0 ? 0.8 : 1.2), 1e6) << seconds;
    }
    schedule.begin();
    schedule.failed(kStart, 0.5);
    EXPECT_TRUE(schedule.failing());
  }
  schedule.begin();
  schedule.succeeded(kStart, 0.5);
  EXPECT_FALSE(schedule.failing());
  schedule.begin();
  schedule.failed(kStart, 0.5);
  EXPECT_EQ(schedule.next(), at(1s)) << "the next series begins anew";
}

TEST(KeySchedule, AnUnknownKidFetchesOnceInFiveMinutes) {
  KeySchedule schedule = good();
  EXPECT_EQ(schedule.on_unknown_kid("a", at(1s)), KidAnswer::kFetch);
  schedule.begin();
  EXPECT_EQ(schedule.on_unknown_kid("b", at(1s)), KidAnswer::kWait);
  schedule.succeeded(at(2s), 0.5);
  schedule.remember_missing("a", at(2s));
  EXPECT_EQ(schedule.on_unknown_kid("c", at(3s)), KidAnswer::kNoSuchKey);
  EXPECT_EQ(schedule.on_unknown_kid("c", at(1s + 5min) - 1ns), KidAnswer::kNoSuchKey);
  EXPECT_EQ(schedule.on_unknown_kid("a", at(1s + 5min)), KidAnswer::kNoSuchKey) << "known to be missing until 5:02";
  EXPECT_EQ(schedule.on_unknown_kid("c", at(1s + 5min)), KidAnswer::kFetch);
  schedule.begin();
  schedule.succeeded(at(5min + 2s), 0.5);
  EXPECT_EQ(schedule.on_unknown_kid("a", at(10min + 1s)), KidAnswer::kFetch) << "forgotten after five minutes";
}

TEST(KeySchedule, WhatCanNotBeKnownIsUnavailable) {
  KeySchedule empty(kStart);
  EXPECT_EQ(empty.on_unknown_kid("a", kStart), KidAnswer::kUnavailable);
  KeySchedule schedule = good();
  EXPECT_EQ(schedule.on_unknown_kid("a", at(24h) + 1ns), KidAnswer::kUnavailable);
  schedule.begin();
  schedule.failed(at(1h), 0.5);
  EXPECT_EQ(schedule.on_unknown_kid("a", at(1h)), KidAnswer::kUnavailable) << "serves on, but nobody can tell about a new kid";
}

TEST(KeySchedule, MissingKidsAreBounded) {
  KeySchedule schedule = good();
  for (size_t i = 0; i < kMissingKidsMax + 500; ++i) schedule.remember_missing(std::to_string(i), at(Nanos(static_cast<int64_t>(i))));
  EXPECT_EQ(schedule.missing(), kMissingKidsMax);
  EXPECT_EQ(schedule.on_unknown_kid("600", at(1s)), KidAnswer::kNoSuchKey);
  schedule.remember_missing("600", at(2s));
  EXPECT_EQ(schedule.missing(), kMissingKidsMax) << "the same one is no further one";
  EXPECT_EQ(schedule.on_unknown_kid("0", at(1s)), KidAnswer::kFetch) << "the oldest are forgotten";
}

}  // namespace
}  // namespace wye::token
