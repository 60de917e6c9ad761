// Streams: what reaches the client and when, how they break, and who notices that the other has gone.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

const std::string kHello = event(chat_delta(R"({"role":"assistant","content":"Hel"})"));
const std::string kMore = event(chat_delta(R"({"content":"lo"})"));
const std::string kStop = event(chat_delta("{}", "\"stop\""));

class Streams : public testing::Test {
 protected:
  Reply stream(Script script, Manners manners = {}) {
    rig_.up(kOnePort).answer = [script = std::move(script)](const Asked&) { return script; };
    return rig_.ask(rig_.post("/v1/chat/completions", kChatStreamBody), manners);
  }
  std::string last_line() { return rig_.log_lines().back(); }
  GatewayRig rig_;
};

TEST_F(Streams, EachEventLeavesAtOnce) {
  const Reply reply = stream({send(stream_head() + kHello), wait(1s), send(kMore), wait(1s), send(kStop + stream_end())});
  ASSERT_EQ(reply.arrivals.size(), 3u) << reply.bytes << "the last events and the end leave together";
  EXPECT_LT(reply.arrivals[0].first - reply.begun, 10ms);
  EXPECT_NEAR(static_cast<double>((reply.arrivals[1].first - reply.arrivals[0].first).count()), 1e9, 1e8);
  EXPECT_TRUE(reply.has("cache-control: no-cache\r\n") && reply.has("x-accel-buffering: no\r\n")) << reply.head;
  EXPECT_TRUE(reply.has("content-type: text/event-stream; charset=utf-8\r\n"));
  EXPECT_FALSE(reply.has("content-length"));
  EXPECT_EQ(member(last_line(), "outcome"), "complete");
  EXPECT_EQ(member(last_line(), "usage_source"), "estimated");
}

TEST_F(Streams, CutAtEveryByteItIsTheSame) {
  const std::string whole = chat_stream("a\\u00e9\\n");
  const Reply straight = stream({send(whole)});
  EXPECT_TRUE(straight.whole);
  const auto without_times = [](std::string text) {
    const size_t at = text.find("chatcmpl-");
    const std::string id = text.substr(at, 41);
    for (size_t found = text.find(id); found != std::string::npos; found = text.find(id)) text.replace(found, id.size(), "ID");
    return text;
  };
  for (size_t at = 1; at < whole.size(); at += 7) {
    const Reply cut = stream({send(whole.substr(0, at)), wait(1ms), send(whole.substr(at))});
    ASSERT_EQ(cut.status, 200) << at << cut.bytes << rig_.process.text() << rig_.log_text();
    ASSERT_EQ(without_times(cut.body), without_times(straight.body)) << at;
  }
}

TEST_F(Streams, ABreakAfterContentIsAnErrorEventAndNoDone) {
  struct Break {
    Script script;
    std::string_view code;
  };
  const std::vector<Break> breaks = {
      {{send(stream_head() + kHello), close()}, "upstream_error"},
      {{send(stream_head() + kHello + "0\r\n\r\n")}, "upstream_error"},
      {{send(stream_head() + kHello + stream_end())}, "upstream_error"},  // [DONE] without a finish
      {{send(stream_head() + kHello + kStop + "0\r\n\r\n")}, "upstream_error"},  // a finish without [DONE]
      {{send(stream_head() + kHello + "zz\r\n")}, "upstream_error"},
      {{send(stream_head() + kHello + event("not json") + kMore)}, "upstream_error"},
      {{send(stream_head() + kHello + event(R"({"error":{"message":"canary","type":"server_error"}})") + stream_end())}, "upstream_error"},
      {{send(stream_head() + kHello), hang()}, "upstream_timeout"},
  };
  for (const Break& broken : breaks) {
    const Reply reply = stream(broken.script);
    SCOPED_TRACE(reply.body);
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.whole) << "the transfer itself ends properly";
    EXPECT_NE(reply.body.find("Hel"), std::string::npos);
    EXPECT_EQ(reply.body.find("[DONE]"), std::string::npos);
    EXPECT_EQ(reply.body.find("canary"), std::string::npos);
    const size_t error = reply.body.find("data: {\"error\":{\"message\":");
    ASSERT_NE(error, std::string::npos);
    EXPECT_EQ(member(reply.body.substr(error), "code"), broken.code);
    EXPECT_EQ(reply.body.find("\n\n", error), reply.body.size() - 2) << "it is the last";
    EXPECT_EQ(rig_.up(kTwoPort).asked.size(), 0u) << "nobody takes over once content is out";
    EXPECT_EQ(member(last_line(), "outcome"), broken.code == "upstream_timeout" ? "timeout" : "cut");
    EXPECT_EQ(member(last_line(), "status"), "200");
    EXPECT_EQ(member(last_line(), "usage_source"), "estimated");
  }
}

TEST_F(Streams, SilenceIsFilledWithCommentsOnlyAfterTheFirstEvent) {
  rig_.reload(test_configuration("", ", deadlines: {firstEvent: 10m, idle: 50s}"));
  const Reply reply = stream({send(stream_head()), wait(40s), send(kHello), wait(40s), send(kStop + stream_end())});
  EXPECT_GE(reply.arrivals.front().first - reply.begun, 40s);
  size_t comments = 0;
  for (size_t at = reply.body.find(": \n\n"); at != std::string::npos; at = reply.body.find(": \n\n", at + 1)) ++comments;
  EXPECT_EQ(comments, 2u) << reply.body;
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  // Comments do not hide that an upstream is dead.
  const Reply dead = stream({send(stream_head() + kHello), hang()});
  EXPECT_NEAR(static_cast<double>((dead.ended - dead.begun).count()), 50e9, 1e9);
  EXPECT_NE(dead.body.find("upstream_timeout"), std::string::npos);
}

TEST_F(Streams, AStreamThatNeverPausesEndsAtItsDeadline) {
  rig_.reload(test_configuration("", ", deadlines: {total: 2s}"));
  rig_.loop.set_faults({.latency_min = 1us, .latency_max = 1us});
  Script endless{send(stream_head() + kHello)};
  std::string many;
  for (int i = 0; i < 100; ++i) many += kMore;
  for (int i = 0; i < 300; ++i) {
    endless.push_back(send(many));
    endless.push_back(wait(10ms));
  }
  const Reply reply = stream(endless);
  EXPECT_LT(reply.ended - reply.begun, 2500ms);
  EXPECT_NE(reply.body.find("upstream_timeout"), std::string::npos);
  EXPECT_EQ(rig_.up(kOnePort).gone, 1u);
}

TEST_F(Streams, AClientThatLeavesTakesItsUpstreamAlong) {
  for (const bool streaming : {true, false}) {
    for (const Nanos stay : {Nanos(5ms), Nanos(700ms), Nanos(2500ms)}) {
      Script script{wait(500ms),
                    send(streaming ? stream_head() + kHello : "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"),
                    wait(1s)};
      if (streaming) script.push_back(send(kMore));
      script.push_back(hang());
      rig_.up(kOnePort).answer = [&](const Asked&) { return script; };
      const size_t before = rig_.up(kOnePort).gone;
      const Reply reply = rig_.ask(rig_.post("/v1/chat/completions", streaming ? kChatStreamBody : kChatBody), {.leave_after = stay});
      EXPECT_EQ(rig_.up(kOnePort).gone, before + 1);
      EXPECT_LT(rig_.up(kOnePort).gone_at - reply.ended, 100ms) << "seen, and closed upstream";
      EXPECT_EQ(member(last_line(), "outcome"), "client_gone");
      EXPECT_EQ(rig_.up(kTwoPort).asked.size(), 0u) << "nobody else is asked";
    }
  }
}

TEST_F(Streams, ASlowClientPausesItsUpstream) {
  rig_.loop.set_faults({.pipe_bytes = 64 << 10});
  const std::string big = event(chat_delta(R"({"content":")" + std::string(8000, 'x') + "\"}"));
  Script script{send(stream_head() + kHello)};
  for (int i = 0; i < 250; ++i) script.push_back(send(big));
  script.push_back(send(kStop + stream_end()));
  rig_.up(kOnePort).answer = [&](const Asked&) { return script; };
  Reply reply;
  rig_.begin(rig_.post("/v1/chat/completions", kChatStreamBody), reply, {.read_from = 20s});
  rig_.run_for(10s);
  EXPECT_LT(rig_.up(kOnePort).sent, size_t{512} << 10) << "two pipes and one piece, not the whole";
  rig_.finish();
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  EXPECT_GT(reply.body.size(), 250u * 8000);
  // One that never reads is cut off, its upstream too.
  Reply never;
  rig_.begin(rig_.post("/v1/chat/completions", kChatStreamBody), never, {.read_from = 300s});
  rig_.run_for(60s);
  EXPECT_EQ(rig_.up(kOnePort).gone, 1u) << rig_.log_text() << rig_.process.text();
  rig_.finish();
  EXPECT_FALSE(never.whole);
}

TEST_F(Streams, ADrainCutsWhatDoesNotEnd) {
  rig_.up(kOnePort).answer = [&](const Asked&) { return Script{send(stream_head() + kHello), hang()}; };
  Reply reply;
  rig_.begin(rig_.post("/v1/chat/completions", kChatStreamBody), reply);
  rig_.run_for(1s);
  net::Scope drain;
  rig_.gateway->drain();
  drain.spawn(rig_.server->drain(3s));
  rig_.run_for(5s);
  EXPECT_EQ(drain.size(), 0u);
  EXPECT_TRUE(reply.done);
  EXPECT_EQ(reply.body.find("[DONE]"), std::string::npos);
  EXPECT_EQ(rig_.up(kOnePort).gone, 1u);
  EXPECT_EQ(member(last_line(), "outcome"), "cut");
}

TEST_F(Streams, AReloadLeavesWhatRunsAlone) {
  rig_.up(kOnePort).answer = [&](const Asked&) { return Script{send(stream_head() + kHello), wait(2s), send(kMore + kStop + stream_end())}; };
  Reply reply;
  rig_.begin(rig_.post("/v1/chat/completions", kChatStreamBody), reply);
  rig_.run_for(1s);
  std::string text = test_configuration();
  for (size_t at = text.find("duo"); at != std::string::npos; at = text.find("duo")) text.replace(at, 3, "new");
  rig_.reload(text);
  EXPECT_EQ(rig_.ask(rig_.get("/v1/models/duo")).status, 404);
  rig_.finish();
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n")) << reply.body;
}

TEST_F(Streams, UsageIsAlwaysAskedForAndHidden) {
  const Reply hidden = stream({send(chat_stream("Hello"))});
  EXPECT_EQ(hidden.body.find("usage"), std::string::npos) << hidden.body;
  EXPECT_NE(rig_.up(kOnePort).asked[0].body.find(R"("stream_options":{"include_usage":true})"), std::string::npos) << rig_.up(kOnePort).asked[0].body;
  EXPECT_EQ(member(last_line(), "usage_source"), "upstream");
  EXPECT_EQ(member(last_line(), "prompt_tokens"), "3");
  const Reply shown = rig_.ask(rig_.post(
      "/v1/chat/completions", R"({"model":"duo","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]})"));
  EXPECT_NE(shown.body.find(R"("usage":{"prompt_tokens":3)"), std::string::npos);
}

}  // namespace
}  // namespace wye::gateway
