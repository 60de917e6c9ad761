// Whole transcripts: what the client sends, what the upstream gets, what it answers, what the client gets and what the log says.
// The files lie in golden/; where one differs the test leaves the new text in the temporary folder of the tests.
#include "edge/gateway/gateway_test_rig.hpp"

#include <filesystem>
#include <fstream>

namespace wye::gateway {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
}

/// Keys and digests are new in every run.
std::string settled(std::string text, const GatewayRig& rig) {
  replace_all(text, rig.key, "KEY");
  replace_all(text, rig.keys.ids()[0], "KEYID");
  replace_all(text, rig.configuration->snapshot->digest().substr(0, 19), "DIGEST");
  replace_all(text, "\r\n", "\n");
  return text;
}

void compare(const std::string& name, const std::string& text) {
  std::ifstream in("src/edge/gateway/golden/" + name + ".txt");
  std::stringstream expected;
  expected << in.rdbuf();
  if (expected.str() == text) return;
  std::ofstream(testing::TempDir() + name + ".txt") << text;
  ADD_FAILURE() << "golden/" << name << ".txt differs from:\n" << text;
}

struct Case {
  const char* name;
  uint16_t port;
  std::string path;
  std::string body;
  Script script;
  std::string fields = "";
};

void PrintTo(const Case& shown, std::ostream* out) { *out << shown.name; }

class Golden : public testing::TestWithParam<Case> {};

TEST_P(Golden, Transcript) {
  const Case& c = GetParam();
  GatewayRig rig;
  rig.up(c.port).answer = [&](const Asked&) { return c.script; };
  const std::string request = rig.post(c.path, c.body, c.fields);
  const Reply reply = rig.ask(request);
  std::string text = "=== the client sends\n" + request + "\n";
  for (const Asked& asked : rig.up(c.port).asked) text += "=== the upstream gets\n" + asked.head + asked.body + "\n";
  text += "=== the client gets\n" + reply.head + reply.body + "\n=== the log says\n" + rig.log_text();
  EXPECT_TRUE(reply.whole);
  compare(c.name, settled(text, rig));
}

const std::string kMessages = R"("messages":[{"role":"user","content":"hi"}])";
const std::string kNoise =
    "set-cookie: a=b\r\nx-ms-region: Sweden Central\r\napim-request-id: up-42\r\nx-request-id: up-43\r\nserver: uvicorn\r\nopenai-organization: "
    "them\r\n"
    "x-ratelimit-remaining-tokens: 5\r\nstrict-transport-security: max-age=1\r\n";
const std::string kAzureAnswer =
    R"({"id":"a-1","object":"chat.completion","created":7,"model":"gpt-4o-2024","prompt_filter_results":[{"prompt_index":0,)"
    R"("content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}],)"
    R"("choices":[{"index":0,"finish_reason":"stop","content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},)"
    R"("message":{"role":"assistant","content":"Hi"}}],)"
    R"("usage":{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}})";
const std::string kAzureStream =
    stream_head(kNoise) +
    event(R"({"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0,)"
          R"("content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]})") +
    event(R"({"id":"a-1","object":"chat.completion.chunk","created":7,"model":"gpt-4o-2024","choices":[{"index":0,)"
          R"("delta":{"role":"assistant","content":"Hi"},"finish_reason":null,"content_filter_results":{}}]})") +
    event(R"({"id":"a-1","object":"chat.completion.chunk","created":7,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{},)"
          R"("finish_reason":"stop","content_filter_results":{}}]})") +
    event(R"({"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,)"
          R"("content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"content_filter_offsets":{"check_offset":1,)"
          R"("start_offset":1,"end_offset":3}}]})") +
    event(R"({"id":"a-1","object":"chat.completion.chunk","created":7,"model":"gpt-4o-2024","choices":[],"usage":{"prompt_tokens":8,)"
          R"("completion_tokens":1,"total_tokens":9}})") +
    stream_end();
const std::string kResponse =
    R"({"id":"resp_up","object":"response","created_at":7,"status":"completed","model":"gpt-4o","output":[{"id":"msg_1","type":"message",)"
    R"("role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],)"
    R"("usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":1,)"
    R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":6}})";
std::string named(std::string_view type, std::string_view data) {
  return chunk("event: " + std::string(type) + "\ndata: " + std::string(data) + "\n\n");
}
const std::string kResponseStream =
    stream_head() +
    named("response.created",
          R"({"type":"response.created","sequence_number":0,"response":{"id":"resp_up","object":"response","status":"in_progress",)"
          R"("model":"gpt-4o","output":[]}})") +
    named("response.output_text.delta",
          R"({"type":"response.output_text.delta","sequence_number":1,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hi"})") +
    named("response.completed", R"({"type":"response.completed","sequence_number":2,"response":)" + kResponse + "}") + "0\r\n\r\n";
const std::string kFiltered =
    R"({"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,)"
    R"("innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"jailbreak":{"detected":true,"filtered":true}}}}})";

INSTANTIATE_TEST_SUITE_P(
    All, Golden,
    testing::Values(
        Case{"chat_unary",
             kOnePort,
             "/v1/chat/completions",
             "{\"model\":\"duo\"," + kMessages + ",\"x_new\": [1e2, \"\\u00e9\"]}",
             {send(json_answer(200, kChatAnswer, kNoise))}},
        Case{"chat_stream",
             kOnePort,
             "/v1/chat/completions",
             "{\"model\":\"duo\",\"stream\":true," + kMessages + "}",
             {send(chat_stream("Hello", kNoise))}},
        Case{
            "completions",
            kOnePort,
            "/v1/completions",
            R"({"model":"solo","prompt":"Once","max_tokens":5})",
            {send(json_answer(200,
                              R"({"id":"c","object":"text_completion","created":1,"model":"gpt-up","choices":[{"index":0,"text":" upon",)"
                              R"("finish_reason":"length","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":5,"total_tokens":6}})"))}},
        Case{"embeddings",
             kOnePort,
             "/v1/embeddings",
             R"({"model":"solo","input":["a"],"encoding_format":"base64"})",
             {send(json_answer(200, R"({"object":"list","model":"gpt-up","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]}],)"
                                    R"("usage":{"prompt_tokens":1,"total_tokens":1}})"))}},
        Case{"responses_native", kAzurePort, "/v1/responses", R"({"model":"managed","input":"hi"})", {send(json_answer(200, kResponse, kNoise))}},
        Case{"responses_native_stream",
             kAzurePort,
             "/openai/v1/responses",
             R"({"model":"managed","input":"hi","stream":true})",
             {send(kResponseStream)}},
        Case{"responses_bridged",
             kTwoPort,
             "/v1/responses",
             R"({"model":"bridged","input":"hi","instructions":"Be brief."})",
             {send(json_answer(200, kChatAnswer))}},
        Case{"responses_bridged_stream",
             kTwoPort,
             "/v1/responses",
             R"({"model":"bridged","input":"hi","stream":true})",
             {send(chat_stream("Hello"))}}),
    [](const testing::TestParamInfo<Case>& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Others, Golden,
    testing::Values(
        Case{"azure_dated_to_dated",
             kDatedPort,
             "/openai/deployments/dated/chat/completions?api-version=2024-10-21",
             "{\"model\":\"duo\"," + kMessages + "}",
             {send(json_answer(200, kAzureAnswer, kNoise))}},
        Case{"azure_dated_to_dated_stream",
             kDatedPort,
             "/openai/deployments/dated/chat/completions?api-version=2024-10-21",
             "{\"stream\":true," + kMessages + "}",
             {send(kAzureStream)}},
        Case{"openai_to_azure_stream",
             kAzurePort,
             "/v1/chat/completions",
             "{\"model\":\"managed\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," + kMessages + "}",
             {send(kAzureStream)}},
        Case{"azure_v1_to_compatible",
             kOnePort,
             "/openai/v1/chat/completions?api-version=preview",
             "{\"model\":\"solo\"," + kMessages + ",\"max_completion_tokens\":9}",
             {send(json_answer(200, kChatAnswer))}},
        Case{"local_unary_as_stream", kLocalPort, "/v1/chat/completions", "{\"model\":\"local\"," + kMessages + "}", {send(chat_stream("Hello"))}},
        Case{"filtered_prompt",
             kAzurePort,
             "/v1/chat/completions",
             "{\"model\":\"managed\"," + kMessages + "}",
             {send(json_answer(400, kFiltered, kNoise))}},
        Case{"broken_stream",
             kOnePort,
             "/v1/chat/completions",
             "{\"model\":\"solo\",\"stream\":true," + kMessages + "}",
             {send(stream_head() + event(chat_delta(R"({"content":"Hel"})"))), close()}}),
    [](const testing::TestParamInfo<Case>& param) { return param.param.name; });

TEST(GoldenMetrics, AfterOneOfEach) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [](const Asked& asked) {
    return Script{send(asked.body.find("\"stream\":true") == std::string::npos ? json_answer(200, kChatAnswer) : chat_stream("Hello"))};
  };
  rig.up(kAzurePort).answer = [](const Asked&) { return Script{send(json_answer(400, kFiltered))}; };
  rig.ask(rig.post("/v1/chat/completions", kChatBody));
  rig.ask(rig.post("/v1/chat/completions", kChatStreamBody));
  rig.ask(rig.post("/v1/chat/completions", "{\"model\":\"managed\"," + kMessages + "}"));
  rig.ask(rig.post("/v1/chat/completions", "{\"model\":\"absent\"," + kMessages + "}"));
  rig.ask(rig.get("/v1/models"));
  rig.ask("GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  rig.ask("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  std::istringstream in(rig.metrics.expose());
  std::string text;
  for (std::string line; std::getline(in, line);) {
    const bool time = line.find("_bucket{") != std::string::npos || line.find("_sum") != std::string::npos;
    if (!time) text += line + "\n";
  }
  compare("metrics", settled(text, rig));
}

}  // namespace
}  // namespace wye::gateway
