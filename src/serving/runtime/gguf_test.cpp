#include "serving/runtime/gguf.hpp"

#include "foundation/base/random.hpp"
#include "serving/runtime/gguf_builder.hpp"

namespace wye::runtime {
namespace {

using Builder = GgufBuilder;

Result<GgufFacts> read(const std::string& bytes, const GgufLimits& limits = {}) {
  MemorySource source(bytes);
  return read_gguf(source, limits);
}
std::string refusal(const std::string& bytes, const GgufLimits& limits = {}) {
  const auto facts = read(bytes, limits);
  if (facts) return "(accepted)";
  EXPECT_EQ(facts.error().code, ErrorCode::kCorrupt);
  return facts.error().detail;
}
void expect_refused(const std::string& bytes, std::string_view because) {
  const std::string why = refusal(bytes);
  EXPECT_NE(why.find(because), std::string::npos) << "wanted: " << because << "\ngot: " << why;
}

TEST(GgufHeader, TellsWhatTheModelCanDo) {
  const auto facts = read(Builder::sound().file());
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(facts->architecture, "llama");
  EXPECT_EQ(facts->name, "tiny");
  EXPECT_EQ(facts->context_tokens, 8192U);
  EXPECT_EQ(facts->layers, 30U);
  EXPECT_EQ(facts->kv_heads, 3U);
  EXPECT_EQ(facts->key_length, 64U);
  EXPECT_EQ(facts->vocabulary, 2U);
  EXPECT_EQ(facts->tensors, 2U);
  EXPECT_FALSE(facts->embeds());
  EXPECT_EQ(capabilities_of(*facts), (std::vector<std::string>{"completions", "chat", "tools"}));
  // 30 layers × 3 heads × (64 + 64) × 2 bytes = 23,040 bytes a token.
  EXPECT_EQ(estimate_memory(*facts, 1000).n, facts->file_bytes + 23'040'000);
}

TEST(GgufHeader, ToolsCountOnlyAsAVariableOfTheTemplate) {
  const auto tools = [](std::string_view chat) {
    Builder builder;
    builder.text("general.architecture", "x").text("tokenizer.chat_template", chat);
    const auto facts = read(builder.file());
    return facts && facts->template_has_tools;
  };
  EXPECT_TRUE(tools("{%- if tools is defined %}x{% endif %}"));
  EXPECT_TRUE(tools("{{ tools | tojson }}"));
  EXPECT_TRUE(tools("{% for tool in tools %}"));
  EXPECT_TRUE(tools("{% if tools"));
  EXPECT_FALSE(tools("You have no tools. {{ messages }}"));
  EXPECT_FALSE(tools("{{ toolset }} {{ builtin_tools }} {{ message.tools }} {{ message['tools'] }}"));
  EXPECT_FALSE(tools("{{{{%{%}}tools"));
  EXPECT_FALSE(tools(""));
}

TEST(GgufHeader, SeesEmbeddingAndRankingModels) {
  Builder bert;
  bert.text("general.architecture", "bert").number("bert.pooling_type", 1).key("bert.attention.causal", GgufType::kBool, std::string(1, '\0'));
  bert.number("bert.embedding_length", 384);
  const auto facts = read(bert.file());
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->embeds());
  EXPECT_EQ(facts->pooling, Pooling::kMean);
  EXPECT_EQ(facts->embedding_length, 384U);
  EXPECT_EQ(capabilities_of(*facts), std::vector<std::string>{"embeddings"});
  EXPECT_EQ(estimate_memory(*facts, 1'000'000).n, facts->file_bytes);
  Builder rank;
  rank.text("general.architecture", "bert").number("bert.pooling_type", 4);
  EXPECT_TRUE(capabilities_of(*read(rank.file())).empty());
  Builder chat;
  chat.text("general.architecture", "llama").number("llama.pooling_type", 0);
  EXPECT_EQ(capabilities_of(*read(chat.file())), std::vector<std::string>{"completions"});
}

TEST(GgufHeader, HeadsMayDifferByLayer) {
  Builder builder;
  builder.text("general.architecture", "mix")
      .array("mix.attention.head_count_kv", GgufType::kU32, 3, Builder::raw(2U) + Builder::raw(8U) + Builder::raw(4U));
  EXPECT_EQ(read(builder.file())->kv_heads, 8U);
}

TEST(GgufHeader, EveryCutIsRefused) {
  const std::string whole = Builder::sound().file();
  ASSERT_TRUE(read(whole));
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read(whole.substr(0, size))) << size;
  expect_refused(whole.substr(0, whole.size() - 21), "truncated");
}

TEST(GgufHeader, RefusesOtherFilesByTheirContent) {
  expect_refused("", "empty");
  expect_refused("GGU", "no GGUF");
  expect_refused(std::string("\x80\x04\x95", 3) + std::string(100, 'x'), "Python pickle");
  expect_refused(std::string("\x80\x02}q", 4), "Python pickle");
  expect_refused("PK\x03\x04" + std::string(30, 'x') + "archive/data.pkl" + std::string(200'000, 'x'), "holding a Python pickle");
  expect_refused("PK\x03\x04" + std::string(200'000, 'x') + "archive/data.pkl", "holding a Python pickle");
  expect_refused("PK\x03\x04" + std::string(100, 'x'), "ZIP");
  std::string tar(1024, '\0');
  tar.replace(257, 5, "ustar");
  expect_refused(tar, "tar archive");
  tar.replace(0, 5, "a.pkl");
  expect_refused(tar, "holding a Python pickle");
  expect_refused("version https://git-lfs.github.com/spec/v1\n", "LFS pointer");
  expect_refused("<!doctype html>", "web page");
  expect_refused(Builder::raw(uint64_t{10}) + "{\"a\":1}", "safetensors");
}

TEST(GgufHeader, RefusesOtherVersions) {
  for (const uint32_t version : {0U, 1U, 4U, 99U}) {
    Builder builder = Builder::sound();
    builder.version = version;
    expect_refused(builder.file(), "version");
  }
  Builder big = Builder::sound();
  big.version = 0x03000000;
  expect_refused(big.file(), "big-endian");
}

TEST(GgufHeader, RefusesCountsAndLengthsBeyondTheLimits) {
  Builder builder = Builder::sound();
  builder.announced_keys = UINT64_MAX;
  expect_refused(builder.file(), "keys");
  builder = Builder::sound();
  builder.announced_tensors = uint64_t{1} << 40;
  expect_refused(builder.file(), "tensors");
  builder = Builder::sound();
  builder.key("x", GgufType::kString, Builder::raw(UINT64_MAX));
  expect_refused(builder.file(), "a string of");
  builder = Builder::sound();
  builder.array("x", GgufType::kU64, UINT64_MAX / 8 + 2, "");
  expect_refused(builder.file(), "an array of");
  builder = Builder::sound();
  builder.array("x", GgufType::kArray, 1, "");
  expect_refused(builder.file(), "array of arrays");
  builder = Builder::sound();
  builder.array("x", GgufType::kU64, 4 << 20, "");
  expect_refused(builder.file(), "truncated");
  builder = Builder::sound();
  builder.key(std::string(257, 'a'), GgufType::kU8, "x");
  expect_refused(builder.file(), "a string of 257");
  GgufLimits small;
  small.header_bytes = 100;
  EXPECT_NE(refusal(Builder::sound().file(), small).find("header is larger"), std::string::npos);
}

TEST(GgufHeader, RefusesBadKeysAndValues) {
  for (const char* name : {"", "General.name", "a b", "a/b", "schl\xc3\xbcssel"}) {
    Builder builder = Builder::sound();
    builder.number(name, 1);
    expect_refused(builder.file(), "a key with other characters");
  }
  Builder twice = Builder::sound();
  twice.number("x", 1).number("x", 2);
  expect_refused(twice.file(), "twice");
  Builder boolean = Builder::sound();
  boolean.key("x", GgufType::kBool, "\x02");
  expect_refused(boolean.file(), "neither 0 nor 1");
  Builder booleans = Builder::sound();
  booleans.array("x", GgufType::kBool, 3, std::string("\x01\x00\x07", 3));
  expect_refused(booleans.file(), "neither 0 nor 1");
  Builder type = Builder::sound();
  type.key("x", static_cast<GgufType>(13), "");
  expect_refused(type.file(), "value type 13");
  Builder nameless;
  nameless.number("x", 1);
  expect_refused(nameless.file(), "general.architecture is missing");
  Builder adapter = Builder::sound();
  adapter.text("general.type", "adapter");
  expect_refused(adapter.file(), "no model but of type adapter");
  Builder split = Builder::sound();
  split.key("split.count", GgufType::kU16, Builder::raw(uint16_t{3}));
  expect_refused(split.file(), "one part of a split model");
  Builder chat;
  chat.text("general.architecture", "x").text("tokenizer.chat_template", std::string((256 << 10) + 1, 'x'));
  expect_refused(chat.file(), "a string of");
}

TEST(GgufHeader, RefusesBadAlignment) {
  for (const uint32_t alignment : {0U, 1U, 4U, 24U, 8192U}) {
    Builder builder;
    builder.text("general.architecture", "x").number("general.alignment", alignment);
    expect_refused(builder.file(), "alignment");
  }
  Builder good;
  good.text("general.architecture", "x").number("general.alignment", 64);
  good.tensor("a", {32}, 0, 0).tensor("b", {32}, 0, 128);
  good.alignment = 64;
  good.tensor_bytes = 256;
  EXPECT_EQ(refusal(good.file()), "(accepted)");
  good.tensor("c", {1}, 0, 32);
  expect_refused(good.file(), "not aligned to 64");
}

struct BadTensor {
  const char* because;
  std::string name;
  std::vector<uint64_t> dims;
  uint32_t type;
  uint64_t offset;
};

TEST(GgufHeader, RefusesBadTensors) {
  const uint64_t half = uint64_t{1} << 33;
  const std::vector<BadTensor> cases = {
      {"a string of 64", std::string(64, 'n'), {32}, 0, 256},
      {"without a name", "", {32}, 0, 256},
      {"two tensors of one name", "a.weight", {32}, 0, 256},
      {"5 dimensions", "c", {1, 1, 1, 1, 1}, 0, 256},
      {"the shape", "c", {32, 0}, 0, 256},
      {"the shape", "c", {half, half}, 0, 256},
      {"the shape", "c", {UINT64_MAX, 1}, 0, 256},
      {"the size", "c", {uint64_t{1} << 62}, 0, 256},
      {"the size", "c", {32}, 0, UINT64_MAX - 31},
      {"tensor type 4", "c", {32}, 4, 256},
      {"tensor type 31", "c", {32}, 31, 256},
      {"tensor type 43", "c", {32}, 43, 256},
      {"no multiple of its block", "c", {33}, 3, 256},
      {"not aligned", "c", {32}, 0, 257},
      {"truncated", "c", {32}, 0, 4096},
      {"truncated", "c", {uint64_t{1} << 40}, 0, 256},
      {"overlap", "c", {32}, 0, 96},
      {"overlap", "c", {1}, 0, 0},
  };
  for (const BadTensor& bad : cases) {
    Builder builder = Builder::sound();
    builder.tensor_bytes = 256;
    builder.tensor(bad.name, bad.dims, bad.type, bad.offset);
    expect_refused(builder.file(), bad.because);
  }
}

TEST(GgufHeader, HostileBytesNeverCrash) {
  const std::string whole = Builder::sound().file();
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    const uint64_t changes = 1 + random.below(4);
    for (uint64_t c = 0; c < changes; ++c) bytes[random.below(bytes.size())] = static_cast<char>(random.below(3) == 0 ? 0xFF : random.below(256));
    (void)read(bytes);
  }
}

TEST(Artefact, AMissingFileAndAFolderAreNamed) {
  EXPECT_EQ(open_artefact("/nowhere/m.gguf").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(open_artefact("/nowhere/m.gguf").error().detail, "the model file /nowhere/m.gguf does not exist");
  EXPECT_EQ(open_artefact("/usr").error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace wye::runtime
