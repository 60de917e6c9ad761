// A server that is told to go: nothing in flight is lost, nobody is waited for in vain.
#include "foundation/http/http_rig.hpp"

namespace wye::http {
namespace {

class DrainTest : public testing::TestWithParam<Engine> {
 protected:
  ServerRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(All, DrainTest, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

net::Task<void> drain_into(ServerRig& rig, Nanos patience, std::optional<MonoTime>& ended) {
  co_await rig.server->drain(patience);
  // Nothing of it may be touched any more.
  rig.server.reset();
  ended = rig.loop().now();
}

net::Task<void> idle_and_busy(ServerRig& rig) {
  const net::Endpoint to = rig.endpoint();
  RawClient idle(rig.loop()), busy(rig.loop()), fresh(rig.loop()), late(rig.loop());
  EXPECT_TRUE(co_await idle.connect(to));
  EXPECT_TRUE(co_await idle.send(get("/")));
  EXPECT_TRUE(co_await idle.hear("hello"));
  EXPECT_TRUE(co_await busy.connect(to));
  EXPECT_TRUE(co_await busy.send(get("/late")));
  EXPECT_TRUE(co_await fresh.connect(to));
  co_await net::sleep(rig.loop(), 20ms);
  const MonoTime begun = rig.loop().now();
  std::optional<MonoTime> ended;
  net::Scope scope;
  scope.spawn(drain_into(rig, 10s, ended));
  EXPECT_EQ(co_await idle.hear_all(1s), net::IoStatus::kEof);
  EXPECT_LE(rig.loop().now() - begun, 100ms);
  EXPECT_FALSE(co_await late.connect(to));
  // Who had connected before gets an answer still.
  EXPECT_TRUE(co_await fresh.send(get("/fresh")));
  EXPECT_TRUE(co_await fresh.hear("hello"));
  EXPECT_TRUE(fresh.heard.contains("connection: close"));
  EXPECT_TRUE(co_await busy.hear("hello"));
  EXPECT_TRUE(busy.heard.contains("connection: close"));
  EXPECT_EQ(co_await busy.hear_all(1s), net::IoStatus::kEof);
  busy.stream.reset();
  fresh.stream.reset();
  co_await scope.join();
  EXPECT_TRUE(ended.has_value());
  EXPECT_LE(*ended - begun, 1500ms);
  EXPECT_EQ(rig.count.now(), 0u);
}
TEST_P(DrainTest, IdleIsClosedBusyIsFinished) { EXPECT_TRUE(rig.run(idle_and_busy(rig))); }

net::Task<void> out_of_patience(ServerRig& rig) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const std::string path : {"/wait", "/endless", "/wait", "/large", "/wait"}) {
    clients.push_back(std::make_unique<RawClient>(rig.loop()));
    EXPECT_TRUE(co_await clients.back()->connect(rig.endpoint()));
    EXPECT_TRUE(co_await clients.back()->send(get(path)));
  }
  // And one whose request is not complete, one within its body.
  for (const std::string bytes : {"GET / HTTP", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"}) {
    clients.push_back(std::make_unique<RawClient>(rig.loop()));
    EXPECT_TRUE(co_await clients.back()->connect(rig.endpoint()));
    EXPECT_TRUE(co_await clients.back()->send(bytes));
  }
  co_await net::sleep(rig.loop(), 50ms);
  EXPECT_EQ(rig.count.now(), clients.size());
  const MonoTime begun = rig.loop().now();
  std::optional<MonoTime> ended;
  net::Scope scope;
  scope.spawn(drain_into(rig, 500ms, ended));
  co_await scope.join();
  EXPECT_TRUE(ended.has_value());
  EXPECT_GE(*ended - begun, 500ms);
  EXPECT_LE(*ended - begun, 700ms);
  EXPECT_EQ(rig.count.now(), 0u);
  EXPECT_TRUE(rig.handler.gone_at.has_value());
}
TEST_P(DrainTest, WhoStaysTooLongIsCut) { EXPECT_TRUE(rig.run(out_of_patience(rig))); }

net::Task<void> with_nobody(ServerRig& rig) {
  const MonoTime begun = rig.loop().now();
  std::optional<MonoTime> ended;
  net::Scope scope;
  scope.spawn(drain_into(rig, 10s, ended));
  co_await scope.join();
  EXPECT_LE(*ended - begun, 100ms);
}
TEST_P(DrainTest, AnEmptyServerEndsAtOnce) { EXPECT_TRUE(rig.run(with_nobody(rig))); }

net::Task<void> one_of_many(ServerRig& rig, net::Endpoint to, int& answered) {
  RawClient client(rig.loop());
  if (!co_await client.connect(to)) co_return;
  co_await client.send(get("/late"));
  if (co_await client.hear("hello")) ++answered;
}
net::Task<void> connected_before(ServerRig& rig, int& answered) {
  const net::Endpoint to = rig.endpoint();
  net::Scope scope;
  for (int i = 0; i < 50; ++i) scope.spawn(one_of_many(rig, to, answered));
  // No turn of the loop for the accepts, or just enough for the system to have let them in.
  co_await net::sleep(rig.loop(), 1ms);
  std::optional<MonoTime> ended;
  scope.spawn(drain_into(rig, 10s, ended));
  co_await scope.join();
}
TEST(DrainEpollTest, WhoHasConnectedIsAnswered) {
  ServerRig rig(Engine::kEpoll);
  int answered = 0;
  EXPECT_TRUE(rig.run(connected_before(rig, answered)));
  EXPECT_EQ(answered, 50);
}

}  // namespace
}  // namespace wye::http
