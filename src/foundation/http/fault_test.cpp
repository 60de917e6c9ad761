// Our client against our server on a network that stalls, cuts and resets: every call ends, and ends either right or with an error.
#include "foundation/http/http_rig.hpp"

namespace wye::http {
namespace {

struct Tally {
  int right = 0;
  int failed = 0;
};

net::Task<void> one_call(ServerRig& rig, Origin& origin, SeededRandom& random, Tally& tally) {
  const uint64_t kind = random.below(4);
  const std::string body(random.below(3) == 0 ? random.below(200'000) : random.below(500), static_cast<char>('a' + random.below(26)));
  const std::string request = kind == 0 ? get("/stream") : kind == 1 ? get("/late") : post("/echo", body);
  const std::string wanted = kind == 0 ? "one;two;three;four;end" : kind == 1 ? "hello" : body;
  ClientCall call(origin);
  const iovec piece = net::piece(request);
  const Result<void> head = co_await call.exchange({{&piece, 1}}, rig.in(60s), kind < 2);
  if (!head) {
    EXPECT_TRUE(head.error().code == ErrorCode::kUpstreamFailed || head.error().code == ErrorCode::kUpstreamTimeout);
    ++tally.failed;
    co_return;
  }
  EXPECT_EQ(call.head().status, 200);
  std::string got;
  for (;;) {
    auto part = co_await call.read(rig.in(60s));
    if (!part) {
      EXPECT_EQ(wanted.substr(0, got.size()), got);
      ++tally.failed;
      co_return;
    }
    got += part->bytes;
    if (part->last) break;
    if (random.below(50) == 0) co_return;  // has heard enough
  }
  EXPECT_TRUE(got == wanted) << request.substr(0, 30);
  ++tally.right;
}
net::Task<void> many_calls(ServerRig& rig, Origin& origin, uint64_t seed, Tally& tally) {
  SeededRandom random(seed);
  for (int i = 0; i < 12; ++i) {
    co_await one_call(rig, origin, random, tally);
    if (random.below(3) == 0) co_await net::sleep(rig.loop(), std::chrono::milliseconds(random.below(40)));
  }
}
net::Task<void> storm(ServerRig& rig, uint64_t seed, Tally& tally) {
  net::TableResolver resolver;
  Origin origin(rig.loop(), resolver, {.host = "127.0.0.1", .port = rig.endpoint().port});
  net::Scope scope;
  for (uint64_t i = 0; i < 8; ++i) scope.spawn(many_calls(rig, origin, seed * 100 + i, tally));
  co_await scope.join();
  origin.close_idle();
  co_await rig.server->drain(10s);
  rig.server.reset();
  EXPECT_EQ(rig.count.now(), 0u);
}

TEST(FaultTest, CallsEndRightOrWithAnErrorOnABadNetwork) {
  Tally all;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    net::SimFaults faults{.latency_min = 10us,
                          .latency_max = 5ms,
                          .pipe_bytes = 500 + seed * 700,
                          .short_move = 0.3,
                          .refuse = 0.05,
                          .cut = 0.5,
                          .cut_after_max = 100'000};
    ServerRig rig(Engine::kSim, seed, faults);
    Tally tally;
    ASSERT_TRUE(rig.run(storm(rig, seed, tally)));
    EXPECT_LE(tally.right + tally.failed, 96);
    all.right += tally.right;
    all.failed += tally.failed;
    if (HasFailure()) return;
  }
  // The faults were there, and did not stop everything.
  EXPECT_GT(all.failed, 100);
  EXPECT_GT(all.right, 1000);
}

TEST(FaultTest, WithoutFaultsEverythingIsRight) {
  for (const Engine engine : {Engine::kEpoll, Engine::kSim, Engine::kFaultySim}) {
    ServerRig rig(engine);
    Tally tally;
    ASSERT_TRUE(rig.run(storm(rig, 3, tally)));
    EXPECT_EQ(tally.failed, 0);
    EXPECT_GT(tally.right, 60);
  }
}

}  // namespace
}  // namespace wye::http
