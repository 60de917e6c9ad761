#include "request.hpp"

#include <gtest/gtest.h>

namespace wye::bench::stub {
namespace {

TEST(ChatRequest, ReadsWhatTheLoadWrites) {
  ChatBody wanted;
  wanted.stream = wanted.include_usage = true;
  wanted.directives = {8, 1500, 2048};
  const std::string body = make_chat_body(wanted);
  ChatRequest got;
  ASSERT_EQ(read_chat_request(body, true, got), nullptr);
  EXPECT_EQ(got.model, "bench");
  EXPECT_EQ(got.nonce, "0000000000000000");
  EXPECT_TRUE(got.stream);
  EXPECT_TRUE(got.include_usage);
  EXPECT_EQ(got.directives.chunks, 8);
  EXPECT_EQ(got.directives.spacing_us, 1500);
  EXPECT_EQ(got.directives.answer_bytes, 2048);
}

TEST(ChatRequest, OnlyTopLevelMembersCount) {
  ChatRequest got;
  const char* body = R"({"model":"m","metadata":{"stream":true},"messages":[{"role":"user","content":"\"stream\":true,"}]})";
  ASSERT_EQ(read_chat_request(body, false, got), nullptr);
  EXPECT_FALSE(got.stream);
}

TEST(ChatRequest, RefusesWhatIsNotWhole) {
  const std::string good = make_chat_body({});
  for (size_t cut = 0; cut < good.size(); ++cut) {
    ChatRequest got;
    EXPECT_NE(read_chat_request(std::string_view(good).substr(0, cut), true, got), nullptr) << cut;
  }
  for (const char* bad : {R"({"messages":[]})", R"({"model":1,"messages":[]})", R"({"model":"m"})", R"({"model":"m","messages":{}})",
                          R"({"model":"m","messages":[],"stream_options":1})", R"([])"}) {
    ChatRequest got;
    EXPECT_NE(read_chat_request(bad, false, got), nullptr) << bad;
  }
  ChatRequest got;
  EXPECT_STREQ(read_chat_request(R"({"model":"m","messages":[]})", true, got), "body carries no nonce");
}

}  // namespace
}  // namespace wye::bench::stub
