// What an attempt means for the next one: the retry table as a pure function, and the time a server asks us to wait.
// Source: RFC 9110 §10.2.3 (Retry-After), §5.6.7 (dates); openai-python `_base_client.py`; Azure OpenAI rate limit headers.
// Threads: pure functions. Never fails; what cannot be read is ignored and counted by the caller through `ignored`.
#pragma once

#include "foundation/base/clock.hpp"
#include "llm/protocol/errors.hpp"

namespace wye::provider {

/// How an attempt ended, as its sender saw it.
enum class Event : uint8_t {
  kConnectFailed,      // DNS, connect, TLS: surely not taken up
  kNotTakenUp,         // the server says that it did not look at it (GOAWAY below our id, REFUSED_STREAM)
  kLostBeforeAnswer,   // reset or end before any response byte, body sent
  kFirstEventTimeout,  // no first event in time
  kTotalTimeout,       // the deadline of the whole request
  kStatus,             // a status line came
  kErrorInside,        // 200, then an error event or object before any content
  kMalformed,          // an answer that is none, before any content
  kBrokenAfterContent, // anything after content went to the client
  kClientGone,
};

/// Facts of one attempt.
struct Attempt {
  Event event = Event::kStatus;
  int status = 0;                      // kStatus
  const protocol::UpstreamError* error = nullptr;  // kStatus other than 2xx, kErrorInside
  bool connection_reused = false;
  bool fresh_tried = false;            // this target was tried once more on a fresh connection already
  bool free_of_effects = true;
  bool token_refreshed = false;        // a 401 led to a new token already
  bool conflict_retried = false;       // a 409 was tried again already
  bool token_credential = false;       // the credential can be fetched anew
  bool wider_context = false;          // the Route lets larger windows take over
};

enum class Verdict : uint8_t {
  kSuccess,
  kRetrySame,        // at once, on a fresh connection or with a new token
  kRetryOther,       // another candidate now; the same after all others
  kOtherOnly,        // another candidate; this one is of no use for this request
  kFinal,            // answer the client with it
};
/// What the attempt says about the target itself.
enum class Mark : uint8_t {
  kNone,             // nothing, neither good nor bad
  kGood,
  kFailure,          // counts against its health
  kSaturated,        // wait until; never lowers health
  kOutOfQuota,       // out for kQuotaOut
  kMisconfigured,    // alarm
};

struct Outcome {
  Verdict verdict = Verdict::kFinal;
  Mark mark = Mark::kNone;
  bool same_after_others = false;      // with kRetryOther: the same target may be tried once all others failed
  bool same_after_wait = false;        // with kSaturated: nobody else takes it and the wait is at most kSameTargetWaitMax
  bool refresh_token = false;          // with kRetrySame
  bool possible_double_bill = false;
  bool wider_context_only = false;     // with kOtherOnly: only a target with a larger window
};

Outcome classify(const Attempt& attempt);

inline constexpr std::chrono::seconds kQuotaOut{300};
inline constexpr std::chrono::milliseconds kWaitMin{100};
inline constexpr std::chrono::milliseconds kWaitMax{300'000};
inline constexpr std::chrono::seconds kNoHintFirst{1};
inline constexpr std::chrono::seconds kNoHintMax{30};
/// On the same target only if so short and nobody else can take it.
inline constexpr std::chrono::seconds kSameTargetWaitMax{5};

/// The header values that say when to come back; empty where absent.
struct RetryHeaders {
  std::string_view retry_after_ms{};
  std::string_view retry_after{};
  std::string_view date{};
  std::string_view remaining_requests{};  // x-ratelimit-remaining-requests
  std::string_view reset_requests{};
  std::string_view remaining_tokens{};
  std::string_view reset_tokens{};
  std::string_view reset{};               // x-ratelimit-reset
};

struct RetryAfter {
  std::optional<std::chrono::milliseconds> wait{};  // clamped to kWaitMin..kWaitMax; absent: no usable hint
  uint32_t ignored = 0;                           // values that were there and could not be used
};
/// `status` 429 also looks at x-ratelimit-*. The first that can be read wins.
RetryAfter parse_retry_after(int status, const RetryHeaders& headers, WallTime now);
/// How long to keep off a target that said 429 without a hint, the nth time in a row (from 1).
std::chrono::milliseconds wait_without_hint(uint32_t consecutive);

/// An HTTP-date in any of its three formats. Two-digit years: the nearest within 50 years of `now`.
std::optional<WallTime> parse_http_date(std::string_view text, WallTime now);
/// `6m0s`, `1s`, `12ms`, `1h2m3.5s`, or bare seconds with fraction. Absent on anything else, negatives included.
std::optional<std::chrono::milliseconds> parse_reset(std::string_view text);

}  // namespace wye::provider
