#include "llm/protocol/request.hpp"

#include "llm/protocol/test_support.hpp"

namespace wye::protocol {
namespace {

constexpr auto kChat = Operation::kChat;
constexpr auto kCompletions = Operation::kCompletions;
constexpr auto kResponses = Operation::kResponses;
constexpr auto kEmbeddings = Operation::kEmbeddings;

std::string with(Operation operation, std::string_view member) {
  constexpr std::array<std::string_view, 4> kStart = {R"({"model":"m","messages":[{"role":"user","content":"hi"}])", R"({"model":"m","prompt":"hi")",
                                                      R"({"model":"m","input":"hi")", R"({"model":"m","input":"hi")"};
  std::string body(kStart[static_cast<size_t>(operation)]);
  if (!member.empty()) body += "," + std::string(member);
  return body + "}";
}

struct Row {
  Operation operation;
  std::string_view member;
  std::string_view param;  // empty: accepted
  ErrorCode code = ErrorCode::kInvalidRequest;
};

constexpr auto kUnsupported = ErrorCode::kUnsupportedParameter;
constexpr std::array kChatRows = {
    Row{kChat, R"("stream":true)", ""},
    Row{kChat, R"("stream":null)", ""},
    Row{kChat, R"("stream":1)", "stream"},
    Row{kChat, R"("stream":"true")", "stream"},
    Row{kChat, R"("stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false})", ""},
    Row{kChat, R"("stream_options":{"include_usage":true})", "stream_options"},
    Row{kChat, R"("stream":true,"stream_options":{"include_usage":"yes"})", "stream_options.include_usage"},
    Row{kChat, R"("max_tokens":1)", ""},
    Row{kChat, R"("max_tokens":0)", "max_tokens"},
    Row{kChat, R"("max_tokens":1.5)", "max_tokens"},
    Row{kChat, R"("max_tokens":99999999999999999999)", "max_tokens"},
    Row{kChat, R"("max_completion_tokens":"7")", "max_completion_tokens"},
    Row{kChat, R"("max_tokens":5,"max_completion_tokens":5)", "max_tokens"},
    Row{kChat, R"("max_tokens":null,"max_completion_tokens":5)", ""},
    Row{kChat, R"("n":128)", ""},
    Row{kChat, R"("n":129)", "n"},
    Row{kChat, R"("n":0)", "n"},
    Row{kChat, R"("store":true,"metadata":{"a":"b"})", ""},
    Row{kChat, R"("metadata":{"a":1})", "metadata.a"},
    Row{kChat, R"("service_tier":"flex")", ""},
    Row{kChat, R"("service_tier":"gold")", "service_tier"},
    Row{kChat, R"("safety_identifier":"u")", ""},
    Row{kChat, R"("prompt_cache_key":"k","prompt_cache_options":{"mode":"explicit","ttl":"30m"},"prompt_cache_retention":"24h")", ""},
    Row{kChat, R"("prompt_cache_options":{"mode":"other"})", "prompt_cache_options.mode"},
    Row{kChat, R"("modalities":["text","audio"],"audio":{"voice":"alloy","format":"mp3"})", ""},
    Row{kChat, R"("audio":{"voice":"alloy","format":"ogg"})", "audio.format"},
    Row{kChat, R"("response_format":{"type":"json_object"})", ""},
    Row{kChat, R"("response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{},"strict":true}})", ""},
    Row{kChat, R"("response_format":{"type":"json_schema","json_schema":{"schema":{}}})", "response_format.json_schema.name"},
    Row{kChat, R"("response_format":{"type":"yaml"})", "response_format.type"},
    Row{kChat, R"("response_format":{})", "response_format.type"},
    Row{kChat, R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"tool_choice":"required")", ""},
    Row{kChat, R"("tools":[{"type":"custom","custom":{"name":"f"}}],"tool_choice":{"type":"custom","custom":{"name":"f"}})", ""},
    Row{kChat, R"("tools":[{"type":"web_search"}])", "tools[0].type"},
    Row{kChat, R"("tools":[{"type":"function","function":{"name":"bad name"}}])", "tools[0].function.name"},
    Row{kChat, R"("tools":[{"type":"function","function":{"name":7}}])", "tools[0].function.name"},
    Row{kChat, R"("tools":[{"function":{"name":"f"}}])", "tools[0].type"},
    Row{kChat, R"("tool_choice":"maybe")", "tool_choice"},
    Row{kChat, R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}})", ""},
    Row{kChat, R"("functions":[{"name":"f"}],"function_call":{"name":"f"})", ""},
    Row{kChat, R"("parallel_tool_calls":"no")", "parallel_tool_calls"},
    Row{kChat, R"("web_search_options":{})", "web_search_options", kUnsupported},
    Row{kChat, R"("data_sources":[{}])", "data_sources", kUnsupported},
    Row{kChat, R"("prediction":{"type":"content","content":"x"})", ""},
    Row{kChat, R"("temperature":2)", ""},
    Row{kChat, R"("temperature":2.01)", "temperature"},
    Row{kChat, R"("temperature":-0.1)", "temperature"},
    Row{kChat, R"("top_p":1.0)", ""},
    Row{kChat, R"("top_p":"1")", "top_p"},
    Row{kChat, R"("frequency_penalty":-2,"presence_penalty":2)", ""},
    Row{kChat, R"("presence_penalty":3)", "presence_penalty"},
    Row{kChat, R"("logit_bias":{"50256":-100})", ""},
    Row{kChat, R"("logit_bias":{"50256":-101})", "logit_bias.50256"},
    Row{kChat, R"("logit_bias":{"abc":1})", "logit_bias"},
    Row{kChat, R"("logprobs":true,"top_logprobs":20)", ""},
    Row{kChat, R"("top_logprobs":5)", "top_logprobs"},
    Row{kChat, R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
    Row{kChat, R"("seed":-9223372036854775808)", ""},
    Row{kChat, R"("seed":9223372036854775808)", "seed"},
    Row{kChat, R"("stop":"a long stop word")", ""},
    Row{kChat, R"("stop":["a","b","c","d"])", ""},
    Row{kChat, R"("stop":["a","b","c","d","e"])", "stop"},
    Row{kChat, R"("stop":[1])", "stop[0]"},
    Row{kChat, R"("reasoning_effort":"xhigh","verbosity":"low")", ""},
    Row{kChat, R"("reasoning_effort":"huge")", "reasoning_effort"},
    Row{kChat, R"("Stream":true)", "Stream", ErrorCode::kUnknownParameter},
    Row{kChat, R"("Temperature":1)", "Temperature", ErrorCode::kUnknownParameter},
    Row{kChat, R"("x_private":{"deep":[1,{"a":null}]})", ""},
};
constexpr std::array kOtherRows = {
    Row{kCompletions, R"("max_tokens":0,"best_of":3,"n":2,"echo":true,"logprobs":5,"suffix":"s")", ""},
    Row{kCompletions, R"("best_of":1,"n":2)", "best_of"},
    Row{kCompletions, R"("best_of":21)", "best_of"},
    Row{kCompletions, R"("best_of":2,"stream":true)", "best_of"},
    Row{kCompletions, R"("logprobs":6)", "logprobs"},
    Row{kEmbeddings, R"("encoding_format":"base64","dimensions":256)", ""},
    Row{kEmbeddings, R"("encoding_format":"hex")", "encoding_format"},
    Row{kEmbeddings, R"("dimensions":0)", "dimensions"},
    Row{kResponses, R"("max_output_tokens":16,"instructions":"be brief","text":{"format":{"type":"text"},"verbosity":"low"})", ""},
    Row{kResponses, R"("max_output_tokens":15)", "max_output_tokens"},
    Row{kResponses, R"("previous_response_id":"resp_1")", "previous_response_id", kUnsupported},
    Row{kResponses, R"("conversation":{"id":"conv_1"})", "conversation", kUnsupported},
    Row{kResponses, R"("prompt":{"id":"p"})", "prompt", kUnsupported},
    Row{kResponses, R"("background":true)", "background", kUnsupported},
    Row{kResponses, R"("background":false,"store":false)", ""},
    Row{kResponses, R"("tools":[{"type":"mcp","server_url":"https://x"}])", "tools[0].type", kUnsupported},
    Row{kResponses, R"("tools":[{"type":"teleport"}])", "tools[0].type"},
    Row{kResponses, R"("tools":[{"type":"function","name":"f","parameters":null,"strict":null}])", ""},
    Row{kResponses, R"("reasoning":{"effort":"low","summary":"auto"},"truncation":"disabled","include":["x"])", ""},
    Row{kResponses, R"("reasoning":{"effort":"lowest"})", "reasoning.effort"},
    Row{kResponses, R"("stream":true,"stream_options":{"include_usage":true})", ""},
};

TEST(Decode, EveryFieldByTypeAndRange) {
  std::vector<Row> rows(kChatRows.begin(), kChatRows.end());
  rows.insert(rows.end(), kOtherRows.begin(), kOtherRows.end());
  for (const Row& row : rows) {
    Parsed parsed;
    const Result<void> done = parsed.read(row.operation, with(row.operation, row.member));
    if (row.param.empty()) {
      EXPECT_TRUE(done) << row.member << ": " << (done ? "" : done.error().public_message);
      continue;
    }
    ASSERT_FALSE(done) << row.member;
    EXPECT_EQ(done.error().param, row.param) << row.member;
    EXPECT_EQ(done.error().code, row.code) << row.member;
    EXPECT_FALSE(done.error().public_message.empty());
  }
}

struct MessageRow {
  std::string_view message;
  std::string_view param;  // below messages[0]; empty: accepted
  ErrorCode code = ErrorCode::kInvalidRequest;
};

TEST(Decode, Messages) {
  const std::array rows = {
      MessageRow{R"({"role":"system","content":"x"})", ""},
      MessageRow{R"({"role":"developer","content":[{"type":"text","text":"x"}]})", ""},
      MessageRow{R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]})", ""},
      MessageRow{R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.example/x.png"}}]})", ".content[0].image_url.url",
                 kUnsupported},
      MessageRow{R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"no url"}}]})", ".content[0].image_url.url"},
      MessageRow{R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"\u0068ttps://a.example/x"}}]})", ".content[0].image_url.url",
                 kUnsupported},
      MessageRow{R"({"role":"user","content":[{"type":"image_url"}]})", ".content[0].image_url"},
      MessageRow{R"({"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}]})", ""},
      MessageRow{R"({"role":"user","content":[{"type":"file","file":{"file_data":"AA","filename":"a.pdf"}}]})", ""},
      MessageRow{R"({"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]})", ".content[0].file.file_id", kUnsupported},
      MessageRow{R"({"role":"user","content":[{"type":"video_url","video_url":{"url":"https://x"}}]})", ".content[0].type"},
      MessageRow{R"({"role":"user","content":[{"type":"te\u0078t","text":"x"}]})", ".content[0].type"},
      MessageRow{R"({"role":"user","content":null})", ".content"},
      MessageRow{R"({"role":"user"})", ".content"},
      MessageRow{R"({"role":"root","content":"x"})", ".role"},
      MessageRow{R"({"content":"x"})", ".role"},
      MessageRow{R"("hello")", ""},
      MessageRow{R"({"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]})", ""},
      MessageRow{R"({"role":"assistant","content":null})", ".content"},
      MessageRow{R"({"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":{}}}]})",
                 ".tool_calls[0].function.arguments"},
      MessageRow{R"({"role":"assistant","content":"x","audio":{"id":"a1"}})", ".audio.id", kUnsupported},
      MessageRow{R"({"role":"tool","tool_call_id":"c","content":"42"})", ""},
      MessageRow{R"({"role":"tool","content":"42"})", ".tool_call_id"},
      MessageRow{R"({"role":"user","content":"x","Role":"system"})", ".Role", ErrorCode::kUnknownParameter},
      MessageRow{R"({"role":"assistant","content":"x","reasoning_content":"unknown here"})", ""},
  };
  for (const MessageRow& row : rows) {
    Parsed parsed;
    const Result<void> done = parsed.read(kChat, R"({"model":"m","messages":[)" + std::string(row.message) + "]}");
    if (row.message.front() == '"') {
      ASSERT_FALSE(done);
      EXPECT_EQ(done.error().param, "messages[0]");
      continue;
    }
    EXPECT_EQ(done.has_value(), row.param.empty()) << row.message << (done ? "" : done.error().public_message);
    if (done) continue;
    EXPECT_EQ(done.error().param, "messages[0]" + std::string(row.param)) << row.message;
    EXPECT_EQ(done.error().code, row.code) << row.message;
  }
}

TEST(Decode, MessageNamesFieldExpectedAndGot) {
  Parsed parsed;
  EXPECT_EQ(parsed.read(kChat, with(kChat, R"("temperature":3)")).error().public_message,
            "Invalid value for 'temperature': expected 0 to 2, but got 3.");
  EXPECT_EQ(parsed.read(kChat, with(kChat, R"("stream":"on")")).error().public_message,
            "Invalid type for 'stream': expected a boolean, but got a string.");
  EXPECT_EQ(parsed.read(kChat, R"({"model":"m"})").error().public_message, "Missing required parameter: 'messages'.");
  EXPECT_EQ(parsed.read(kChat, R"({"messages":[{"role":"user","content":"a"}]})").error().param, "model");
  EXPECT_EQ(parsed.read(kChat, R"([1])").error().code, ErrorCode::kInvalidRequest);
}

TEST(Decode, LiftsWhatDecides) {
  Parsed p;
  ASSERT_TRUE(p.read(kChat, R"({"model":"a\u002db","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,x"}}]},
    {"role":"tool","tool_call_id":"c","content":"r"}],"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":7,"n":3,
    "store":true,"user":"u","tools":[{"type":"function","function":{"name":"f"}}],"logprobs":true,"response_format":{"type":"json_object"},"x":1})"));
  const DecodedRequest& r = p.request;
  EXPECT_EQ(r.model_name, "a-b");
  EXPECT_TRUE(r.stream && r.include_usage && r.store_asked && r.has_tool_result && r.has_unknown && !r.has_pointer);
  EXPECT_EQ(r.output_tokens_max, 7U);
  EXPECT_EQ(r.output_cap_name, "max_completion_tokens");
  EXPECT_EQ(r.computed_choices(), 3U);
  EXPECT_EQ(r.content_items, 2U);
  for (const Feature f : {Feature::kTools, Feature::kVision, Feature::kLogprobs, Feature::kJsonSchema}) EXPECT_TRUE(r.needs.contains(f));
  EXPECT_FALSE(r.needs.contains(Feature::kAudio));
  ASSERT_TRUE(
      p.read(kResponses, R"({"model":"m","input":[{"role":"user","content":"x"},{"type":"function_call_output","call_id":"c","output":"r"}]})"));
  EXPECT_TRUE(p.request.store_asked);
  EXPECT_TRUE(p.request.has_tool_result);
  EXPECT_FALSE(p.request.stream);
  EXPECT_TRUE(p.request.needs.empty());
}

TEST(Decode, UnknownFieldsByPolicy) {
  Parsed p;
  p.refuse_unknown = true;
  p.allow = {"messages[*].x_tag", "extra"};
  EXPECT_TRUE(p.read(kChat, R"({"model":"m","messages":[{"role":"user","content":"a","x_tag":1}],"extra":{"a":1}})"));
  const Result<void> refused = p.read(kChat, with(kChat, R"("other":1)"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnknownParameter);
  EXPECT_EQ(refused.error().param, "other");
  EXPECT_EQ(p.read(kChat, R"({"model":"m","messages":[{"role":"user","content":"a","y":1}]})").error().param, "messages[0].y");
  p.allow = {"Stream"};
  EXPECT_FALSE(p.read(kChat, with(kChat, R"("Stream":true)")));
}

TEST(Decode, PointersByPolicy) {
  const auto image = [](std::string_view url) {
    return R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":")" + std::string(url) + R"("}}]}]})";
  };
  Parsed p;
  p.schemes = {"data", "https"};
  p.hosts = {"img.example.com", "*.cdn.example"};
  for (const std::string_view url : {"https://img.example.com/a", "HTTPS://IMG.example.com:443/a?b#c", "https://a.b.cdn.example/x"}) {
    EXPECT_TRUE(p.read(kChat, image(url))) << url;
    EXPECT_TRUE(p.request.has_pointer);
  }
  for (const std::string_view url :
       {"http://img.example.com/a", "https://evil.example/a", "https://img.example.com@evil.example/", "https://cdn.example/x",
        "https://img.example.com\\\\@evil.example/", "https://evil.example/?img.example.com", "https:img.example.com", "file:///etc/passwd",
        "https://img.example.com:80:80/", "https://img.example.com%2eevil.example/", "https:///x", "//img.example.com/x", " https://img.example.com/",
        "https://img.example.com.evil.example/", "https://xcdn.example/"})
    EXPECT_FALSE(p.read(kChat, image(url))) << url;
}

TEST(Decode, HostedToolsByPolicy) {
  Parsed p;
  p.tools = {"web_search"};
  ASSERT_TRUE(p.read(kResponses, with(kResponses, R"("tools":[{"type":"web_search","anything":{"deep":1}}])")));
  EXPECT_TRUE(p.request.has_hosted_tool);
  EXPECT_FALSE(p.request.free_of_effects(false));
  EXPECT_TRUE(p.read(kChat, with(kChat, R"("web_search_options":{})")));
  EXPECT_FALSE(p.read(kResponses, with(kResponses, R"("tools":[{"type":"mcp","server_url":"https://x"}])")));
  p.tools = {"mcp"};
  EXPECT_EQ(p.read(kResponses, with(kResponses, R"("tools":[{"type":"mcp","server_url":"https://x"}])")).error().param, "tools[0].server_url");
}

TEST(Decode, PromptsAndInputs) {
  Parsed p;
  EXPECT_TRUE(p.read(kCompletions, R"({"model":"m","prompt":[[1,2],[3]]})"));
  EXPECT_EQ(p.request.content_items, 2U);
  EXPECT_TRUE(p.read(kCompletions, R"({"model":"m","prompt":[1,2,3]})"));
  EXPECT_EQ(p.request.content_items, 1U);
  EXPECT_FALSE(p.read(kCompletions, R"({"model":"m","prompt":["a",1]})"));
  EXPECT_FALSE(p.read(kCompletions, R"({"model":"m","prompt":[[1,"a"]]})"));
  EXPECT_FALSE(p.read(kEmbeddings, R"({"model":"m","input":""})"));
  EXPECT_FALSE(p.read(kEmbeddings, R"({"model":"m","input":[]})"));
  EXPECT_FALSE(p.read(kEmbeddings, R"({"model":"m","input":["a",""]})"));
  EXPECT_FALSE(p.read(kEmbeddings, R"({"model":"m","input":[-1]})"));
  std::string many = R"({"model":"m","input":[)";
  for (int i = 0; i < 2048; ++i) many += i == 0 ? "\"a\"" : ",\"a\"";
  EXPECT_TRUE(p.read(kEmbeddings, many + "]}"));
  EXPECT_FALSE(p.read(kEmbeddings, many + ",\"a\"]}"));
  p.model_in_path = true;
  EXPECT_TRUE(p.read(kEmbeddings, R"({"input":"a"})"));
  EXPECT_FALSE(p.request.model);
}

TEST(Decode, Limits) {
  Parsed p;
  std::string body = R"({"model":"m","messages":[)";
  for (size_t i = 0; i < kMessagesMax; ++i) body += std::string(i == 0 ? "" : ",") + R"({"role":"user","content":"x"})";
  EXPECT_TRUE(p.read(kChat, body + "]}"));
  EXPECT_EQ(p.read(kChat, body + R"(,{"role":"user","content":"x"}]})").error().param, "messages");
  EXPECT_FALSE(p.read(kChat, R"({"model":"m","messages":[]})"));
  EXPECT_FALSE(p.read(kChat, with(kChat, "\"safety_identifier\":\"" + std::string(65, 'a') + "\"")));
  std::string umlauts;
  for (int i = 0; i < 64; ++i) umlauts += "ü";
  EXPECT_TRUE(p.read(kChat, with(kChat, "\"safety_identifier\":\"" + umlauts + "\"")));
  std::string pairs = "\"metadata\":{";
  for (int i = 0; i < 16; ++i) pairs += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"v\"";
  EXPECT_TRUE(p.read(kChat, with(kChat, pairs + "}")));
  EXPECT_FALSE(p.read(kChat, with(kChat, pairs + ",\"x\":\"v\"}")));
  EXPECT_FALSE(p.read(kChat, with(kChat, "\"metadata\":{\"" + std::string(65, 'k') + "\":\"v\"}")));
}

}  // namespace
}  // namespace wye::protocol
