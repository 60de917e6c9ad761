#include "llm/protocol/upstream_body.hpp"

#include "llm/protocol/test_support.hpp"

namespace wye::protocol {
namespace {

constexpr std::string_view kMessages = R"("messages": [ {"role":"user","content":"a\u0041 \"model\":\"x\""} ])";

struct Row {
  Operation operation;
  std::string body;
  UpstreamTarget target;
  std::string expected;
};

TEST(UpstreamBody, EditsAndNothingElse) {
  const std::string messages(kMessages);
  const std::string chat = R"({ "model" : "alias", )" + messages;
  const UpstreamTarget plain{.model = "dep"};
  const UpstreamTarget azure{.model = "dep", .dialect = {.chat_output_cap = OutputCapName::kMaxCompletionTokens}};
  const UpstreamTarget capped{.model = "dep", .default_output_tokens = 1024, .output_tokens_max = 100};
  const UpstreamTarget forced{.model = "dep", .force_stream = true};
  const UpstreamTarget early{.model = "dep", .dialect = {.stream_options = false}};
  const UpstreamTarget hashed{.model = "dep", .user_hash = "h1", .cache_key_prefix = "t1-"};
  const UpstreamTarget stores{.model = "dep", .store_upstream = true};
  const std::string out = R"({ "model" : "dep", )" + messages;
  const std::array rows = {
      Row{Operation::kChat, chat + "}", plain, out + R"(,"max_tokens":1024})"},
      Row{Operation::kChat, chat + R"(, "max_tokens":  7 , "zz" : [1.0, 1e5] })", plain, out + R"(, "max_tokens":  7 , "zz" : [1.0, 1e5] })"},
      Row{Operation::kChat, chat + R"(,"max_tokens":null})", plain, out + R"(,"max_tokens":1024})"},
      Row{Operation::kChat, chat + R"(,"max_tokens":7})", azure, out + R"(,"max_completion_tokens":7})"},
      Row{Operation::kChat, chat + "}", azure, out + R"(,"max_completion_tokens":1024})"},
      Row{Operation::kChat, chat + "}", capped, out + R"(,"max_tokens":100})"},
      Row{Operation::kChat, chat + R"(,"stream":true,"max_tokens":7})", plain,
          out + R"(,"stream":true,"max_tokens":7,"stream_options":{"include_usage":true}})"},
      Row{Operation::kChat, chat + R"(,"stream":true,"stream_options":{"include_usage":false},"max_tokens":7})", plain,
          out + R"(,"stream":true,"stream_options":{"include_usage":true},"max_tokens":7})"},
      Row{Operation::kChat, chat + R"(,"stream":true,"stream_options":{"include_obfuscation":false},"max_tokens":7})", plain,
          out + R"(,"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true},"max_tokens":7})"},
      Row{Operation::kChat, chat + R"(,"stream":true,"stream_options":{"include_usage":true},"max_tokens":7})", early,
          out + R"(,"stream":true,"max_tokens":7})"},
      Row{Operation::kChat, chat + R"(,"stream":false,"max_tokens":7})", forced,
          out + R"(,"stream":true,"max_tokens":7,"stream_options":{"include_usage":true}})"},
      Row{Operation::kChat, chat + R"(,"max_tokens":7})", forced, out + R"(,"max_tokens":7,"stream":true,"stream_options":{"include_usage":true}})"},
      Row{Operation::kChat, chat + R"(,"store":true,"metadata":{"a":"b"},"user":"me","safety_identifier":"s","prompt_cache_key":"k","max_tokens":7})",
          hashed, out + R"(,"store":false,"user":"h1","safety_identifier":"h1","prompt_cache_key":"t1-k","max_tokens":7})"},
      Row{Operation::kChat, chat + R"(,"store":true,"metadata":{"a":"b"},"user":"me","prompt_cache_key":"k","max_tokens":7})", plain,
          out + R"(,"store":false,"max_tokens":7})"},
      Row{Operation::kChat, chat + R"(,"store":true,"metadata":{"a":"b"},"max_tokens":7})", stores,
          out + R"(,"store":true,"metadata":{"a":"b"},"max_tokens":7})"},
      Row{Operation::kResponses, R"({"model":"a","input":"x","stream":true})", plain,
          R"({"model":"dep","input":"x","stream":true,"max_output_tokens":1024,"store":false})"},
      Row{Operation::kCompletions, R"({"model":"a","prompt":"x","best_of":2})", forced,
          R"({"model":"dep","prompt":"x","best_of":2,"max_tokens":1024})"},
      Row{Operation::kEmbeddings, R"({"model":"a","input":"x","user":"me"})", forced, R"({"model":"dep","input":"x"})"},
  };
  for (const Row& row : rows) {
    Parsed p;
    const Result<void> read = p.read(row.operation, row.body);
    ASSERT_TRUE(read) << row.body << read.error().public_message;
    json::Patch patch;
    ASSERT_TRUE(write_upstream(p.request, row.target, patch));
    std::string got;
    ASSERT_TRUE(patch.append_to(got));
    EXPECT_EQ(got, row.expected);
  }
}

TEST(UpstreamBody, ModelInPath) {
  Parsed p;
  p.model_in_path = true;
  ASSERT_TRUE(p.read(Operation::kEmbeddings, R"({"input":"x"})"));
  json::Patch patch;
  ASSERT_TRUE(write_upstream(p.request, {.model = "a\"b"}, patch));
  std::string got;
  ASSERT_TRUE(patch.append_to(got));
  EXPECT_EQ(got, R"({"input":"x","model":"a\"b"})");
}

TEST(UpstreamBody, RefusesWhatTheTargetDoesNotHonour) {
  Parsed p;
  json::Patch patch;
  ASSERT_TRUE(p.read(Operation::kEmbeddings, R"({"model":"m","input":"x","dimensions":4})"));
  UpstreamTarget target{.model = "dep", .dialect = {.dimensions = false}};
  const Result<void> refused = write_upstream(p.request, target, patch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedParameter);
  EXPECT_EQ(refused.error().param, "dimensions");
  target.lenient = true;
  DroppedFields dropped;
  ASSERT_TRUE(write_upstream(p.request, target, patch, &dropped));
  std::string got;
  ASSERT_TRUE(patch.append_to(got));
  EXPECT_EQ(got, R"({"model":"dep","input":"x"})");
  ASSERT_EQ(dropped.count, 1U);
  EXPECT_EQ(dropped.names[0], "dimensions");

  ASSERT_TRUE(p.read(Operation::kChat, R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":101})"));
  const Result<void> over = write_upstream(p.request, {.model = "d", .output_tokens_max = 100}, patch);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ErrorCode::kRequestExceedsLimit);
  EXPECT_EQ(over.error().param, "max_tokens");
}

}  // namespace
}  // namespace wye::protocol
