#include "llm/protocol/event_rewriter.hpp"

#include "foundation/json/scan.hpp"
#include "llm/protocol/member_edit.hpp"
#include "llm/protocol/test_support.hpp"

namespace wye::protocol {
namespace {

constexpr StreamNames kNames{"chatcmpl-1", "route"};

struct Played {
  std::vector<std::string> events;
  std::optional<Error> error;
  size_t swallowed = 0;
};

Played play(EventRewriter& rewriter, std::span<const std::string> events) {
  Played out;
  for (const std::string& event : events) {
    // A copy of exact size: reading beyond the event is an error under ASan.
    const std::vector<char> bytes(event.begin(), event.end());
    const Result<EventStep> step = rewriter.feed(std::string_view(bytes.data(), bytes.size()));
    if (!step) {
      out.error = step.error();
      return out;
    }
    if (step->action == EventAction::kSwallow) {
      ++out.swallowed;
    } else {
      EXPECT_LE(step->pieces.size(), 8U);
      for (const std::string_view piece : step->pieces) EXPECT_FALSE(piece.empty());
      out.events.push_back(joined(step->pieces));
      if (step->unchanged) EXPECT_EQ(out.events.back(), event);
    }
  }
  return out;
}

std::string openai(std::string_view delta, std::string_view finish = "null", std::string_view tail = R"(,"usage":null)") {
  return R"({"id":"up-1","object":"chat.completion.chunk","created":7,"model":"gpt-x","choices":[{"index":0,"delta":)" + std::string(delta) +
         R"(,"logprobs":null,"finish_reason":)" + std::string(finish) + "}]" + std::string(tail) + "}";
}
std::string expected(std::string_view delta, std::string_view finish = "null", std::string_view tail = "") {
  return R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"route","choices":[{"index":0,"delta":)" + std::string(delta) +
         R"(,"logprobs":null,"finish_reason":)" + std::string(finish) + "}]" + std::string(tail) + "}";
}
const std::string kUsageEvent =
    R"({"id":"up-1","object":"chat.completion.chunk","created":7,"model":"gpt-x","choices":[],"usage":{"prompt_tokens":8,"completion_tokens":3,)"
    R"("total_tokens":11,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1}}})";

TEST(EventRewriter, HidesUsageThatWasNotAskedFor) {
  EventRewriter rewriter;
  rewriter.start({.names = kNames});
  const std::vector<std::string> events = {openai(R"({"role":"assistant","content":""})"),
                                           openai(R"({"content":"a"})"),
                                           openai(R"({"content":"b \"usage\":{ \"model\":\"x\""})"),
                                           openai(R"({"content":"c"})"),
                                           openai("{}", "\"stop\""),
                                           kUsageEvent,
                                           "[DONE]",
                                           "anything"};
  const Played out = play(rewriter, events);
  ASSERT_FALSE(out.error);
  const std::vector<std::string> want = {expected(R"({"role":"assistant","content":""})"),
                                         expected(R"({"content":"a"})"),
                                         expected(R"({"content":"b \"usage\":{ \"model\":\"x\""})"),
                                         expected(R"({"content":"c"})"),
                                         expected("{}", "\"stop\""),
                                         "[DONE]"};
  EXPECT_EQ(out.events, want);
  EXPECT_EQ(out.swallowed, 2U);
  EXPECT_TRUE(rewriter.complete());
  EXPECT_TRUE(rewriter.content_seen());
  EXPECT_EQ(rewriter.usage(), (Usage{.present = true, .prompt_tokens = 8, .completion_tokens = 3, .cached_tokens = 4, .reasoning_tokens = 1}));
  EXPECT_EQ(rewriter.finish_reason(0), FinishReason::kStop);
  EXPECT_EQ(rewriter.upstream_model(), "gpt-x");
}

TEST(EventRewriter, ShowsUsageThatWasAskedFor) {
  EventRewriter rewriter;
  rewriter.start({.names = kNames, .show_usage = true});
  const std::vector<std::string> events = {openai(R"({"content":"a"})"), openai(R"({"content":"b"})"), openai("{}", "\"length\""), kUsageEvent,
                                           "[DONE]"};
  const Played out = play(rewriter, events);
  ASSERT_EQ(out.events.size(), 5U);
  EXPECT_EQ(out.events[1], expected(R"({"content":"b"})", "null", R"(,"usage":null)"));
  EXPECT_NE(out.events[3].find(R"("choices":[],"usage":{"prompt_tokens":8)"), std::string::npos);
  EXPECT_TRUE(rewriter.complete());
}

/// Any order of members: llama-server puts choices first and the names behind.
TEST(EventRewriter, MembersInAnyOrder) {
  EventRewriter rewriter;
  rewriter.start({.names = kNames});
  const auto event = [](std::string_view content, std::string_view finish) {
    return R"({"choices":[{"finish_reason":)" + std::string(finish) + R"(,"index":0,"delta":{"content":")" + std::string(content) +
           R"("}}],"created":7,"id":"up","model":"m","system_fingerprint":"b1","object":"chat.completion.chunk"})";
  };
  const auto want = [](std::string_view content, std::string_view finish) {
    return R"({"choices":[{"finish_reason":)" + std::string(finish) + R"(,"index":0,"delta":{"content":")" + std::string(content) +
           R"("}}],"created":7,"id":"chatcmpl-1","model":"route","system_fingerprint":"b1","object":"chat.completion.chunk"})";
  };
  const std::vector<std::string> events = {event("a", "null"), event("b", "null"),    event(R"(c}],\"id\":\"up\")", "null"),
                                           event("d", "null"), event("", "\"stop\""), "[DONE]"};
  const Played out = play(rewriter, events);
  EXPECT_EQ(out.events, (std::vector<std::string>{want("a", "null"), want("b", "null"), want(R"(c}],\"id\":\"up\")", "null"), want("d", "null"),
                                                  want("", "\"stop\""), "[DONE]"}));
  EXPECT_TRUE(rewriter.complete());
}

TEST(EventRewriter, BlanksAndEscapedNames) {
  EventRewriter rewriter;
  rewriter.start({.names = kNames});
  const std::vector<std::string> events = {
      R"( { "\u0069d" : "a\"b" , "model":"x\\" , "u\u0073age" : null , "choices" : [ { "index" : 0 , "delta" : { "content" : "a" } } ] } )",
      R"( { "\u0069d" : "a\"b" , "model":"x\\" , "u\u0073age" : null , "choices" : [ { "index" : 0 , "delta" : { "content" : "b" } } ] } )",
      R"({"usage":null,"choices":[{"index":0,"delta":{},"finish_reason" : "tool_calls"}]})"};
  const Played out = play(rewriter, events);
  ASSERT_FALSE(out.error);
  EXPECT_EQ(out.events[0], R"( { "\u0069d" : "chatcmpl-1" , "model":"route"  , "choices" : [ { "index" : 0 , "delta" : { "content" : "a" } } ] } )");
  EXPECT_EQ(out.events[1], R"( { "\u0069d" : "chatcmpl-1" , "model":"route"  , "choices" : [ { "index" : 0 , "delta" : { "content" : "b" } } ] } )");
  EXPECT_EQ(out.events[2], R"({"choices":[{"index":0,"delta":{},"finish_reason" : "tool_calls"}]})");
  EXPECT_EQ(rewriter.finish_reason(), FinishReason::kToolCalls);
}

/// After a frame is known, whatever differs from it in a way that matters is still seen.
TEST(EventRewriter, TheFastPathMissesNothing) {
  const std::array<std::string, 8> late = {
      openai(R"({"content":"x"})", "\"stop\""),
      openai(R"({"content":"x"})", " \"stop\""),
      R"({"id":"up-1","object":"chat.completion.chunk","created":7,"model":"gpt-x","choices":[{"index":0,"delta":{"content":"x"},"logprobs":null,)"
      R"("finish\u005freason":"stop"}],"usage":null})",
      openai(R"({"content":"x"})", "\"stop\"", R"(,"usage":{"prompt_tokens":1,"completion_tokens":2})"),
      openai(R"({"content":"x"})", "\"stop\"", R"(,"usage" : {"prompt_tokens":1,"completion_tokens":2})"),
      openai(R"({"content":"x"})", "\"stop\"", ""),
      R"({"id":"up-1","object":"chat.completion.chunk","created":7,"model":"gpt-x","choices":[{"index":0,"finish_reason":"stop","delta":{)"
      R"("content":"usage"}}],"usage":null})",
      R"({"usage":null,"choices":[{"finish_reason":"stop","delta":{},"index":0}],"id":"up-1"})",
  };
  for (const bool show : {false, true}) {
    for (const std::string& event : late) {
      EventRewriter rewriter;
      rewriter.start({.names = kNames, .show_usage = show});
      const std::vector<std::string> events = {openai(R"({"content":"a"})"), openai(R"({"content":"b"})"), event, "[DONE]"};
      const Played out = play(rewriter, events);
      EXPECT_FALSE(out.error);
      EXPECT_TRUE(rewriter.complete()) << event;
      ASSERT_EQ(out.events.size(), 4U) << event;
      EXPECT_EQ(out.events[2].find("up-1"), std::string::npos);
      EXPECT_EQ(out.events[2].find("gpt-x"), std::string::npos);
      if (!show) EXPECT_EQ(out.events[2].find("\"usage\":"), std::string::npos) << out.events[2];
    }
  }
}

TEST(EventRewriter, AnotherChoiceIsSeenOnTheFastPath) {
  EventRewriter rewriter;
  rewriter.start({.names = kNames});
  const std::string other =
      R"({"id":"up-1","object":"chat.completion.chunk","created":7,"model":"gpt-x","choices":[{"index":1,"delta":{"content":"z"},"logprobs":null,)"
      R"("finish_reason":null}],"usage":null})";
  const std::vector<std::string> events = {openai(R"({"content":"a"})"), openai(R"({"content":"b"})"), other, openai("{}", "\"stop\""), "[DONE]"};
  EXPECT_FALSE(play(rewriter, events).error);
  EXPECT_FALSE(rewriter.complete());  // the second choice never finished
}

TEST(EventRewriter, AzureAnnotations) {
  const std::string first =
      R"({"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{)"
      R"("filtered":false,"severity":"safe"}}}]})";
  const std::string late = R"({"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,"content_filter_results":{},)"
                           R"("content_filter_offsets":{"check_offset":44}}]})";
  const std::vector<std::string> events = {first, openai(R"({"content":"a"})"), openai("{}", "\"stop\""), late, kUsageEvent, "[DONE]"};
  EventRewriter rewriter;
  rewriter.start({.names = kNames});
  const Played plain = play(rewriter, events);
  EXPECT_EQ(plain.swallowed, 3U);
  EXPECT_TRUE(rewriter.complete());
  EXPECT_TRUE(rewriter.usage().present);
  rewriter.start({.names = kNames, .pass_annotations = true});
  const Played azure = play(rewriter, events);
  EXPECT_EQ(azure.swallowed, 1U);
  EXPECT_EQ(azure.events[0], first);
  EXPECT_EQ(azure.events[3], late);
}

TEST(EventRewriter, WhatAFilterSaidIsTakenOutOfEveryEventOnRequest) {
  const auto azure = [](std::string_view text, std::string_view results) {
    return R"({"choices":[{"content_filter_results":)" + std::string(results) + R"(,"content_filter_offsets":{"a":1},"delta":{"content":")" +
           std::string(text) + R"("},"finish_reason":null,"index":0}],"created":7,"id":"up-1","model":"gpt-x","object":"chat.completion.chunk"})";
  };
  const auto plain = [](std::string_view text) {
    return R"({"choices":[{"delta":{"content":")" + std::string(text) +
           R"("},"finish_reason":null,"index":0}],"created":7,"id":"chatcmpl-1","model":"route","object":"chat.completion.chunk"})";
  };
  const std::string without = R"({"choices":[{"delta":{"content":"c"},"finish_reason":null,"index":0}],"created":7,"id":"up-1","model":"gpt-x",)"
                              R"("object":"chat.completion.chunk"})";
  const std::string said = R"(\"content_filter_results\":{)";
  const std::vector<std::string> events = {without,
                                           azure("a", "{}"),
                                           without,
                                           azure("b", R"({"hate":{"filtered":false,"severity":"safe"}})"),
                                           azure(said, "null"),
                                           openai("{}", "\"stop\""),
                                           "[DONE]"};
  EventRewriter rewriter;
  rewriter.start({.names = kNames, .show_filters = false});
  const Played hidden = play(rewriter, events);
  ASSERT_FALSE(hidden.error);
  EXPECT_EQ(hidden.events[1], plain("a"));
  EXPECT_EQ(hidden.events[2], plain("c"));
  EXPECT_EQ(hidden.events[3], plain("b"));
  EXPECT_EQ(hidden.events[4], plain(said));
  EXPECT_TRUE(rewriter.complete());
  EXPECT_EQ(rewriter.content_events(), 6U);
  rewriter.start({.names = kNames});
  EXPECT_NE(play(rewriter, events).events[3].find("\"hate\""), std::string::npos);
}

TEST(EventRewriter, ErrorsEndTheStream) {
  for (const std::string& bad :
       {std::string(R"({"error":{"message":"secret host","type":"server_error","code":null}})"), std::string("{"), std::string("[]"), std::string(""),
        std::string(R"({"id":"a","id":"b"})"), std::string(R"({"choices":{}})"), std::string(R"({"choices":[1]})"), std::string("nonsense"),
        openai(R"({"content":"a"})", "null", R"(,"error":{"code":500})")}) {
    for (size_t before = 0; before < 3; ++before) {
      EventRewriter rewriter;
      rewriter.start({.names = kNames});
      std::vector<std::string> events(before, openai(R"({"content":"a"})"));
      events.push_back(bad);
      const Played out = play(rewriter, events);
      ASSERT_TRUE(out.error) << bad;
      EXPECT_EQ(out.error->code, ErrorCode::kUpstreamFailed);
      EXPECT_EQ(std::string(client_message(*out.error)).find("secret"), std::string::npos);
      EXPECT_FALSE(rewriter.complete());
    }
  }
}

TEST(EventRewriter, CutStreams) {
  const std::vector<std::string> events = {openai(R"({"content":"a"})"), openai(R"({"content":"b"})"), openai("{}", "\"stop\""), kUsageEvent,
                                           "[DONE]"};
  for (size_t n = 0; n <= events.size(); ++n) {
    EventRewriter rewriter;
    rewriter.start({.names = kNames});
    play(rewriter, std::span(events).first(n));
    EXPECT_EQ(rewriter.complete(), n == events.size());
    rewriter.start({.names = kNames, .done_event = false});
    play(rewriter, std::span(events).first(n));
    EXPECT_EQ(rewriter.complete(), n >= 3);
  }
  EventRewriter rewriter;
  rewriter.start({.names = kNames});
  play(rewriter, std::vector<std::string>{openai(R"({"content":"a"})"), "[DONE]"});
  EXPECT_FALSE(rewriter.complete());  // no finish
}

TEST(EventRewriter, Completions) {
  EventRewriter rewriter;
  rewriter.start({.operation = Operation::kCompletions, .names = {"cmpl-1", "route"}});
  const std::vector<std::string> events = {
      R"({"id":"u","object":"text_completion","model":"m","choices":[{"text":"a","index":0,"finish_reason":null}]})",
      R"({"id":"u","object":"text_completion","model":"m","choices":[{"text":"b","index":0,"finish_reason":"length"}]})", "[DONE]"};
  const Played out = play(rewriter, events);
  EXPECT_EQ(out.events[0], R"({"id":"cmpl-1","object":"text_completion","model":"route","choices":[{"text":"a","index":0,"finish_reason":null}]})");
  EXPECT_TRUE(rewriter.complete() && rewriter.content_seen());
  EXPECT_EQ(rewriter.finish_reason(), FinishReason::kLength);
}

/// Random events: whatever the rewriter does, outside of id, model and usage every byte stays, and the result says the same.
TEST(EventRewriter, PropertyOnlyTheEditsChange) {
  uint64_t state = 88172645463325252ULL;
  const auto draw = [&state](uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
  };
  const std::array<std::string_view, 8> texts = {"a", "\\\"usage\\\":{", "}],\\\"model\\\":\\\"q\\\"", "\\u00e9", "\\\\", "", "\\u0075sage", "usage"};
  for (int round = 0; round < 2000; ++round) {
    EventRewriter rewriter;
    rewriter.start({.names = kNames, .show_usage = draw(2) == 0});
    std::vector<std::string> members = {R"("id":"up")", R"("model":"gpt")", "", R"("created":7)"};
    if (draw(2) == 0) members.push_back(R"("usage":null)");
    for (size_t i = members.size() - 1; i > 0; --i) std::swap(members[i], members[draw(i + 1)]);
    for (int k = 0; k < 6; ++k) {
      std::string event = "{";
      for (const std::string& m : members) {
        if (event.size() > 1) event += ",";
        event +=
            m.empty() ? R"("choices":[{"index":0,"delta":{"content":")" + std::string(texts[draw(texts.size())]) + R"("},"finish_reason":null}])" : m;
      }
      event += "}";
      const Result<EventStep> step = rewriter.feed(event);
      ASSERT_TRUE(step) << event;
      std::string want = event;
      const auto replace = [&want](std::string_view from, std::string_view to) {
        const size_t at = want.find(from);
        if (at != std::string::npos) want.replace(at, from.size(), to);
      };
      replace(R"("id":"up")", R"("id":"chatcmpl-1")");
      replace(R"("model":"gpt")", R"("model":"route")");
      const std::string got = joined(step->pieces);
      if (got != want) {
        replace(R"(,"usage":null)", "");
        replace(R"("usage":null,)", "");
      }
      EXPECT_EQ(got, want);
    }
  }
}

TEST(Suspicion, SearchFindsAtEveryPosition) {
  for (size_t pad = 0; pad < 100; ++pad) {
    const std::string before(pad, 'x');
    EXPECT_EQ(find_suspicion(before + R"("usage":{)", true), pad);
    EXPECT_EQ(find_suspicion(before + R"("finish_reason":"stop")", true), pad);
    EXPECT_EQ(find_suspicion(before + R"("error":1)", true), pad);
    EXPECT_EQ(find_suspicion(before + R"("index":10)", true), pad);
    EXPECT_EQ(find_suspicion(before + R"("index":0,"finish_reason": null})", true), std::string_view::npos);
    EXPECT_EQ(find_suspicion(before + R"("usage":null})", true), std::string_view::npos);
    EXPECT_EQ(find_suspicion(before + R"("usage":null})", false), pad);
    EXPECT_EQ(find_suspicion(before + R"(\"usage\":{)", true), std::string_view::npos);
  }
}

}  // namespace
}  // namespace wye::protocol
