#include "foundation/net/loop.hpp"
#include "foundation/net/scope.hpp"
#include "foundation/net/sim_loop.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

struct Mark {
  explicit Mark(int& c) : count(&c) { ++*count; }
  Mark(Mark&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
  ~Mark() {
    if (count != nullptr) --*count;
  }
  int* count;
};

Task<int> at_once(int x) { co_return x + 1; }
Task<int> deep(int depth) {
  if (depth == 0) co_return 0;
  co_return co_await deep(depth - 1) + 1;
}
Task<void> count_up(int& sum) {
  for (int i = 0; i < 200'000; ++i) sum = co_await at_once(sum);
}
TEST(TaskTest, FinishedCallsNeverSuspendTheirCaller) {
  int sum = 0;
  Task<void> task = count_up(sum);
  EXPECT_EQ(sum, 0);  // lazy
  task.start();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(sum, 200'000);
  Task<int> nested = deep(500);
  nested.start();
  EXPECT_EQ(nested.result(), 500);
}

Task<std::unique_ptr<int>> make_value(Loop& loop) {
  co_await sleep(loop, 1ms);
  co_return std::make_unique<int>(5);
}
Task<void> take_value(Loop& loop, int& out) { out = *co_await make_value(loop); }
TEST(TaskTest, AValueComesBackOverAWait) {
  SimLoop loop(1);
  int out = 0;
  Task<void> task = take_value(loop, out);
  task.start();
  EXPECT_FALSE(task.done());
  loop.run();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(out, 5);
}

Task<void> hold(Loop& loop, Mark, Nanos length, int& ended) {
  co_await sleep(loop, length);
  ++ended;
}
Task<void> hold_deeply(Loop& loop, int& alive, int& ended) {
  const Mark own(alive);
  co_await hold(loop, Mark(alive), 10ms, ended);
}
TEST(TaskTest, DestroyingAWaitingTaskDestroysAllItAwaits) {
  SimLoop loop(1);
  int alive = 0, ended = 0;
  {
    Task<void> task = hold_deeply(loop, alive, ended);
    task.start();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
  loop.run();
  EXPECT_EQ(ended, 0);
  Task<void> unstarted = hold_deeply(loop, alive, ended);
  Task<void> moved = std::move(unstarted);
  moved = hold_deeply(loop, alive, ended);
  EXPECT_EQ(alive, 0);
}

Task<void> join(Scope& scope, bool& joined) {
  co_await scope.join();
  joined = true;
}
TEST(ScopeTest, JoinEndsWithTheLastTask) {
  SimLoop loop(1);
  int alive = 0, ended = 0;
  Scope scope;
  for (int i = 1; i <= 5; ++i) scope.spawn(hold(loop, Mark(alive), i * 1ms, ended));
  bool joined = false;
  Task<void> joiner = join(scope, joined);
  joiner.start();
  loop.run_for(4ms);
  EXPECT_EQ(ended, 4);
  EXPECT_FALSE(joined);
  loop.run_for(2ms);
  EXPECT_TRUE(joined);
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_EQ(alive, 0);
}

TEST(ScopeTest, AnEmptyScopeJoinsAtOnce) {
  Scope scope;
  bool joined = false;
  Task<void> joiner = join(scope, joined);
  joiner.start();
  EXPECT_TRUE(joined);
}

TEST(ScopeTest, JoinerAndScopeMayDieInEitherOrder) {
  SimLoop loop(1);
  int alive = 0, ended = 0;
  bool joined = false;
  {
    Scope scope;
    scope.spawn(hold(loop, Mark(alive), 1ms, ended));
    {
      Task<void> joiner = join(scope, joined);
      joiner.start();
    }
    loop.run();  // the last task ends: nobody to resume
    EXPECT_EQ(ended, 1);
  }
  auto scope = std::make_unique<Scope>();
  scope->spawn(hold(loop, Mark(alive), 1ms, ended));
  Task<void> joiner = join(*scope, joined);
  joiner.start();
  scope.reset();
  loop.run();
  EXPECT_FALSE(joined);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(alive, 0);
}

Task<void> spawn_more(Loop& loop, Scope& scope, int depth, int& ended) {
  co_await sleep(loop, 1ms);
  if (depth > 0) {
    scope.spawn(spawn_more(loop, scope, depth - 1, ended));
    scope.spawn(spawn_more(loop, scope, depth - 1, ended));
  }
  ++ended;
}
TEST(ScopeTest, TasksMaySpawnIntoTheirOwnScope) {
  SimLoop loop(1);
  Scope scope;
  int ended = 0;
  scope.spawn(spawn_more(loop, scope, 6, ended));
  loop.run();
  EXPECT_EQ(ended, 127);
  EXPECT_EQ(scope.size(), 0u);
}

Task<void> wait_for_cancel(Loop& loop, Cancel& cancel, std::vector<std::unique_ptr<Task<void>>>* others, int& cancelled) {
  if (co_await sleep(loop, 1h, &cancel) == IoStatus::kCancelled) ++cancelled;
  if (others == nullptr) co_return;
  for (auto& other : *others) other.reset();
}
TEST(CancelTest, AResumedWaitMayDestroyTheOtherListeners) {
  SimLoop loop(1);
  Cancel cancel;
  int cancelled = 0;
  std::vector<std::unique_ptr<Task<void>>> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(std::make_unique<Task<void>>(wait_for_cancel(loop, cancel, nullptr, cancelled)));
    others.back()->start();
  }
  Task<void> killer = wait_for_cancel(loop, cancel, &others, cancelled);
  killer.start();  // listens last, is told first
  cancel.request();
  EXPECT_EQ(cancelled, 1);
  EXPECT_TRUE(killer.done());
}

TEST(CancelTest, MayDieBeforeItsListeners) {
  SimLoop loop(1);
  int cancelled = 0;
  auto cancel = std::make_unique<Cancel>();
  Task<void> task = wait_for_cancel(loop, *cancel, nullptr, cancelled);
  task.start();
  cancel.reset();
  loop.run();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(cancelled, 0);
}

TEST(BufferPoolTest, GivesBackWhatItGot) {
  BufferPool pool;
  auto first = pool.take();
  char* const address = first.get();
  std::memset(address, 1, BufferPool::kBytes + BufferPool::kSpare);
  pool.give(std::move(first));
  EXPECT_EQ(pool.take().get(), address);
  pool.give(nullptr);
  EXPECT_NE(pool.take(), nullptr);
}

TEST(EndpointTest, LiteralsOnly) {
  EXPECT_EQ(to_string(*parse_address("127.0.0.1", 80)), "127.0.0.1:80");
  EXPECT_EQ(to_string(*parse_address("[::1]", 80)), "[::1]:80");
  EXPECT_EQ(to_string(*parse_address("2001:db8::1", 1)), "[2001:db8::1]:1");
  for (const char* text :
       {"", "localhost", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "127.0.0.1 ", "1.2.3.4.5", "[127.0.0.1", "::1%lo", "256.1.1.1"})
    EXPECT_FALSE(parse_address(text, 80)) << text;
  EXPECT_FALSE(parse_address(std::string(200, '1'), 80));
  EXPECT_FALSE(parse_address(std::string_view("127.0.0.1\0.com", 14), 80));
  EXPECT_TRUE(parse_address("127.9.9.9", 1)->is_loopback());
  EXPECT_TRUE(parse_address("::1", 1)->is_loopback());
  EXPECT_FALSE(parse_address("128.0.0.1", 1)->is_loopback());
  EXPECT_FALSE(parse_address("::2", 1)->is_loopback());
}

}  // namespace
}  // namespace wye::net
