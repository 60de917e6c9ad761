// What crosses threads: post, stop, the pool, the resolver on top of it. Run under ThreadSanitizer too.
#include "foundation/net/offload.hpp"

#include "foundation/net/engine_rig.hpp"
#include "foundation/net/resolver.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

TEST(EpollThreads, PostsFromManyThreadsAllRunOnTheLoop) {
  EngineRig rig(Engine::kEpoll);
  Loop& loop = rig.loop();
  constexpr int kThreads = 4, kPosts = 5000;
  int count = 0;  // the loop's thread only
  const auto here = std::this_thread::get_id();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&] {
          EXPECT_EQ(std::this_thread::get_id(), here);
          if (++count == kThreads * kPosts) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kPosts);
}

TEST(EpollThreads, StopComesFromAnyThreadAndUnrunJobsAreDestroyed) {
  auto held = std::make_shared<int>(1);
  {
    EngineRig rig(Engine::kEpoll);
    std::thread other([&] { rig.loop().stop(); });
    rig.loop().run();
    other.join();
    rig.loop().post([held] { ADD_FAILURE(); });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(EpollThreads, TwoLoopsShareAPort) {
  SystemClock clock;
  auto first = std::move(*make_epoll_loop(clock));
  auto second = std::move(*make_epoll_loop(clock));
  auto one = std::move(*first->listen(Endpoint::loopback(0)));
  EXPECT_TRUE(second->listen(one->local()));
  const auto taken = check_port_free(one->local());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
  EXPECT_NE(taken.error().detail.find(to_string(one->local())), std::string::npos);
  const Endpoint local = one->local();
  one.reset();
  EXPECT_TRUE(check_port_free(local));
  EXPECT_TRUE(check_port_free(Endpoint::loopback(0)));
  const auto foreign = check_port_free(*parse_address("192.0.2.1", 1));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kIo);
}

struct Gate {
  std::mutex mutex;
  std::condition_variable wake;
  bool open = false;
  void wait() {
    std::unique_lock lock(mutex);
    wake.wait(lock, [this] { return open; });
  }
  void release() {
    {
      const std::lock_guard lock(mutex);
      open = true;
    }
    wake.notify_all();
  }
};

Task<void> compute(Loop& loop, Offload& pool, int x, int& sum) {
  const auto here = std::this_thread::get_id();
  const auto there = co_await pool.run(loop, [x] { return std::pair(x * x, std::this_thread::get_id()); }, {loop.after(5s), nullptr});
  EXPECT_TRUE(there);
  EXPECT_NE(there->second, here);
  EXPECT_EQ(std::this_thread::get_id(), here);
  sum += there->first;
}
Task<void> compute_many(Loop& loop, Offload& pool, int& sum) {
  Scope scope;
  for (int i = 1; i <= 100; ++i) scope.spawn(compute(loop, pool, i, sum));
  co_await scope.join();
}
TEST(OffloadTest, ResultsComeBackOnTheLoop) {
  EngineRig rig(Engine::kEpoll);
  Offload pool(3, 1000);
  int sum = 0;
  EXPECT_TRUE(rig.run(compute_many(rig.loop(), pool, sum)));
  EXPECT_EQ(sum, 338'350);
}

Task<void> outlive(Loop& loop, Offload& pool, std::shared_ptr<Gate> gate, ErrorCode& out, Cancel* cancel) {
  const auto slow = [gate] {
    gate->wait();
    return std::make_unique<int>(1);
  };
  const auto result = co_await pool.run(loop, slow, {loop.after(100ms), cancel});
  out = result ? ErrorCode::kInternal : result.error().code;
}
Task<void> abandon(Loop& loop, Offload& pool, std::shared_ptr<Gate> gate) {
  ErrorCode timed_out{}, cancelled{}, destroyed{}, refused{};
  Cancel cancel;
  Scope scope;
  scope.spawn(outlive(loop, pool, gate, timed_out, nullptr));
  scope.spawn(outlive(loop, pool, gate, cancelled, &cancel));
  {
    Task<void> gone = outlive(loop, pool, gate, destroyed, nullptr);
    gone.start();
  }
  scope.spawn(outlive(loop, pool, gate, refused, nullptr));
  EXPECT_EQ(refused, ErrorCode::kOverloaded);
  cancel.request();
  co_await scope.join();
  EXPECT_EQ(timed_out, ErrorCode::kTimeout);
  EXPECT_EQ(cancelled, ErrorCode::kCancelled);
  gate->release();
  // The pool goes on as before.
  int sum = 0;
  co_await compute(loop, pool, 3, sum);
  EXPECT_EQ(sum, 9);
}
TEST(OffloadTest, AWaitThatEndedLeavesTheWorkBehind) {
  EngineRig rig(Engine::kEpoll);
  auto gate = std::make_shared<Gate>();
  {
    // One runs or queues, two queue, the fourth is refused: a thread that has not yet taken its work must not let it in.
    Offload pool(1, 2);
    ASSERT_TRUE(pool.submit([gate] { gate->wait(); }));
    while (!pool.submit([] {})) std::this_thread::yield();
    gate->release();
  }
  gate = std::make_shared<Gate>();
  Offload pool(1, 3);
  EXPECT_TRUE(rig.run([](Loop& loop, Offload& p, std::shared_ptr<Gate> g) -> Task<void> {
    const auto busy = std::make_shared<Gate>();
    const auto begun = std::make_shared<std::atomic<bool>>(false);
    EXPECT_TRUE(p.submit([busy, begun] {
      *begun = true;
      busy->wait();
    }));
    while (!*begun) co_await sleep(loop, 1ms);
    Task<void> rest = abandon(loop, p, g);
    rest.start();
    busy->release();
    co_await sleep(loop, 300ms);
    while (!rest.done()) co_await sleep(loop, 1ms);
  }(rig.loop(), pool, gate)));
}

TEST(OffloadTest, EndsWithWorkInTheQueue) {
  auto gate = std::make_shared<Gate>();
  auto held = std::make_shared<int>(0);
  std::thread opener;
  {
    Offload pool(1, 10);
    EXPECT_TRUE(pool.submit([gate] { gate->wait(); }));
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(pool.submit([held] { ++*held; }));
    opener = std::thread([gate] { gate->release(); });
  }
  opener.join();
  EXPECT_EQ(held.use_count(), 1);
}

using Addresses = Result<std::vector<Endpoint>>;
struct Answers {
  std::atomic<int> asked{0};
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  Lookup lookup() {
    return [this](const std::string& host) -> Addresses {
      ++asked;
      if (host == "slow.test") gate->wait();
      if (host == "absent.test") return Fail(internal_error(ErrorCode::kNotFound, "resolve absent.test: no such name"));
      if (host == "empty.test") return std::vector<Endpoint>{};
      return std::vector<Endpoint>(host == "many.test" ? 33 : 32, Endpoint{{10, 0, 0, 1}, 0, false});
    };
  }
};
Task<void> ask(Resolver& resolver, std::string host, Bound bound, Addresses& out) { out = co_await resolver.resolve(std::move(host), 443, bound); }

Task<void> question(Loop& loop, Resolver& resolver, Answers& answers) {
  Addresses out;
  const Bound bound{loop.after(20s), nullptr};
  co_await ask(resolver, "[::1]", bound, out);
  EXPECT_EQ(to_string(out->at(0)), "[::1]:443");
  for (const char* host : {"", ".", "a..", "0x7f.1", "127.1", "2130706433", "1.2.3.4.5", "a b", "a/b", "a\xC3\xA4"}) {
    co_await ask(resolver, host, bound, out);
    EXPECT_FALSE(out) << host;
    if (!out) EXPECT_EQ(out.error().code, ErrorCode::kNotFound) << host;
  }
  EXPECT_EQ(answers.asked, 0);
  co_await ask(resolver, "Gate.Test", bound, out);
  EXPECT_EQ(out->size(), 32u);
  EXPECT_EQ(to_string(out->at(31)), "10.0.0.1:443");
  co_await ask(resolver, "gate.test", bound, out);
  EXPECT_EQ(answers.asked, 1);  // kept
  co_await ask(resolver, "many.test", bound, out);
  EXPECT_EQ(out.error().code, ErrorCode::kIo);
  co_await ask(resolver, "empty.test", bound, out);
  EXPECT_EQ(out.error().code, ErrorCode::kNotFound);
  for (int i = 0; i < 3; ++i) co_await ask(resolver, "absent.test", bound, out);
  EXPECT_EQ(out.error().detail, "resolve absent.test: no such name");
  EXPECT_EQ(answers.asked, 4);
  co_await sleep(loop, SystemResolver::kKeepFailure + 10ms);
  co_await ask(resolver, "absent.test", bound, out);
  EXPECT_EQ(answers.asked, 5);
}
Task<void> one_flight(Loop& loop, Resolver& resolver, Answers& answers) {
  std::array<Addresses, 4> out;
  Cancel cancel;
  Scope scope;
  scope.spawn(ask(resolver, "slow.test", {loop.after(5s), nullptr}, out[0]));
  scope.spawn(ask(resolver, "slow.test", {loop.after(100ms), nullptr}, out[1]));
  scope.spawn(ask(resolver, "slow.test", {loop.after(5s), &cancel}, out[2]));
  {
    Task<void> gone = ask(resolver, "slow.test", {loop.after(5s), nullptr}, out[3]);
    gone.start();
  }
  cancel.request();
  EXPECT_EQ(out[2].error().code, ErrorCode::kCancelled);
  while (scope.size() > 1) co_await sleep(loop, 10ms);
  EXPECT_EQ(out[1].error().code, ErrorCode::kTimeout);
  answers.gate->release();
  co_await scope.join();
  EXPECT_TRUE(out[0]);
  EXPECT_EQ(answers.asked, 1);
}
TEST(SystemResolverTest, LiteralsNamesCacheAndLimits) {
  EngineRig rig(Engine::kEpoll);
  Answers answers;
  Offload pool(2, 16);
  SystemResolver resolver(rig.loop(), pool, answers.lookup());
  EXPECT_TRUE(rig.run(question(rig.loop(), resolver, answers)));
}
TEST(SystemResolverTest, OneQuestionServesAllWhoWait) {
  EngineRig rig(Engine::kEpoll);
  Answers answers;
  Offload pool(2, 16);
  SystemResolver resolver(rig.loop(), pool, answers.lookup());
  EXPECT_TRUE(rig.run(one_flight(rig.loop(), resolver, answers)));
}
TEST(SystemResolverTest, MayDieBeforeItsAnswerComes) {
  EngineRig rig(Engine::kEpoll);
  Answers answers;
  Offload pool(1, 16);
  Addresses out;
  auto resolver = std::make_unique<SystemResolver>(rig.loop(), pool, answers.lookup());
  {
    Task<void> task = ask(*resolver, "slow.test", {Deadline::never(), nullptr}, out);
    task.start();
  }
  resolver.reset();
  answers.gate->release();
  EXPECT_TRUE(rig.run([](Loop& loop) -> Task<void> { co_await sleep(loop, 50ms); }(rig.loop())));
}
Task<void> resolve_localhost(Resolver& resolver, Bound bound) {
  const auto answer = co_await resolver.resolve("localhost", 80, bound);
  EXPECT_TRUE(answer) << answer.error().detail;
  if (answer) EXPECT_TRUE(std::ranges::all_of(*answer, [](const Endpoint& e) { return e.is_loopback(); }));
}
TEST(SystemResolverTest, AsksTheSystem) {
  EngineRig rig(Engine::kEpoll);
  Offload pool(1, 16);
  SystemResolver resolver(rig.loop(), pool);
  EXPECT_TRUE(rig.run(resolve_localhost(resolver, rig.in(5s))));
}

}  // namespace
}  // namespace wye::net
