// Errors on the wire: what Wye tells its clients, and what upstreams of every make tell Wye.
// Source: OpenAI "Error codes"; Azure OpenAI content filter responses; llama.cpp tools/server; vLLM ErrorResponse.
// An upstream's message never reaches a client: it may hold keys, host names or other people's text.
// Threads: pure functions.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::protocol {

/// Appends `{"error":{"message":…,"type":…,"param":…,"code":…}}`, all four keys always.
void write_error_body(const Error& error, std::string& out);
/// Appends `data: {"error":{…}}` and the empty line: the last event of a broken stream of chat or completions; no [DONE] follows.
void write_error_event(const Error& error, std::string& out);

/// What kind of trouble an upstream reports, read from its body.
enum class UpstreamFault : uint8_t {
  kNone,               // nothing that says more than the status
  kContextTooLong,
  kContentFilter,
  kQuotaExhausted,     // waiting does not help: insufficient_quota, credit_balance_exhausted
  kRateLimited,
  kOverloaded,         // server_is_overloaded, slow_down, engine_overloaded
  kDeploymentNotFound,
  kAccessRefused,      // our key or its rights: invalid_api_key, PermissionDenied, AccessDenied
  kModelLoading,       // a local server that is not ready yet
  kUnsupportedParameter,
};

/// The categories of a content filter that said `filtered`.
struct FilterCategories {
  enum Bit : uint16_t {
    kHate = 1,
    kSexual = 2,
    kViolence = 4,
    kSelfHarm = 8,
    kProfanity = 16,
    kJailbreak = 32,
    kIndirectAttack = 64,
    kProtectedText = 128,
    kProtectedCode = 256,
    kBlocklist = 512,
    kUngrounded = 1024,
    kOther = 2048,
  };
  uint16_t bits = 0;
};
/// `hate, jailbreak`; empty for none. Constant words only.
std::string filter_category_names(FilterCategories categories);

struct UpstreamError {
  UpstreamFault fault = UpstreamFault::kNone;
  FilterCategories filtered{};
  uint64_t prompt_tokens = 0;   // where the upstream counted them; 0: unknown
  uint64_t context_tokens = 0;
  /// For the client: status and meaning kept, text ours. `detail` has the upstream's words, cut at 512 bytes, for the log.
  Error error{};
};

/// Reads the body of an answer that is not a success, whatever it is. `status` 200 is for errors inside a success: an error
/// event, an error object. Never fails.
UpstreamError parse_upstream_error(int status, std::string_view body);

}  // namespace wye::protocol
