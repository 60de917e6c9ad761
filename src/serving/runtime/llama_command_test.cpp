#include "serving/runtime/llama_command.hpp"

namespace wye::runtime {
namespace {

RuntimeSpec spec() {
  RuntimeSpec out;
  out.model = "smol";
  out.file = "/models/a b.gguf";
  out.slots = 4;
  out.slot_context_tokens = 2048;
  out.threads = 2;
  return out;
}

/// The word after `flag`; empty where it is missing.
std::string after(const os::Command& command, std::string_view flag) {
  const auto& words = command.arguments;
  const auto found = std::find(words.begin(), words.end(), flag);
  return found == words.end() || found + 1 == words.end() ? std::string() : *(found + 1);
}
bool has(const os::Command& command, std::string_view flag) {
  return std::find(command.arguments.begin(), command.arguments.end(), flag) != command.arguments.end();
}

TEST(LlamaCommand, SaysEverythingThatMatters) {
  GgufFacts facts;
  facts.context_tokens = 8192;
  const auto command = llama_command("/bin/llama-server", spec(), facts, {.port = 4711, .key_file = "/run/a b.key", .environment = {"A=b"}});
  EXPECT_EQ(command.arguments[0], "/bin/llama-server");
  EXPECT_EQ(after(command, "--model"), "/models/a b.gguf");
  EXPECT_EQ(after(command, "--host"), "127.0.0.1");
  EXPECT_EQ(after(command, "--port"), "4711");
  EXPECT_EQ(after(command, "--api-key-file"), "/run/a b.key");
  EXPECT_EQ(after(command, "--alias"), "smol");
  EXPECT_EQ(after(command, "-c"), "8192");  // slots × context
  EXPECT_EQ(after(command, "-np"), "4");
  EXPECT_EQ(after(command, "-t"), "2");
  EXPECT_EQ(after(command, "--cache-ram"), "0");
  for (const char* flag : {"--metrics", "--no-ui", "--offline"}) EXPECT_TRUE(has(command, flag)) << flag;
  EXPECT_FALSE(has(command, "--embedding"));
  EXPECT_EQ(command.environment, std::vector<std::string>{"A=b"});
}

TEST(LlamaCommand, GivesCallersNoFilesNoProgramsNoNetwork) {
  const auto command = llama_command("/bin/llama-server", spec(), {}, {});
  for (const char* flag : {"--tools", "--agent", "--media-path", "--props", "--slot-save-path", "--models-dir", "-hf", "--ui"})
    EXPECT_FALSE(has(command, flag)) << flag;
}

TEST(LlamaCommand, AnEmbeddingModelTakesAWholeInputInOneBatch) {
  GgufFacts facts;
  facts.context_tokens = 512;
  facts.causal = false;
  facts.pooling = Pooling::kCls;
  const auto command = llama_command("/bin/llama-server", spec(), facts, {});
  EXPECT_TRUE(has(command, "--embedding"));
  EXPECT_EQ(after(command, "-c"), "2048");  // 4 slots of what the model can, not of what is asked for
  EXPECT_EQ(after(command, "-b"), "512");
  EXPECT_EQ(after(command, "-ub"), "512");
  EXPECT_FALSE(has(command, "--pooling"));
  facts.pooling.reset();
  EXPECT_EQ(after(llama_command("/bin/llama-server", spec(), facts, {}), "--pooling"), "mean");
}

TEST(LlamaCommand, AContextThatTheFileDoesNotStateIsTheAskedOne) {
  EXPECT_EQ(slot_context(spec(), {}), 2048U);
  GgufFacts facts;
  facts.context_tokens = UINT64_MAX;
  EXPECT_EQ(slot_context(spec(), facts), 2048U);
}

}  // namespace
}  // namespace wye::runtime
