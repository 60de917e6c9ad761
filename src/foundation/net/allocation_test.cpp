// Steady state allocates nothing. Not under AddressSanitizer: frames are not recycled there.
#include "foundation/base/test_allocations.hpp"
#include "foundation/net/engine_rig.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;
using test::allocations;

TEST(Allocations, AreSeen) {
  const size_t before = allocations;
  ::operator delete(::operator new(100));  // called so, no compiler may leave it out
  EXPECT_EQ(allocations, before + 1);
}

Task<size_t> receive_once(Stream& stream, Loop& loop) { co_return (co_await receive_some(stream, loop.scratch(), {loop.after(5s), nullptr})).n; }
Task<void> answer(Stream& stream, Loop& loop) {
  std::array<char, 64> buffer;
  for (;;) {
    const Io got = co_await receive_some(stream, buffer, {loop.after(5s), nullptr});
    if (!got) co_return;
    const iovec one{buffer.data(), got.n};
    if (!co_await send_gather(stream, {&one, 1}, {loop.after(5s), nullptr})) co_return;
  }
}
Task<void> ping(Loop& loop, int rounds, size_t& spent) {
  StreamPair pair = co_await connect_pair(loop);
  Scope scope;
  scope.spawn(answer(*pair.server, loop));
  size_t before = 0;
  for (int i = -100; i < rounds; ++i) {
    if (i == 0) before = allocations;
    const std::array pieces = {piece("head "), piece("body")};
    co_await send_gather(*pair.client, pieces, {loop.after(5s), nullptr});
    EXPECT_EQ(co_await receive_once(*pair.client, loop), 9u);
    Scope inner;  // tasks come and go
    inner.spawn([](Loop&) -> Task<void> { co_return; }(loop));
    co_await inner.join();
  }
  spent = allocations - before;
  pair.client.reset();
  co_await scope.join();
}
TEST(Allocations, ARoundTripTakesNone) {
  if (!test::kRecyclesFrames) GTEST_SKIP() << test::kNotRecycled;
  EngineRig rig(Engine::kEpoll);
  size_t spent = 1;
  EXPECT_TRUE(rig.run(ping(rig.loop(), 1000, spent)));
  EXPECT_EQ(spent, 0u);
}
TEST(Allocations, PostingTakesNone) {
  EngineRig rig(Engine::kEpoll);
  Loop& loop = rig.loop();
  size_t before = 0, spent = 1;
  for (int round = 0; round < 20; ++round) {
    if (round == 10) before = allocations;
    for (int i = 0; i < 50; ++i)
      loop.post([&loop, i] {
        if (i == 49) loop.stop();
      });
    loop.run();
  }
  spent = allocations - before;
  EXPECT_EQ(spent, 0u);
}

}  // namespace
}  // namespace wye::net
