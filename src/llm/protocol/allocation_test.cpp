// The hot path allocates nothing once it is warm.
#include "foundation/base/test_allocations.hpp"
#include "llm/protocol/event_rewriter.hpp"
#include "llm/protocol/test_support.hpp"
#include "llm/protocol/unary_rewriter.hpp"

namespace wye::protocol {
namespace {

using test::allocations;

TEST(Allocations, Events) {
  const auto event = [](std::string_view content, std::string_view tail) {
    return R"({"id":"up-0123456789","object":"chat.completion.chunk","created":7,"model":"gpt-x-2024","choices":[{"index":0,"delta":{"content":")" +
           std::string(content) + R"("},"logprobs":null,"finish_reason":null}],"usage":null)" + std::string(tail) + "}";
  };
  const std::string plain = event("token", "");
  const std::string other = event("usage", R"(,"obfuscation":"abc")");
  EventRewriter rewriter;
  rewriter.start({.names = {"chatcmpl-0123456789abcdef", "route"}});
  uint64_t forwarded = 0;
  const auto round = [&] {
    for (const std::string& one : {std::cref(plain), std::cref(other)}) {
      const Result<EventStep> step = rewriter.feed(one);
      forwarded += step && step->action == EventAction::kForward ? 1 : 0;
    }
  };
  for (int i = 0; i < 8; ++i) round();
  const uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    const Result<EventStep> fast = rewriter.feed(plain);
    const Result<EventStep> slow = rewriter.feed(other);
    forwarded += fast && slow ? 2 : 0;
  }
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_EQ(forwarded, 2016U);
}

TEST(Allocations, DecodeAndUpstreamBody) {
  const std::string body =
      R"({"model":"route","messages":[{"role":"system","content":"You are brief."},{"role":"user","content":"Say blue."}],"stream":true,)"
      R"("temperature":0.2,"n":1})";
  json::Document document;
  DecodedRequest request;
  json::Patch patch;
  const UpstreamTarget target{.model = "deployment"};
  size_t bytes = 0;
  bool good = true;
  const auto once = [&] {
    good = good && document.parse(body) && decode(Operation::kChat, document, {}, request) && write_upstream(request, target, patch);
    const Result<std::span<const std::string_view>> pieces = patch.pieces();
    good = good && pieces;
    bytes += patch.size();
  };
  for (int i = 0; i < 8; ++i) once();
  const uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) once();
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_TRUE(good);
  EXPECT_GT(bytes, body.size() * 1000);
}

TEST(Allocations, UnaryAnswer) {
  const std::string body =
      R"({"id":"up","object":"chat.completion","created":1,"model":"gpt","choices":[{"index":0,"finish_reason":"stop","message":{)"
      R"("role":"assistant","content":"blue"}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";
  UnaryRewriter rewriter;
  bool good = true;
  const auto once = [&] {
    const Result<UnaryAnswer> answer = rewriter.rewrite(body, {.id = "chatcmpl-0123456789", .model = "route"});
    good = good && answer && answer->usage.present;
  };
  for (int i = 0; i < 8; ++i) once();
  const uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) once();
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_TRUE(good);
}

}  // namespace
}  // namespace wye::protocol
