#include "edge/gateway/sender.hpp"

#include "edge/gateway/order.hpp"
#include "edge/gateway/trace_parent.hpp"
#include "foundation/crypto/encode.hpp"
#include "llm/provider/headers.hpp"

namespace wye::gateway {
namespace {

/// Bodies beyond it are not sent a second time once a target has had them.
constexpr size_t kReplayBytesMax = 4 << 20;
/// Full jitter below it, doubled with each repeat up to the cap, before a target is asked once more.
constexpr std::chrono::milliseconds kBackoffFirst{200};
constexpr std::chrono::milliseconds kBackoffMax{5000};

provider::Event event_of(const http::ClientCall& call, const Error& error) {
  if (error.code == ErrorCode::kCancelled) return provider::Event::kClientGone;
  if (call.stage() == http::CallStage::kNotSent) return provider::Event::kConnectFailed;
  if (error.code == ErrorCode::kUpstreamTimeout) return provider::Event::kFirstEventTimeout;
  return provider::Event::kLostBeforeAnswer;
}

std::string_view outcome_name(const provider::Outcome& outcome) {
  constexpr std::array<std::string_view, 6> kNames = {"refused", "success", "failure", "saturated", "out_of_quota", "misconfigured"};
  return kNames[static_cast<size_t>(outcome.mark)];
}

/// What an upstream says may repeat prompts and keys: of `upstream 500: words` only the status goes to the log.
void drop_upstream_words(Error& error) {
  constexpr std::string_view kPrefix = "upstream ";
  const size_t colon = error.detail.find(':');
  const bool words = error.detail.starts_with(kPrefix) && error.detail.size() > kPrefix.size() && error.detail[kPrefix.size()] >= '0' &&
                     error.detail[kPrefix.size()] <= '9';
  if (words && colon != std::string::npos) error.detail.resize(colon);
}

protocol::UpstreamFault fault_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBlocked: return protocol::UpstreamFault::kContentFilter;
    case ErrorCode::kContextTooLong: return protocol::UpstreamFault::kContextTooLong;
    case ErrorCode::kQuotaExhausted: return protocol::UpstreamFault::kQuotaExhausted;
    case ErrorCode::kRateLimited: return protocol::UpstreamFault::kRateLimited;
    default: return protocol::UpstreamFault::kNone;
  }
}

std::chrono::milliseconds backoff(uint32_t repeats) { return std::min(kBackoffFirst * (int64_t{1} << std::min(repeats, 8u)), kBackoffMax); }

constexpr std::chrono::seconds kMisconfiguredFor{60};

}  // namespace

net::Task<Result<void>> Steps::send(Exchange& x) {
  Sender sender(x);
  co_return co_await sender.run();
}

net::Task<Result<void>> Sender::run() {
  const std::span<const route::Choice> choices = m_.plan.choices();
  Order order(choices.size());
  uint32_t repeats = 0;
  Error last = internal_error(ErrorCode::kUpstreamFailed, "no attempt");
  RetryBudget& budget = *x_.configuration->budgets[x_.route->id];
  budget.note_request(x_.gateway.loop_.now());
  while (x_.attempts < x_.route->attempts) {
    const std::optional<size_t> index = order.next();
    if (!index || (x_.attempts > 0 && !budget.take(x_.gateway.loop_.now()))) break;
    if (order.repeats(*index)) {
      const Nanos jitter(static_cast<int64_t>(x_.gateway.random_.below(static_cast<uint64_t>(Nanos(backoff(repeats++)).count()))));
      if (Result<void> paused = co_await pause(std::max<Nanos>(order.asked_wait, jitter)); !paused) {
        if (paused.error().code == ErrorCode::kCancelled) last = std::move(paused).error();
        break;
      }
      order.asked_wait = {};
    }
    const route::Choice& choice = choices[*index];
    Try t;
    t.target = &x_.configuration->targets[choice.target];
    t.bridged = choice.bridged;
    t.facts.fresh_tried = t.facts.conflict_retried = t.facts.token_refreshed = order.retried_at_once(*index);
    // The same rules once more, for the target that was resolved: a plan is no permission.
    const route::Target& resolved = x_.route->policy.candidates[choice.candidate];
    if (route::check_target(x_.route->policy, x_.tenant->facts, x_.ask, resolved, t.target->capabilities))
      co_return Fail(internal_error(ErrorCode::kDataClassForbidden, "the resolved target breaks a constraint"));
    if (const access::Decision decision = Steps::granted(x_, resolved); !decision) {
      x_.denied = decision;
      co_return Fail(internal_error(ErrorCode::kDataClassForbidden, std::string(decision.detail())));
    }
    begin(t);
    Result<void> result = co_await attempt(t);
    if (result) {
      x_.gateway.metrics_.count_attempt(t.target->entry->label, "success");
      t.target->refusals_in_a_row = 0;
      co_return result;
    }
    last = std::move(result).error();
    if (t.facts.status == 401 && t.presented != nullptr) co_await renew_credential(t);
    if (!go_on(t, *index, order, last)) break;
  }
  co_return Fail(std::move(last));
}

/// Every attempt is told apart from those before it: its times and counts are its own.
void Sender::begin(Try& t) {
  ++x_.attempts;
  x_.target = t.target;
  const MonoTime now = x_.gateway.clock_.mono();
  if (x_.sent_at.ns != 0) x_.earlier_attempts += now - x_.sent_at;
  x_.sent_at = now;
  x_.first_byte_at = x_.upstream_done_at = {};
  x_.events_out = 0;
  x_.metered = {};
  x_.retry_is_useless = false;
  t.first_event = m_.request.stream ? earlier(x_.total, x_.gateway.loop_.after(x_.route->deadlines.first_event)) : x_.total;
}

bool Sender::go_on(Try& t, size_t choice, Order& order, Error& error) {
  if (error.code == ErrorCode::kCancelled) {
    x_.gateway.metrics_.count_attempt(t.target->entry->label, "cancelled");
    return false;
  }
  t.facts.free_of_effects = t.replayable;
  const provider::Outcome outcome = provider::classify(t.facts);
  mark(t, outcome);
  x_.retry_is_useless = outcome.mark == provider::Mark::kMisconfigured || outcome.mark == provider::Mark::kOutOfQuota;
  if (outcome.mark == provider::Mark::kSaturated && error.retry_after.count() == 0)
    error.retry_after = std::chrono::ceil<std::chrono::milliseconds>(t.target->saturated_until - x_.gateway.loop_.now());
  if (t.answered || outcome.verdict == provider::Verdict::kFinal || x_.total.passed(x_.gateway.loop_.now())) return false;
  if (outcome.verdict == provider::Verdict::kSuccess) return false;
  if (outcome.verdict == provider::Verdict::kRetrySame) {
    order.note_retried(choice);
    order.again_now(choice);
  } else if (outcome.same_after_others && error.code != ErrorCode::kUpstreamAuthUnavailable) {
    order.again_last(choice);
  } else if (outcome.same_after_wait && order.empty() && t.wait && *t.wait <= provider::kSameTargetWaitMax) {
    order.again_after(choice, *t.wait);
  }
  return true;
}

net::Task<Result<void>> Sender::pause(Nanos wait) {
  net::Loop& loop = x_.gateway.loop_;
  if (x_.total.passed(loop.now() + wait)) co_return Fail(internal_error(ErrorCode::kUpstreamTimeout, "no time is left for another attempt"));
  if (co_await net::sleep(loop, wait, &x_.call.gone()) == net::IoStatus::kCancelled)
    co_return Fail(internal_error(ErrorCode::kCancelled, "the client has gone"));
  co_return Result<void>{};
}

void Sender::mark(Try& t, const provider::Outcome& outcome) {
  const MonoTime now = x_.gateway.loop_.now();
  TargetRuntime& target = *t.target;
  x_.gateway.metrics_.count_attempt(target.entry->label, outcome_name(outcome));
  if (outcome.mark == provider::Mark::kSaturated) {
    const auto wait = t.wait ? *t.wait : provider::wait_without_hint(++target.refusals_in_a_row);
    target.saturated_until = now + wait;
  } else if (outcome.mark == provider::Mark::kOutOfQuota) {
    target.saturated_until = now + Nanos(provider::kQuotaOut);
  } else if (outcome.mark == provider::Mark::kMisconfigured) {
    target.misconfigured_until = now + Nanos(kMisconfiguredFor);
    x_.gateway.log_.error("target.misconfigured", {{"target", target.entry->label}, {"request_id", x_.request_id()}});
  } else {
    return;
  }
  x_.configuration->set_aside(target.entry->id);
}

Fail Sender::failed(Try& t, provider::Event event, Error error) {
  t.facts.event = event;
  drop_upstream_words(error);
  return Fail(std::move(error));
}

Fail Sender::failed_inside(Try& t, Error error) {
  t.upstream_error.fault = fault_of(error.code);
  t.facts.error = &t.upstream_error;
  return failed(t, provider::Event::kErrorInside, std::move(error));
}

std::string_view Sender::client_id(protocol::Operation operation) {
  const std::string_view prefix = operation == protocol::Operation::kChat          ? "chatcmpl-"
                                  : operation == protocol::Operation::kCompletions ? "cmpl-"
                                                                                   : "resp_";
  const std::string_view random = x_.id_random();
  std::memcpy(client_id_.data(), prefix.data(), prefix.size());
  std::memcpy(client_id_.data() + prefix.size(), random.data(), random.size());
  return {client_id_.data(), prefix.size() + random.size()};
}

protocol::UpstreamTarget Sender::upstream_target(const Try& t) {
  protocol::UpstreamTarget target;
  target.model = t.target->entry->deployment;
  target.dialect = t.target->traits->body;
  target.force_stream = t.upstream_stream && !m_.request.stream;
  target.default_output_tokens = x_.route->output.default_max;
  if (x_.route->output.max) target.output_tokens_max = *x_.route->output.max;
  target.store_upstream = x_.route->request.store_upstream;
  target.lenient = x_.route->request.lenient;
  const protocol::DecodedRequest& request = m_.request;
  if ((request.user || request.safety_identifier) && user_hash_.empty())
    user_hash_ = crypto::to_hex(crypto::as_text(x_.gateway.pseudonyms_.mac(x_.principal->subject())).substr(0, 16));
  if (request.prompt_cache_key && cache_prefix_.empty())
    cache_prefix_ = crypto::to_hex(crypto::as_text(x_.gateway.pseudonyms_.mac(x_.tenant->name)).substr(0, 8)) + "-";
  target.user_hash = user_hash_;
  target.cache_key_prefix = cache_prefix_;
  return target;
}

Result<void> Sender::write_head(Try& t, size_t body_bytes) {
  http::HeadWriter head(m_.head);
  head.text("POST ");
  head.text(t.target->paths[static_cast<size_t>(t.spoken)]);
  head.text(" HTTP/1.1\r\nhost: ");
  head.text(t.target->host);
  head.text("\r\nuser-agent: wye/0.1\r\ncontent-type: application/json\r\naccept-encoding: identity\r\naccept: ");
  head.text(t.upstream_stream ? "text/event-stream\r\n" : "application/json\r\n");
  const size_t before_credential = head.done().size();
  if (t.target->credential != nullptr) {
    TRY(t.presented, x_.gateway.credentials_.attach(*t.target->credential, t.target->where));
  } else if (t.target->key != nullptr) {
    head.text(t.target->auth.name);
    head.text(": ");
    head.text(t.target->auth.value_prefix);
    head.text(t.target->key->reveal());
    head.text("\r\n");
  }
  if (t.target->traits->own_request_id_header) head.field("x-ms-client-request-id", x_.request_id());
  for (const std::string& name : x_.route->request.forward_headers) {
    const std::string_view value = x_.call.head().value(std::string_view(name));
    // A trace that is none would be a free text towards the provider.
    if ((name == "traceparent" || name == "tracestate") && trace_id_of(x_.call.head().value("traceparent")).empty()) continue;
    if (!value.empty() && provider::passes_upstream(name, x_.route->request.forward_headers)) head.field(name, value);
  }
  head.field("content-length", body_bytes);
  head.text("\r\n");
  if (head.overflow()) return Fail(internal_error(ErrorCode::kHeadTooLarge, "forwarded headers"));
  m_.upstream[0] = net::piece(head.done());
  if (t.presented == nullptr) return {};
  // The value goes out from where it is kept: no copy of it is made.
  m_.upstream[0] = net::piece(head.done().substr(0, before_credential));
  m_.upstream[1] = net::piece(t.presented->line.reveal());
  m_.upstream[2] = net::piece(head.done().substr(before_credential));
  return {};
}

Result<void> Sender::prepare(Try& t) {
  const TargetRuntime& target = *t.target;
  t.spoken = t.bridged ? protocol::Operation::kChat : *x_.matched->operation;
  if (target.origin == nullptr || target.paths[static_cast<size_t>(t.spoken)].empty())
    return Fail(internal_error(ErrorCode::kModelNotReady, "no address"));
  CHECK_OK(provider::check_honoured(*target.traits, m_.request.needs, target.capabilities));
  const bool may_force = t.bridged || protocol::can_force_stream(m_.request);
  t.upstream_stream = m_.request.stream || (target.traits->runs_on && may_force);
  t.stored = m_.request.store_asked && x_.route->request.store_upstream;
  m_.upstream.assign(target.credential != nullptr ? 3 : 1, iovec{});
  size_t bytes = 0;
  if (t.bridged) {
    m_.upstream_body.clear();
    CHECK_OK(protocol::bridge_request(m_.request, upstream_target(t), m_.upstream_body));
    m_.upstream.push_back(net::piece(m_.upstream_body));
    bytes = m_.upstream_body.size();
  } else {
    CHECK_OK(protocol::write_upstream(m_.request, upstream_target(t), m_.patch));
    TRY(const auto pieces, m_.patch.pieces());
    for (const std::string_view piece : pieces) m_.upstream.push_back(net::piece(piece));
    bytes = m_.patch.size();
  }
  t.replayable = m_.request.free_of_effects(t.stored) && bytes <= kReplayBytesMax;
  return write_head(t, bytes);
}

net::Task<Result<void>> Sender::await_credential(Try& t) { return x_.gateway.credentials_.ready(t.target->credential, x_.bound(t.first_event)); }

net::Task<void> Sender::renew_credential(Try& t) {
  t.facts.token_credential = true;
  if (!t.facts.token_refreshed)
    t.facts.token_refreshed = !co_await x_.gateway.credentials_.rejected(t.target->credential, t.presented->generation, x_.bound(t.first_event));
}

net::Task<Result<void>> Sender::attempt(Try& t) {
  if (t.target->credential != nullptr && !x_.gateway.credentials_.live(*t.target->credential)) [[unlikely]] {
    if (Result<void> there = co_await await_credential(t); !there) {
      const bool gone = there.error().code == ErrorCode::kCancelled;
      co_return failed(t, gone ? provider::Event::kClientGone : provider::Event::kNotTakenUp, std::move(there).error());
    }
  }
  if (Result<void> ready = prepare(t); !ready) {
    if (ready.error().code == ErrorCode::kUpstreamAuthUnavailable) {
      x_.gateway.log_.error("credential.refused",
                            {{"target", t.target->entry->label}, {"detail", ready.error().detail}, {"request_id", x_.request_id()}});
      co_return failed(t, provider::Event::kNotTakenUp, std::move(ready).error());
    }
    // What is wrong with the request is wrong everywhere it could go.
    t.answered = ready.error().code != ErrorCode::kModelNotReady;
    co_return failed(t, provider::Event::kConnectFailed, std::move(ready).error());
  }
  http::ClientCall call(*t.target->origin);
  Result<void> sent = co_await call.exchange({m_.upstream, false}, x_.bound(t.first_event), t.replayable);
  note_upstream(call, t);
  if (!sent) {
    provider::Event event = event_of(call, sent.error());
    if (event == provider::Event::kFirstEventTimeout && x_.total.passed(x_.gateway.loop_.now())) event = provider::Event::kTotalTimeout;
    co_return failed(t, event, std::move(sent).error());
  }
  t.facts.status = call.head().status;
  if (t.facts.status > 200 && t.facts.status < 300)
    co_return failed(t, provider::Event::kMalformed, internal_error(ErrorCode::kUpstreamFailed, "a success without an answer"));
  if (t.facts.status != 200) co_return co_await read_refusal(t, call);
  if (!call.head().value(http::Known::kContentEncoding).empty())
    co_return failed(t, provider::Event::kMalformed, internal_error(ErrorCode::kUpstreamFailed, "content-encoding"));
  if (t.upstream_stream) co_return co_await answer_stream(t, call);
  co_return co_await answer_unary(t, call);
}

void Sender::note_upstream(const http::ClientCall& call, const Try& t) {
  x_.connect_time = call.connect_time();
  if (call.stage() < http::CallStage::kAnswering || t.target->traits->request_id_header.empty()) return;
  x_.upstream_request_id.assign(call.head().value(t.target->traits->request_id_header).substr(0, 128));
}

net::Task<Result<void>> Sender::read_refusal(Try& t, http::ClientCall& call) {
  const http::Head& head = call.head();
  const provider::RetryHeaders hints{head.value("retry-after-ms"),
                                     head.value(http::Known::kRetryAfter),
                                     head.value(http::Known::kDate),
                                     head.value("x-ratelimit-remaining-requests"),
                                     head.value("x-ratelimit-reset-requests"),
                                     head.value("x-ratelimit-remaining-tokens"),
                                     head.value("x-ratelimit-reset-tokens"),
                                     head.value("x-ratelimit-reset")};
  t.wait = provider::parse_retry_after(t.facts.status, hints, x_.gateway.clock_.wall()).wait;
  constexpr size_t kRefusalBytes = 64 << 10;
  const Result<std::string_view> body = co_await collect_body(call, kRefusalBytes);
  x_.upstream_done_at = x_.gateway.clock_.mono();
  if (!body && body.error().code == ErrorCode::kCancelled) co_return failed(t, provider::Event::kClientGone, body.error());
  t.upstream_error = protocol::parse_upstream_error(t.facts.status, body ? *body : std::string_view());
  t.facts.error = &t.upstream_error;
  Error error = t.upstream_error.error;
  if (t.wait && error_row(error.code).client_may_retry) error.retry_after = *t.wait;
  if (error.code == ErrorCode::kBlocked && x_.route->output.filter_categories && t.upstream_error.filtered.bits != 0)
    error.public_message = "The content was refused by a content filter: " + protocol::filter_category_names(t.upstream_error.filtered) + ".";
  co_return failed(t, provider::Event::kStatus, std::move(error));
}

net::Task<Result<std::string_view>> Sender::collect_body(http::ClientCall& call, size_t max) {
  CO_TRY(http::ClientCall::Piece piece, co_await call.read(x_.bound(x_.total)));
  if (piece.last) co_return piece.bytes;
  std::string& whole = m_.answer;
  whole.assign(piece.bytes);
  if (const auto length = call.head().content_length) whole.reserve(static_cast<size_t>(std::min<uint64_t>(*length, max)));
  while (!piece.last) {
    CO_TRY(piece, co_await call.read(x_.bound(x_.total)));
    if (whole.size() + piece.bytes.size() > max) co_return Fail(internal_error(ErrorCode::kUpstreamFailed, "the answer is too large"));
    whole.append(piece.bytes);
  }
  co_return std::string_view(whole);
}

void Sender::meter(const protocol::Usage& usage, uint64_t content_events) {
  x_.metered.usage = usage;
  if (usage.present) return;
  // Each event of content is about one token; better is not known without the upstream's own count.
  x_.metered.estimated = content_events > 0;
  x_.metered.usage.completion_tokens = content_events;
}

std::array<http::OutField, 4> Sender::answer_fields(size_t& count, bool streaming) {
  std::array<http::OutField, 4> fields;
  count = 0;
  fields[count++] = {"x-request-id", x_.request_id()};
  const int64_t ms = (x_.gateway.clock_.mono() - x_.call.arrived()).count() / 1'000'000;
  fields[count++] = {"openai-processing-ms",
                     {processing_ms_.data(), std::to_chars(processing_ms_.data(), processing_ms_.data() + processing_ms_.size(), ms).ptr}};
  if (streaming) {
    fields[count++] = {"cache-control", "no-cache"};
    fields[count++] = {"x-accel-buffering", "no"};
  }
  return fields;
}

}  // namespace wye::gateway
