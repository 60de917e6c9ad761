#include "llm/protocol/aggregate.hpp"
#include "llm/protocol/embeddings.hpp"
#include "llm/protocol/errors.hpp"
#include "llm/protocol/models.hpp"
#include "llm/protocol/responses_bridge.hpp"
#include "llm/protocol/responses_rewriter.hpp"
#include "llm/protocol/test_support.hpp"
#include "llm/protocol/unary_rewriter.hpp"

namespace wye::protocol {
namespace {

TEST(Usage, Shapes) {
  const auto tokens = [](std::string_view json) {
    const Usage u = parse_usage(json);
    return u.present ? std::to_string(u.prompt_tokens) + "/" + std::to_string(u.cached_tokens) + "/" + std::to_string(u.completion_tokens) + "/" +
                           std::to_string(u.reasoning_tokens) + (u.total_disagrees ? "!" : "")
                     : "none";
  };
  EXPECT_EQ(tokens(R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":5})"), "3/0/2/0");
  EXPECT_EQ(tokens(R"({"prompt_tokens":3,"total_tokens":3})"), "3/0/0/0");
  EXPECT_EQ(
      tokens(R"({"input_tokens":3,"output_tokens":2,"input_tokens_details":{"cached_tokens":1},"output_tokens_details":{"reasoning_tokens":2}})"),
      "3/1/2/2");
  EXPECT_EQ(tokens(R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":9})"), "3/0/2/0!");
  EXPECT_EQ(tokens(R"({"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":99}})"), "3/3/2/0");
  EXPECT_EQ(tokens(R"({"prompt_tokens":3.0,"completion_tokens":null,"prompt_tokens_details":null})"), "3/0/0/0");
  for (const std::string_view bad : {R"({"prompt_tokens":-1})", R"({"prompt_tokens":"3"})", R"({"prompt_tokens":1e9})", R"({})", "null", "[]", "",
                                     R"({"prompt_tokens":99999999999999999999})", R"({"prompt_tokens":3,"prompt_tokens_details":7})"})
    EXPECT_EQ(tokens(bad), "none") << bad;
}

TEST(UnaryRewriter, Chat) {
  UnaryRewriter rewriter;
  const std::string body =
      R"({ "id":"up\u0031", "object":"chat.completion","x":[1.0,{"model":"inner"}], "model" : "gpt", "choices":[{"index":0,"finish_reason":"stop",
    "message":{"role":"assistant","content":"\"model\":\"gpt\""}},
    {"index":1,"finish_reason":"length","message":{}}],"usage":{"prompt_tokens":1,"completion_tokens":2} } )";
  const Result<UnaryAnswer> answer = rewriter.rewrite(body, {.id = "chatcmpl-1", .model = "route"});
  ASSERT_TRUE(answer);
  std::string want = body;
  want.replace(want.find(R"("up\u0031")"), 10, R"("chatcmpl-1")");
  want.replace(want.find(R"("model" : "gpt")"), 15, R"("model" : "route")");
  EXPECT_EQ(joined(answer->pieces), want);
  EXPECT_EQ(answer->size, want.size());
  EXPECT_EQ(answer->usage.completion_tokens, 2U);
  EXPECT_EQ(answer->finish, FinishReason::kLength);
  EXPECT_EQ(answer->items, 2U);
  for (const std::string_view bad :
       {"", "[]", "{", "{}", R"({"choices":1})", R"({"choices":[1]})", R"({"error":{"message":"x"}})", "<html>", R"({"choices":[],"choices":[]})"}) {
    const Result<UnaryAnswer> refused = rewriter.rewrite(bad, {.id = "a", .model = "b"});
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, ErrorCode::kUpstreamFailed);
  }
}

TEST(UnaryRewriter, WhatAFilterSaidIsTakenOutOnRequest) {
  UnaryRewriter rewriter;
  const std::string body = R"({"content_filter_results":1,"id":"up","prompt_filter_results":[{"a":{}}],"prompt_annotations":[],)"
                           R"("choices":[{"content_filter_results":)"
                           R"({"hate":{"filtered":false}},"content_filter_offsets":{},"index":0,"finish_reason":"stop",)"
                           R"("message":{"content":"\"content_filter_results\":{}"}},)"
                           R"({"index":1,"finish_reason":"stop","message":{},"content_filter_results":{}}],"model":"gpt"})";
  const Result<UnaryAnswer> hidden = rewriter.rewrite(body, {.id = "c", .model = "r", .show_filters = false});
  ASSERT_TRUE(hidden);
  EXPECT_EQ(
      joined(hidden->pieces),
      R"({"content_filter_results":1,"id":"c","choices":[{"index":0,"finish_reason":"stop","message":{"content":"\"content_filter_results\":{}"}},)"
      R"({"index":1,"finish_reason":"stop","message":{}}],"model":"r"})");
  const Result<UnaryAnswer> shown = rewriter.rewrite(body, {.id = "c", .model = "r"});
  ASSERT_TRUE(shown);
  EXPECT_NE(joined(shown->pieces).find("prompt_filter_results"), std::string::npos);
}

TEST(UnaryRewriter, Embeddings) {
  UnaryRewriter rewriter;
  const std::string floats =
      R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,-0.5, 0.1]},{"embedding":[],"index":1}],"model":"mini","usage":{)"
      R"("prompt_tokens":4,"total_tokens":4}})";
  const std::string padded = floats + "\n";
  Result<UnaryAnswer> answer = rewriter.rewrite(padded, {.operation = Operation::kEmbeddings, .model = "route"});
  ASSERT_TRUE(answer);
  std::string want = floats;
  want.replace(want.find("\"mini\""), 6, "\"route\"");
  EXPECT_EQ(joined(answer->pieces), want);
  EXPECT_EQ(answer->usage.prompt_tokens, 4U);
  answer = rewriter.rewrite(floats, {.operation = Operation::kEmbeddings, .model = "route", .encoding = EncodingFormat::kBase64});
  ASSERT_TRUE(answer);
  const std::string base64 = joined(answer->pieces);
  EXPECT_NE(base64.find(R"("embedding":"AACAPwAAAL/NzMw9")"), std::string::npos) << base64;
  EXPECT_NE(base64.find(R"({"embedding":"","index":1})"), std::string::npos) << base64;
  EXPECT_EQ(answer->size, base64.size());
  UnaryRewriter back;
  answer = back.rewrite(base64, {.operation = Operation::kEmbeddings, .model = "route"});
  ASSERT_TRUE(answer);
  EXPECT_NE(joined(answer->pieces).find(R"("embedding":[1,-0.5,0.1])"), std::string::npos);
}

TEST(Embeddings, RefusesWhatIsNone) {
  for (const std::string_view bad : {R"([{"embedding":["a"]}])", R"([{"embedding":[1,]}])", R"([{"embedding":[1 2]}])", R"([{"embedding":[1e99]}])",
                                     R"([{"embedding":[nan]}])", R"([{"index":1}])", R"([{"embedding":7}])", R"([{"embedding":[1])"}) {
    std::string out;
    EXPECT_FALSE(convert_embeddings(bad, EncodingFormat::kBase64, out)) << bad;
  }
  for (const std::string_view bad : {R"([{"embedding":"A"}])", R"([{"embedding":"AAAA"}])", R"([{"embedding":"AA=A"}])", R"([{"embedding":"!!!!"}])",
                                     R"([{"embedding":"AADAfw=="}])"}) {
    std::string out;
    EXPECT_FALSE(convert_embeddings(bad, EncodingFormat::kFloat, out)) << bad;
  }
  std::string out;
  ASSERT_TRUE(convert_embeddings(R"([{"embedding":[1e-60]}])", EncodingFormat::kBase64, out));
  EXPECT_EQ(out, R"([{"embedding":"AAAAAA=="}])");
}

struct FaultRow {
  int status;
  std::string_view body;
  UpstreamFault fault;
  ErrorCode code;
};

TEST(UpstreamErrors, OfEveryMake) {
  const std::array rows = {
      FaultRow{400,
               R"({"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error",)"
               R"("n_prompt_tokens":4097,"n_ctx":2048}})",
               UpstreamFault::kContextTooLong, ErrorCode::kContextTooLong},
      FaultRow{400, R"({"error":{"message":"x","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
               UpstreamFault::kContextTooLong, ErrorCode::kContextTooLong},
      FaultRow{400,
               R"({"object":"error","message":"This model's maximum context length is 10 tokens.","type":"BadRequestError","param":null,"code":400})",
               UpstreamFault::kContextTooLong, ErrorCode::kContextTooLong},
      FaultRow{400,
               R"({"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{)"
               R"("code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{)"
               R"("detected":true,"filtered":true}}}}})",
               UpstreamFault::kContentFilter, ErrorCode::kBlocked},
      FaultRow{400, R"({"error":{"code":"content_filter","inner_error":{"content_filter_results":{"self-harm":{"filtered":true}}}}})",
               UpstreamFault::kContentFilter, ErrorCode::kBlocked},
      FaultRow{400, R"({"error":{"code":null,"content_filters":[{"blocked":true,"content_filter_results":{"jailbreak":{"filtered":true}}}]}})",
               UpstreamFault::kContentFilter, ErrorCode::kBlocked},
      FaultRow{429, R"({"error":{"code":"insufficient_quota","type":"insufficient_quota","message":"x"}})", UpstreamFault::kQuotaExhausted,
               ErrorCode::kQuotaExhausted},
      FaultRow{429, R"({"error":{"code":"429","message":"Requests have exceeded the rate limit"}})", UpstreamFault::kNone, ErrorCode::kRateLimited},
      FaultRow{404, R"({"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}})",
               UpstreamFault::kDeploymentNotFound, ErrorCode::kUpstreamFailed},
      FaultRow{401, R"({"error":{"code":"401","message":"Access denied due to invalid subscription key"}})", UpstreamFault::kNone,
               ErrorCode::kUpstreamAuthUnavailable},
      FaultRow{503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})", UpstreamFault::kModelLoading,
               ErrorCode::kModelNotReady},
      FaultRow{503, R"({"error":"busy"})", UpstreamFault::kNone, ErrorCode::kOverloaded},
      FaultRow{400, R"({"error":{"code":"unsupported_parameter","param":"max_tokens","message":"x"}})", UpstreamFault::kUnsupportedParameter,
               ErrorCode::kUnsupportedParameter},
      FaultRow{422, R"({"detail":[{"loc":["body"],"msg":"field required"}]})", UpstreamFault::kNone, ErrorCode::kInvalidRequest},
      FaultRow{500, "Internal Server Error at 10.1.2.3", UpstreamFault::kNone, ErrorCode::kUpstreamFailed},
      FaultRow{502, "<html><body>nginx</body></html>", UpstreamFault::kNone, ErrorCode::kUpstreamFailed},
      FaultRow{504, "", UpstreamFault::kNone, ErrorCode::kUpstreamTimeout},
      FaultRow{413, "{}", UpstreamFault::kNone, ErrorCode::kTooLarge},
      FaultRow{500, R"({"error":{"code":"context_length_exceeded"}})", UpstreamFault::kContextTooLong, ErrorCode::kUpstreamFailed},
      FaultRow{200, R"({"error":{"type":"overloaded_error","message":"x"}})", UpstreamFault::kOverloaded, ErrorCode::kOverloaded},
      FaultRow{200, R"([1,2])", UpstreamFault::kNone, ErrorCode::kUpstreamFailed},
      FaultRow{500,
               R"x({"error":{"code":500,"message":"input (2002 tokens) is too large to process. increase the physical batch size (current )x"
               R"x(batch size: 512)","type":"server_error"}})x",
               UpstreamFault::kContextTooLong, ErrorCode::kContextTooLong},
      FaultRow{500, R"({"error":{"code":500,"message":"out of memory","type":"server_error"}})", UpstreamFault::kNone, ErrorCode::kUpstreamFailed},
  };
  for (const FaultRow& row : rows) {
    const UpstreamError error = parse_upstream_error(row.status, row.body);
    EXPECT_EQ(error.fault, row.fault) << row.body;
    EXPECT_EQ(error.error.code, row.code) << row.body;
    EXPECT_FALSE(error.error.detail.empty());
    std::string out;
    write_error_body(error.error, out);
    for (const std::string_view leak : {"10.1.2.3", "nginx", "subscription", "The API deployment"}) EXPECT_EQ(out.find(leak), std::string::npos);
  }
  EXPECT_EQ(parse_upstream_error(400, rows[0].body).context_tokens, 2048U);
  EXPECT_EQ(filter_category_names(parse_upstream_error(400, rows[3].body).filtered), "jailbreak");
  EXPECT_EQ(filter_category_names(parse_upstream_error(400, rows[4].body).filtered), "self_harm");
  EXPECT_EQ(parse_upstream_error(400, R"({"error":{"param":"<script>"}})").error.param, "");
}

TEST(Errors, AllFourKeysAlways) {
  std::string out;
  write_error_body(public_error(ErrorCode::kInvalidRequest, "bad \"x\"", "messages[0]"), out);
  EXPECT_EQ(out, R"({"error":{"message":"bad \"x\"","type":"invalid_request_error","param":"messages[0]","code":null}})");
  out.clear();
  write_error_event(internal_error(ErrorCode::kUpstreamFailed, "secret"), out);
  EXPECT_EQ(
      out,
      "data: {\"error\":{\"message\":\"The model could not be reached.\",\"type\":\"server_error\",\"param\":null,\"code\":\"upstream_error\"}}\n\n");
}

TEST(Models, ListAndOne) {
  const std::array models = {ModelEntry{"a", {5'000'000'000}}, ModelEntry{"b\"", {0}}};
  std::string out;
  write_model_list(models, out);
  EXPECT_EQ(out, R"({"object":"list","data":[{"id":"a","object":"model","created":5,"owned_by":"wye"},{"id":"b\"","object":"model","created":0,)"
                 R"("owned_by":"wye"}]})");
}

TEST(StreamAggregator, BoundsAndSeveralChoices) {
  StreamAggregator aggregator;
  aggregator.start({.operation = Operation::kCompletions, .names = {"cmpl-1", "route"}});
  for (const std::string_view event :
       {R"({"choices":[{"index":1,"text":"x"}]})", R"({"choices":[{"index":0,"text":"a"},{"index":1,"text":"y"}],"created":3})",
        R"({"choices":[{"index":0,"text":"b","finish_reason":"stop"}]})", R"({"choices":[{"index":1,"text":"","finish_reason":"length"}]})",
        "[DONE]"})
    ASSERT_TRUE(aggregator.feed(event));
  std::string out;
  ASSERT_TRUE(aggregator.write(out));
  EXPECT_EQ(out, R"({"id":"cmpl-1","object":"text_completion","model":"route","created":3,"choices":[{"index":0,"logprobs":null,"text":"ab",)"
                 R"("finish_reason":"stop"},)"
                 R"({"index":1,"logprobs":null,"text":"xy","finish_reason":"length"}]})");
  aggregator.start({.names = {"a", "b"}, .bytes_max = 1000});
  bool refused = false;
  for (int i = 0; i < 200 && !refused; ++i) refused = !aggregator.feed(R"({"choices":[{"index":0,"delta":{"content":"0123456789"}}]})");
  EXPECT_TRUE(refused);
}

std::string bridged(std::string_view body, const UpstreamTarget& target = {.model = "dep"}) {
  Parsed parsed;
  const Result<void> read = parsed.read(Operation::kResponses, body);
  if (!read) return "decode: " + read.error().param;
  std::string out;
  const Result<void> done = bridge_request(parsed.request, target, out);
  if (!done) return "refused: " + done.error().param;
  json::Document document;
  EXPECT_TRUE(document.parse(out)) << out;
  DecodedRequest request;
  EXPECT_TRUE(decode(Operation::kChat, document, {.pointer_schemes = parsed.schemes}, request)) << out;
  return out;
}

TEST(BridgeRequest, Conversions) {
  EXPECT_EQ(
      bridged(R"({"model":"m","input":"hi","instructions":"be brief","max_output_tokens":20,"temperature":0.50,"store":true,"metadata":{"a":"b"}})"),
      R"({"model":"dep","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}],"temperature":0.50,"max_tokens":20})");
  EXPECT_EQ(
      bridged(R"({"model":"m","input":[{"role":"developer","content":"d"},{"type":"message","role":"user","content":[{"type":"input_text",)"
              R"("text":"a\u0041"},
    {"type":"input_image","image_url":"data:,x","detail":"low"}]},
    {"role":"assistant","content":[{"type":"output_text","text":"p"},{"type":"output_text","text":"q"}]},
    {"type":"reasoning","summary":[]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
    {"type":"function_call","call_id":"c2","name":"g","arguments":"[]"},
    {"type":"function_call_output","call_id":"c1","output":"r1"},
    {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"r2"}]}],
    "tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}],
    "tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false,"top_k":40})"),
      R"({"model":"dep","messages":[{"role":"system","content":"d"},{"role":"user","content":[{"type":"text","text":"a\u0041"},{)"
      R"("type":"image_url","image_url":{"url":"data:,x","detail":"low"}}]},)"
      R"({"role":"assistant","content":"pq"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f",)"
      R"("arguments":"{}"}},)"
      R"({"id":"c2","type":"function","function":{"name":"g","arguments":"[]"}}]},{"role":"tool","tool_call_id":"c1","content":"r1"},{)"
      R"("role":"tool","tool_call_id":"c2","content":"r2"}],)"
      R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}}],"tool_choice":{"type":"function",)"
      R"("function":{"name":"f"}},)"
      R"("parallel_tool_calls":false,"top_k":40,"max_tokens":1024})");
  EXPECT_EQ(
      bridged(R"({"model":"m","input":"x","stream":true,"text":{"format":{"type":"json_schema","name":"n","schema":{"a":1}}},"reasoning":{)"
              R"("effort":"low","summary":"auto"},"user":"u"})",
              {.model = "dep", .dialect = {.chat_output_cap = OutputCapName::kMaxCompletionTokens}, .user_hash = "h"}),
      R"({"model":"dep","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{)"
      R"("a":1}}},"reasoning_effort":"low",)"
      R"("user":"h","max_completion_tokens":1024,"stream":true,"stream_options":{"include_usage":true}})");
}

TEST(BridgeRequest, EarlierThoughtsGoAlongOrAreRefused) {
  const auto messages = [](std::string_view items) {
    const std::string out = bridged(R"({"model":"m","input":[)" + std::string(items) + "]}");
    const size_t end = out.find(R"(,"max_tokens")");
    return end == std::string::npos ? out : out.substr(26, end - 26);
  };
  const std::string thought = R"({"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"Let me "},)"
                              R"({"type":"reasoning_text","text":"think."}]})";
  EXPECT_EQ(messages(thought + R"(,{"role":"assistant","content":"a"},{"role":"user","content":"u"})"),
            R"([{"role":"assistant","content":"a","reasoning_content":"Let me think."},{"role":"user","content":"u"}])");
  EXPECT_EQ(messages(thought + R"(,{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},)"
                               R"({"type":"function_call_output","call_id":"c","output":"r"})"),
            R"([{"role":"assistant","content":null,"reasoning_content":"Let me think.","tool_calls":[{"id":"c","type":"function","function":{)"
            R"("name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}])");
  EXPECT_EQ(messages(thought + R"(,{"role":"user","content":"u"})"),
            R"([{"role":"assistant","content":"","reasoning_content":"Let me think."},{"role":"user","content":"u"}])");
  EXPECT_EQ(messages(R"({"role":"user","content":"u"},)" + thought),
            R"([{"role":"user","content":"u"},{"role":"assistant","content":"","reasoning_content":"Let me think."}])");
  // Only its maker can read these.
  EXPECT_EQ(messages(R"({"type":"reasoning","summary":[],"encrypted_content":"x"})"), "refused: input[0].encrypted_content");
  EXPECT_EQ(messages(R"({"type":"reasoning","summary":[{"type":"summary_text","text":"s"}]})"), "refused: input[0].summary");
  EXPECT_EQ(messages(R"({"type":"reasoning","summary":[],"content":[{"type":"other"}]})"), "refused: input[0].content[0]");
}

TEST(BridgeRequest, RefusesWhatChatCannotSay) {
  struct Row {
    std::string_view member, param;
  };
  const std::array rows = {
      Row{R"("truncation":"auto")", "truncation"},
      Row{R"("top_logprobs":3)", "top_logprobs"},
      Row{R"("max_tool_calls":3)", "max_tool_calls"},
      Row{R"("include":["message.output_text.logprobs"])", "include[0]"},
      Row{R"("reasoning":{"summary":"detailed"})", "reasoning.summary"},
      Row{R"("tools":[{"type":"custom","name":"c"}])", "tools[0].type"},
      Row{R"("context_management":[{"type":"compaction"}])", "context_management"},
      Row{R"("stop":["a"])", "stop"},
      Row{R"("messages":[])", "messages"},
      Row{R"("\u006e":2)", "n"},
      Row{R"("moderation":{"model":"m"})", "moderation"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(bridged(R"({"model":"m","input":"x",)" + std::string(row.member) + "}"), "refused: " + std::string(row.param));
  EXPECT_EQ(bridged(R"({"model":"m","input":[{"type":"custom_tool_call","call_id":"c","name":"n","input":"i"}]})"), "refused: input[0].type");
}

TEST(ResponsesRewriter, NativeStream) {
  ResponsesRewriter rewriter;
  rewriter.start({"resp_ours", "route"});
  const auto sent = [&rewriter](std::string_view data) {
    const Result<EventStep> step = rewriter.feed(data);
    return step ? joined(step->pieces) : "error: " + std::string(client_message(step.error()));
  };
  EXPECT_EQ(
      sent(R"({"type":"response.created","sequence_number":0,"response":{"id":"resp_up","model":"gpt-x","status":"in_progress","user":"hash"}})"),
      R"({"type":"response.created","sequence_number":0,"response":{"id":"resp_ours","model":"route","status":"in_progress","user":null}})");
  const std::string delta = R"({"type":"response.output_text.delta","sequence_number":4,"delta":"\"response\":{","item_id":"msg_1"})";
  EXPECT_FALSE(rewriter.content_seen());
  EXPECT_EQ(sent(delta), delta);
  EXPECT_TRUE(rewriter.content_seen());
  EXPECT_FALSE(rewriter.ended());
  std::string failure;
  ResponsesRewriter cut;
  cut.start({"resp_ours", "route"});
  ASSERT_TRUE(cut.feed(delta));
  cut.fail(internal_error(ErrorCode::kUpstreamFailed, "x"), {0}, failure);
  EXPECT_TRUE(
      failure.starts_with("event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":5,\"response\":{\"id\":\"resp_ours\""))
      << failure;
  EXPECT_EQ(
      sent(R"({"type":"response.incomplete","sequence_number":5,"response":{"id":"r","model":"m","incomplete_details":{"reason":"content_filter"},)"
           R"("usage":{"input_tokens":2,"output_tokens":3,"total_tokens":5}}})")
              .find("resp_ours") != std::string::npos,
      true);
  EXPECT_TRUE(rewriter.complete());
  EXPECT_EQ(rewriter.finish_reason(), FinishReason::kContentFilter);
  EXPECT_EQ(rewriter.usage().completion_tokens, 3U);
  EXPECT_EQ(sent("[DONE]"), "");
}

TEST(ResponsesRewriter, WhatAFilterSaidIsTakenOutOnRequest) {
  const std::string body = R"({"id":"r","status":"completed","output":[],"content_filters":[{"blocked":false}],"model":"m"})";
  ResponsesRewriter rewriter;
  rewriter.start({"resp_ours", "route"}, false);
  const auto hidden = rewriter.rewrite(body);
  ASSERT_TRUE(hidden);
  EXPECT_EQ(joined(hidden->pieces), R"({"id":"resp_ours","status":"completed","output":[],"model":"route"})");
  rewriter.start({"resp_ours", "route"}, false);
  const std::string data = R"({"type":"response.completed","sequence_number":1,"response":)" + body + "}";  // the pieces refer to it
  const auto event = rewriter.feed(data);
  ASSERT_TRUE(event);
  EXPECT_EQ(joined(event->pieces).find("content_filters"), std::string::npos);
}

TEST(ResponsesRewriter, FailuresSpeakOurWords) {
  ResponsesRewriter rewriter;
  rewriter.start({"resp_ours", "route"});
  const Result<EventStep> step =
      rewriter.feed(R"({"type":"response.failed","sequence_number":1,"response":{"id":"r","model":"m","error":{"code":"server_error",)"
                    R"("message":"host 10.0.0.1 down"}}})");
  ASSERT_TRUE(step);
  EXPECT_EQ(joined(step->pieces).find("10.0.0.1"), std::string::npos);
  EXPECT_TRUE(rewriter.ended() && !rewriter.complete());
  rewriter.start({"resp_ours", "route"});
  EXPECT_FALSE(rewriter.feed(R"({"type":"error","code":"server_error","message":"x","param":null,"sequence_number":1})"));
  EXPECT_FALSE(rewriter.feed("{}"));
  const Result<UnaryAnswer> whole = rewriter.rewrite(
      R"({"id":"r","object":"response","status":"completed","model":"m","output":[{"id":"msg_1"}],"usage":{"input_tokens":1,"output_tokens":1}})");
  ASSERT_TRUE(whole);
  EXPECT_EQ(joined(whole->pieces),
            R"({"id":"resp_ours","object":"response","status":"completed","model":"route","output":[{"id":"msg_1"}],"usage":{"input_tokens":1,)"
            R"("output_tokens":1}})");
  EXPECT_FALSE(rewriter.rewrite("[]"));
  EXPECT_FALSE(rewriter.rewrite(R"({"error":{"message":"x"}})"));
}

}  // namespace
}  // namespace wye::protocol
