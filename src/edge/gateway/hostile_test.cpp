// Bytes that nobody meant: requests and answers mutated by a seed, through the whole gateway. Nothing crashes, hangs, leaks or stays.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> requests(const GatewayRig& rig) {
  const std::string version = "?api-version=2024-10-21";
  return {
      rig.post("/v1/chat/completions", kChatBody),
      rig.post("/v1/chat/completions", kChatStreamBody),
      rig.post("/v1/completions", R"({"model":"solo","prompt":["a","b"],"stream":true})"),
      rig.post("/v1/embeddings", R"({"model":"solo","input":["a",""],"encoding_format":"base64"})"),
      rig.post("/v1/responses", R"({"model":"managed","input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}],"stream":true})"),
      rig.post("/v1/responses", R"({"model":"bridged","input":"x","stream":true,"tools":[{"type":"function","name":"f","parameters":{}}]})"),
      rig.post("/openai/deployments/dated/chat/completions" + version, kChatBody),
      rig.post("/v1/chat/completions", R"({"model":"local","messages":[{"role":"user","content":"x"}]})"),
      rig.get("/v1/models/duo") + rig.get("/v1/models"),
  };
}
std::vector<std::string> answers() {
  return {
      json_answer(200, kChatAnswer),
      chat_stream("Hello"),
      stream_head() + event(chat_delta(R"({"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]})")) +
          event(chat_delta("{}", "\"tool_calls\"")) + stream_end(),
      stream_head() +
          chunk("event: response.created\ndata: "
                "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"status\":\"in_progress\"}}\n\n") +
          chunk("event: response.completed\ndata: "
                "{\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n") +
          "0\r\n\r\n",
      json_answer(200,
                  R"({"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":"AAAAPwAAgL8="}],"usage":{"prompt_tokens":1,)"
                  R"("total_tokens":1}})"),
      json_answer(429, R"({"error":{"message":"x","code":"insufficient_quota"}})", "retry-after: 3\r\nx-ratelimit-reset-tokens: 6m0s\r\n"),
      json_answer(400, R"({"error":{"code":"content_filter","innererror":{"content_filter_result":{"hate":{"filtered":true}}}}})"),
  };
}

void mutate(std::string& text, SeededRandom& random) {
  constexpr std::array<std::string_view, 14> kWords = {"\r\n",   "\n\n",      "\0",      "\"",   "{",      "}",    "[DONE]",
                                                       "data: ", "0\r\n\r\n", "\\u0000", "null", "-1e999", "\xff", "transfer-encoding: chunked\r\n"};
  for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n) {
    const size_t at = random.below(text.size());
    const size_t size = 1 + random.below(20);
    switch (random.below(6)) {
      case 0: text[at] = static_cast<char>(random.next()); break;
      case 1: text.erase(at, size); break;
      case 2: text.insert(at, kWords[random.below(kWords.size())]); break;
      case 3: text.insert(at, text.substr(random.below(text.size()), size)); break;
      case 4: text[at] = static_cast<char>(text[at] ^ (1 << random.below(8))); break;
      default: text.resize(at); break;
    }
  }
}

void attack(GatewayRig& rig, SeededRandom& random) {
  const std::vector<std::string> good = answers();
  const auto answer = [&](const Asked&) {
    std::string bytes = good[random.below(good.size())];
    mutate(bytes, random);
    const size_t cut = random.below(bytes.size() + 1);
    Script script{send(bytes.substr(0, cut)), wait(1ms), send(bytes.substr(cut))};
    if (random.below(3) == 0) script.push_back(close());
    return script;
  };
  for (auto& [port, upstream] : rig.upstreams) upstream->answer = answer;
  const std::vector<std::string> asked = requests(rig);
  std::array<Reply, 12> replies;
  for (Reply& reply : replies) {
    std::string bytes = asked[random.below(asked.size())];
    mutate(bytes, random);
    rig.begin(bytes, reply, {.leave_after = 30s});
  }
  rig.finish();
  for (const Reply& reply : replies) {
    EXPECT_TRUE(reply.bytes.empty() || reply.bytes.starts_with("HTTP/1.1 ")) << reply.bytes;
    EXPECT_EQ(reply.bytes.find("canary"), std::string::npos) << reply.bytes;
    EXPECT_LT(reply.ended - reply.begun, 31s);
  }
  EXPECT_EQ(rig.in_flight->now(), 0u);
}

TEST(Hostile, MutatedBytesOnBothSides) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    GatewayRig rig({.seed = seed, .configuration = test_configuration("", ", deadlines: {total: 6s, firstEvent: 3s, idle: 2s}")});
    attack(rig, random);
    for (auto& [port, upstream] : rig.upstreams) upstream->answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
    rig.reload(test_configuration());
    rig.run_for(std::chrono::minutes(6));  // nobody is set aside any more
    EXPECT_EQ(rig.ask(rig.post("/v1/chat/completions", kChatBody)).status, 200) << "it still works";
    EXPECT_EQ(rig.log_text().find("canary"), std::string::npos);
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace wye::gateway
