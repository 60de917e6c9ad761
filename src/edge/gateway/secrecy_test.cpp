// What must not travel: secrets and content planted everywhere, looked for everywhere else.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

/// Headers that a client may try; none of them goes upstream, none is logged.
constexpr std::array<std::string_view, 24> kClientHeaders = {"cookie",
                                                             "x-api-key",
                                                             "proxy-authorization",
                                                             "x-forwarded-for",
                                                             "x-forwarded-host",
                                                             "forwarded",
                                                             "x-real-ip",
                                                             "via",
                                                             "x-ms-client-principal",
                                                             "x-ms-region",
                                                             "x-policy-id",
                                                             "aoai-evals",
                                                             "ocp-apim-trace",
                                                             "openai-organization",
                                                             "openai-project",
                                                             "x-stainless-lang",
                                                             "x-wye-target",
                                                             "x-wye-arm",
                                                             "traceparent",
                                                             "tracestate",
                                                             "x-request-id",
                                                             "x-user-id",
                                                             "idempotency-key",
                                                             "x-original-url"};

std::string planted_fields() {
  std::string fields;
  for (const std::string_view name : kClientHeaders) fields += std::string(name) + ": canary-header-" + std::string(name) + "\r\n";
  return fields;
}
const std::string kPlantedBody = R"("messages":[{"role":"user","content":"canary-prompt"}],"user":"canary-user","safety_identifier":"canary-safety",)"
                                 R"("prompt_cache_key":"canary-cache",)"
                                 R"("metadata":{"k":"canary-metadata"},"stop":["canary-stop"],"x_unknown":"canary-unknown"})";
const std::string kPlantedAnswerFields =
    "set-cookie: canary-answer-cookie\r\nserver: canary-answer-server\r\nx-ms-region: canary-answer-region\r\nlocation: canary-answer-location\r\n"
    "openai-organization: canary-answer-organization\r\nwww-authenticate: canary-answer-challenge\r\nx-custom: canary-answer-custom\r\n";
const std::string kPlantedError =
    R"({"error":{"message":"canary-error: key canary-upstream-key-one at canary-host.internal said canary-prompt","type":"canary-type",)"
    R"("param":"canary param","code":"canary-code"}})";

class Secrecy : public testing::Test {
 protected:
  /// Whatever the upstream does, its secrets and words stay away from client, logs and metrics.
  void expect_nothing_leaks(const Script& script, bool streaming) {
    rig_.up(kOnePort).answer = rig_.up(kTwoPort).answer = [&](const Asked&) { return script; };
    const std::string body = std::string("{\"model\":\"duo\",\"stream\":") + (streaming ? "true," : "false,") + kPlantedBody;
    const Reply reply = rig_.ask(rig_.post("/v1/chat/completions", body, planted_fields()));
    EXPECT_EQ(reply.bytes.find("canary"), std::string::npos) << reply.bytes;
    EXPECT_EQ(rig_.log_text().find("canary"), std::string::npos) << rig_.log_text();
    EXPECT_EQ(rig_.process.text().find("canary"), std::string::npos) << rig_.process.text();
    EXPECT_EQ(rig_.metrics.expose().find("canary"), std::string::npos);
    for (const std::string& text : {rig_.log_text(), rig_.process.text(), reply.bytes, rig_.metrics.expose()})
      EXPECT_EQ(text.find(rig_.key), std::string::npos);
    rig_.run_for(std::chrono::minutes(6));  // nobody is set aside any more
  }
  GatewayRig rig_;
};

TEST_F(Secrecy, InAnswers) {
  expect_nothing_leaks({send(json_answer(200, kChatAnswer, kPlantedAnswerFields))}, false);
  expect_nothing_leaks({send(chat_stream("Hello", kPlantedAnswerFields))}, true);
}

TEST_F(Secrecy, InErrorsOfEveryStatus) {
  for (const int status : {201, 302, 400, 401, 403, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 599}) {
    SCOPED_TRACE(status);
    expect_nothing_leaks({send(json_answer(status, kPlantedError, kPlantedAnswerFields))}, false);
    expect_nothing_leaks({send(json_answer(status, "canary-not-json", kPlantedAnswerFields))}, true);
  }
}

TEST_F(Secrecy, InBrokenAnswers) {
  const std::string hello = event(chat_delta(R"({"content":"Hel"})"));
  expect_nothing_leaks({send(json_answer(200, kPlantedError))}, false);
  expect_nothing_leaks({send(json_answer(200, "canary"))}, false);
  expect_nothing_leaks({send("HTTP/1.1 canary\r\n\r\n"), close()}, false);
  expect_nothing_leaks({send("HTTP/1.1 200 OK\r\ncanary : 1\r\n\r\n"), close()}, false);
  expect_nothing_leaks({send(stream_head() + event(kPlantedError) + "0\r\n\r\n")}, true);
  expect_nothing_leaks({send(stream_head() + hello + event(kPlantedError) + "0\r\n\r\n")}, true);
  expect_nothing_leaks({send(stream_head() + hello + event("canary")), close()}, true);
  expect_nothing_leaks({send(stream_head() + hello), close()}, true);
}

TEST_F(Secrecy, OfClientHeadersNothingGoesUpstreamUnasked) {
  rig_.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  rig_.ask(rig_.post("/v1/chat/completions", "{\"model\":\"duo\"," + kPlantedBody, planted_fields()));
  ASSERT_EQ(rig_.up(kOnePort).asked.size(), 1u);
  const Asked& asked = rig_.up(kOnePort).asked[0];
  EXPECT_EQ(asked.head.find("canary-header"), std::string::npos) << asked.head;
  EXPECT_EQ(asked.head.find(rig_.key), std::string::npos);
  EXPECT_NE(asked.head.find("authorization: Bearer " + std::string(kSecretOfOne) + "\r\n"), std::string::npos);
  for (const std::string_view word : {"canary-user", "canary-safety", "canary-metadata"})
    EXPECT_EQ(asked.body.find(word), std::string::npos) << asked.body;
  EXPECT_EQ(asked.body.find("\"canary-cache\""), std::string::npos) << "only with a prefix of the tenant";
  EXPECT_NE(asked.body.find("canary-prompt"), std::string::npos);
}

TEST_F(Secrecy, ALocalModelIsAskedWithTheKeyOfItsProcessAndNobodyElseSeesIt) {
  rig_.local_key = std::make_shared<Secret>("canary-process-key");
  rig_.reload(test_configuration());
  rig_.up(kLocalPort).answer = [](const Asked&) { return Script{send(chat_stream("Hello"))}; };
  rig_.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  const std::string body = R"({"model":"local","messages":[{"role":"user","content":"hi"}]})";
  const Reply reply = rig_.ask(rig_.post("/v1/chat/completions", body));
  EXPECT_EQ(reply.status, 200) << reply.bytes;
  ASSERT_EQ(rig_.up(kLocalPort).asked.size(), 1u);
  EXPECT_NE(rig_.up(kLocalPort).asked[0].head.find("authorization: Bearer canary-process-key\r\n"), std::string::npos);
  rig_.ask(rig_.post("/v1/chat/completions", kChatBody));
  EXPECT_EQ(rig_.up(kOnePort).asked.at(0).head.find("canary-process-key"), std::string::npos);
  for (const std::string& text : {rig_.log_text(), rig_.process.text(), reply.bytes, rig_.metrics.expose()})
    EXPECT_EQ(text.find("canary"), std::string::npos) << text;
}

TEST_F(Secrecy, ForwardHeadersAreAnAllowList) {
  rig_.reload(test_configuration("", ", request: {forwardHeaders: [x-user-id, x-team]}"));
  rig_.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  rig_.ask(rig_.post("/v1/chat/completions", kChatBody, planted_fields() + "x-team: blue\r\nX-Other: no\r\n"));
  const std::string& head = rig_.up(kOnePort).asked.at(0).head;
  EXPECT_NE(head.find("x-user-id: canary-header-x-user-id\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("x-team: blue\r\n"), std::string::npos);
  EXPECT_EQ(head.find("x-other"), std::string::npos);
}

TEST_F(Secrecy, KeysOfCallersThatFailAreNotWrittenDown) {
  for (const std::string_view key : {"canary-key", "wye_live_canarycanary_canarycanarycanary", "Bearer canary"}) {
    const Reply reply = rig_.ask("GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\napi-key: " + std::string(key) + "\r\n\r\n");
    EXPECT_EQ(reply.status, 401);
  }
  const Reply path = rig_.ask(rig_.get("/v1/canary-path?canary-query"));
  EXPECT_EQ(path.status, 404);
  EXPECT_EQ((rig_.log_text() + rig_.process.text() + rig_.metrics.expose() + path.bytes).find("canary"), std::string::npos);
}

}  // namespace
}  // namespace wye::gateway
