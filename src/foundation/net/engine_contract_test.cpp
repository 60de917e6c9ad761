// What every engine promises, run over sockets, over the simulated network and over a shaky one.
#include "foundation/net/engine_rig.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

class EngineContract : public testing::TestWithParam<Engine> {
 protected:
  EngineRig rig{GetParam()};
  Loop& loop = rig.loop();
};
std::string engine_name(const testing::TestParamInfo<Engine>& p) {
  constexpr std::array<const char*, 3> kNames = {"Epoll", "Sim", "FaultySim"};
  return kNames[static_cast<size_t>(p.param)];
}
INSTANTIATE_TEST_SUITE_P(All, EngineContract, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

Task<void> talk(Loop& loop, std::string& heard) {
  StreamPair pair = co_await connect_pair(loop);
  EXPECT_TRUE(pair.client && pair.server);
  const Bound bound{loop.after(5s), nullptr};
  EXPECT_TRUE(pair.client->connected());
  EXPECT_TRUE(pair.client->peer().is_loopback());
  EXPECT_TRUE(pair.server->peer().is_loopback());
  EXPECT_NE(pair.client->peer().port, 0);
  const std::array pieces = {piece("one "), piece(""), piece("message")};
  const Io sent = co_await send_gather(*pair.client, pieces, bound);
  EXPECT_EQ(sent.n, 11u);
  pair.client->shutdown_send();
  EXPECT_EQ(co_await receive_all(*pair.server, heard, bound), IoStatus::kEof);
  EXPECT_TRUE(pair.server->peer_closed());
  // The other direction still stands.
  EXPECT_EQ(co_await send_all(*pair.server, "answer", bound), IoStatus::kOk);
  pair.server.reset();
  std::string answer;
  EXPECT_EQ(co_await receive_all(*pair.client, answer, bound), IoStatus::kEof);
  EXPECT_EQ(answer, "answer");
}
TEST_P(EngineContract, MessagesArriveAndHalfCloseLeavesTheOtherHalf) {
  std::string heard;
  EXPECT_TRUE(rig.run(talk(loop, heard)));
  EXPECT_EQ(heard, "one message");
}

Task<void> connect_refused(Loop& loop) {
  uint16_t port = 0;
  {
    auto listener = loop.listen(Endpoint::loopback(0));
    port = (*listener)->local().port;
  }
  auto stream = loop.open(Endpoint::loopback(port));
  if (!stream) {  // a kernel may know at once
    EXPECT_NE(stream.error().detail.find("refused"), std::string::npos);
    co_return;
  }
  EXPECT_EQ(co_await await_connected(**stream, {loop.after(2s), nullptr}), IoStatus::kFailed);
  EXPECT_EQ((*stream)->failure(), "Connection refused");
  EXPECT_FALSE((*stream)->connected());  // and stays so
  std::array<char, 8> buffer;
  EXPECT_NE((co_await receive_some(**stream, buffer, {loop.after(1s), nullptr})).status, IoStatus::kOk);
}
TEST_P(EngineContract, ConnectToNobodyIsRefused) { EXPECT_TRUE(rig.run(connect_refused(loop))); }

Task<void> exchange_both_ways(Loop& loop, std::string_view up, std::string_view down, std::string& got_up, std::string& got_down) {
  StreamPair pair = co_await connect_pair(loop);
  const Bound bound{loop.after(25s), nullptr};
  IoStatus sent_up{}, sent_down{}, received_up{}, received_down{};
  Scope scope;
  scope.spawn(send_and_shut(*pair.client, up, sent_up, bound));
  scope.spawn(send_and_shut(*pair.server, down, sent_down, bound));
  scope.spawn(receive_all_into(*pair.server, got_up, received_up, bound));
  scope.spawn(receive_all_into(*pair.client, got_down, received_down, bound));
  co_await scope.join();
  EXPECT_EQ(sent_up, IoStatus::kOk);
  EXPECT_EQ(sent_down, IoStatus::kOk);
  EXPECT_EQ(received_up, IoStatus::kEof);
  EXPECT_EQ(received_down, IoStatus::kEof);
}
TEST_P(EngineContract, LargeTransfersBothWaysAtOnce) {
  const size_t size = GetParam() == Engine::kFaultySim ? 200'000 : 20'000'000;
  const std::string up = random_text(1, size), down = random_text(2, size);
  std::string got_up, got_down;
  EXPECT_TRUE(rig.run(exchange_both_ways(loop, up, down, got_up, got_down)));
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
}

/// One tick of the wheel; in real time also what a busy machine and a sanitizer add.
Nanos late_max(Loop& loop) { return dynamic_cast<SimLoop*>(&loop) != nullptr ? Nanos(101ms) : Nanos(300ms); }

Task<void> stall(Loop& loop) {
  StreamPair pair = co_await connect_pair(loop);
  const std::string lump(16 << 20, 'x');  // more than both socket buffers
  const MonoTime start = loop.now();
  const iovec one = piece(lump);
  const Io io = co_await send_gather(*pair.client, {&one, 1}, {loop.after(200ms), nullptr});
  EXPECT_EQ(io.status, IoStatus::kTimeout);
  EXPECT_LT(io.n, lump.size());
  EXPECT_GE(loop.now() - start, 200ms);
  EXPECT_LE(loop.now() - start, 200ms + late_max(loop));
}
TEST_P(EngineContract, SendToAStalledReaderEndsAtItsDeadline) { EXPECT_TRUE(rig.run(stall(loop))); }

Task<void> receive_late(Loop& loop) {
  StreamPair pair = co_await connect_pair(loop);
  std::array<char, 8> buffer;
  const MonoTime start = loop.now();
  EXPECT_EQ((co_await receive_some(*pair.server, buffer, {loop.after(100ms), nullptr})).status, IoStatus::kTimeout);
  EXPECT_GE(loop.now() - start, 100ms);
  EXPECT_LE(loop.now() - start, 100ms + late_max(loop));
  // The stream is none the worse.
  EXPECT_EQ(co_await send_all(*pair.client, "late", {loop.after(1s), nullptr}), IoStatus::kOk);
  const Io io = co_await receive_some(*pair.server, buffer, {loop.after(1s), nullptr});
  EXPECT_EQ(io.status, IoStatus::kOk);
  EXPECT_GE(io.n, 1u);
}
TEST_P(EngineContract, ReceiveEndsAtItsDeadline) { EXPECT_TRUE(rig.run(receive_late(loop))); }

Task<void> cancelled_receive(Stream& stream, Cancel& cancel, IoStatus& status) {
  std::array<char, 8> buffer;
  status = (co_await receive_some(stream, buffer, {Deadline::never(), &cancel})).status;
}
Task<void> cancel_waits(Loop& loop) {
  StreamPair pair = co_await connect_pair(loop);
  Cancel cancel;
  IoStatus first{}, second{};
  Scope scope;
  scope.spawn(cancelled_receive(*pair.client, cancel, first));
  scope.spawn(cancelled_receive(*pair.server, cancel, second));
  EXPECT_EQ(scope.size(), 2u);
  cancel.request();
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_EQ(first, IoStatus::kCancelled);
  EXPECT_EQ(second, IoStatus::kCancelled);
  scope.spawn(cancelled_receive(*pair.client, cancel, first));
  EXPECT_EQ(scope.size(), 0u);  // requested already: ends at once
  cancel.reset();
  EXPECT_EQ(co_await sleep(loop, 1ms, &cancel), IoStatus::kTimeout);
  first = IoStatus::kFailed;
  scope.spawn(cancelled_receive(*pair.client, cancel, first));
  EXPECT_EQ(co_await send_all(*pair.server, "x", {loop.after(1s), nullptr}), IoStatus::kOk);
  co_await scope.join();
  EXPECT_EQ(first, IoStatus::kOk);
}
TEST_P(EngineContract, CancelEndsAllItsWaitsAndLaterOnes) { EXPECT_TRUE(rig.run(cancel_waits(loop))); }

struct CountHangups final : HangupListener {
  void on_hangup() override { ++count; }
  int count = 0;
};
Task<void> see_hangup(Loop& loop, bool by_reset) {
  StreamPair pair = co_await connect_pair(loop);
  CountHangups heard;
  pair.server->set_hangup_listener(&heard);
  EXPECT_FALSE(pair.server->disturbed());
  if (by_reset) {
    EXPECT_EQ(co_await send_all(*pair.server, "unread", {loop.after(1s), nullptr}), IoStatus::kOk);
    co_await sleep(loop, 10ms);
    EXPECT_TRUE(pair.client->disturbed());
  }
  EXPECT_EQ(heard.count, 0);
  pair.client.reset();
  co_await sleep(loop, 50ms);  // the contract says 100
  EXPECT_EQ(heard.count, 1);
  EXPECT_TRUE(pair.server->peer_closed());
  EXPECT_TRUE(pair.server->disturbed());
  std::array<char, 8> buffer;
  const Io end = co_await receive_some(*pair.server, buffer, {loop.after(1s), nullptr});
  EXPECT_EQ(end.status, by_reset ? IoStatus::kFailed : IoStatus::kEof);
  if (by_reset) EXPECT_EQ(pair.server->failure(), "Connection reset by peer");
  co_await sleep(loop, 10ms);
  EXPECT_EQ(heard.count, 1);
}
TEST_P(EngineContract, HangupIsHeardOnceWithoutReading) { EXPECT_TRUE(rig.run(see_hangup(loop, false))); }
TEST_P(EngineContract, ResetIsHeardOnceAndReadsFail) { EXPECT_TRUE(rig.run(see_hangup(loop, true))); }

Task<void> send_to_the_gone(Loop& loop) {
  StreamPair pair = co_await connect_pair(loop);
  pair.server.reset();
  IoStatus status = IoStatus::kOk;
  for (int i = 0; i < 50 && status == IoStatus::kOk; ++i) {
    status = co_await send_all(*pair.client, "anyone there?", {loop.after(1s), nullptr});
    co_await sleep(loop, 5ms);
  }
  EXPECT_EQ(status, IoStatus::kFailed);
  EXPECT_FALSE(pair.client->failure().empty());
}
TEST_P(EngineContract, SendingToAPeerThatIsGoneFails) { EXPECT_TRUE(rig.run(send_to_the_gone(loop))); }

struct DropOnHangup final : HangupListener {
  void on_hangup() override { victim.reset(); }
  std::unique_ptr<Stream> victim;
};
Task<void> receive_then_drop(std::unique_ptr<Stream> stream, std::unique_ptr<Stream>* other, Bound bound) {
  std::array<char, 8> buffer;
  co_await receive_some(*stream, buffer, bound);
  // Inside this stream's own event, and perhaps in the batch of the other's.
  stream.reset();
  if (other != nullptr) other->reset();
}
Task<void> die_in_events(Loop& loop) {
  for (int i = 0; i < 20; ++i) {
    StreamPair a = co_await connect_pair(loop);
    StreamPair b = co_await connect_pair(loop);
    Scope scope;
    const Bound bound{loop.after(1s), nullptr};
    scope.spawn(receive_then_drop(std::move(a.server), &b.server, bound));
    EXPECT_EQ(co_await send_all(*a.client, "1", bound), IoStatus::kOk);
    EXPECT_EQ(co_await send_all(*b.client, "2", bound), IoStatus::kOk);
    co_await scope.join();
    DropOnHangup drop;
    StreamPair c = co_await connect_pair(loop);
    c.server->set_hangup_listener(&drop);
    drop.victim = std::move(c.server);
    c.client.reset();
    co_await sleep(loop, 10ms);
    EXPECT_EQ(drop.victim, nullptr);
  }
}
TEST_P(EngineContract, StreamsMayDieInsideTheirOwnEvents) { EXPECT_TRUE(rig.run(die_in_events(loop))); }

Task<void> receive_in_vain(Stream& stream) {
  std::array<char, 8> buffer;
  co_await receive_some(stream, buffer, {Deadline::never(), nullptr});
  ADD_FAILURE() << "a destroyed coroutine went on";
}
Task<void> destroy_waiting(Loop& loop) {
  StreamPair pair = co_await connect_pair(loop);
  {
    Scope scope;
    scope.spawn(receive_in_vain(*pair.server));
  }
  EXPECT_EQ(co_await send_all(*pair.client, "still here", {loop.after(1s), nullptr}), IoStatus::kOk);
  pair.client->shutdown_send();
  std::string heard;
  EXPECT_EQ(co_await receive_all(*pair.server, heard, {loop.after(1s), nullptr}), IoStatus::kEof);
  EXPECT_EQ(heard, "still here");
}
TEST_P(EngineContract, AWaitMayBeDestroyedAndTheStreamGoesOn) { EXPECT_TRUE(rig.run(destroy_waiting(loop))); }

Task<void> accept_nobody(Loop& loop) {
  auto listener = loop.listen(Endpoint::loopback(0));
  const MonoTime start = loop.now();
  EXPECT_EQ(co_await accept(**listener, {loop.after(100ms), nullptr}), nullptr);
  EXPECT_LE(loop.now() - start, 100ms + late_max(loop));
  Cancel cancel;
  cancel.request();
  EXPECT_EQ(co_await accept(**listener, {Deadline::never(), &cancel}), nullptr);
}
TEST_P(EngineContract, AcceptEndsWithoutAConnection) { EXPECT_TRUE(rig.run(accept_nobody(loop))); }

Task<void> accept_many(Loop& loop) {
  auto listener = loop.listen(Endpoint::loopback(0));
  std::vector<std::unique_ptr<Stream>> clients, servers;
  for (int i = 0; i < 50; ++i) clients.push_back(std::move(*loop.open((*listener)->local())));
  for (int i = 0; i < 50; ++i) servers.push_back(co_await accept(**listener, {loop.after(2s), nullptr}));
  EXPECT_TRUE(std::ranges::all_of(servers, [](const auto& s) { return s != nullptr; }));
  listener->reset();
  EXPECT_EQ(co_await send_all(*servers[49], "x", {loop.after(1s), nullptr}), IoStatus::kOk);
}
TEST_P(EngineContract, ConnectionsOfOneEdgeAreAllAccepted) { EXPECT_TRUE(rig.run(accept_many(loop))); }

Task<void> nap(Loop& loop, Nanos length, std::vector<int>& order, int name) {
  co_await sleep(loop, length);
  order.push_back(name);
}
Task<void> sleep_in_order(Loop& loop, std::vector<int>& order) {
  const MonoTime start = loop.now();
  {
    Scope scope;
    scope.spawn(nap(loop, 30ms, order, 3));
    scope.spawn(nap(loop, 10ms, order, 1));
    scope.spawn(nap(loop, 20ms, order, 2));
    co_await scope.join();
  }
  EXPECT_GE(loop.now() - start, 30ms);
  EXPECT_LE(loop.now() - start, 80ms);
  const auto never = loop.call_at(loop.now() + 5ms, [&order] { order.push_back(99); });
  loop.call_at(loop.now() + 2ms, [&loop, never] { loop.cancel_call(never); });
  loop.cancel_call(12'345'678);
  co_await sleep(loop, 10ms);
}
TEST_P(EngineContract, SleepsEndInOrderToTheMillisecond) {
  std::vector<int> order;
  EXPECT_TRUE(rig.run(sleep_in_order(loop, order)));
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_P(EngineContract, PostRunsInOrderAndStopEndsOneRun) {
  std::vector<int> order;
  loop.post([&] {
    order.push_back(1);
    loop.post([&] {
      order.push_back(3);
      loop.stop();
    });
  });
  loop.post([&] { order.push_back(2); });
  loop.run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  loop.stop();
  loop.run();
  loop.post([&] { order.push_back(4); });
  loop.stop();
  loop.run();
  EXPECT_EQ(order.back(), 4);
}

}  // namespace
}  // namespace wye::net
