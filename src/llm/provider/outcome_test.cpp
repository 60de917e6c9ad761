#include "llm/provider/outcome.hpp"

#include <gtest/gtest.h>

namespace wye::provider {
namespace {

using protocol::UpstreamFault;
using std::chrono::milliseconds;

struct Row {
  Event event;
  int status;
  UpstreamFault fault;
  bool free;
  Verdict verdict;
  Mark mark;
};

TEST(Classify, TheTable) {
  constexpr auto kNo = UpstreamFault::kNone;
  const std::array rows = {
      Row{Event::kConnectFailed, 0, kNo, false, Verdict::kRetryOther, Mark::kFailure},
      Row{Event::kNotTakenUp, 0, kNo, false, Verdict::kRetryOther, Mark::kNone},
      Row{Event::kLostBeforeAnswer, 0, kNo, true, Verdict::kOtherOnly, Mark::kFailure},
      Row{Event::kLostBeforeAnswer, 0, kNo, false, Verdict::kFinal, Mark::kFailure},
      Row{Event::kFirstEventTimeout, 0, kNo, true, Verdict::kOtherOnly, Mark::kFailure},
      Row{Event::kFirstEventTimeout, 0, kNo, false, Verdict::kFinal, Mark::kFailure},
      Row{Event::kTotalTimeout, 0, kNo, true, Verdict::kFinal, Mark::kFailure},
      Row{Event::kStatus, 200, kNo, true, Verdict::kSuccess, Mark::kGood},
      Row{Event::kStatus, 408, kNo, true, Verdict::kRetryOther, Mark::kFailure},
      Row{Event::kStatus, 500, kNo, true, Verdict::kRetryOther, Mark::kFailure},
      Row{Event::kStatus, 502, kNo, false, Verdict::kFinal, Mark::kFailure},
      Row{Event::kStatus, 503, UpstreamFault::kModelLoading, true, Verdict::kRetryOther, Mark::kNone},
      Row{Event::kStatus, 504, kNo, true, Verdict::kRetryOther, Mark::kFailure},
      Row{Event::kStatus, 409, kNo, true, Verdict::kRetrySame, Mark::kNone},
      Row{Event::kStatus, 429, kNo, false, Verdict::kRetryOther, Mark::kSaturated},
      Row{Event::kStatus, 429, UpstreamFault::kQuotaExhausted, true, Verdict::kOtherOnly, Mark::kOutOfQuota},
      Row{Event::kStatus, 401, kNo, true, Verdict::kOtherOnly, Mark::kMisconfigured},
      Row{Event::kStatus, 403, kNo, true, Verdict::kOtherOnly, Mark::kNone},
      Row{Event::kStatus, 403, UpstreamFault::kAccessRefused, true, Verdict::kOtherOnly, Mark::kMisconfigured},
      Row{Event::kStatus, 404, kNo, true, Verdict::kOtherOnly, Mark::kNone},
      Row{Event::kStatus, 404, UpstreamFault::kDeploymentNotFound, true, Verdict::kOtherOnly, Mark::kMisconfigured},
      Row{Event::kStatus, 400, UpstreamFault::kContextTooLong, true, Verdict::kFinal, Mark::kGood},
      Row{Event::kStatus, 400, UpstreamFault::kContentFilter, true, Verdict::kFinal, Mark::kGood},
      Row{Event::kStatus, 400, kNo, true, Verdict::kFinal, Mark::kGood},
      Row{Event::kStatus, 413, kNo, true, Verdict::kFinal, Mark::kGood},
      Row{Event::kStatus, 422, kNo, true, Verdict::kFinal, Mark::kGood},
      Row{Event::kStatus, 302, kNo, true, Verdict::kOtherOnly, Mark::kMisconfigured},
      Row{Event::kErrorInside, 0, kNo, true, Verdict::kRetryOther, Mark::kFailure},
      Row{Event::kErrorInside, 0, UpstreamFault::kContentFilter, true, Verdict::kFinal, Mark::kGood},
      Row{Event::kErrorInside, 0, kNo, false, Verdict::kFinal, Mark::kFailure},
      Row{Event::kMalformed, 0, kNo, true, Verdict::kOtherOnly, Mark::kFailure},
      Row{Event::kBrokenAfterContent, 0, kNo, true, Verdict::kFinal, Mark::kFailure},
      Row{Event::kClientGone, 0, kNo, true, Verdict::kFinal, Mark::kNone},
  };
  for (const Row& row : rows) {
    const protocol::UpstreamError error{.fault = row.fault};
    const Outcome outcome = classify({.event = row.event, .status = row.status, .error = &error, .free_of_effects = row.free});
    EXPECT_EQ(outcome.verdict, row.verdict) << static_cast<int>(row.event) << ' ' << row.status;
    EXPECT_EQ(outcome.mark, row.mark) << static_cast<int>(row.event) << ' ' << row.status;
  }
}

TEST(Classify, AnInputThatTheServerBlamesItselfFor) {
  protocol::UpstreamError error{.fault = UpstreamFault::kContextTooLong};
  error.error.code = ErrorCode::kContextTooLong;
  const Outcome outcome = classify({.event = Event::kStatus, .status = 500, .error = &error, .free_of_effects = true});
  EXPECT_EQ(outcome.verdict, Verdict::kFinal);
  EXPECT_EQ(outcome.mark, Mark::kGood);
}

TEST(Classify, OnceOnly) {
  EXPECT_EQ(classify({.event = Event::kLostBeforeAnswer, .connection_reused = true}).verdict, Verdict::kRetrySame);
  EXPECT_EQ(classify({.event = Event::kLostBeforeAnswer, .connection_reused = true}).mark, Mark::kNone);
  EXPECT_EQ(classify({.event = Event::kLostBeforeAnswer, .connection_reused = true, .fresh_tried = true}).verdict, Verdict::kOtherOnly);
  EXPECT_EQ(classify({.event = Event::kLostBeforeAnswer, .connection_reused = true, .free_of_effects = false}).verdict, Verdict::kFinal);
  EXPECT_EQ(classify({.status = 409, .conflict_retried = true}).verdict, Verdict::kFinal);
  EXPECT_TRUE(classify({.status = 401, .token_credential = true}).refresh_token);
  EXPECT_EQ(classify({.status = 401, .token_refreshed = true, .token_credential = true}).mark, Mark::kMisconfigured);
  const protocol::UpstreamError context{.fault = UpstreamFault::kContextTooLong};
  EXPECT_TRUE(classify({.status = 400, .error = &context, .wider_context = true}).wider_context_only);
}

constexpr WallTime kNow{784'111'777'000'000'000};  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(RetryAfter, Dates) {
  for (const std::string_view text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    const std::optional<WallTime> date = parse_http_date(text, kNow);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(date->ns, kNow.ns) << text;
  }
  for (const std::string_view text :
       {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun Nov 06 1994", "Xxx, 06 Nov 1994 08:49:37 GMT"})
    EXPECT_FALSE(parse_http_date(text, kNow)) << text;
}

TEST(RetryAfter, Resets) {
  const auto reset = [](std::string_view text) { return parse_reset(text).value_or(milliseconds(-1)).count(); };
  EXPECT_EQ(reset("6m0s"), 360'000);
  EXPECT_EQ(reset("1s"), 1'000);
  EXPECT_EQ(reset("12ms"), 12);
  EXPECT_EQ(reset("1h2m3.5s"), 3'723'500);
  EXPECT_EQ(reset("7"), 7'000);
  EXPECT_EQ(reset("0.25"), 250);
  for (const std::string_view text : {"", "-1", "nan", "inf", "1x", "s", "1e3", "2d", "86401", "..", "1s-", "+1"}) EXPECT_EQ(reset(text), -1) << text;
}

struct RetryRow {
  RetryHeaders headers;
  int status;
  int64_t wait;  // -1: none
  uint32_t ignored;
};

TEST(RetryAfter, TheFirstThatParsesWins) {
  const std::array rows = {
      RetryRow{{.retry_after_ms = "250", .retry_after = "9"}, 429, 250, 0},
      RetryRow{{.retry_after_ms = "12.5"}, 503, 100, 0},
      RetryRow{{.retry_after_ms = "-5", .retry_after = "2"}, 429, 2'000, 1},
      RetryRow{{.retry_after_ms = "nan", .retry_after = "1.5"}, 429, 1'500, 1},
      RetryRow{{.retry_after = "0"}, 503, 100, 0},
      RetryRow{{.retry_after = "3600"}, 429, 300'000, 0},
      RetryRow{{.retry_after = "86400"}, 429, 300'000, 0},
      RetryRow{{.retry_after = "86401"}, 429, -1, 1},
      RetryRow{{.retry_after = "Sun, 06 Nov 1994 08:49:47 GMT"}, 503, 10'000, 0},
      RetryRow{{.retry_after = "Sun, 06 Nov 1994 09:00:10 GMT", .date = "Sun, 06 Nov 1994 09:00:00 GMT"}, 503, 10'000, 0},
      RetryRow{{.retry_after = "Sun, 06 Nov 1994 08:00:00 GMT"}, 503, -1, 1},
      RetryRow{{.remaining_requests = "0", .reset_requests = "6m0s", .remaining_tokens = "0", .reset_tokens = "2s"}, 429, 2'000, 0},
      RetryRow{{.remaining_requests = "5", .reset_requests = "1s", .remaining_tokens = "0", .reset_tokens = "20"}, 429, 20'000, 0},
      RetryRow{{.remaining_tokens = "0", .reset_tokens = "2s"}, 503, -1, 0},
      RetryRow{{.remaining_tokens = "-1", .reset_tokens = "0"}, 429, -1, 0},
      RetryRow{{.reset = "30"}, 429, 30'000, 0},
      RetryRow{{.reset = "784111787"}, 429, 10'000, 0},
      RetryRow{{.reset = "784111000"}, 429, -1, 1},
      RetryRow{{}, 429, -1, 0},
  };
  for (const RetryRow& row : rows) {
    const RetryAfter out = parse_retry_after(row.status, row.headers, kNow);
    EXPECT_EQ(out.wait.value_or(milliseconds(-1)).count(), row.wait)
        << row.headers.retry_after_ms << '|' << row.headers.retry_after << '|' << row.headers.reset;
    EXPECT_EQ(out.ignored, row.ignored) << row.headers.retry_after_ms << '|' << row.headers.retry_after;
  }
}

TEST(RetryAfter, WithoutHint) {
  EXPECT_EQ(wait_without_hint(0).count(), 1'000);
  EXPECT_EQ(wait_without_hint(1).count(), 1'000);
  EXPECT_EQ(wait_without_hint(3).count(), 4'000);
  EXPECT_EQ(wait_without_hint(6).count(), 30'000);
  EXPECT_EQ(wait_without_hint(UINT32_MAX).count(), 30'000);
}

}  // namespace
}  // namespace wye::provider
