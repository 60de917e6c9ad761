// Answers over the real stack, byte for byte: streams, wholes, /responses, embeddings, models; a client that leaves; faults.
#include "simulator/azure/test_rig.hpp"

namespace wye::simulator {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kChat = "/openai/v1/chat/completions";
#define SAFE                                                                                                                     \
  R"({"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,)" \
  R"("severity":"safe"},"violence":{"filtered":false,"severity":"safe"}})"
#define PROMPT                                                                                                                  \
  R"({"hate":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,)" \
  R"("severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,"filtered":false}})"
#define FRAME R"(data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":1760000000,"model":"smollm2-2026-01-01","choices":)"
constexpr std::string_view kStream =
    R"(data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":)" PROMPT
    "}]}\n\n" FRAME R"([{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null,"content_filter_results":{}}]})"
    "\n\n" FRAME R"([{"index":0,"delta":{"content":"Hello"},"finish_reason":null,"content_filter_results":)" SAFE "}]}\n\n" FRAME
    R"([{"index":0,"delta":{"content":" \"you\""},"finish_reason":null,"content_filter_results":)" SAFE "}]}\n\n" FRAME
    R"([{"index":0,"delta":{},"finish_reason":"stop","content_filter_results":{}}]})"
    "\n\n"
    "data: [DONE]\n\n";

TEST(SimulatorAnswers, StreamBytes) {
  Rig rig;
  rig.model.pieces = {chat_stream()};
  const Reply reply = rig.post(std::string(kChat), chat_body(R"(,"stream":true)"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.fields.at("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(with_plain_ids(reply.body, "chatcmpl-"), kStream);
  EXPECT_TRUE(reply.complete);
  ASSERT_EQ(rig.model.bodies.size(), 1u);
  EXPECT_EQ(rig.model.paths[0], "/v1/chat/completions");
  EXPECT_EQ(
      rig.model.bodies[0],
      R"({"model":"smollm2","messages":[{"role":"user","content":"Hi"}],"stream":true,"max_tokens":1024,"stream_options":{"include_usage":true}})");
}

TEST(SimulatorAnswers, StreamIsTheSameHoweverTheModelCutsIt) {
  Rig rig;
  const std::string whole = chat_stream();
  rig.model.gap = 1ms;
  for (size_t at = 1; at < whole.size(); at += 3) {
    rig.model.pieces = {whole.substr(0, at), whole.substr(at)};
    const Reply reply = rig.post(std::string(kChat), chat_body(R"(,"stream":true)"));
    ASSERT_EQ(with_plain_ids(reply.body, "chatcmpl-"), kStream) << at;
    ASSERT_TRUE(reply.complete) << at;
  }
}

TEST(SimulatorAnswers, UsageOnlyWhereAsked) {
  Rig rig;
  rig.model.pieces = {chat_stream()};
  const Reply reply = rig.post(std::string(kChat), chat_body(R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_NE(reply.body.find(R"("choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}})"), std::string::npos) << reply.body;
  size_t nulls = 0;
  for (size_t at = reply.body.find(R"("usage":null})"); at != std::string::npos; at = reply.body.find(R"("usage":null})", at + 1)) ++nulls;
  EXPECT_EQ(nulls, 4u);
  EXPECT_EQ(reply.body.find("timings"), std::string::npos);
}

TEST(SimulatorAnswers, WholeBytesAndTheModelIsAskedForAStream) {
  Rig rig({"--model-version", "2030-01-01"});
  rig.model.pieces = {chat_stream()};
  const Reply reply = rig.post("/openai/deployments/chat/chat/completions?api-version=2024-10-21", chat_body());
  EXPECT_EQ(reply.fields.at("content-type"), "application/json");
  EXPECT_EQ(with_plain_ids(reply.body, "chatcmpl-"),
            R"({"id":"chatcmpl-ID","object":"chat.completion","model":"smollm2-2030-01-01","created":1760000000,"choices":[{"index":0,)"
            R"("message":{"role":"assistant",)"
            R"("content":"Hello \"you\"","refusal":null},"logprobs":null,"finish_reason":"stop","content_filter_results":)" SAFE
            R"(}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7},"prompt_filter_results":[{"prompt_index":0,)"
            R"("content_filter_results":)" PROMPT "}]}");
  EXPECT_NE(rig.model.bodies.at(0).find(R"("stream":true)"), std::string::npos);
}

TEST(SimulatorAnswers, Completions) {
  Rig rig;
  const std::string event =
      R"(data: {"id":"u","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"blue","logprobs":null,"finish_reason":)";
  rig.model.pieces = {event + "null}]}\n\n" + event + "\"stop\"}]}\n\ndata: [DONE]\n\n"};
  const Reply whole = rig.post("/openai/v1/completions", R"({"model":"chat","prompt":"The sky is"})");
  EXPECT_EQ(rig.model.paths.at(0), "/v1/completions");
  EXPECT_NE(whole.body.find(R"("text":"blueblue")"), std::string::npos) << whole.body;
  EXPECT_NE(whole.body.find(R"("finish_reason":"stop","content_filter_results":{"hate")"), std::string::npos) << whole.body;
  const Reply stream = rig.post("/openai/deployments/chat/completions?api-version=2024-10-21", R"({"prompt":"The sky is","stream":true})");
  EXPECT_TRUE(stream.body.starts_with(R"(data: {"choices":[],"created":0,"id":"")"));
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
}

TEST(SimulatorAnswers, ResponsesOverChat) {
  Rig rig;
  rig.model.pieces = {chat_stream()};
  const Reply stream = rig.post("/openai/v1/responses", R"({"model":"chat","input":"Hi","stream":true})");
  EXPECT_EQ(rig.model.paths.at(0), "/v1/chat/completions");
  EXPECT_TRUE(stream.body.starts_with("event: response.created\ndata: {")) << stream.body;
  const size_t last = stream.body.rfind("event: ");
  const std::string terminal = stream.body.substr(last);
  EXPECT_TRUE(terminal.starts_with("event: response.completed\n")) << terminal;
  EXPECT_NE(terminal.find(R"("content_filters":[{"blocked":false,"source_type":"prompt")"), std::string::npos);
  EXPECT_NE(terminal.find(R"({"blocked":false,"source_type":"completion")"), std::string::npos);
  EXPECT_NE(terminal.find(R"("model":"smollm2-2026-01-01")"), std::string::npos);
  EXPECT_EQ(stream.body.substr(0, last).find("content_filters"), std::string::npos);
  EXPECT_TRUE(stream.complete);
  const Reply whole = rig.post("/openai/responses?api-version=2025-04-01-preview", R"({"model":"chat","input":"Hi"})");
  json::Document document;
  ASSERT_TRUE(document.parse(whole.body)) << whole.body;
  EXPECT_EQ(document.root().find("status")->text(), "completed");
  EXPECT_EQ(document.root().find("content_filters")->size(), 2u);
  EXPECT_NE(whole.body.find(R"("text":"Hello \"you\"")"), std::string::npos);
}

TEST(SimulatorAnswers, EmbeddingsInTheFormThatWasAsked) {
  Rig rig;
  rig.model.type = "application/json";
  rig.model.pieces = {R"({"model":"minilm","object":"list","usage":{"prompt_tokens":1,"total_tokens":1},"data":[{"embedding":[1,-0.5],"index":0,)"
                      R"("object":"embedding"}]})"};
  const Reply floats = rig.post("/openai/v1/embeddings", R"({"model":"emb","input":"wye-filter-hate is not judged here"})");
  EXPECT_EQ(floats.body,
            R"({"model":"minilm-2026-01-01","object":"list","usage":{"prompt_tokens":1,"total_tokens":1},"data":[{"embedding":[1,-0.5],"index":0,)"
            R"("object":"embedding"}]})");
  const Reply packed = rig.post("/openai/deployments/emb/embeddings?api-version=2024-10-21", R"({"input":["x"],"encoding_format":"base64"})");
  EXPECT_NE(packed.body.find(R"("embedding":"AACAPwAAAL8=")"), std::string::npos) << packed.body;
}

TEST(SimulatorAnswers, Models) {
  Rig rig;
  Ask ask;
  ask.method = "GET";
  ask.path = "/openai/models?api-version=2024-10-21";
  ask.fields = "api-key: first-key-0000\r\nx-ms-client-request-id: abc\r\n";
  const Reply list = rig.ask(ask);
  EXPECT_EQ(list.fields.at("x-ms-client-request-id"), "abc");
  json::Document document;
  ASSERT_TRUE(document.parse(list.body)) << list.body;
  const auto data = document.root().find("data");
  ASSERT_TRUE(data && data->size() == 2u);
  EXPECT_EQ((*data->elements().begin()).find("id")->text(), "smollm2-2026-01-01");
  ask.path = "/openai/v1/models/minilm-2026-01-01";
  EXPECT_EQ(rig.ask(ask).status, 200);
}

TEST(SimulatorAnswers, AFilteredAnswerBeginsAndEnds) {
  Rig rig;
  rig.model.hang = true;
  rig.model.pieces = {chat_stream().substr(0, chat_stream().find("data: [DONE]"))};
  const std::string text = "tell wye-filter-completion";
  const Reply stream = rig.post(std::string(kChat), chat_body(R"(,"stream":true)", text));
  EXPECT_NE(stream.body.find(R"("content":"Hello")"), std::string::npos);
  EXPECT_EQ(stream.body.find("you"), std::string::npos);
  EXPECT_NE(stream.body.find(R"("finish_reason":"content_filter","content_filter_results":{"hate":{"filtered":false)"), std::string::npos)
      << stream.body;
  EXPECT_NE(stream.body.find(R"("violence":{"filtered":true,"severity":"medium"})"), std::string::npos);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
  EXPECT_TRUE(rig.model.gone_at);  // the model does not run on
  const Reply whole = rig.post(std::string(kChat), chat_body({}, text));
  EXPECT_NE(whole.body.find(R"("content":"Hello")"), std::string::npos) << whole.body;
  EXPECT_NE(whole.body.find(R"("finish_reason":"content_filter")"), std::string::npos);
  EXPECT_NE(whole.body.find(R"("usage":{"prompt_tokens":)"), std::string::npos);
  const Reply response = rig.post("/openai/v1/responses", R"({"model":"chat","input":"wye-filter-completion"})");
  EXPECT_NE(response.body.find(R"("incomplete_details":{"reason":"content_filter"})"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find(R"({"blocked":true,"source_type":"completion")"), std::string::npos);
}

TEST(SimulatorAnswers, AClientThatLeavesFreesTheModel) {
  for (const bool stream : {false, true}) {
    Rig rig;
    rig.model.hang = true;
    rig.model.pieces = {chat_stream().substr(0, 300)};
    Ask ask;
    ask.body = chat_body(stream ? R"(,"stream":true)" : "");
    ask.leave_after = 1s;
    const MonoTime begun = rig.loop.now();
    EXPECT_FALSE(rig.ask(ask).complete);
    ASSERT_TRUE(rig.model.gone_at) << stream;
    EXPECT_GE(*rig.model.gone_at - begun, Nanos(1s));
    EXPECT_LT(*rig.model.gone_at - begun, Nanos(1s) + Nanos(200ms)) << stream;  // the client's own timer is late by up to one slot
  }
}

TEST(SimulatorAnswers, AModelThatBreaksOff) {
  const std::string whole = chat_stream();
  for (const size_t keep : {size_t{300}, whole.find("data: [DONE]")}) {
    Rig rig;
    rig.model.cut = true;
    rig.model.pieces = {whole.substr(0, keep)};
    const Reply stream = rig.post(std::string(kChat), chat_body(R"(,"stream":true)"));
    EXPECT_EQ(stream.status, 200);
    EXPECT_TRUE(
        stream.body.ends_with("data: {\"error\":{\"message\":\"The server had an error while it worked on your "
                              "request.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"))
        << stream.body;
    EXPECT_TRUE(stream.complete);
    EXPECT_EQ(stream.body.find("[DONE]"), std::string::npos);
    EXPECT_EQ(rig.post(std::string(kChat), chat_body()).status, 500);
    const Reply responses = rig.post("/openai/v1/responses", R"({"model":"chat","input":"Hi","stream":true})");
    EXPECT_NE(responses.body.find("event: response.failed\n"), std::string::npos) << responses.body;
  }
  Rig rig;  // an end without [DONE], but properly framed, is no end either
  rig.model.pieces = {whole.substr(0, whole.find("data: [DONE]"))};
  EXPECT_EQ(rig.post(std::string(kChat), chat_body()).status, 500);
  rig.model.pieces = {"data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n"};
  EXPECT_EQ(rig.post(std::string(kChat), chat_body(R"(,"stream":true)")).status, 500);
}

TEST(SimulatorFaultsOnTheWire, ByMarker) {
  const auto ask = [](std::string_view fault, bool stream, Rig& rig) {
    rig.model.pieces = {chat_stream()};
    Ask one;
    one.body = chat_body(stream ? R"(,"stream":true)" : "", "do wye-fault-" + std::string(fault));
    one.leave_after = 20s;
    return rig.ask(one);
  };
  for (const bool stream : {false, true}) {
    Rig rig;
    const Reply limited = ask("429", stream, rig);
    EXPECT_EQ(limited.status, 429);
    EXPECT_EQ(limited.fields.at("retry-after-ms"), "1000");
    EXPECT_EQ(limited.fields.at("retry-after"), "1");
    EXPECT_NE(limited.body.find("high demand"), std::string::npos);
    EXPECT_EQ(ask("500", stream, rig).status, 500);
    EXPECT_EQ(ask("503", stream, rig).status, 503);
    EXPECT_EQ(ask("reset", stream, rig).status, 0);
    EXPECT_TRUE(rig.model.bodies.empty());
    const Reply cut = ask("cut", stream, rig);
    EXPECT_EQ(cut.status, 200);
    EXPECT_FALSE(cut.complete);
    EXPECT_FALSE(cut.body.empty());
    EXPECT_EQ(cut.body.find("[DONE]"), std::string::npos);
    EXPECT_LT(cut.total, Nanos(1s));
    const Reply stalled = ask("stall", stream, rig);
    EXPECT_EQ(stalled.status, stream ? 200 : 0);
    EXPECT_FALSE(stalled.complete);
    EXPECT_EQ(stalled.body.find("[DONE]"), std::string::npos);
    if (stream) EXPECT_GE(stalled.total, Nanos(19s));
    const Reply slow = ask("slow-first", stream, rig);
    EXPECT_TRUE(slow.complete);
    EXPECT_GE(slow.first_byte, Nanos(5s));
    EXPECT_LT(slow.first_byte, Nanos(6s));
    EXPECT_EQ(ask("none", stream, rig).status, 200);
  }
}

TEST(SimulatorFaultsOnTheWire, BySharesAndSeed) {
  const auto statuses = [](std::string_view seed) {
    Rig rig({"--fault", "429=0.3", "--fault", "500=0.3", "--seed", seed});
    rig.model.pieces = {chat_stream()};
    std::string out;
    for (int i = 0; i < 60; ++i) out += std::to_string(rig.post(std::string(kChat), chat_body()).status) + " ";
    return out;
  };
  const std::string one = statuses("1");
  EXPECT_EQ(one, statuses("1"));
  EXPECT_NE(one, statuses("2"));
  for (const std::string_view status : {"200", "429", "500"}) EXPECT_NE(one.find(status), std::string::npos) << status;
}

TEST(SimulatorFaultsOnTheWire, Latency) {
  Rig rig({"--latency", "300ms"});
  rig.model.pieces = {chat_stream()};
  EXPECT_GE(rig.post(std::string(kChat), chat_body()).first_byte, Nanos(300ms));
  Ask ask;
  ask.body = chat_body();
  ask.leave_after = 100ms;  // leaves while we wait: the model is never asked
  rig.ask(ask);
  EXPECT_EQ(rig.model.bodies.size(), 1u);
}

}  // namespace
}  // namespace wye::simulator
