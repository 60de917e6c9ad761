// The retry table, row by row: what the first target does, who is asked next, what the client gets, what is remembered of the target.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kOtherAnswer =
    R"({"id":"o","object":"chat.completion","created":1,"model":"other-up","choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"Other"},"finish_reason":"stop"}]})";

std::string upstream_error(std::string_view code, std::string_view type = "t") {
  return "{\"error\":{\"message\":\"canary-words\",\"type\":\"" + std::string(type) + "\",\"code\":\"" + std::string(code) + "\"}}";
}

/// What the first target does, and what must follow. `asked`: calls at the first and the second target.
struct Row {
  const char* name;
  Script first;
  std::array<size_t, 2> asked;
  int status;                    // with the second target good
  const char* outcome;           // the mark in wye_attempts_total of the first
  const char* code = "";         // in the body of an error
  bool stream = false;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class RetryTable : public testing::TestWithParam<Row> {};

TEST_P(RetryTable, Row) {
  const Row& row = GetParam();
  GatewayRig rig;
  size_t calls = 0;
  rig.up(kOnePort).answer = [&](const Asked&) {
    ++calls;
    return row.first;
  };
  rig.up(kTwoPort).answer = [&](const Asked&) { return Script{send(row.stream ? chat_stream("Other") : json_answer(200, kOtherAnswer))}; };
  const Reply reply = rig.ask(rig.post("/v1/chat/completions", row.stream ? kChatStreamBody : kChatBody));
  EXPECT_EQ(reply.status, row.status) << reply.bytes << rig.process.text();
  EXPECT_EQ(rig.up(kOnePort).asked.size(), row.asked[0]);
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), row.asked[1]);
  if (row.status == 200) {
    EXPECT_NE(reply.body.find("Other"), std::string::npos) << reply.body;
  } else {
    EXPECT_EQ(member(reply.body, "code"), row.code) << reply.body;
  }
  const std::string series =
      "wye_attempts_total{target=\"backend/one\",outcome=\"" + std::string(row.outcome) + "\"} " + std::to_string(row.asked[0]);
  EXPECT_NE(rig.metrics.expose().find(series), std::string::npos) << series << "\n" << rig.metrics.expose();
  const auto lines = rig.log_lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(member(lines[0], "attempts"), std::to_string(row.asked[0] + row.asked[1]));
  EXPECT_EQ((reply.bytes + lines[0] + rig.process.text() + rig.metrics.expose()).find("canary"), std::string::npos);
}

const std::string kFilter =
    R"({"error":{"message":"canary","code":"content_filter","status":400,"innererror":{"content_filter_result":{"hate":{"filtered":true}}}}})";

INSTANTIATE_TEST_SUITE_P(
    All, RetryTable,
    testing::Values(Row{"ClosedBeforeAnAnswer", {close()}, {1, 1}, 200, "failure"},
                    Row{"CutInTheHead", {send("HTTP/1.1 200 OK\r\ncontent-le"), close()}, {1, 1}, 200, "failure"},
                    Row{"NoHttp", {send("220 mail.example.com ESMTP\r\n\r\n"), close()}, {1, 1}, 200, "failure"},
                    Row{"CutInTheBody",
                        {send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"id\":"), close()},
                        {1, 1},
                        200,
                        "failure"},
                    Row{"NoJson", {send(json_answer(200, "<html>canary</html>"))}, {1, 1}, 200, "failure"},
                    Row{"AnErrorObjectInside", {send(json_answer(200, upstream_error("boom")))}, {1, 1}, 200, "failure"},
                    Row{"AFilterInside", {send(json_answer(200, kFilter))}, {1, 0}, 400, "success", "content_filter"},
                    Row{"Status201", {send(json_answer(201, kChatAnswer))}, {1, 1}, 200, "failure"},
                    Row{"Status204", {send("HTTP/1.1 204 No Content\r\n\r\n")}, {1, 1}, 200, "failure"},
                    Row{"Status302", {send(json_answer(302, "{}", "location: http://127.0.0.1:21002/\r\n"))}, {1, 1}, 200, "misconfigured"},
                    Row{"Status408", {send(json_answer(408, "{}"))}, {1, 1}, 200, "failure"},
                    Row{"Status500", {send(json_answer(500, upstream_error("x")))}, {1, 1}, 200, "failure"},
                    Row{"Status502", {send(json_answer(502, "<html>canary"))}, {1, 1}, 200, "failure"},
                    Row{"Status503", {send(json_answer(503, "{}"))}, {1, 1}, 200, "failure"},
                    Row{"Status504", {send(json_answer(504, "{}"))}, {1, 1}, 200, "failure"},
                    Row{"Status409", {send(json_answer(409, "{}"))}, {2, 0}, 502, "refused", "upstream_error"},
                    Row{"Status429", {send(json_answer(429, upstream_error("rate_limit_exceeded"), "retry-after: 7\r\n"))}, {1, 1}, 200, "saturated"},
                    Row{"Status429Quota", {send(json_answer(429, upstream_error("insufficient_quota")))}, {1, 1}, 200, "out_of_quota"},
                    Row{"Status401", {send(json_answer(401, upstream_error("invalid_api_key")))}, {1, 1}, 200, "misconfigured"},
                    Row{"Status403", {send(json_answer(403, "{}"))}, {1, 1}, 200, "refused"},
                    Row{"Status403Key", {send(json_answer(403, upstream_error("AccessDenied")))}, {1, 1}, 200, "misconfigured"},
                    Row{"Status404Other", {send(json_answer(404, upstream_error("not_found")))}, {1, 1}, 200, "refused"},
                    Row{"Status404", {send(json_answer(404, upstream_error("DeploymentNotFound")))}, {1, 1}, 200, "misconfigured"},
                    Row{"Status400", {send(json_answer(400, upstream_error("x")))}, {1, 0}, 400, "success", "null"},
                    Row{"Status400Context",
                        {send(json_answer(400, upstream_error("context_length_exceeded")))},
                        {1, 0},
                        400,
                        "success",
                        "context_length_exceeded"},
                    Row{"Status400Filter", {send(json_answer(400, kFilter))}, {1, 0}, 400, "success", "content_filter"},
                    Row{"Status413", {send(json_answer(413, "{}"))}, {1, 0}, 413, "success", "request_too_large"},
                    Row{"Status422", {send(json_answer(422, upstream_error("x")))}, {1, 0}, 400, "success", "null"},
                    Row{"StreamNoFirstEvent", {send(stream_head()), hang()}, {1, 1}, 200, "failure", "", true},
                    Row{"StreamNoHead", {hang()}, {1, 1}, 200, "failure", "", true},
                    Row{"StreamOfAnotherType", {send(json_answer(200, kChatAnswer))}, {1, 1}, 200, "failure", "", true},
                    Row{"StreamEncoded", {send(stream_head("content-encoding: gzip\r\n"))}, {1, 1}, 200, "failure", "", true},
                    Row{"StreamErrorFirst", {send(stream_head() + event(upstream_error("x")) + "0\r\n\r\n")}, {1, 1}, 200, "failure", "", true},
                    Row{"StreamFilterFirst", {send(stream_head() + event(kFilter) + "0\r\n\r\n")}, {1, 0}, 400, "success", "content_filter", true},
                    Row{"StreamEmpty", {send(stream_head() + "0\r\n\r\n")}, {1, 1}, 200, "failure", "", true},
                    Row{"StreamMalformedFirst", {send(stream_head() + event("{\"id\":") + "0\r\n\r\n")}, {1, 1}, 200, "failure", "", true}),
    [](const testing::TestParamInfo<Row>& param) { return param.param.name; });

TEST(Retries, WhatATargetSaidOutlivesAReloadThatLeavesItAsItWas) {
  GatewayRig rig;
  rig.up(kTwoPort).answer = [](const Asked&) { return Script{send(json_answer(429, upstream_error("rate_limit_exceeded"), "retry-after: 60\r\n"))}; };
  const auto ask = [&] {
    return rig.ask(rig.post("/v1/chat/completions", R"({"model":"bridged","messages":[{"role":"user","content":"hi"}]})")).status;
  };
  EXPECT_EQ(ask(), 429);
  ASSERT_EQ(rig.up(kTwoPort).asked.size(), 1u);
  std::string text = test_configuration();
  rig.reload(text);
  EXPECT_GE(ask(), 429);
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), 1u) << "it asked us to wait";
  const std::string before = "deployment: small, serves: {capabilities: [chat]}";
  ASSERT_NE(text.find(before), std::string::npos);
  rig.reload(text.replace(text.find(before), before.size(), "deployment: other, serves: {capabilities: [chat]}"));
  EXPECT_EQ(ask(), 429);
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), 2u) << "another deployment has another quota";
}

TEST(Retries, AFreshTargetTakesOverWhereNobodyListens) {
  GatewayRig rig;
  rig.upstreams.erase(kOnePort);
  rig.up(kTwoPort).answer = [](const Asked&) { return Script{send(json_answer(200, kOtherAnswer))}; };
  EXPECT_EQ(rig.ask(rig.post("/v1/chat/completions", kChatBody)).status, 200);
  rig.upstreams.erase(kTwoPort);
  const Reply none = rig.ask(rig.post("/v1/chat/completions", kChatBody));
  EXPECT_EQ(none.status, 502);
  EXPECT_EQ(none.body, R"({"error":{"message":"The model could not be reached.","type":"server_error","param":null,"code":"upstream_error"}})");
  EXPECT_EQ(member(rig.log_lines().back(), "attempts"), "3");
}

TEST(Retries, TheSameTargetIsAskedAgainAfterAPauseAndNeverMoreThanAllowed) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(500, "{}"))}; };
  const Reply reply = rig.ask(rig.post("/v1/chat/completions", R"({"model":"solo","messages":[{"role":"user","content":"x"}]})"));
  EXPECT_EQ(reply.status, 502);
  ASSERT_EQ(rig.up(kOnePort).asked.size(), 3u);
  EXPECT_GT(rig.up(kOnePort).asked[1].at - rig.up(kOnePort).asked[0].at, 100us) << "a pause of full jitter";
  EXPECT_LE(rig.up(kOnePort).asked[1].at - rig.up(kOnePort).asked[0].at, 201ms);
  EXPECT_LE(rig.up(kOnePort).asked[2].at - rig.up(kOnePort).asked[1].at, 401ms);
}

TEST(Retries, AShort429IsWaitedForWhereNobodyElseIsThere) {
  GatewayRig rig;
  size_t calls = 0;
  rig.up(kOnePort).answer = [&](const Asked&) {
    return Script{send(++calls == 1 ? json_answer(429, "{}", "retry-after-ms: 1500\r\n") : json_answer(200, kChatAnswer))};
  };
  const Reply reply = rig.ask(rig.post("/v1/chat/completions", R"({"model":"solo","messages":[{"role":"user","content":"x"}]})"));
  EXPECT_EQ(reply.status, 200) << reply.bytes;
  ASSERT_EQ(rig.up(kOnePort).asked.size(), 2u);
  EXPECT_GE(rig.up(kOnePort).asked[1].at - rig.up(kOnePort).asked[0].at, 1500ms);
}

TEST(Retries, ALong429IsToldToTheClientAndRemembered) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [&](const Asked&) { return Script{send(json_answer(429, "{}", "retry-after: 20\r\n"))}; };
  const std::string body = R"({"model":"solo","messages":[{"role":"user","content":"x"}]})";
  const Reply first = rig.ask(rig.post("/v1/chat/completions", body));
  EXPECT_EQ(first.status, 429);
  EXPECT_TRUE(first.has("retry-after: 20\r\n")) << first.head;
  EXPECT_TRUE(first.has("retry-after-ms: 20000\r\n")) << first.head;
  rig.run_for(4s);
  const Reply second = rig.ask(rig.post("/v1/chat/completions", body));
  EXPECT_EQ(second.status, 503);
  EXPECT_EQ(member(second.body, "code"), "server_is_overloaded");
  EXPECT_TRUE(second.has("retry-after: 16\r\n")) << second.head;
  EXPECT_EQ(rig.up(kOnePort).asked.size(), 1u);
  rig.run_for(17s);
  rig.up(kOnePort).answer = [&](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  EXPECT_EQ(rig.ask(rig.post("/v1/chat/completions", body)).status, 200);
}

struct Hint {
  const char* fields;
  std::string_view expected;
};
TEST(Retries, EveryKindOfHintIsRead) {
  for (const Hint hint : {Hint{"retry-after-ms: 7250\r\n", "retry-after-ms: 7250\r\n"}, Hint{"retry-after: 9\r\n", "retry-after-ms: 9000\r\n"},
                          Hint{"date: Mon, 23 Nov 2026 15:00:00 GMT\r\nretry-after: Mon, 23 Nov 2026 15:00:30 GMT\r\n", "retry-after-ms: 30000\r\n"},
                          Hint{"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 6s\r\n", "retry-after-ms: 6000\r\n"},
                          Hint{"", "retry-after-ms: 1000\r\n"}}) {
    GatewayRig rig;
    rig.up(kOnePort).answer = [&](const Asked&) { return Script{send(json_answer(429, "{}", hint.fields))}; };
    const Reply reply = rig.ask(rig.post("/v1/chat/completions", R"({"model":"solo","messages":[{"role":"user","content":"x"}]})"));
    EXPECT_EQ(reply.status, 429) << hint.fields;
    EXPECT_TRUE(reply.has(hint.expected)) << hint.fields << reply.head;
  }
}

TEST(Retries, OurOwnWrongKeyTellsClientsNotToComeBack) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(401, upstream_error("invalid_api_key")))}; };
  const Reply reply = rig.ask(rig.post("/v1/chat/completions", R"({"model":"solo","messages":[{"role":"user","content":"x"}]})"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(member(reply.body, "code"), "upstream_auth_unavailable");
  EXPECT_TRUE(reply.has("x-should-retry: false\r\n")) << reply.head;
  EXPECT_FALSE(reply.has("www-authenticate"));
}

TEST(Retries, WhatIsNotFreeOfEffectsIsNotSentTwice) {
  GatewayRig rig({.configuration = test_configuration("", ", request: {storeUpstream: true}")});
  rig.up(kOnePort).answer = [](const Asked&) { return Script{close()}; };
  const Reply reply = rig.ask(rig.post("/v1/responses", R"({"model":"duo","input":"x"})"));
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(rig.up(kOnePort).asked.size(), 1u);
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), 0u);
}

TEST(Retries, ADeadPooledConnectionIsReplacedUnseen) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [&](const Asked&) { return Script{send(json_answer(200, kChatAnswer)), wait(50ms), close()}; };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(rig.ask(rig.post("/v1/chat/completions", kChatBody)).status, 200);
    rig.run_for(std::chrono::milliseconds(i * 20));
  }
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), 0u);
}

TEST(Retries, TheDeadlineOfTheWholeEndsEverything) {
  GatewayRig rig({.configuration = test_configuration("", ", deadlines: {total: 3s, firstEvent: 2s}")});
  rig.up(kOnePort).answer = rig.up(kTwoPort).answer = [](const Asked&) { return Script{hang()}; };
  const Reply unary = rig.ask(rig.post("/v1/chat/completions", kChatBody));
  EXPECT_EQ(unary.status, 504);
  EXPECT_NEAR(static_cast<double>((unary.ended - unary.begun).count()), 3e9, 3e8);
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), 0u) << "a unary call has only the deadline of the whole";
  const Reply stream = rig.ask(rig.post("/v1/chat/completions", kChatStreamBody));
  EXPECT_EQ(stream.status, 504);
  EXPECT_NEAR(static_cast<double>((stream.ended - stream.begun).count()), 3e9, 3e8);
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), 1u);
  EXPECT_EQ(rig.up(kOnePort).gone, 2u) << "given up upstream too";
  EXPECT_EQ(member(rig.log_lines().back(), "outcome"), "timeout");
}

}  // namespace
}  // namespace wye::gateway
