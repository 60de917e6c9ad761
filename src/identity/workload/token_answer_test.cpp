// What token endpoints answer: the shapes that are taken, and the class of each refusal.
#include "identity/workload/token_answer.hpp"

#include <gtest/gtest.h>

namespace wye::workload {
namespace {

constexpr WallTime kNow{1'795'446'000'000'000'000};

std::string token(std::string_view numbers) { return R"({"access_token":"t0k","token_type":"Bearer",)" + std::string(numbers) + "}"; }

TEST(TokenAnswer, expires_on_string_and_number) {
  struct Row {
    std::string_view numbers;
    int64_t life;
  };
  const std::array rows = {Row{R"("expires_in":3599)", 3599},
                           Row{R"("expires_in":"3599")", 3599},
                           Row{R"("expires_in":3599.0)", 3599},
                           Row{R"("expires_on":"1795449600")", 3600},
                           Row{R"("expires_on":1795449600)", 3600},
                           Row{R"("expires_in":"3599","expires_on":"1760003599","not_before":"1760000000","resource":"https://x")", 3599},
                           Row{R"("expires_in":999999999)", 48 * 3600}};
  for (const Row& row : rows) {
    const FetchResult result = parse_token_answer(token(row.numbers), kNow);
    ASSERT_TRUE(result) << row.numbers << " " << result.error().reason;
    EXPECT_EQ(result->value.reveal(), "t0k");
    EXPECT_EQ(*result->life, std::chrono::seconds(row.life)) << row.numbers;
  }
}

TEST(TokenAnswer, WhatIsNoTokenIsNone) {
  struct Row {
    std::string body;
    std::string_view says;
  };
  const std::array rows = {Row{"", "not the JSON"},
                           Row{"[]", "not the JSON"},
                           Row{"<html>", "not the JSON"},
                           Row{"{}", "no access_token"},
                           Row{R"({"access_token":"a","access_token":"b","expires_in":1})", "not the JSON"},
                           Row{R"({"access_token":1,"expires_in":1})", "no access_token"},
                           Row{R"({"access_token":"a b","expires_in":1})", "no access_token"},
                           Row{R"({"access_token":"a\r\nx: y","expires_in":1})", "no access_token"},
                           Row{R"({"access_token":"","expires_in":1})", "no access_token"},
                           Row{R"({"access_token":")" + std::string(20'000, 'a') + R"(","expires_in":1})", "no access_token"},
                           Row{R"({"access_token":"a"})", "says when it ends"},
                           Row{token(R"("expires_in":"soon")"), "says when it ends"},
                           Row{token(R"("expires_in":-1)"), "says when it ends"},
                           Row{token(R"("expires_in":null)"), "says when it ends"},
                           Row{token(R"("expires_in":0)"), "ended already"},
                           Row{token(R"("expires_on":"1700000000")"), "ended already"},
                           Row{R"({"access_token":"a","token_type":"mac","expires_in":1})", "token_type"}};
  for (const Row& row : rows) {
    const FetchResult result = parse_token_answer(row.body, kNow);
    ASSERT_FALSE(result) << row.body.substr(0, 80);
    EXPECT_NE(result.error().reason.find(row.says), std::string::npos) << row.body.substr(0, 80) << ": " << result.error().reason;
  }
}

TEST(TokenAnswer, ARefusalHasAClass) {
  struct Row {
    int status;
    std::string_view body;
    bool retryable;
    std::string_view reason;
  };
  const std::array rows = {Row{400, R"({"error":"invalid_resource"})", false, "token.status 400 invalid_resource"},
                           Row{401, R"({"error":"invalid_client","error_codes":[700016]})", false, "token.status 401 invalid_client AADSTS700016"},
                           Row{400, R"({"error":"invalid_request","error_codes":[70021]})", true, "token.status 400 invalid_request AADSTS70021"},
                           Row{400, R"({"error":"invalid_request","error_codes":[700213]})", false, "token.status 400 invalid_request AADSTS700213"},
                           Row{400, R"({"error":"temporarily_unavailable"})", true, "token.status 400 temporarily_unavailable"},
                           Row{429, "", true, "token.status 429"}, Row{503, "<html>", true, "token.status 503"},
                           Row{302, R"({"error":"x"})", false, "token.status 302: redirects are not followed"},
                           Row{307, "", false, "token.status 307: redirects are not followed"},
      // What an issuer writes may repeat what we sent: only plain words are kept.
                           Row{400, R"({"error":"eyJhbGciOi.eyJpc3M ","error_description":"canary"})", false, "token.status 400"},
                           Row{403, R"({"error":{"code":"Forbidden","message":"canary"}})", false, "token.status 403 Forbidden"}};
  for (const Row& row : rows) {
    const Fault fault = parse_token_refusal(row.status, row.body, std::nullopt);
    EXPECT_EQ(fault.kind == Fault::Kind::kRetryable, row.retryable) << row.reason;
    EXPECT_EQ(fault.reason, row.reason);
    EXPECT_EQ(fault.status, row.status);
  }
  EXPECT_TRUE(parse_token_refusal(401, R"({"error":"invalid_client","error_codes":[700024]})", std::nullopt).again_at_once);
}

}  // namespace
}  // namespace wye::workload
