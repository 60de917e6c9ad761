// Every way a request is turned away before anything is sent: status, body, headers, and that nothing went upstream.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

std::string error_text(std::string_view message, std::string_view type, std::string_view param, std::string_view code) {
  const auto quoted = [](std::string_view text) { return text == "null" ? std::string(text) : "\"" + std::string(text) + "\""; };
  return "{\"error\":{\"message\":\"" + std::string(message) + "\",\"type\":\"" + std::string(type) + "\",\"param\":" + quoted(param) +
         ",\"code\":" + quoted(code) + "}}";
}
constexpr std::string_view kInvalid = "invalid_request_error";

class Refusals : public testing::Test {
 protected:
  std::string raw(std::string_view line, std::string_view fields, std::string_view body = "") const {
    return std::string(line) + " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" + std::string(fields) +
           (body.empty() ? "" : "content-length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + std::string(body);
  }
  std::string bearer() const { return "authorization: Bearer " + rig_.key + "\r\n"; }
  size_t upstream_calls() {
    size_t calls = 0;
    for (const auto& [port, upstream] : rig_.upstreams) calls += upstream->connections;
    return calls;
  }
  void expect(const std::string& bytes, int status, std::string_view body) {
    const size_t before = rig_.log_lines().size();
    const Reply reply = rig_.ask(bytes);
    EXPECT_EQ(reply.status, status) << bytes << reply.bytes;
    EXPECT_EQ(reply.body, body) << bytes;
    EXPECT_TRUE(reply.whole);
    EXPECT_TRUE(reply.has("x-request-id: req_")) << reply.head;
    EXPECT_TRUE(reply.has("content-type: application/json\r\n")) << reply.head;
    EXPECT_EQ(upstream_calls(), 0u);
    const auto lines = rig_.log_lines();
    ASSERT_EQ(lines.size(), before + 1) << bytes;
    EXPECT_EQ(member(lines.back(), "status"), std::to_string(status));
    last_ = reply;
    line_ = lines.back();
  }
  GatewayRig rig_;
  Reply last_;
  std::string line_;
};

TEST_F(Refusals, PathsMethodsAndTypes) {
  const std::string json = "content-type: application/json\r\n";
  const std::string no_path = error_text("Unknown request URL.", kInvalid, "null", "unknown_path");
  for (const std::string_view path : {"/", "/v1", "/v1/", "/v1/models/", "/v1/modelsx", "/v1/chat", "/v1/files", "/V1/models", "/openai",
                                      "/openai/chat/completions?api-version=2024-10-21", "/openai/deployments/duo/responses?api-version=2024-10-21",
                                      "/openai/deployments//chat/completions?api-version=2024-10-21",
                                      "/openai/deployments/duo?api-version=2024-10-21", "/metrics", "/admin/v1/config"}) {
    SCOPED_TRACE(path);
    const Reply reply = rig_.ask(raw("GET " + std::string(path), bearer()));
    if (reply.status == 400) continue;  // `//` breaks the grammar of targets
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.body, no_path);
  }
  const std::string no_method = error_text("The method is not allowed for this URL.", kInvalid, "null", "method_not_allowed");
  expect(raw("GET /v1/chat/completions", bearer()), 405, no_method);
  EXPECT_TRUE(last_.has("allow: POST\r\n")) << last_.head;
  expect(raw("DELETE /v1/models", bearer()), 405, no_method);
  EXPECT_TRUE(last_.has("allow: GET, HEAD\r\n")) << last_.head;
  expect(raw("PUT /openai/v1/responses", bearer()), 405, no_method);
  EXPECT_TRUE(last_.has("allow: POST\r\n"));
  const std::string no_type = error_text("The content type is not supported; send application/json.", kInvalid, "null", "unsupported_media_type");
  expect(raw("POST /v1/chat/completions", bearer() + "content-type: text/plain\r\n", kChatBody), 415, no_type);
  expect(raw("POST /v1/chat/completions", bearer(), kChatBody), 415, no_type);
  expect(raw("POST /v1/chat/completions", bearer() + "content-type: application/json5\r\n", kChatBody), 415, no_type);
  const std::string no_version = error_text("The api-version is missing or not served.", kInvalid, "null", "unknown_api_version");
  for (const std::string_view query :
       {"", "?api-version=", "?api-version=2099-01-01", "?api-version=v1", "?api-version=2024-10-21&api-version=2024-10-21"})
    expect(raw("POST /openai/deployments/duo/chat/completions" + std::string(query), bearer() + json, kChatBody), 404, no_version);
  expect(raw("POST /openai/v1/chat/completions?api-version=2024-10-21", bearer() + json, kChatBody), 404, no_version);
}

TEST_F(Refusals, Hosts) {
  const std::string wrong = error_text("This host name is not served here.", kInvalid, "null", "wrong_host");
  for (const std::string_view host : {"example.com", "localhost.example.com", "127.0.0.2", "localhost.", "[::2]"}) {
    const Reply reply = rig_.ask("GET /v1/models HTTP/1.1\r\nhost: " + std::string(host) + "\r\nconnection: close\r\n" + bearer() + "\r\n");
    EXPECT_EQ(reply.status, 421) << host;
    EXPECT_EQ(reply.body, wrong);
  }
  for (const std::string_view host : {"localhost", "LocalHost:8080", "127.0.0.1:1", "[::1]:8080"}) {
    const Reply reply = rig_.ask("GET /v1/models HTTP/1.1\r\nhost: " + std::string(host) + "\r\nconnection: close\r\n" + bearer() + "\r\n");
    EXPECT_EQ(reply.status, 200) << host << reply.body;
  }
}

TEST_F(Refusals, Credentials) {
  const std::string missing = error_text("Authentication required.", kInvalid, "null", "invalid_api_key");
  const std::string invalid = error_text("The API key is not valid.", kInvalid, "null", "invalid_api_key");
  const std::string ambiguous = error_text("Send exactly one credential.", kInvalid, "null", "null");
  const std::string twice = error_text("A header that must come once came twice.", kInvalid, "null", "null");
  const std::string get = "GET /v1/models";
  expect(raw(get, ""), 401, missing);
  EXPECT_TRUE(last_.has("www-authenticate: Bearer realm=\"wye\"\r\n")) << last_.head;
  std::string wrong = rig_.key;
  wrong[wrong.size() / 2] = wrong[wrong.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& key : {wrong, std::string("wye"), rig_.key + "a", std::string(4000, 'k'), rig_.key.substr(0, rig_.key.size() - 1)}) {
    expect(raw(get, "api-key: " + key + "\r\n"), 401, invalid);
    EXPECT_TRUE(last_.has("www-authenticate: Bearer realm=\"wye\", error=\"invalid_token\"\r\n")) << last_.head;
    EXPECT_EQ(line_.find(key), std::string::npos);
  }
  expect(raw(get, bearer() + "api-key: " + rig_.other_key + "\r\n"), 400, ambiguous);
  expect(raw(get, bearer() + bearer()), 400, twice);
  expect(raw(get, bearer() + "authorization: Bearer " + rig_.other_key + "\r\n"), 400, twice);
  expect(raw(get, "api-key: " + rig_.key + "\r\nApi-Key: " + rig_.key + "\r\n"), 400, twice);
  EXPECT_EQ(rig_.ask(raw(get, bearer() + "api-key: " + rig_.key + "\r\n")).status, 200);
  EXPECT_EQ(rig_.ask(raw(get, "authorization: bearer " + rig_.key + "\r\n")).status, 200);
}

TEST_F(Refusals, AnUnknownCallersBodyIsNotRead) {
  const Reply reply =
      rig_.ask(raw("POST /v1/chat/completions", "content-type: application/json\r\nexpect: 100-continue\r\n", std::string(2000, '{')));
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.bytes.find("100 Continue"), std::string::npos);
}

TEST_F(Refusals, WhatIsHiddenIsAsWhatIsNot) {
  const auto body = [](std::string_view model) { return "{\"model\":\"" + std::string(model) + R"(","messages":[{"role":"user","content":"x"}]})"; };
  const std::string none = error_text("The model does not exist or you have no access to it.", kInvalid, "model", "model_not_found");
  expect(rig_.post("/v1/chat/completions", body("hidden")), 404, none);
  const std::string head = last_.head;
  expect(rig_.post("/v1/chat/completions", body("absent")), 404, none);
  const auto without_id = [](std::string text) { return text.erase(text.find("x-request-id: "), 52).erase(text.find("date: "), 37); };
  EXPECT_EQ(without_id(head), without_id(last_.head));
  expect(rig_.get("/v1/models/hidden"), 404, none);
  expect(rig_.get("/v1/models/absent"), 404, none);
  expect(rig_.post("/openai/deployments/hidden/chat/completions?api-version=2024-10-21", kChatBody), 404, none);
  EXPECT_EQ(rig_.ask(rig_.get("/v1/models")).body.find("hidden"), std::string::npos);
  std::string theirs = rig_.get("/v1/models/hidden");
  theirs.replace(theirs.find(rig_.key), rig_.key.size(), rig_.other_key);
  EXPECT_EQ(rig_.ask(theirs).status, 200);
}

TEST_F(Refusals, BodiesThatAreNone) {
  for (const std::string_view body :
       {"", "{", "[]", "null", "{}", "{\"model\":1}", "{\"model\":\"duo\",\"model\":\"duo\",\"messages\":[]}", "{\"model\":\"duo\"}",
        "\xEF\xBB\xBF{\"model\":\"duo\"}", "{\"model\":\"duo\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}"}) {
    const Reply reply = rig_.ask(rig_.post("/v1/chat/completions", body));
    EXPECT_TRUE(reply.status == 400 || reply.status == 404) << body << reply.body;
    EXPECT_TRUE(reply.body.starts_with("{\"error\":{\"message\":")) << reply.body;
  }
  EXPECT_EQ(upstream_calls(), 0u);
  std::string deep = "{\"model\":\"duo\",\"x\":" + std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_EQ(rig_.ask(rig_.post("/v1/chat/completions", deep)).status, 400);
}

TEST_F(Refusals, Sizes) {
  rig_.reload(test_configuration(", limits: {body: 2KiB}"));
  expect(rig_.post("/v1/chat/completions", std::string(4000, ' ')), 413,
         error_text("The request body is too large.", kInvalid, "null", "request_too_large"));
  EXPECT_TRUE(last_.has("connection: close\r\n"));
  const Reply heads = rig_.ask(rig_.get("/v1/models", "x-long: " + std::string(20'000, 'a') + "\r\n"));
  EXPECT_EQ(heads.status, 431);
  EXPECT_TRUE(heads.has("x-request-id: req_"));
}

TEST_F(Refusals, OperationsAndCapabilities) {
  expect(rig_.post("/v1/embeddings", R"({"model":"bridged","input":"x"})"), 400,
         error_text("This model does not serve the operation embeddings.", kInvalid, "model", "unsupported_parameter"));
  const Reply tools =
      rig_.ask(rig_.post("/v1/chat/completions",
                         R"({"model":"local","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}]})"));
  EXPECT_EQ(tools.status, 400) << tools.body;
  EXPECT_NE(tools.body.find("unsupported_parameter"), std::string::npos);
}

TEST_F(Refusals, NothingLives) {
  rig_.set_health("backend/one", provider::Health::kBroken);
  rig_.set_health("backend/two", provider::Health::kStarting);
  expect(rig_.post("/v1/chat/completions", kChatBody), 503,
         error_text("The model is not ready.", "service_unavailable_error", "null", "model_not_ready"));
  EXPECT_TRUE(last_.has("retry-after: 1\r\n")) << last_.head;
}

TEST_F(Refusals, WhileDraining) {
  rig_.gateway->drain();
  expect(rig_.post("/v1/chat/completions", kChatBody), 503,
         error_text("The server is overloaded.", "service_unavailable_error", "null", "server_is_overloaded"));
  EXPECT_TRUE(last_.has("retry-after: 1\r\n"));
  EXPECT_EQ(member(line_, "outcome"), "shed");
}

TEST_F(Refusals, MoreThanLimitsStreams) {
  rig_.reload(test_configuration(", limits: {streams: 2}"));
  rig_.up(kOnePort).answer = [](const Asked&) { return Script{wait(5s), send(json_answer(200, kChatAnswer))}; };
  std::array<Reply, 2> slow;
  for (Reply& reply : slow) rig_.begin(rig_.post("/v1/chat/completions", kChatBody), reply);
  rig_.run_for(1s);
  const Reply refused = rig_.ask(rig_.post("/v1/chat/completions", kChatBody), {});
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.has("retry-after: 1\r\n"));
  EXPECT_EQ(refused.body, error_text("The server is overloaded.", "service_unavailable_error", "null", "server_is_overloaded"));
  rig_.finish();
  for (const Reply& reply : slow) EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(rig_.ask(rig_.post("/v1/chat/completions", kChatBody)).status, 200) << "places come back";
}

TEST_F(Refusals, ModelsAnswerHeadAndGet) {
  const Reply list = rig_.ask(rig_.get("/v1/models"));
  EXPECT_EQ(list.status, 200);
  EXPECT_NE(list.body.find(R"({"id":"duo","object":"model","created":1760000000,"owned_by":"wye"})"), std::string::npos) << list.body;
  std::string head = rig_.get("/v1/models");
  head.replace(0, 3, "HEAD");
  const Reply only_head = rig_.ask(head);
  EXPECT_EQ(only_head.status, 200);
  EXPECT_EQ(only_head.body, "");
  EXPECT_TRUE(only_head.has("content-length: " + std::to_string(list.body.size()) + "\r\n")) << only_head.head;
  for (const std::string_view path :
       {"/v1/models/duo", "/openai/v1/models/duo", "/openai/models/duo?api-version=2024-10-21", "/openai/models?api-version=2024-10-21"})
    EXPECT_EQ(rig_.ask(rig_.get(path)).status, 200) << path;
}

TEST_F(Refusals, BrokenFramingAfterAGoodRequest) {
  const std::string first = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n" + bearer() + "x-stainless-retry-count: 7\r\n\r\n";
  const Reply reply = rig_.ask(first + "GET /v1/models HTTP/1.1\r\nhost : localhost\r\n\r\n");
  EXPECT_NE(reply.bytes.find("HTTP/1.1 400 "), std::string::npos) << reply.bytes;
  const auto lines = rig_.log_lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(member(lines[0], "client_retry"), "7");
  EXPECT_EQ(member(lines[1], "client_retry"), "");
  EXPECT_EQ(member(lines[1], "status"), "400");
}

}  // namespace
}  // namespace wye::gateway
