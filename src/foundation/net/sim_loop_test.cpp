#include "foundation/net/sim_loop.hpp"

#include "foundation/net/engine_rig.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

struct Outcome {
  uint64_t hash = 0;
  MonoTime end;
  std::string heard;
  IoStatus sent{};
  IoStatus received = IoStatus::kTimeout;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};
Task<void> transfer(Loop& loop, std::string_view text, Outcome& out) {
  StreamPair pair = co_await connect_pair(loop);
  if (!pair.client || !pair.server) co_return;
  Scope scope;
  scope.spawn(send_and_shut(*pair.client, text, out.sent, {loop.after(20s), nullptr}));
  out.received = co_await receive_all(*pair.server, out.heard, {loop.after(20s), nullptr}, 700);
  co_await scope.join();
}
Outcome simulate(uint64_t seed, const SimFaults& faults, std::string_view text) {
  SimLoop loop(seed, faults);
  Outcome out;
  Task<void> task = transfer(loop, text, out);
  task.start();
  loop.run();
  EXPECT_TRUE(task.done()) << seed;
  out.hash = loop.trace_hash();
  out.end = loop.now();
  return out;
}

SimFaults all_faults() {
  SimFaults faults = shaky_faults();
  faults.refuse = 0.1;
  faults.cut = 0.5;
  faults.cut_after_max = 40'000;
  return faults;
}

TEST(SimLoopTest, TheSameSeedIsTheSameRun) {
  const std::string text = random_text(1, 30'000);
  std::set<uint64_t> hashes;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Outcome once = simulate(seed, all_faults(), text);
    EXPECT_EQ(once, simulate(seed, all_faults(), text)) << seed;
    hashes.insert(once.hash);
  }
  EXPECT_EQ(hashes.size(), 40u);
  EXPECT_NE(simulate(1, shaky_faults(), text).hash, simulate(1, shaky_faults(), random_text(2, 30'000)).hash);  // bytes count
}

TEST(SimLoopTest, FaultsHappenAndNeverInventBytes) {
  const std::string text = random_text(1, 30'000);
  int refused = 0, reset = 0, cut_short = 0, complete = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Outcome out = simulate(seed, all_faults(), text);
    EXPECT_TRUE(text.starts_with(out.heard));
    if (out.received == IoStatus::kTimeout) ++refused;
    else if (out.received == IoStatus::kFailed) ++reset;
    else if (out.heard.size() < text.size()) ++cut_short;
    else ++complete;
  }
  EXPECT_GT(refused, 5);
  EXPECT_GT(reset, 10);
  EXPECT_GT(cut_short, 10);
  EXPECT_GT(complete, 50);
}

TEST(SimLoopTest, TimeIsVirtualAndTheClockFollows) {
  SimLoop loop(1);
  const WallTime wall = loop.clock().wall();
  const auto real = std::chrono::steady_clock::now();
  bool fired = false;
  loop.call_at(loop.now() + 24h * 30, [&] { fired = true; });
  loop.run_for(24h * 29);
  EXPECT_FALSE(fired);
  EXPECT_EQ(loop.clock().wall().ns - wall.ns, Nanos(24h * 29).count());
  loop.run();
  EXPECT_TRUE(fired);
  EXPECT_EQ(loop.clock().mono(), loop.now());
  EXPECT_LT(std::chrono::steady_clock::now() - real, 5s);
  loop.run();  // nothing can happen: returns
}

Task<void> measure_latency(Loop& loop, Nanos& took) {
  StreamPair pair = co_await connect_pair(loop);
  const MonoTime start = loop.now();
  co_await send_all(*pair.client, "x", {loop.after(1s), nullptr});
  std::array<char, 1> buffer;
  co_await receive_some(*pair.server, buffer, {loop.after(1s), nullptr});
  took = loop.now() - start;
}
TEST(SimLoopTest, LatencyIsThatOfTheFaults) {
  SimLoop loop(1, {.latency_min = 7ms, .latency_max = 7ms});
  Nanos took{};
  Task<void> task = measure_latency(loop, took);
  task.start();
  loop.run();
  EXPECT_EQ(took, 7ms);
}

Task<void> silent_connect(Loop& loop, Endpoint endpoint, IoStatus& status) {
  auto stream = loop.open(endpoint);
  status = co_await await_connected(**stream, {loop.after(1s), nullptr});
}
TEST(SimLoopTest, SwallowedConnectsAreNeverAnswered) {
  SimLoop loop(1);
  auto listener = loop.listen(Endpoint::loopback(80));
  EXPECT_EQ(loop.listen(Endpoint::loopback(80)).error().code, ErrorCode::kConflict);
  loop.swallow_connects(Endpoint::loopback(80));
  IoStatus status{};
  Task<void> task = silent_connect(loop, Endpoint::loopback(80), status);
  task.start();
  loop.run();
  EXPECT_EQ(status, IoStatus::kTimeout);
}

Task<void> fill(Loop& loop, size_t& taken) {
  StreamPair pair = co_await connect_pair(loop);
  const std::string lump(10'000, 'x');
  const iovec one = piece(lump);
  taken = (co_await send_gather(*pair.client, {&one, 1}, {loop.after(1s), nullptr})).n;
}
TEST(SimLoopTest, PipesHoldWhatTheyMayAndNoMore) {
  SimLoop loop(1, {.pipe_bytes = 1234});
  size_t taken = 0;
  Task<void> task = fill(loop, taken);
  task.start();
  loop.run();
  EXPECT_EQ(taken, 1234u);
}

TEST(SimLoopTest, DiesWithConnectionsUnderWay) {
  Task<void> task = [](Loop& loop) -> Task<void> {
    auto listener = loop.listen(Endpoint::loopback(80));
    auto stream = loop.open(Endpoint::loopback(80));
    co_await sleep(loop, 1h);
  }(*std::make_unique<SimLoop>(1));  // never started: touches nothing
  SimLoop loop(1);
  auto listener = loop.listen(Endpoint::loopback(80));
  auto first = loop.open(Endpoint::loopback(80));
  auto second = loop.open(Endpoint::loopback(81));
  first->reset();
  loop.post([held = std::make_unique<int>(1)] { ADD_FAILURE(); });
}

}  // namespace
}  // namespace wye::net
