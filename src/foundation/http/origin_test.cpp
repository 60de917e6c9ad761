// The pool of connections: when one serves again, and when never.
#include "foundation/http/upstream_rig.hpp"

namespace wye::http {
namespace {

class OriginTest : public testing::TestWithParam<Engine> {
 protected:
  Rig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(All, OriginTest, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

net::Task<void> reuse(Rig& rig) {
  Upstream upstream(rig, {{{{ok("one")}},
                           {{ok("")}},
                           {{kChunked + "3\r\ntwo\r\n2;x\r\n!!\r\n0\r\nt: v\r\n\r\n"}},
                           {{kChunked, "1\r\n3", "\r\n0\r\n\r", "\n"}},
                           {{"HTTP/1.1 204 No Content\r\n\r\n"}},
                           {{ok("four")}}}});
  Caller caller(rig, upstream);
  for (const std::string_view body : {"one", "", "two!!", "3", "", "four"}) {
    const Answer answer = co_await caller.call();
    EXPECT_FALSE(answer.error) << body;
    EXPECT_EQ(answer.body, body);
    EXPECT_EQ(answer.stage, CallStage::kDone);
    EXPECT_EQ(caller.origin.idle(), 1u) << body;
  }
  EXPECT_EQ(upstream.connections, 1u);
  EXPECT_EQ(upstream.requests.size(), 6u);
}
TEST_P(OriginTest, AConnectionServesAgainAfterExactFraming) { EXPECT_TRUE(rig.run(reuse(rig))); }

net::Task<void> not_again(Rig& rig) {
  const std::vector<std::pair<std::string, bool>> answers = {
      {ok("a", "connection: close\r\n"), false},
      {"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na", false},
      {ok("a") + "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", false},
      {kChunked + "1\r\na\r\n0\r\n\r\nx", false},
      {"HTTP/1.1 200 OK\r\n\r\na", true},  // until close
  };
  for (const auto& [text, close] : answers) {
    Upstream upstream(rig, {{{{text}, close}}, {{{ok("good")}}}});
    Caller caller(rig, upstream);
    const Answer answer = co_await caller.call();
    EXPECT_EQ(answer.body, "a") << text;
    EXPECT_EQ(answer.stage, CallStage::kDone);
    co_await net::sleep(rig.loop(), 20ms);
    const Answer second = co_await caller.call();
    EXPECT_EQ(second.body, "good") << text;
    EXPECT_FALSE(second.reused) << text;
    EXPECT_EQ(upstream.connections, 2u) << text;
  }
}
TEST_P(OriginTest, AConnectionThatEndsOrSaysTooMuchIsNotUsedAgain) { EXPECT_TRUE(rig.run(not_again(rig))); }

net::Task<void> idle_dies(Rig& rig) {
  Upstream upstream(
      rig, {{{{ok("a")}, true}}, {{{ok("b")}}, {{"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"}, false, false}}, {{{ok("c")}}}});
  Caller caller(rig, upstream);
  EXPECT_EQ((co_await caller.call()).body, "a");
  co_await net::sleep(rig.loop(), 50ms);
  EXPECT_EQ(caller.origin.idle(), 0u);  // it left by itself
  EXPECT_EQ((co_await caller.call(false)).body, "b");
  // What nobody asked for makes it useless.
  co_await net::sleep(rig.loop(), 50ms);
  const Answer answer = co_await caller.call(false);
  EXPECT_EQ(answer.body, "c");
  EXPECT_FALSE(answer.reused);
}
TEST_P(OriginTest, AnIdleConnectionThatIsDisturbedIsNotUsed) { EXPECT_TRUE(rig.run(idle_dies(rig))); }

net::Task<void> keep_alive_race(Rig& rig, bool replayable) {
  // Closed with the second request, unanswered.
  Upstream upstream(rig, {{{{ok("a")}}, {{}, true}}, {{{ok("b")}}}});
  Caller caller(rig, upstream);
  EXPECT_EQ((co_await caller.call()).body, "a");
  const Answer answer = co_await caller.call(replayable);
  if (replayable) {
    EXPECT_EQ(answer.body, "b");
    EXPECT_FALSE(answer.reused);
    EXPECT_EQ(upstream.requests.size(), 3u);
  } else {
    EXPECT_EQ(answer.error, ErrorCode::kUpstreamFailed);
    EXPECT_EQ(answer.stage, CallStage::kSent);
    EXPECT_TRUE(answer.reused);
    EXPECT_EQ(upstream.connections, 1u);
  }
}
TEST_P(OriginTest, AKeepAliveRaceIsRunOnceMore) {
  EXPECT_TRUE(rig.run(keep_alive_race(rig, true)));
  EXPECT_TRUE(rig.run(keep_alive_race(rig, false)));
}

net::Task<void> no_second_replay(Rig& rig) {
  Upstream upstream(rig, {{{{ok("a")}}, {{}, true}}, {{{}, true}}, {{{ok("never")}}}});
  Caller caller(rig, upstream);
  EXPECT_EQ((co_await caller.call()).body, "a");
  EXPECT_EQ((co_await caller.call()).error, ErrorCode::kUpstreamFailed);
  EXPECT_EQ(upstream.connections, 2u);
  // A fresh connection that dies unanswered is no race, and half an answer is an answer.
  Upstream fresh(rig, {{{{}, true}}, {{{ok("a")}}, {{"HTTP/1.1 2"}, true}}, {{{ok("never")}}}});
  Caller other(rig, fresh);
  EXPECT_EQ((co_await other.call()).error, ErrorCode::kUpstreamFailed);
  EXPECT_EQ((co_await other.call()).body, "a");
  const Answer half = co_await other.call();
  EXPECT_EQ(half.error, ErrorCode::kUpstreamFailed);
  EXPECT_EQ(half.stage, CallStage::kAnswering);
  EXPECT_EQ(fresh.connections, 2u);
}
TEST_P(OriginTest, NothingElseIsRepeated) { EXPECT_TRUE(rig.run(no_second_replay(rig))); }

net::Task<void> hundred(Rig& rig) {
  std::vector<Act> acts(100, Act{{ok("x")}});
  acts.back() = Act{{ok("x", "connection: close\r\n")}, true};
  Upstream upstream(rig, {acts, acts, acts});
  Caller caller(rig, upstream);
  for (int i = 0; i < 250; ++i) {
    const Answer answer = co_await caller.call(false);
    EXPECT_EQ(answer.body, "x") << i;
    EXPECT_EQ(answer.reused, i % 100 != 0) << i;
  }
  EXPECT_EQ(upstream.connections, 3u);
}
TEST_P(OriginTest, AServerThatTakesAHundredEach) { EXPECT_TRUE(rig.run(hundred(rig))); }

net::Task<void> sweep(Rig& rig) {
  Upstream upstream(rig, {{{{ok("a")}}}});
  Caller caller(rig, upstream);
  EXPECT_EQ((co_await caller.call()).body, "a");
  co_await net::sleep(rig.loop(), 29s);
  EXPECT_EQ(caller.origin.idle(), 1u);
  co_await net::sleep(rig.loop(), 2s);
  EXPECT_EQ(caller.origin.idle(), 0u);
  EXPECT_EQ(upstream.gone, 1u);
}
TEST(OriginSimTest, AnIdleConnectionIsKeptHalfAMinute) {
  Rig rig(Engine::kSim);
  EXPECT_TRUE(rig.run(sweep(rig)));
}

}  // namespace
}  // namespace wye::http
