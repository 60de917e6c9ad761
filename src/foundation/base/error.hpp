// The closed table of everything that can go wrong, from code to HTTP status to the error type of the OpenAI API.
// Source: OpenAI API reference, "Error codes"; the rows beyond it are Wye's and documented in docs/reference/errors.md.
// Threads: values, no shared state.
#pragma once

namespace wye {

/// Why a call failed. Closed: a status or code that is not in `error_row` is a defect.
enum class ErrorCode : uint8_t {
  kInvalidRequest,          // 400, code null
  kUnknownParameter,        // 400 unknown_parameter
  kUnsupportedParameter,    // 400 unsupported_parameter
  kRequestExceedsLimit,     // 400 request_exceeds_limit: can never fit
  kContextTooLong,          // 400 context_length_exceeded
  kBlocked,                 // 400 content_filter
  kUnauthenticated,         // 401 invalid_api_key
  kForbidden,               // 403 model_not_allowed
  kDataClassForbidden,      // 403 data_class_forbidden
  kRequestBlocked,          // 403 request_blocked (WAF)
  kModelNotFound,           // 404 model_not_found
  kUnknownPath,             // 404 unknown_path
  kUnknownApiVersion,       // 404 unknown_api_version
  kNotFound,                // 404 null: objects
  kWrongMethod,             // 405 method_not_allowed, with Allow
  kRequestTimeout,          // 408 null (framing)
  kConflict,                // 409 idempotency_in_progress
  kVersionExists,           // 409 version_exists
  kRetired,                 // 410 api_version_retired
  kTooLarge,                // 413 request_too_large
  kWrongType,               // 415 unsupported_media_type
  kExpectationFailed,       // 417 null (framing)
  kWrongHost,               // 421 wrong_host
  kIdempotencyKeyReused,    // 422 idempotency_key_reused
  kHeadTooLarge,            // 431 headers_too_large
  kRateLimited,             // 429 rate_limit_exceeded
  kQuotaExhausted,          // 429 insufficient_quota
  kInternal,                // 500 null
  kNotImplemented,          // 501 null (framing)
  kHttpVersion,             // 505 null (framing)
  kUpstreamFailed,          // 502 upstream_error
  kUpstreamTimeout,         // 504 upstream_timeout
  kOverloaded,              // 503 server_is_overloaded
  kLimitUnavailable,        // 503 limit_unavailable
  kAuthUnavailable,         // 503 auth_unavailable
  kUpstreamAuthUnavailable, // 503 upstream_auth_unavailable
  kModelNotReady,           // 503 model_not_ready
  // Inside the program only; they never reach a client as such.
  kCancelled,               // the wait was cancelled: its client is gone or the process drains
  kTimeout,                 // a deadline passed
  kClosed,                  // the peer closed or reset
  kIo,                      // an operating system call failed
  kCorrupt,                 // stored bytes do not mean what they should
  kUsage,                   // a command line or configuration is wrong
};

/// What a client sees of a code. `code` is empty where the API says null.
struct ErrorRow {
  ErrorCode error;
  int status;
  std::string_view type;
  std::string_view code;
  bool client_may_retry;
};

/// The row of `code`; internal codes answer as kInternal. Never fails.
const ErrorRow& error_row(ErrorCode code);

/// A failure: what the client may read is apart from what the log keeps.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string public_message;              // may reach a client; constant text or the client's own input, never an address
  std::string detail;                      // for the log only
  std::string param;                       // the request field at fault, as `messages[0].role`; empty: null
  std::chrono::milliseconds retry_after{}; // 0: say nothing
};

/// Makes an Error with a message that the client may read.
inline Error public_error(ErrorCode code, std::string message, std::string param = {}) {
  return Error{.code = code, .public_message = std::move(message), .detail = {}, .param = std::move(param), .retry_after = {}};
}
/// Makes an Error whose text stays in the log; the client gets the constant message of the code.
inline Error internal_error(ErrorCode code, std::string detail) {
  return Error{.code = code, .public_message = {}, .detail = std::move(detail), .param = {}, .retry_after = {}};
}

/// The text that a client gets: `public_message`, or the constant one of the code.
std::string_view client_message(const Error& error);

}  // namespace wye
