#include "serving/runtime/probe.hpp"

#include "serving/runtime/test_outside.hpp"

namespace wye::runtime {
namespace {

constexpr std::string_view kChat = R"({"choices":[{"finish_reason":"length","message":{"content":"blue"}}],
  "usage":{"completion_tokens":16},"timings":{"prompt_ms":20.5,"predicted_ms":200}})";

/// A server whose answers a test writes down.
class ProbeTest : public ::testing::Test {
 protected:
  ProbeTest() {
    spec_.model = "tiny";
    spec_.file = outside_.put("file", "x");
    spec_.slots = 2;
    spec_.slot_context_tokens = 2000;
    verified_.identity = *identify(spec_.file);
    verified_.facts.has_chat_template = true;
    answers_["/health"] = R"({"status":"ok"})";
    answers_["/props"] = R"({"default_generation_settings":{"n_ctx":2048},"total_slots":2,"model_alias":"tiny"})";
    answers_["/slots"] = R"([{"id":0,"n_ctx":2048,"is_processing":false},{"id":1,"n_ctx":2048,"is_processing":false}])";
    answers_["/v1/chat/completions"] = kChat;
    answers_["/v1/completions"] = kChat;
    answers_["/v1/embeddings"] = R"({"data":[{"embedding":[0.5,-1e-3]}]})";
    http_ = [this](const HttpCallRequest& request) -> Result<HttpCallAnswer> {
      EXPECT_GT(request.timeout, Nanos{});
      EXPECT_EQ(request.bearer, "the key of the server");
      asked_.emplace_back(std::string(request.path) + " " + std::string(request.body));
      const auto found = answers_.find(std::string(request.path));
      if (found == answers_.end()) return Fail(internal_error(ErrorCode::kTimeout, "no answer"));
      if (found->second.starts_with("!")) return HttpCallAnswer{.status = std::stoi(found->second.substr(1, 3)), .body = found->second.substr(4)};
      return HttpCallAnswer{.status = 200, .body = found->second};
    };
  }
  std::string prove() {
    const auto proven = Prober(http_, outside_.clock, key_).prove(target(), std::chrono::seconds(5));
    if (!proven) return proven.error().detail;
    EXPECT_EQ(proven->context_tokens, 2048U);
    return "ready";
  }
  std::string look() {
    const auto outcome = Prober(http_, outside_.clock, key_).look(target(), std::chrono::seconds(5), last_slots_);
    return outcome ? "fine" : outcome.error().detail;
  }
  ProbeTarget target() const { return {.spec = spec_, .verified = verified_, .port = 1}; }
  void expect_refused(std::string_view path, std::string_view answer, std::string_view because) {
    const std::string before = std::exchange(answers_[std::string(path)], std::string(answer));
    const std::string got = prove();
    EXPECT_NE(got.find(because), std::string::npos) << "wanted: " << because << "\ngot: " << got;
    answers_[std::string(path)] = before;
  }

  TestOutside outside_;
  RuntimeSpec spec_;
  Verified verified_;
  std::shared_ptr<const Secret> key_ = std::make_shared<Secret>("the key of the server");
  std::map<std::string, std::string> answers_;
  std::vector<std::string> asked_;
  std::string last_slots_;
  HttpCall http_;
};

TEST_F(ProbeTest, ReadyIsARealGeneration) {
  spec_.probe.prompt = "Say \"blue\".";
  EXPECT_EQ(prove(), "ready");
  EXPECT_EQ(asked_.back(),
            "/v1/chat/completions {\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"Say "
            "\\\"blue\\\".\"}],\"temperature\":0,\"max_tokens\":16}");
  verified_.facts.has_chat_template = false;
  EXPECT_EQ(prove(), "ready");
  EXPECT_EQ(asked_.back(), "/v1/completions {\"model\":\"tiny\",\"prompt\":\"Say \\\"blue\\\".\",\"temperature\":0,\"max_tokens\":16}");
}

TEST_F(ProbeTest, AServerThatIsOtherThanAskedForIsRefused) {
  expect_refused("/props", R"({"default_generation_settings":{"n_ctx":2048},"total_slots":4,"model_alias":"tiny"})", "has 4 slots, asked for were 2");
  expect_refused("/props", R"({"default_generation_settings":{"n_ctx":1024},"total_slots":2,"model_alias":"tiny"})", "1024 tokens of context");
  expect_refused("/props", R"({"default_generation_settings":{"n_ctx":4096},"total_slots":2,"model_alias":"tiny"})", "4096 tokens of context");
  expect_refused("/props", R"({"default_generation_settings":{"n_ctx":2048},"total_slots":2,"model_alias":"other"})", "is not ours");
  expect_refused("/props", "{}", "is not ours");
  expect_refused("/props", "[1,", "no JSON");
  expect_refused("/props", "!404nothing", "answered 404: nothing");
  expect_refused("/slots", R"([{"n_ctx":2048}])", "lists 1 slots");
  expect_refused("/slots", R"([{"n_ctx":2048},{"n_ctx":512}])", "different contexts");
}

TEST_F(ProbeTest, AHealthyServerThatGeneratesNothingIsNotReady) {
  const std::string_view path = "/v1/chat/completions";
  expect_refused(path, "!500{\"error\":\"broken\"}", "answered 500");
  expect_refused(path, "{}", "no token");
  expect_refused(path, R"({"choices":[],"usage":{"completion_tokens":16}})", "no token");
  expect_refused(path, R"({"choices":[{"finish_reason":"stop"}],"usage":{"completion_tokens":0}})", "no token");
  expect_refused(path, R"({"choices":[{"finish_reason":"stop"}]})", "no token");
  expect_refused(path, R"({"choices":[{"finish_reason":null}],"usage":{"completion_tokens":3}})", "no finish_reason");
  expect_refused(path, R"({"choices":[{"finish_reason":"stop"}],"usage":{"completion_tokens":16},"timings":{"prompt_ms":31000,"predicted_ms":9}})",
                 "first token took 31000 ms");
  expect_refused(path, R"({"choices":[{"finish_reason":"stop"}],"usage":{"completion_tokens":16},"timings":{"prompt_ms":3,"predicted_ms":20000}})",
                 "minTokensPerSecond");
  answers_.erase(std::string(path));
  EXPECT_EQ(prove(), "/v1/chat/completions: no answer");
}

TEST_F(ProbeTest, AnEmbeddingModelMustGiveARealVector) {
  verified_.facts.causal = false;
  verified_.facts.embedding_length = 2;
  EXPECT_EQ(prove(), "ready");
  expect_refused("/v1/embeddings", R"({"data":[{"embedding":[0.5]}]})", "1 dimensions, the file says 2");
  expect_refused("/v1/embeddings", R"({"data":[{"embedding":[0,0.0]}]})", "all zeros");
  expect_refused("/v1/embeddings", R"({"data":[{"embedding":[null,1]}]})", "no number");
  expect_refused("/v1/embeddings", R"({"data":[]})", "missing");
  expect_refused("/v1/embeddings", "!500too large", "answered 500");
}

TEST_F(ProbeTest, AFileThatChangedUnderTheServerIsRefused) {
  outside_.put("file", "y");
  EXPECT_NE(prove().find("changed while it was loaded"), std::string::npos);
}

TEST_F(ProbeTest, HealthIsTheStatusAlone) {
  const Prober prober(http_, outside_.clock, key_);
  EXPECT_TRUE(prober.healthy(1, std::chrono::seconds(1)));
  answers_["/health"] = "!503{}";
  EXPECT_FALSE(prober.healthy(1, std::chrono::seconds(1)));
  answers_.erase("/health");
  EXPECT_FALSE(prober.healthy(1, std::chrono::seconds(1)));
}

TEST_F(ProbeTest, ALookAsksForOneTokenWhereItIdles) {
  EXPECT_EQ(look(), "fine");
  EXPECT_NE(asked_.back().find("\"max_tokens\":1}"), std::string::npos);
  answers_["/v1/chat/completions"] = "!500broken";
  EXPECT_EQ(look(), "/v1/chat/completions answered 500: broken");
}

TEST_F(ProbeTest, ALookAtABusyServerOnlyAsksThatItGetsOn) {
  answers_["/slots"] = R"([{"id":0,"is_processing":true,"next_token":[{"n_decoded":5}]},{"id":1,"is_processing":false}])";
  asked_.clear();
  EXPECT_EQ(look(), "fine");
  EXPECT_EQ(asked_, std::vector<std::string>{"/slots "});
  EXPECT_NE(look().find("did not get on"), std::string::npos);
  answers_["/slots"] = R"([{"id":0,"is_processing":true,"next_token":[{"n_decoded":9}]},{"id":1,"is_processing":false}])";
  EXPECT_EQ(look(), "fine");
}

TEST_F(ProbeTest, RequestsThatFillTheSlotsDuringALookAreNoMiss) {
  int looks = 0;
  const HttpCall inner = http_;
  http_ = [&](const HttpCallRequest& request) -> Result<HttpCallAnswer> {
    if (request.path == "/slots" && ++looks == 2) return HttpCallAnswer{.status = 200, .body = R"([{"is_processing":true,"id_task":1}])"};
    if (request.path == "/v1/chat/completions") return Fail(internal_error(ErrorCode::kTimeout, "slow"));
    return inner(request);
  };
  EXPECT_EQ(look(), "fine");
}

TEST_F(ProbeTest, IdleMeansEverySlot) {
  const Prober prober(http_, outside_.clock, key_);
  EXPECT_TRUE(*prober.idle(1, std::chrono::seconds(1)));
  answers_["/slots"] = R"([{"is_processing":false},{"is_processing":true}])";
  EXPECT_FALSE(*prober.idle(1, std::chrono::seconds(1)));
  answers_["/slots"] = "!503";
  EXPECT_FALSE(prober.idle(1, std::chrono::seconds(1)));
}

}  // namespace
}  // namespace wye::runtime
