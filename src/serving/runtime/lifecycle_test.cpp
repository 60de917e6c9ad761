#include "serving/runtime/lifecycle.hpp"

namespace wye::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// A lifecycle with its clock: events come in, the last action stays.
struct Machine {
  explicit Machine(LifecycleLimits limits = {}) : life(limits) {}
  Action on(Event event) { return last = life.apply(event, now, random); }
  Action after(Nanos d, Event event) {
    now = now + d;
    return on(event);
  }
  /// Lets time pass until the next deadline.
  Action tick() {
    now = std::max(now, life.deadline());
    return on(Event::kTick);
  }
  void to_ready() {
    on(Event::kStart);
    recover();
  }
  void recover() {
    for (int i = 0; i < 5; ++i) on(Event::kDone);
  }
  Nanos left() const { return life.deadline() - now; }

  MonoTime now{1'000'000'000};
  SeededRandom random{1};
  Lifecycle life;
  Action last = Action::kNone;
};

TEST(LifecycleTest, GoesThroughEveryStepToReady) {
  Machine m;
  EXPECT_EQ(m.life.state(), State::kAbsent);
  EXPECT_EQ(m.on(Event::kStart), Action::kFetch);
  EXPECT_EQ(m.on(Event::kDone), Action::kVerify);
  EXPECT_EQ(m.on(Event::kDone), Action::kSpawn);
  EXPECT_FALSE(m.life.alive());
  EXPECT_EQ(m.on(Event::kDone), Action::kAwaitHealth);
  EXPECT_TRUE(m.life.alive());
  EXPECT_EQ(m.on(Event::kDone), Action::kProbe);
  EXPECT_EQ(m.life.state(), State::kProbing);  // healthy is not ready
  EXPECT_EQ(m.on(Event::kDone), Action::kNone);
  EXPECT_EQ(m.life.state(), State::kReady);
}

TEST(LifecycleTest, ReadyIsProbedAndThreeMissesEndIt) {
  Machine m;
  m.to_ready();
  EXPECT_EQ(m.left(), seconds(30));
  EXPECT_EQ(m.after(seconds(29), Event::kTick), Action::kNone);
  EXPECT_EQ(m.tick(), Action::kProbe);
  m.on(Event::kFailed);
  m.tick();
  m.on(Event::kFailed);
  m.tick();
  m.on(Event::kDone);  // one good answer forgives two misses
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(m.tick(), Action::kProbe);
    EXPECT_EQ(m.on(Event::kFailed), Action::kNone);
    EXPECT_EQ(m.life.state(), State::kReady);
  }
  EXPECT_EQ(m.tick(), Action::kProbe);
  EXPECT_EQ(m.on(Event::kFailed), Action::kKill);
  EXPECT_EQ(m.life.state(), State::kBackoff);
}

TEST(LifecycleTest, AProbeThatIsNeverAnsweredIsAMiss) {
  Machine m;
  m.to_ready();
  EXPECT_EQ(m.tick(), Action::kProbe);
  EXPECT_EQ(m.left(), seconds(60));
  EXPECT_EQ(m.tick(), Action::kNone);  // missed
  EXPECT_EQ(m.tick(), Action::kProbe);
  EXPECT_EQ(m.tick(), Action::kNone);
  EXPECT_EQ(m.tick(), Action::kProbe);
  EXPECT_EQ(m.tick(), Action::kKill);
}

TEST(LifecycleTest, ProbingHasThreeAttempts) {
  Machine m;
  m.on(Event::kStart);
  for (int i = 0; i < 4; ++i) m.on(Event::kDone);
  EXPECT_EQ(m.last, Action::kProbe);
  EXPECT_EQ(m.on(Event::kFailed), Action::kProbe);
  EXPECT_EQ(m.tick(), Action::kProbe);  // no answer in time counts too
  EXPECT_EQ(m.on(Event::kFailed), Action::kKill);
  EXPECT_EQ(m.life.state(), State::kBackoff);
}

TEST(LifecycleTest, WaitsForTheOldProcessBeforeANewOne) {
  Machine m;
  m.on(Event::kStart);
  for (int i = 0; i < 3; ++i) m.on(Event::kDone);
  EXPECT_EQ(m.left(), minutes(10));
  EXPECT_EQ(m.tick(), Action::kKill);  // loading took too long
  EXPECT_EQ(m.life.state(), State::kBackoff);
  EXPECT_EQ(m.after(minutes(5), Event::kTick), Action::kNone);
  m.on(Event::kExited);
  EXPECT_EQ(m.on(Event::kTick), Action::kFetch);
}

TEST(LifecycleTest, BacksOffExponentiallyWithJitterAndForgetsWhenSettled) {
  Machine m;
  m.to_ready();
  for (const int expected : {1, 2, 4, 8}) {
    m.on(Event::kExited);
    EXPECT_EQ(m.life.state(), State::kBackoff);
    EXPECT_GE(m.left(), milliseconds(expected * 800)) << expected;
    EXPECT_LE(m.left(), milliseconds(expected * 1200)) << expected;
    EXPECT_EQ(m.tick(), Action::kFetch);
    m.recover();
    EXPECT_EQ(m.life.state(), State::kReady);
  }
  EXPECT_EQ(m.life.restarts(), 4U);
  m.after(seconds(601), Event::kTick);
  m.on(Event::kDone);
  m.on(Event::kExited);
  EXPECT_LE(m.left(), milliseconds(1200));
}

TEST(LifecycleTest, FiveFailuresInTenMinutesAreACrashLoopAtTheCap) {
  Machine m;
  m.on(Event::kStart);
  for (int i = 0; i < 4; ++i) {
    m.on(Event::kFailed);
    EXPECT_EQ(m.life.state(), State::kBackoff) << i;
    EXPECT_EQ(m.tick(), Action::kFetch);
  }
  m.on(Event::kFailed);
  EXPECT_EQ(m.life.state(), State::kCrashLoop);
  EXPECT_GE(m.left(), seconds(240));
  EXPECT_LE(m.left(), seconds(360));
  EXPECT_EQ(m.tick(), Action::kFetch);  // it goes on trying
  m.on(Event::kFailed);
  EXPECT_EQ(m.life.state(), State::kCrashLoop);  // also when the five are more than ten minutes ago
  m.tick();
  m.recover();
  EXPECT_EQ(m.life.state(), State::kReady);
  m.after(seconds(1), Event::kExited);
  EXPECT_EQ(m.life.state(), State::kCrashLoop);
  m.tick();
  m.recover();
  m.after(seconds(601), Event::kExited);
  EXPECT_EQ(m.life.state(), State::kBackoff);
}

TEST(LifecycleTest, SlowFailuresAreNoCrashLoop) {
  Machine m;
  m.to_ready();
  for (int i = 0; i < 20; ++i) {
    m.after(minutes(3), Event::kExited);
    EXPECT_EQ(m.life.state(), State::kBackoff) << i;
    m.tick();
    m.recover();
  }
}

TEST(LifecycleTest, AVersionThatNeverWorkedGivesUpWhereAnotherServes) {
  LifecycleLimits limits;
  limits.has_previous = true;
  Machine m(limits);
  m.on(Event::kStart);
  for (int i = 0; i < 4; ++i) {
    m.on(Event::kFailed);
    m.tick();
  }
  EXPECT_EQ(m.on(Event::kFailed), Action::kNone);
  EXPECT_EQ(m.life.state(), State::kFailed);
  EXPECT_EQ(m.life.deadline().ns, INT64_MAX);
  m.on(Event::kStop);
  EXPECT_EQ(m.life.state(), State::kStopped);
}

TEST(LifecycleTest, DrainsThenAsksThenKills) {
  Machine m;
  m.to_ready();
  EXPECT_EQ(m.on(Event::kStop), Action::kAwaitIdle);
  EXPECT_EQ(m.left(), seconds(120));
  EXPECT_EQ(m.on(Event::kIdle), Action::kTerminate);
  EXPECT_EQ(m.on(Event::kIdle), Action::kNone);
  EXPECT_EQ(m.left(), seconds(10));
  EXPECT_EQ(m.tick(), Action::kKill);
  m.on(Event::kExited);
  EXPECT_EQ(m.life.state(), State::kStopped);
  EXPECT_EQ(m.life.failures(), 0);
  EXPECT_EQ(m.on(Event::kStart), Action::kFetch);
}

TEST(LifecycleTest, ADrainThatTakesTooLongIsCut) {
  Machine m;
  m.to_ready();
  m.on(Event::kStop);
  EXPECT_EQ(m.tick(), Action::kTerminate);
  m.on(Event::kExited);
  EXPECT_EQ(m.life.state(), State::kStopped);
}

TEST(LifecycleTest, StopWorksInEveryState) {
  for (int steps = 0; steps < 6; ++steps) {
    Machine m;
    m.on(Event::kStart);
    for (int i = 0; i < steps; ++i) m.on(Event::kDone);
    const bool alive = m.life.alive();
    m.on(Event::kStop);
    EXPECT_EQ(m.life.state(), alive ? State::kDraining : State::kStopped) << steps;
    if (alive) m.on(Event::kExited);
    EXPECT_EQ(m.life.state(), State::kStopped) << steps;
  }
}

/// Random events against a model of the world: whatever happens, the rules hold.
void simulate(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  LifecycleLimits limits;
  SeededRandom chance(seed);
  limits.has_previous = chance.below(4) == 0;
  Machine m(limits);
  bool process = false;  // whether a process really stands
  bool proven = false;   // whether this process gave a real answer
  for (int i = 0; i < 400; ++i) {
    const State before = m.life.state();
    const auto event = static_cast<Event>(chance.below(7));
    // Events that cannot happen in the world are not sent: no exit without a process, no step done that nobody began.
    if (event == Event::kExited && !process) continue;
    if (event == Event::kIdle && before != State::kDraining) continue;
    if (event == Event::kTick && chance.below(2) == 0 && m.life.deadline().ns != INT64_MAX) m.now = std::max(m.now, m.life.deadline());
    else m.now = m.now + milliseconds(static_cast<int64_t>(chance.below(5000)));
    if (event == Event::kStop && chance.below(8) != 0) continue;
    const Action action = m.on(event);
    const State now = m.life.state();
    if (event == Event::kExited) process = proven = false;
    if (before == State::kProbing && now == State::kReady) proven = true;
    if (before == State::kStarting && now == State::kLoading) process = true;
    ASSERT_EQ(m.life.alive(), process);
    if (action == Action::kSpawn) ASSERT_FALSE(process) << "two processes";
    if (now == State::kReady) ASSERT_TRUE(process && proven) << "ready without a real answer";
    if (now == State::kStopped || now == State::kAbsent) ASSERT_FALSE(process);
    if (action == Action::kTerminate || action == Action::kKill) ASSERT_TRUE(process);
    const bool waits =
        now == State::kAbsent || now == State::kStopped || now == State::kFailed || (process && (now == State::kBackoff || now == State::kCrashLoop));
    if (!waits) ASSERT_LT(m.life.deadline().ns, INT64_MAX) << "stuck in " << to_string(now);
    ASSERT_LE(m.life.failures(), i + 1);
  }
}

TEST(LifecycleTest, RulesHoldInASeededSimulation) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    simulate(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace wye::runtime
