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

/// Who was refused what: what nobody signed is counted, a denial is a record of its own.
void leave_trace(Exchange& x, audit::Trail& trail, const Error& error, int status) {
  const std::string peer = net::address_text(x.call.peer());
  const std::string_view action = x.matched ? access::to_string(x.matched->action) : std::string_view();
  if (!x.principal) {
    const bool credential = error.code == ErrorCode::kUnauthenticated || (status == 400 && error.detail.starts_with("auth."));
    if (credential) trail.anonymous({error.detail, x.request_id(), action, peer, x.call.listener(), status});
    return;
  }
  if (status != 403 && !x.hidden) return;
  const access::Policy& policy = x.snapshot().policy();
  audit::Record record;
  record.event = "authz.deny";
  record.request_id = x.request_id();
  record.action = action;
  record.principal = audit::Who::of(*x.principal, x.tenant != nullptr ? std::string_view(x.tenant->name) : std::string_view());
  if (x.route != nullptr) record.resource.push_back({"route", x.route->name});
  else if (!x.asked_model.empty()) record.resource.push_back({"route", std::string(x.asked_model)});
  if (x.target != nullptr) record.resource.push_back({"target", x.target->entry->label});
  record.decision = audit::Decision::kDeny;
  if (x.denied) {
    for (const access::RuleRef& rule : x.denied->rules()) record.rules.push_back(policy.rule_id(rule));
  }
  record.reason = error.detail.empty() && x.denied ? std::string(x.denied->detail()) : error.detail;
  record.peer = peer;
  record.listener = x.call.listener();
  record.config = x.snapshot().digest();
  record.status = status;
  trail.record(std::move(record));
}

/// The header lines that tell a refused caller what it may try.
struct ChallengeFields {
  token::Challenge challenge;
  std::string nonce;

  ChallengeFields(const Exchange& x, const Error& error, WallTime now) {
    const token::AuthRules& rules = *x.configuration->configuration->auth;
    challenge = token::challenge_for(error, rules.proof);
    if (challenge.nonce_wanted && rules.nonces != nullptr) nonce = rules.nonces->current(now);
    // Where one scope would do, a caller with a token may ask its issuer for it.
    const bool scope = error.code == ErrorCode::kForbidden && x.denied && x.denied->reason() == access::Reason::kNoGrant && x.matched &&
                       x.principal->kind() != token::PrincipalKind::kKey;
    if (scope) challenge.bearer = token::scope_challenge(access::to_string(x.matched->action));
  }
  void append(std::span<http::OutField> fields, size_t& count) const {
    if (!challenge.bearer.empty()) fields[count++] = {"www-authenticate", challenge.bearer};
    if (!challenge.dpop.empty()) fields[count++] = {"www-authenticate", challenge.dpop};
    if (!nonce.empty()) fields[count++] = {"dpop-nonce", nonce};
  }
};

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
  const ChallengeFields challenge(x, error, x.gateway.clock_.wall());
  std::string& body = x.memory->answer;
  body.clear();
  protocol::write_error_body(error, body);
  std::array<http::OutField, 9> fields;
  size_t count = 0;
  fields[count++] = {"x-request-id", x.request_id()};
  if (row.status == 405 && !x.allow.empty()) fields[count++] = {"allow", x.allow};
  challenge.append(fields, count);
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
  // After the answer: how long the trail takes tells nobody whether what they asked for exists.
  leave_trace(x, x.gateway.trail_, error, row.status);
}

}  // namespace wye::gateway
