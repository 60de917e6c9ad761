#include "foundation/base/error.hpp"

namespace wye {
namespace {

constexpr std::string_view kInvalid = "invalid_request_error";
constexpr std::string_view kServer = "server_error";
constexpr std::string_view kUnavailable = "service_unavailable_error";

constexpr std::array kRows = {
    ErrorRow{ErrorCode::kInvalidRequest, 400, kInvalid, "", false},
    ErrorRow{ErrorCode::kUnknownParameter, 400, kInvalid, "unknown_parameter", false},
    ErrorRow{ErrorCode::kUnsupportedParameter, 400, kInvalid, "unsupported_parameter", false},
    ErrorRow{ErrorCode::kRequestExceedsLimit, 400, kInvalid, "request_exceeds_limit", false},
    ErrorRow{ErrorCode::kContextTooLong, 400, kInvalid, "context_length_exceeded", false},
    ErrorRow{ErrorCode::kBlocked, 400, kInvalid, "content_filter", false},
    ErrorRow{ErrorCode::kUnauthenticated, 401, kInvalid, "invalid_api_key", false},
    ErrorRow{ErrorCode::kForbidden, 403, "permission_error", "model_not_allowed", false},
    ErrorRow{ErrorCode::kDataClassForbidden, 403, "permission_error", "data_class_forbidden", false},
    ErrorRow{ErrorCode::kRequestBlocked, 403, "permission_error", "request_blocked", false},
    ErrorRow{ErrorCode::kModelNotFound, 404, kInvalid, "model_not_found", false},
    ErrorRow{ErrorCode::kUnknownPath, 404, kInvalid, "unknown_path", false},
    ErrorRow{ErrorCode::kUnknownApiVersion, 404, kInvalid, "unknown_api_version", false},
    ErrorRow{ErrorCode::kNotFound, 404, kInvalid, "", false},
    ErrorRow{ErrorCode::kWrongMethod, 405, kInvalid, "method_not_allowed", false},
    ErrorRow{ErrorCode::kRequestTimeout, 408, kInvalid, "", false},
    ErrorRow{ErrorCode::kConflict, 409, kInvalid, "idempotency_in_progress", true},
    ErrorRow{ErrorCode::kVersionExists, 409, kInvalid, "version_exists", false},
    ErrorRow{ErrorCode::kRetired, 410, kInvalid, "api_version_retired", false},
    ErrorRow{ErrorCode::kTooLarge, 413, kInvalid, "request_too_large", false},
    ErrorRow{ErrorCode::kWrongType, 415, kInvalid, "unsupported_media_type", false},
    ErrorRow{ErrorCode::kExpectationFailed, 417, kInvalid, "", false},
    ErrorRow{ErrorCode::kWrongHost, 421, kInvalid, "wrong_host", false},
    ErrorRow{ErrorCode::kIdempotencyKeyReused, 422, kInvalid, "idempotency_key_reused", false},
    ErrorRow{ErrorCode::kHeadTooLarge, 431, kInvalid, "headers_too_large", false},
    ErrorRow{ErrorCode::kRateLimited, 429, "rate_limit_error", "rate_limit_exceeded", true},
    ErrorRow{ErrorCode::kQuotaExhausted, 429, "insufficient_quota", "insufficient_quota", false},
    ErrorRow{ErrorCode::kInternal, 500, kServer, "", true},
    ErrorRow{ErrorCode::kNotImplemented, 501, kInvalid, "", false},
    ErrorRow{ErrorCode::kHttpVersion, 505, kInvalid, "", false},
    ErrorRow{ErrorCode::kUpstreamFailed, 502, kServer, "upstream_error", true},
    ErrorRow{ErrorCode::kUpstreamTimeout, 504, kServer, "upstream_timeout", true},
    ErrorRow{ErrorCode::kOverloaded, 503, kUnavailable, "server_is_overloaded", true},
    ErrorRow{ErrorCode::kLimitUnavailable, 503, kUnavailable, "limit_unavailable", true},
    ErrorRow{ErrorCode::kAuthUnavailable, 503, kUnavailable, "auth_unavailable", true},
    ErrorRow{ErrorCode::kUpstreamAuthUnavailable, 503, kUnavailable, "upstream_auth_unavailable", true},
    ErrorRow{ErrorCode::kModelNotReady, 503, kUnavailable, "model_not_ready", true},
};
static_assert(kRows.size() == static_cast<size_t>(ErrorCode::kModelNotReady) + 1);

struct Message {
  ErrorCode code;
  std::string_view text;
};
constexpr std::array kMessages = {
    Message{ErrorCode::kUnauthenticated, "Authentication required."},
    Message{ErrorCode::kForbidden, "You are not allowed to do this."},
    Message{ErrorCode::kDataClassForbidden, "No permitted path for this request."},
    Message{ErrorCode::kRequestBlocked, "The request was blocked."},
    Message{ErrorCode::kBlocked, "The content was refused by a content filter."},
    Message{ErrorCode::kContextTooLong, "The request is longer than the context of the model."},
    Message{ErrorCode::kModelNotFound, "The model does not exist or you have no access to it."},
    Message{ErrorCode::kUnknownPath, "Unknown request URL."},
    Message{ErrorCode::kUnknownApiVersion, "The api-version is missing or not served."},
    Message{ErrorCode::kNotFound, "The resource does not exist."},
    Message{ErrorCode::kWrongMethod, "The method is not allowed for this URL."},
    Message{ErrorCode::kRequestTimeout, "The request did not arrive in time."},
    Message{ErrorCode::kTooLarge, "The request body is too large."},
    Message{ErrorCode::kWrongType, "The content type is not supported; send application/json."},
    Message{ErrorCode::kWrongHost, "This host name is not served here."},
    Message{ErrorCode::kHeadTooLarge, "The request headers are too large."},
    Message{ErrorCode::kExpectationFailed, "Only Expect: 100-continue is supported."},
    Message{ErrorCode::kNotImplemented, "The method or transfer coding is not implemented."},
    Message{ErrorCode::kHttpVersion, "Only HTTP/1.0 and HTTP/1.1 are spoken here."},
    Message{ErrorCode::kRateLimited, "The rate limit is reached."},
    Message{ErrorCode::kQuotaExhausted, "The quota is used up."},
    Message{ErrorCode::kUpstreamFailed, "The model could not be reached."},
    Message{ErrorCode::kUpstreamTimeout, "The model did not answer in time."},
    Message{ErrorCode::kOverloaded, "The server is overloaded."},
    Message{ErrorCode::kLimitUnavailable, "Limits can not be checked at the moment."},
    Message{ErrorCode::kAuthUnavailable, "Authentication is temporarily unavailable."},
    Message{ErrorCode::kUpstreamAuthUnavailable, "The credential for the model is temporarily unavailable."},
    Message{ErrorCode::kModelNotReady, "The model is not ready."},
    Message{ErrorCode::kInvalidRequest, "The request is not valid."},
    Message{ErrorCode::kUnknownParameter, "Unknown parameter."},
    Message{ErrorCode::kUnsupportedParameter, "The model does not support this parameter."},
    Message{ErrorCode::kRequestExceedsLimit, "The request can never fit its limit."},
};

}  // namespace

const ErrorRow& error_row(ErrorCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kRows.size() ? kRows[index] : kRows[static_cast<size_t>(ErrorCode::kInternal)];
}

std::string_view client_message(const Error& error) {
  if (!error.public_message.empty()) return error.public_message;
  for (const Message& m : kMessages) {
    if (m.code == error.code) return m.text;
  }
  return "An internal error occurred.";
}

}  // namespace wye
