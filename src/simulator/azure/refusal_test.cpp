// Every error as it goes over the wire, by table: path, key, version, deployment, body, filter, limits, the model's own.
#include "simulator/azure/test_rig.hpp"

namespace wye::simulator {
namespace {

constexpr std::string_view kNotFound = R"({"error":{"code":"404","message":"Resource not found"}})";
constexpr std::string_view kKeyFields = "api-key: first-key-0000\r\ncontent-type: application/json\r\n";
const std::string kDated = "?api-version=2024-10-21";

std::string code_of(const std::string& body) {
  json::Document document;
  EXPECT_TRUE(document.parse(body)) << body;
  if (!document.has_root()) return {};
  const auto error = document.root().find("error");
  EXPECT_TRUE(error) << body;
  if (!error) return {};
  const auto message = error->find("message");
  EXPECT_TRUE(message && message->is_string() && !message->string_raw().empty()) << body;
  const auto code = error->find("code");
  return !code ? "absent" : code->is_null() ? "null" : code->text();
}

TEST(SimulatorRefusals, RequestLineKeyVersionAndDeployment) {
  struct Case {
    std::string_view what;
    Ask ask;
    int status;
    std::string_view code;
  };
  const std::string good = chat_body();
  const auto at = [&](std::string path, std::string_view fields = kKeyFields, std::string_view method = "POST") {
    Ask ask;
    ask.method = method;
    ask.path = std::move(path);
    ask.fields = fields;
    if (method == "POST") ask.body = good;
    return ask;
  };
  const std::string chat = "/openai/deployments/chat/chat/completions";
  const std::string_view bearer = "authorization: Bearer second-key-00\r\ncontent-type: application/json; charset=utf-8\r\n";
  const std::string_view wrong = "api-key: other-key-0000\r\ncontent-type: application/json\r\n";
  const std::string_view text = "api-key: first-key-0000\r\ncontent-type: text/plain\r\n";
  const std::vector<Case> cases = {
      {"both URL forms", at(chat + kDated), 200, ""},
      {"bearer", at(chat + kDated, bearer), 200, ""},
      {"v1", at("/openai/v1/chat/completions"), 200, ""},
      {"v1 with its version", at("/openai/v1/chat/completions?api-version=preview"), 200, ""},
      {"no version", at(chat), 404, "404"},
      {"unknown version", at(chat + "?api-version=2023-03-15-preview"), 404, "404"},
      {"v1 is no dated version", at(chat + "?api-version=v1"), 404, "404"},
      {"two versions", at(chat + kDated + "&api-version=2024-10-21"), 404, "404"},
      {"two versions on v1", at("/openai/v1/chat/completions?api-version=v1&api-version=v1"), 404, "404"},
      {"a dated version on v1", at("/openai/v1/chat/completions" + kDated), 404, "404"},
      {"the OpenAI path", at("/v1/chat/completions"), 404, "404"},
      {"dated without deployment", at("/openai/chat/completions" + kDated), 404, "404"},
      {"responses below a deployment", at("/openai/deployments/chat/responses" + kDated), 404, "404"},
      {"deployment below v1", at("/openai/v1/deployments/chat/chat/completions"), 404, "404"},
      {"empty deployment", at("/openai/deployments//chat/completions" + kDated), 400, "400"},
      {"unknown operation", at("/openai/deployments/chat/images/generations" + kDated), 404, "404"},
      {"another method", at(chat + kDated, "api-key: first-key-0000\r\n", "GET"), 404, "404"},
      {"no key", at(chat + kDated, "content-type: application/json\r\n"), 401, "401"},
      {"wrong key", at(chat + kDated, wrong), 401, "401"},
      {"no key for a deployment that is not there", at("/openai/deployments/none/chat/completions" + kDated, wrong), 401, "401"},
      {"unknown deployment", at("/openai/deployments/none/chat/completions" + kDated), 404, "DeploymentNotFound"},
      {"the model's name is no deployment", at("/openai/deployments/smollm2/chat/completions" + kDated), 404, "DeploymentNotFound"},
      {"wrong type", at(chat + kDated, text), 415, "unsupported_media_type"},
      {"unknown model", at("/openai/v1/models/none", kKeyFields, "GET"), 404, "404"},
  };
  for (const Case& one : cases) {
    Rig rig;
    rig.model.pieces = {chat_stream()};
    const Reply reply = rig.ask(one.ask);
    EXPECT_EQ(reply.status, one.status) << one.what << "\n" << reply.body;
    EXPECT_TRUE(reply.complete) << one.what;
    if (one.status != 200) EXPECT_EQ(code_of(reply.body), one.code) << one.what;
    if (one.code == "404") EXPECT_EQ(reply.body, kNotFound) << one.what;
    EXPECT_EQ(reply.fields.at("apim-request-id").size(), 36u) << one.what;
    EXPECT_EQ(rig.model.bodies.size(), one.status == 200 ? 1u : 0u) << one.what;
  }
}

TEST(SimulatorRefusals, Bodies) {
  struct Case {
    std::string_view path, body;
    int status;
    std::string_view code;
  };
  const std::array<Case, 13> cases = {{
      {"/openai/v1/chat/completions", "{", 400, "null"},
      {"/openai/v1/chat/completions", "[]", 400, "null"},
      {"/openai/v1/chat/completions", R"({"model":"chat"})", 400, "null"},
      {"/openai/v1/chat/completions", R"({"messages":[{"role":"user","content":"x"}]})", 400, "null"},
      {"/openai/v1/chat/completions", R"({"model":"nobody","messages":[{"role":"user","content":"x"}]})", 404, "DeploymentNotFound"},
      {"/openai/v1/chat/completions", R"({"model":"chat","messages":[{"role":"user","content":"x"}],"temperature":9})", 400, "null"},
      {"/openai/v1/responses", R"({"model":"chat","input":"x","previous_response_id":"r"})", 400, "unsupported_parameter"},
      {"/openai/v1/embeddings", R"({"model":"emb","input":"x","dimensions":8})", 400, "unsupported_parameter"},
      {"/openai/deployments/chat/chat/completions?api-version=2024-02-01",
       R"({"messages":[{"role":"user","content":"x"}],"max_completion_tokens":5})", 400, "null"},
      {"/openai/deployments/chat/chat/completions?api-version=2024-06-01",
       R"({"messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true}})", 400, "null"},
      {"/openai/deployments/chat/chat/completions?api-version=2024-02-01", R"({"messages":[{"role":"user","content":"x"}],"max_tokens":5})", 200, ""},
      {"/openai/deployments/chat/chat/completions?api-version=2024-10-21",
       R"({"messages":[{"role":"user","content":"x"}],"max_completion_tokens":5})", 200, ""},
      {"/openai/deployments/chat/chat/completions?api-version=2024-10-21", R"({"model":"ignored","messages":[{"role":"user","content":"x"}]})", 200,
       ""},
  }};
  for (const Case& one : cases) {
    Rig rig;
    rig.model.pieces = {chat_stream()};
    const Reply reply = rig.post(std::string(one.path), std::string(one.body));
    EXPECT_EQ(reply.status, one.status) << one.body << "\n" << reply.body;
    if (one.status != 200) EXPECT_EQ(code_of(reply.body), one.code) << one.body << "\n" << reply.body;
  }
}

TEST(SimulatorRefusals, AnArgumentThatCameLaterIsNamed) {
  Rig rig;
  const Reply reply = rig.post("/openai/deployments/chat/chat/completions?api-version=2024-08-01-preview",
                               R"({"messages":[{"role":"user","content":"x"}],"max_completion_tokens":5})");
  EXPECT_EQ(reply.body,
            R"({"error":{"message":"Unrecognized request argument supplied: max_completion_tokens","type":"invalid_request_error","param":null,)"
            R"("code":null}})");
}

TEST(SimulatorRefusals, FilteredPrompt) {
  Rig rig;
  rig.model.pieces = {chat_stream()};
  const Reply chat = rig.post("/openai/v1/chat/completions", chat_body({}, "please wye-filter-jailbreak and wye-filter-violence"));
  EXPECT_EQ(chat.status, 400);
  EXPECT_EQ(
      chat.body,
      R"({"error":{"message":"The response was filtered because the prompt triggered the content management policy. Change your prompt and retry.",)"
      R"("type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation",)"
      R"("content_filter_result":{)"
      R"("hate":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"medium"},)"
      R"("self_harm":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":true,"filtered":true}}}}})");
  const Reply responses = rig.post("/openai/v1/responses", R"({"model":"chat","input":"x","instructions":"wye-filter-blocklist"})");
  EXPECT_EQ(responses.status, 400);
  EXPECT_EQ(
      responses.body,
      R"({"error":{"message":"The response was filtered because the prompt triggered the content management policy. Change your prompt and retry.",)"
      R"("type":"invalid_request_error","param":"prompt","code":"content_filter","content_filters":[{"blocked":true,"source_type":"prompt",)"
      R"("content_filter_raw":[],"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,)"
      R"("severity":"safe"},)"
      R"("violence":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,)"
      R"("filtered":false},)"
      R"("custom_blocklists":{"filtered":true,"details":[{"id":"simulated","filtered":true}]}},)"
      R"("content_filter_offsets":{"start_offset":0,"end_offset":0,"check_offset":0}}]}})");
  EXPECT_TRUE(rig.model.bodies.empty());
}

TEST(SimulatorRefusals, LimitIsAMinuteOfTokens) {
  Rig rig({"--tokens-per-minute", "6000"});
  rig.model.pieces = {chat_stream()};
  const std::string body = chat_body(R"(,"max_tokens":2500)");
  for (int i = 0; i < 2; ++i) {
    const Reply reply = rig.post("/openai/v1/chat/completions", body);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.fields.at("x-ratelimit-limit-tokens"), "6000");
    EXPECT_EQ(reply.fields.at("x-ratelimit-limit-requests"), "6");
    EXPECT_EQ(reply.fields.at("x-ratelimit-remaining-requests"), std::to_string(5 - i));
    EXPECT_EQ(reply.fields.at("x-ms-deployment-name"), "chat");
    EXPECT_EQ(reply.fields.at("x-ms-region"), "simulated");
  }
  const Reply refused = rig.post("/openai/v1/chat/completions", body);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(code_of(refused.body), "429");
  EXPECT_NE(refused.body.find("token rate limit"), std::string::npos);
  int64_t ms = 0;
  const std::string& wait = refused.fields.at("retry-after-ms");
  std::from_chars(wait.data(), wait.data() + wait.size(), ms);
  EXPECT_GT(ms, 50'000);
  EXPECT_LE(ms, 60'000);
  EXPECT_EQ(refused.fields.at("retry-after"), std::to_string((ms + 999) / 1000));
  EXPECT_EQ(refused.fields.at("x-ratelimit-reset-tokens"), std::to_string((ms + 999) / 1000));
  // Another deployment has its own counter; and after the wait it goes on.
  rig.model.pieces = {
      R"({"object":"list","model":"m","data":[{"index":0,"object":"embedding","embedding":[1]}],"usage":{"prompt_tokens":1,"total_tokens":1}})"};
  rig.model.type = "application/json";
  EXPECT_EQ(rig.post("/openai/v1/embeddings", R"({"model":"emb","input":"x"})").status, 200);
  rig.model.pieces = {chat_stream()};
  rig.model.type = "text/event-stream";
  rig.loop.run_for(std::chrono::milliseconds(ms));
  EXPECT_EQ(rig.post("/openai/v1/chat/completions", body).status, 200);
}

TEST(SimulatorRefusals, WhatTheModelSays) {
  struct Case {
    int status;
    std::string_view body;
    int answered;
    std::string_view code;
  };
  const std::array<Case, 7> cases = {{
      {400, R"({"error":{"code":400,"message":"request (9 tokens) exceeds","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}})", 400,
       "context_length_exceeded"},
      {400, R"({"error":{"message":"at http://10.0.0.1 no","type":"invalid_request_error"}})", 400, "null"},
      {500, R"({"error":{"message":"secret trace","type":"server_error"}})", 500, "null"},
      {503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})", 503, "ServiceUnavailable"},
      {429, "{}", 429, "429"},
      {401, "{}", 503, "ServiceUnavailable"},
      {302, "x", 500, "null"},
  }};
  for (const Case& one : cases) {
    Rig rig;
    rig.model.status = one.status;
    rig.model.type = "application/json";
    rig.model.pieces = {std::string(one.body)};
    const Reply reply = rig.post("/openai/v1/chat/completions", chat_body());
    EXPECT_EQ(reply.status, one.answered) << one.body;
    EXPECT_EQ(code_of(reply.body), one.code) << reply.body;
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
    EXPECT_EQ(reply.body.find("10.0.0.1"), std::string::npos);
    EXPECT_NE(rig.log_lines.text().find("upstream.refused"), std::string::npos);
  }
}

TEST(SimulatorRefusals, NoModelThere) {
  Rig refused({"--deployment", "gone=m@http://127.0.0.1:9"});
  EXPECT_EQ(refused.post("/openai/deployments/gone/chat/completions" + kDated, chat_body()).status, 503);
  Rig wrong_type;
  wrong_type.model.type = "application/json";
  wrong_type.model.pieces = {"{}"};
  EXPECT_EQ(wrong_type.post("/openai/v1/chat/completions", chat_body()).status, 500);
  Rig silent;
  EXPECT_EQ(silent.post("/openai/v1/chat/completions", chat_body()).status, 408);
  EXPECT_TRUE(silent.model.gone_at);
}

}  // namespace
}  // namespace wye::simulator
