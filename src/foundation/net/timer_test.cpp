#include "foundation/net/timer.hpp"

#include "foundation/base/random.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;
constexpr MonoTime kStart{5'000'000'000};

struct Probe final : Timer {
  explicit Probe(TimerWheel& w) : wheel(w) {}
  ~Probe() { wheel.remove(*this); }
  void fire() override {
    ++fired;
    if (then) then();
  }
  TimerWheel& wheel;
  int fired = 0;
  std::function<void()> then;
};

TEST(TimerWheelTest, FiresOnceWithinOneTick) {
  TimerWheel wheel(kStart);
  Probe probe(wheel);
  EXPECT_EQ(wheel.next_look().ns, INT64_MAX);
  wheel.arm(probe, kStart + 250ms);
  EXPECT_LE(wheel.next_look(), kStart + 350ms);
  wheel.advance(kStart + 249ms);
  EXPECT_EQ(probe.fired, 0);
  wheel.advance(kStart + 350ms);
  EXPECT_EQ(probe.fired, 1);
  wheel.advance(kStart + 10min);
  EXPECT_EQ(probe.fired, 1);
  EXPECT_EQ(wheel.next_look().ns, INT64_MAX);
}

TEST(TimerWheelTest, ALaterDeadlineIsOneStoreAndRefiledWhenItsSlotComes) {
  TimerWheel wheel(kStart);
  Probe probe(wheel);
  wheel.arm(probe, kStart + 100ms);
  const MonoTime look = wheel.next_look();
  for (int i = 2; i < 50; ++i) wheel.arm(probe, kStart + i * 100ms);
  EXPECT_EQ(wheel.next_look(), look);  // not filed again
  wheel.advance(look);
  EXPECT_EQ(probe.fired, 0);
  EXPECT_GT(wheel.next_look(), look + 4s);
  wheel.advance(kStart + 5100ms);
  EXPECT_EQ(probe.fired, 1);
}

TEST(TimerWheelTest, AnEarlierDeadlineIsFiledAtOnceAndDisarmForgets) {
  TimerWheel wheel(kStart);
  Probe probe(wheel);
  wheel.arm(probe, kStart + 60s);
  wheel.arm(probe, kStart + 200ms);
  wheel.advance(kStart + 300ms);
  EXPECT_EQ(probe.fired, 1);
  wheel.arm(probe, kStart + 1s);
  wheel.disarm(probe);
  wheel.advance(kStart + 5s);
  EXPECT_EQ(probe.fired, 1);
  wheel.arm(probe, kStart);  // past: the next look
  EXPECT_LE(wheel.next_look(), kStart + 5s + 100ms);
  wheel.advance(wheel.next_look());
  EXPECT_EQ(probe.fired, 2);
}

TEST(TimerWheelTest, DeadlinesBeyondOneRoundAndLongSleeps) {
  TimerWheel wheel(kStart);
  Probe near(wheel), far(wheel), farther(wheel);
  wheel.arm(near, kStart + 10s);
  wheel.arm(far, kStart + 10min);   // the wheel spans 102 s
  wheel.arm(farther, kStart + 10h);
  wheel.advance(kStart + 9min);     // the machine slept
  EXPECT_EQ(near.fired, 1);
  EXPECT_EQ(far.fired, 0);
  wheel.advance(kStart + 10min + 100ms);
  EXPECT_EQ(far.fired, 1);
  wheel.advance(kStart + 10h - 1s);
  EXPECT_EQ(farther.fired, 0);
  wheel.advance(kStart + 10h + 100ms);
  EXPECT_EQ(farther.fired, 1);
}

TEST(TimerWheelTest, FiringMayDestroyArmAndRemoveOthersOfTheSlot) {
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 8; ++i) probes.push_back(std::make_unique<Probe>(wheel));
  int fired = 0;
  for (auto& probe : probes) {
    wheel.arm(*probe, kStart + 150ms);
    probe->then = [&, self = probe.get()] {
      ++fired;
      for (auto& other : probes) {  // whoever fires first ends all, itself included
        if (other != nullptr && other.get() != self) other.reset();
      }
      for (auto& own : probes) {
        if (own.get() == self) own.reset();
      }
    };
  }
  wheel.advance(kStart + 300ms);
  EXPECT_EQ(fired, 1);
  Probe again(wheel);
  wheel.arm(again, kStart + 500ms);
  again.then = [&] {
    if (again.fired < 3) wheel.arm(again, kStart + 500ms);  // due already
  };
  for (int i = 0; i < 10; ++i) wheel.advance(kStart + 500ms + i * 100ms);
  EXPECT_EQ(again.fired, 3);
}

// The wheel against a list: never early, at most one tick late, exactly as often.
TEST(TimerWheelTest, AgreesWithANaiveModel) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    TimerWheel wheel(kStart);
    MonoTime now = kStart;
    struct Row {
      std::unique_ptr<Probe> probe;
      std::optional<MonoTime> due;
    };
    std::vector<Row> rows(20);
    for (Row& row : rows) {
      row.probe = std::make_unique<Probe>(wheel);
      row.probe->then = [&row, &now] {
        ASSERT_TRUE(row.due.has_value());
        EXPECT_LE(*row.due, now);
        row.due.reset();
      };
    }
    for (int step = 0; step < 2000; ++step) {
      Row& row = rows[random.below(rows.size())];
      switch (random.below(6)) {
        case 0:
          wheel.disarm(*row.probe);
          row.due.reset();
          break;
        case 1:
          wheel.remove(*row.probe);
          row.due.reset();
          break;
        case 2:
        case 3: {
          const auto spans = std::to_array<Nanos>({1ms, 99ms, 1s, 30s, 101s, 103s, 20min});
          const MonoTime due = now + Nanos(static_cast<int64_t>(random.below(static_cast<uint64_t>(spans[random.below(spans.size())].count()))));
          wheel.arm(*row.probe, due);
          row.due = due;
          break;
        }
        default: {
          const auto spans = std::to_array<Nanos>({1ms, 150ms, 2s, 60s, 200s});
          now = now + Nanos(static_cast<int64_t>(random.below(static_cast<uint64_t>(spans[random.below(spans.size())].count()))));
          // As the engine does: wake when there is something to look at, too.
          if (const MonoTime look = wheel.next_look(); random.below(2) == 0 && look.ns != INT64_MAX) now = std::max(now, look);
          wheel.advance(now);
          for (const Row& each : rows) {
            if (each.due) EXPECT_GT(*each.due + TimerWheel::kTick, now);
          }
        }
      }
      // Nothing may be armed that no look is planned for.
      for (const Row& each : rows) {
        if (each.due) EXPECT_LE(wheel.next_look(), std::max(*each.due, now) + 2 * TimerWheel::kTick);
      }
    }
  }
}

}  // namespace
}  // namespace wye::net
