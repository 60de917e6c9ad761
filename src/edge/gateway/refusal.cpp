// How a request ends badly: one place that turns an Error into what the client sees.
#include "edge/gateway/steps.hpp"

namespace wye::gateway {
namespace {

End end_of(const Exchange& x, const Error& error) {
  if (x.call.client_gone() && error.code == ErrorCode::kCancelled) return End::kClientGone;
  switch (error.code) {
    case ErrorCode::kUpstreamTimeout:
    case ErrorCode::kRequestTimeout: return End::kTimeout;
    case ErrorCode::kBlocked:
    case ErrorCode::kRequestBlocked: return End::kBlocked;
    case ErrorCode::kOverloaded: return End::kShed;
    case ErrorCode::kClosed: return End::kClientGone;
    case ErrorCode::kCancelled: return End::kCut;  // a drain ran out of patience
    default: return error_row(error.code).status < 500 ? End::kRefused : End::kFailed;
  }
}

/// `WWW-Authenticate` by RFC 6750 §3.1: without a credential no error parameter.
constexpr std::string_view kChallenge = R"(Bearer realm="wye")";
constexpr std::string_view kChallengeInvalid = R"(Bearer realm="wye", error="invalid_token")";

}  // namespace

net::Task<void> Steps::refuse(Exchange& x, Error error) {
  const ErrorRow& row = error_row(error.code);
  x.error = error.code;
  x.detail = error.detail;
  x.end = end_of(x, error);
  // A client that left is no error of ours: the record says client_gone, and 499 where no status was sent.
  x.failed = x.end != End::kClientGone;
  if (x.call.started()) {
    x.end = x.end == End::kFailed || x.end == End::kRefused ? End::kCut : x.end;
    co_return;
  }
  x.status = x.end == End::kClientGone ? 499 : row.status;
  std::string& body = x.memory->answer;
  body.clear();
  protocol::write_error_body(error, body);
  std::array<http::OutField, 6> fields;
  size_t count = 0;
  fields[count++] = {"x-request-id", x.request_id()};
  if (row.status == 405 && !x.allow.empty()) fields[count++] = {"allow", x.allow};
  if (row.status == 401) fields[count++] = {"www-authenticate", x.credential_sent ? kChallengeInvalid : kChallenge};
  char seconds[20];
  char millis[20];
  if (error.retry_after.count() > 0) {
    const int64_t ms = error.retry_after.count();
    fields[count++] = {"retry-after", {seconds, std::to_chars(seconds, seconds + sizeof seconds, (ms + 999) / 1000).ptr}};
    fields[count++] = {"retry-after-ms", {millis, std::to_chars(millis, millis + sizeof millis, ms).ptr}};
  }
  // Official clients repeat 409 and 429 by themselves: say so where waiting can not help.
  const bool useless = error.code == ErrorCode::kQuotaExhausted || error.code == ErrorCode::kVersionExists || x.retry_is_useless;
  if (useless) fields[count++] = {"x-should-retry", "false"};
  const iovec piece = net::piece(body);
  co_await x.call.respond({row.status, "application/json", {fields.data(), count}}, {&piece, 1});
}

}  // namespace wye::gateway
