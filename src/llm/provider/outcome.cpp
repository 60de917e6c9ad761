#include "llm/provider/outcome.hpp"

namespace wye::provider {
namespace {

using protocol::UpstreamFault;

UpstreamFault fault_of(const Attempt& attempt) { return attempt.error == nullptr ? UpstreamFault::kNone : attempt.error->fault; }

/// The next provider is no way around a policy, and a longer prompt fits nowhere but in a larger window.
std::optional<Outcome> refused_content(const Attempt& attempt) {
  switch (fault_of(attempt)) {
    case UpstreamFault::kContentFilter: return Outcome{.verdict = Verdict::kFinal, .mark = Mark::kGood};
    case UpstreamFault::kContextTooLong:
      if (!attempt.wider_context) return Outcome{.verdict = Verdict::kFinal, .mark = Mark::kGood};
      return Outcome{.verdict = Verdict::kOtherOnly, .mark = Mark::kGood, .wider_context_only = true};
    default: return std::nullopt;
  }
}

/// The server may have worked on it: only what is free of effects goes elsewhere.
Outcome maybe_processed(const Attempt& attempt, bool same_after_others) {
  Outcome outcome{.verdict = Verdict::kFinal, .mark = Mark::kFailure, .possible_double_bill = true};
  if (!attempt.free_of_effects) return outcome;
  outcome.verdict = same_after_others ? Verdict::kRetryOther : Verdict::kOtherOnly;
  outcome.same_after_others = same_after_others;
  return outcome;
}

bool proves_misconfiguration(const Attempt& attempt) {
  return fault_of(attempt) == UpstreamFault::kDeploymentNotFound || fault_of(attempt) == UpstreamFault::kAccessRefused;
}

Outcome rate_limited(const Attempt& attempt) {
  if (fault_of(attempt) == UpstreamFault::kQuotaExhausted) return {.verdict = Verdict::kOtherOnly, .mark = Mark::kOutOfQuota};
  return {.verdict = Verdict::kRetryOther, .mark = Mark::kSaturated, .same_after_wait = true};
}

Outcome of_server_error(const Attempt& attempt) {
  // An answer with a status: nothing was generated that anybody would bill twice.
  Outcome outcome = maybe_processed(attempt, true);
  outcome.possible_double_bill = false;
  if (fault_of(attempt) == UpstreamFault::kModelLoading) outcome.mark = Mark::kNone;
  return outcome;
}

Outcome of_status(const Attempt& attempt) {
  const int status = attempt.status;
  if (status >= 200 && status < 300) return {.verdict = Verdict::kSuccess, .mark = Mark::kGood};
  // llama-server blames itself for an input that is too long; a caller must not be able to wear a target down with it.
  if (status == 500 && attempt.error != nullptr && attempt.error->error.code == ErrorCode::kContextTooLong) return *refused_content(attempt);
  if (status >= 500 || status == 408) return of_server_error(attempt);
  switch (status) {
    case 401:
      if (attempt.token_credential && !attempt.token_refreshed) return {.verdict = Verdict::kRetrySame, .mark = Mark::kNone, .refresh_token = true};
      return {.verdict = Verdict::kOtherOnly, .mark = Mark::kMisconfigured};
    // Only what is so for every request takes the target out of use for all of them.
    case 403:
    case 404: return {.verdict = Verdict::kOtherOnly, .mark = proves_misconfiguration(attempt) ? Mark::kMisconfigured : Mark::kNone};
    case 409:
      if (!attempt.conflict_retried) return {.verdict = Verdict::kRetrySame, .mark = Mark::kNone};
      return {.verdict = Verdict::kFinal, .mark = Mark::kNone};
    case 402: return {.verdict = Verdict::kOtherOnly, .mark = Mark::kOutOfQuota};
    case 429: return rate_limited(attempt);
    default: break;
  }
  if (status < 400) return {.verdict = Verdict::kOtherOnly, .mark = Mark::kMisconfigured};  // no redirect is ever followed
  if (const std::optional<Outcome> refused = refused_content(attempt)) return *refused;
  return {.verdict = Verdict::kFinal, .mark = Mark::kGood};
}

Outcome of_error_inside(const Attempt& attempt) {
  if (const std::optional<Outcome> refused = refused_content(attempt)) return *refused;
  if (fault_of(attempt) == UpstreamFault::kQuotaExhausted || fault_of(attempt) == UpstreamFault::kRateLimited) return rate_limited(attempt);
  return maybe_processed(attempt, true);
}

}  // namespace

Outcome classify(const Attempt& attempt) {
  switch (attempt.event) {
    case Event::kConnectFailed: return {.verdict = Verdict::kRetryOther, .mark = Mark::kFailure, .same_after_others = true};
    case Event::kNotTakenUp: return {.verdict = Verdict::kRetryOther, .mark = Mark::kNone, .same_after_others = true};
    case Event::kLostBeforeAnswer:
      // A keep-alive race: the server closed while the request was on its way. No failure of the target.
      if (attempt.connection_reused && !attempt.fresh_tried && attempt.free_of_effects)
        return {.verdict = Verdict::kRetrySame, .mark = Mark::kNone, .possible_double_bill = true};
      return maybe_processed(attempt, false);
    case Event::kFirstEventTimeout: return maybe_processed(attempt, false);
    case Event::kTotalTimeout: return {.verdict = Verdict::kFinal, .mark = Mark::kFailure, .possible_double_bill = true};
    case Event::kStatus: return of_status(attempt);
    case Event::kErrorInside: return of_error_inside(attempt);
    case Event::kMalformed: return maybe_processed(attempt, false);
    case Event::kBrokenAfterContent: return {.verdict = Verdict::kFinal, .mark = Mark::kFailure};
    case Event::kClientGone: break;
  }
  return {.verdict = Verdict::kFinal, .mark = Mark::kNone};
}

std::chrono::milliseconds wait_without_hint(uint32_t consecutive) {
  const uint32_t doublings = std::min<uint32_t>(consecutive == 0 ? 0 : consecutive - 1, 16);
  return std::min<std::chrono::milliseconds>(std::chrono::milliseconds(kNoHintFirst) * (int64_t{1} << doublings), kNoHintMax);
}

}  // namespace wye::provider
