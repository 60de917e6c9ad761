// Single calls of the client, over sockets and over both simulated networks.
#include "foundation/http/head_cases.hpp"
#include "foundation/http/upstream_rig.hpp"

namespace wye::http {
namespace {

class ClientTest : public testing::TestWithParam<Engine> {
 protected:
  Rig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(All, ClientTest, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

net::Task<void> interim(Rig& rig) {
  const std::string early = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
  std::string eight, nine = early;
  for (int i = 0; i < 8; ++i) eight += i % 2 == 0 ? "HTTP/1.1 100 Continue\r\n\r\n" : early;
  nine += eight;
  Upstream upstream(rig, {{{{eight + ok("a")}}, {{early, early + "HTTP/1.1 2", "00 OK\r\ncontent-length: 1\r\n\r\nb"}}},
                          {{{nine + ok("c")}}},
                          {{{"HTTP/1.1 101 Switching Protocols\r\n\r\n"}}},
                          {{{early}, true}}});
  Caller caller(rig, upstream);
  EXPECT_EQ((co_await caller.call()).body, "a");
  EXPECT_EQ((co_await caller.call()).body, "b");
  caller.origin.close_idle();
  for (int i = 0; i < 3; ++i) {
    const Answer answer = co_await caller.call();
    EXPECT_EQ(answer.error, ErrorCode::kUpstreamFailed) << i;
    EXPECT_EQ(answer.stage, CallStage::kAnswering) << i;
    EXPECT_EQ(caller.origin.idle(), 0u);
  }
}
TEST_P(ClientTest, InterimAnswersAreSkippedWithinBounds) { EXPECT_TRUE(rig.run(interim(rig))); }

net::Task<void> cuts(Rig& rig) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", "abc"},
      {kChunked + "3\r\nabc\r\n", "abc"},
      {kChunked + "3\r\nabc\r\n0\r\n", "abc"},
      {kChunked + "3\r\nabc\r\nzz\r\n", "abc"},
      {kChunked + "3\r\nabcd\r\n", "abc"},
  };
  for (const auto& [text, body] : answers) {
    Upstream upstream(rig, {{{{text}, true}}});
    Caller caller(rig, upstream);
    const Answer answer = co_await caller.call();
    EXPECT_EQ(answer.status, 200) << text;
    EXPECT_EQ(answer.body, body) << text;  // what was good came through
    EXPECT_EQ(answer.error, ErrorCode::kUpstreamFailed) << text;
    EXPECT_EQ(caller.origin.idle(), 0u);
  }
}
TEST_P(ClientTest, ACutBodyIsNeverAWholeOne) { EXPECT_TRUE(rig.run(cuts(rig))); }

net::Task<void> data_and_end(Rig& rig) {
  // Bytes and the end of the connection in one event, more often than luck allows.
  for (int i = 0; i < 30; ++i) {
    const std::string body(static_cast<size_t>(i) * 100, 'x');
    Upstream upstream(rig, {{{{"HTTP/1.1 200 OK\r\n\r\n" + body}, true}}});
    Caller caller(rig, upstream);
    const MonoTime begun = rig.loop().now();
    const Answer answer = co_await caller.call();
    EXPECT_EQ(answer.body, body);
    EXPECT_FALSE(answer.error);
    EXPECT_LE(rig.loop().now() - begun, 2s);  // the end was not waited for in vain
  }
}
TEST_P(ClientTest, TheEndBehindTheLastBytesIsSeen) { EXPECT_TRUE(rig.run(data_and_end(rig))); }

net::Task<void> heads(Rig& rig) {
  Upstream upstream(rig, {{{{"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"}}, {{kChunked}}, {{ok("a")}}}});
  Caller caller(rig, upstream);
  for (int i = 0; i < 2; ++i) {
    const Answer answer = co_await caller.call(true, true, "HEAD /x HTTP/1.1\r\nhost: a\r\n\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "");
  }
  EXPECT_EQ((co_await caller.call()).body, "a");
  EXPECT_EQ(upstream.connections, 1u);
}
TEST_P(ClientTest, HeadHasNoBody) { EXPECT_TRUE(rig.run(heads(rig))); }

net::Task<void> early_answer(Rig& rig) {
  const std::string body(8 << 20, 'b');
  const std::string request = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  for (const bool close : {false, true}) {
    Act act{{"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno"}, close};
    Upstream upstream(rig, {{act, {{ok("never")}, false, true, false}}});
    Caller caller(rig, upstream);
    const MonoTime begun = rig.loop().now();
    // Closing with bytes unread resets: then the answer may be lost, but not the time.
    const Answer answer = co_await caller.call(false, false, request);
    if (!close) {
      EXPECT_EQ(answer.status, 413);
      EXPECT_EQ(answer.body, "no");
    } else {
      EXPECT_TRUE(answer.status == 413 || answer.error == ErrorCode::kUpstreamFailed);
    }
    EXPECT_LE(rig.loop().now() - begun, 3s);
    EXPECT_EQ(caller.origin.idle(), 0u);  // half a request lies in it
  }
}
TEST(ClientEpollTest, AnEarlyAnswerEndsTheSending) {
  Rig rig(Engine::kEpoll);
  EXPECT_TRUE(rig.run(early_answer(rig)));
}
TEST(ClientSimTest, AnEarlyAnswerEndsTheSending) {
  Rig rig(Engine::kSim);
  EXPECT_TRUE(rig.run(early_answer(rig)));
}

net::Task<void> use_scratch(Rig& rig) {
  auto listener = rig.loop().listen(net::Endpoint::loopback(0));
  auto client = rig.loop().open((*listener)->local());
  co_await net::await_connected(**client, rig.in(1s));
  auto server = co_await net::accept(**listener, rig.in(1s));
  const std::string other(60'000, '!');
  const iovec piece = net::piece(other);
  for (size_t sent = 0; sent < other.size();) {
    const net::Io io = co_await net::send_gather(**client, {&piece, 1}, rig.in(1ms));
    sent += io.n;
    const net::Io got = co_await net::receive_some(*server, rig.loop().scratch(), rig.in(1s));
    if (!got || !io) break;
  }
}
net::Task<void> suspended_between(Rig& rig) {
  // Other coroutines receive into the loop's scratch between the head and the first read.
  Upstream upstream(rig, {{{{kChunked + "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n", "4\r\nfour\r\n0\r\n\r\n"}}}});
  Caller caller(rig, upstream);
  ClientCall call(caller.origin);
  const iovec piece = net::piece(kGet);
  EXPECT_TRUE(co_await call.exchange({{&piece, 1}}, rig.in(5s), true));
  co_await use_scratch(rig);
  EXPECT_EQ(call.head().value("transfer-encoding"), "chunked");
  std::string body;
  for (bool last = false; !last;) {
    auto got = co_await call.read(rig.in(5s));
    EXPECT_TRUE(got.has_value());
    if (!got) break;
    last = got->last;
    body += got->bytes;
    co_await use_scratch(rig);
  }
  EXPECT_EQ(body, "onetwothreefour");
}
TEST_P(ClientTest, WhatWaitsToBeReadIsNobodyElsesMemory) { EXPECT_TRUE(rig.run(suspended_between(rig))); }

net::Task<void> together(Rig& rig) {
  Upstream upstream(rig, {{{{kChunked + "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"}}}});
  Caller caller(rig, upstream);
  ClientCall call(caller.origin);
  const iovec piece = net::piece(kGet);
  EXPECT_TRUE(co_await call.exchange({{&piece, 1}}, rig.in(5s), true));
  EXPECT_TRUE(call.ready());
  const auto got = call.read_ready();
  EXPECT_TRUE(got && got->last);
  if (got) EXPECT_EQ(got->bytes, "onetwothree");
}
TEST(ClientSimTest, ChunksThatCameTogetherAreOnePiece) {
  Rig rig(Engine::kSim);
  EXPECT_TRUE(rig.run(together(rig)));
}

net::Task<void> bounded(Rig& rig) {
  Upstream upstream(rig, {{{{}, false}}, {{{"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"}}}, {{{}, false}}});
  Caller caller(rig, upstream);
  MonoTime begun = rig.loop().now();
  Answer answer = co_await caller.call(true, false, kGet, 300ms);
  EXPECT_EQ(answer.error, ErrorCode::kUpstreamTimeout);
  EXPECT_EQ(answer.stage, CallStage::kSent);
  EXPECT_LE(rig.loop().now() - begun, 700ms);
  answer = co_await caller.call(true, false, kGet, 300ms);
  EXPECT_EQ(answer.error, ErrorCode::kUpstreamTimeout);
  EXPECT_EQ(answer.body, "abc");
  // Cancelled: the upstream sees the end within a tenth of a second.
  co_await net::sleep(rig.loop(), 50ms);
  const size_t gone = upstream.gone;
  net::Cancel cancel;
  const auto token = rig.loop().call_at(rig.loop().now() + 50ms, [&] { cancel.request(); });
  {
    ClientCall call(caller.origin);
    const iovec piece = net::piece(kGet);
    const Result<void> result = co_await call.exchange({{&piece, 1}}, {rig.loop().after(1h), &cancel}, true);
    EXPECT_FALSE(result);
    if (!result) EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  }
  rig.loop().cancel_call(token);
  begun = rig.loop().now();
  while (upstream.gone == gone && rig.loop().now() - begun < 1s) co_await net::sleep(rig.loop(), 1ms);
  EXPECT_LE(rig.loop().now() - begun, 100ms);
}
TEST_P(ClientTest, EveryWaitIsBoundAndCancelled) { EXPECT_TRUE(rig.run(bounded(rig))); }

net::Task<void> unreachable(Rig& rig) {
  net::Endpoint nowhere;
  {
    const auto listener = rig.loop().listen(net::Endpoint::loopback(0));
    nowhere = (*listener)->local();
  }
  Caller caller(rig, nowhere);
  const Answer answer = co_await caller.call();
  EXPECT_EQ(answer.error, ErrorCode::kUpstreamFailed);
  EXPECT_EQ(answer.stage, CallStage::kNotSent);
}
TEST_P(ClientTest, NobodyThereIsNotSent) { EXPECT_TRUE(rig.run(unreachable(rig))); }

net::Task<void> head_table(Rig& rig, bool everywhere) {
  for (const HeadCase& c : response_head_cases()) {
    std::vector<size_t> cuts = cuts_of(c.bytes);
    if (!everywhere || c.bytes.size() > 2000) cuts = {c.bytes.size() / 2};
    for (const size_t cut : cuts) {
      Upstream upstream(rig, {{{{c.bytes.substr(0, cut), c.bytes.substr(cut)}, true}}});
      Caller caller(rig, upstream);
      const Answer answer = co_await caller.call();
      if (c.error) {
        EXPECT_FALSE(answer.head) << c.rule << " cut at " << cut;
        EXPECT_EQ(answer.error, ErrorCode::kUpstreamFailed) << c.rule;
        EXPECT_EQ(answer.stage, CallStage::kAnswering) << c.rule;
      } else {
        EXPECT_TRUE(answer.head) << c.rule << " cut at " << cut;
        EXPECT_TRUE(c.meaning.starts_with(std::to_string(answer.status))) << c.rule;
      }
      if (testing::Test::HasFailure()) co_return;
    }
  }
}
TEST(ClientSimTest, HeadsByTheTableCutEverywhere) {
  Rig rig(Engine::kSim);
  EXPECT_TRUE(rig.run(head_table(rig, true)));
}
TEST_P(ClientTest, HeadsByTheTable) { EXPECT_TRUE(rig.run(head_table(rig, false))); }

}  // namespace
}  // namespace wye::http
