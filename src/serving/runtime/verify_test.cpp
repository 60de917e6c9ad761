#include "serving/runtime/verify.hpp"

#include "serving/runtime/gguf_builder.hpp"
#include "serving/runtime/test_outside.hpp"

namespace wye::runtime {
namespace {

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    spec_.model = "tiny";
    spec_.version = "v1";
    spec_.file = outside_.put("tiny.gguf", GgufBuilder::sound().file());
    spec_.digest = "sha256:" + *sha256sum(spec_.file, {});
  }
  std::string refusal(ErrorCode code, Bytes free = 1_GiB) {
    const auto verified = verify(spec_, free, sha256sum, {});
    if (verified) return "(accepted)";
    EXPECT_EQ(verified.error().code, code) << verified.error().detail;
    return verified.error().detail;
  }
  TestOutside outside_;
  RuntimeSpec spec_;
};

TEST_F(VerifyTest, AcceptsAndTellsNeedAndCapabilities) {
  const auto verified = verify(spec_, 1_GiB, sha256sum, {});
  ASSERT_TRUE(verified) << verified.error().detail;
  EXPECT_EQ(verified->digest, spec_.digest);
  EXPECT_EQ(verified->capabilities, (std::vector<std::string>{"completions", "chat", "tools"}));
  // (file + 23,040 bytes a token × 4 slots × 2,048) × 1.1
  EXPECT_EQ(verified->need.n, (GgufBuilder::sound().file().size() + uint64_t{23'040} * 8192) * 11 / 10);
}

TEST_F(VerifyTest, ADigestThatLacksIsPrinted) {
  const std::string digest = std::exchange(spec_.digest, "");
  EXPECT_EQ(refusal(ErrorCode::kUsage), "version v1 names no digest; " + spec_.file.string() + " has digest: \"" + digest + "\"");
}

TEST_F(VerifyTest, AnotherDigestIsRefused) {
  spec_.digest.back() = spec_.digest.back() == '0' ? '1' : '0';
  EXPECT_NE(refusal(ErrorCode::kCorrupt).find("not the " + spec_.digest), std::string::npos);
}

TEST_F(VerifyTest, MissingTruncatedAndForeignFilesAreNamed) {
  const std::string whole = GgufBuilder::sound().file();
  spec_.file = outside_.put("cut.gguf", whole.substr(0, whole.size() - 30));
  EXPECT_NE(refusal(ErrorCode::kCorrupt).find("cut.gguf: the file is truncated"), std::string::npos);
  spec_.file = outside_.put("pickle.gguf", "\x80\x04 code");
  EXPECT_NE(refusal(ErrorCode::kCorrupt).find("pickle"), std::string::npos);
  spec_.file = outside_.folder() / "none.gguf";
  EXPECT_NE(refusal(ErrorCode::kNotFound).find("none.gguf does not exist"), std::string::npos);
}

TEST_F(VerifyTest, MemoryIsBoundedByTheSpecAndByTheMachine) {
  spec_.memory = 198_MiB;  // it needs 198.0003
  EXPECT_NE(refusal(ErrorCode::kTooLarge).find("placement.memory allows 198 MiB; raise it"), std::string::npos);
  spec_.memory = 199_MiB;
  EXPECT_EQ(refusal(ErrorCode::kTooLarge), "(accepted)");
  EXPECT_NE(refusal(ErrorCode::kTooLarge, 100_MiB).find("this machine has 100 MiB free"), std::string::npos);
}

TEST_F(VerifyTest, CapabilitiesMustBeAPartOfWhatTheFileCan) {
  spec_.capabilities = {"chat", "jsonSchema"};
  EXPECT_EQ(verify(spec_, 1_GiB, sha256sum, {})->capabilities, spec_.capabilities);
  spec_.capabilities = {"embeddings"};
  EXPECT_NE(refusal(ErrorCode::kUsage).find("cannot do `embeddings`; it can do `completions` `chat` `tools`"), std::string::npos);
}

TEST_F(VerifyTest, NamesThatWouldBePathsOrArgumentsAreRefused) {
  for (const char* name : {"", "../x", "a/b", "a,b", "-x", ".x", "A", "a b"}) {
    spec_.model = name;
    EXPECT_NE(refusal(ErrorCode::kUsage).find("the model's name"), std::string::npos) << name;
  }
}

TEST_F(VerifyTest, ARelativePathIsRefused) {
  spec_.file = "tiny.gguf";  // the server runs in another folder
  EXPECT_EQ(refusal(ErrorCode::kUsage), "the path tiny.gguf must be absolute");
}

TEST_F(VerifyTest, NonsenseNumbersAreRefused) {
  const RuntimeSpec good = spec_;
  spec_.slots = 0;
  EXPECT_EQ(refusal(ErrorCode::kUsage), "slots must be 1 to 64");
  spec_ = good;
  spec_.threads = 0;
  EXPECT_EQ(refusal(ErrorCode::kUsage), "threads must be 1 to 1024");
  spec_ = good;
  spec_.slot_context_tokens = UINT32_MAX;
  EXPECT_EQ(refusal(ErrorCode::kUsage), "slotContextTokens is out of range");
}

TEST_F(VerifyTest, AStopEndsTheHashing) {
  std::stop_source stop;
  stop.request_stop();
  const auto verified = verify(spec_, 1_GiB, sha256sum, stop.get_token());
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace wye::runtime
