// Steps 1, 2, 4, 5 and 7 to 9: what is asked, and where could it go. Nothing here waits but for the client's own body.
#include "edge/gateway/steps.hpp"

namespace wye::gateway {
namespace {

/// When to come back where nothing says how long it will take.
constexpr std::chrono::seconds kComeBack{1};

/// Bodies stop at this depth and size; the rest of the bounds are json::Limits' own.
json::Limits body_limits(const config::GatewaySettings& settings) {
  json::Limits limits;
  limits.bytes_max = settings.limits.body;
  return limits;
}

protocol::DecodePolicy policy_of(const config::RouteEntry* route, bool model_in_path) {
  protocol::DecodePolicy policy;
  policy.model_in_path = model_in_path;
  if (route == nullptr) return policy;
  const config::RequestPolicy& request = route->request;
  policy.refuse_unknown = request.unknown_fields == config::UnknownFields::kRefuse;
  policy.allow_fields = request.allow_fields;
  policy.pointer_schemes = request.pointers.schemes;
  policy.pointer_hosts = request.pointers.hosts;
  policy.hosted_tools = request.hosted_tools;
  policy.store_upstream = request.store_upstream;
  return policy;
}

/// The name that the body gives to the model, before anything else of it is judged.
std::string_view model_named(const json::Document& body, std::string& scratch) {
  if (!body.root().is_object()) return {};
  const auto model = body.root().find("model");
  if (!model || !model->is_string()) return {};
  if (model->is_plain_string()) return model->string_raw();
  scratch.clear();
  model->unescape_to(scratch);
  return scratch;
}

/// Until the first of the targets that asked us to wait takes requests again.
std::chrono::milliseconds soonest(const Exchange& x, MonoTime now) {
  Nanos wait = Nanos::max();
  for (const route::Exclusion& exclusion : x.memory->plan.excluded()) {
    if (exclusion.reason != route::Reason::kSaturated) continue;
    wait = std::min(wait, x.configuration->targets[exclusion.target].saturated_until - now);
  }
  if (wait == Nanos::max()) return kComeBack;
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(wait), std::chrono::milliseconds(1));
}

}  // namespace

Result<void> Steps::match(Exchange& x) {
  auto matched = gateway::match(x.call.head(), x.call.target(), x.snapshot().gateway());
  if (!matched) {
    x.allow = matched.error().allow;
    return Fail(std::move(matched.error().error));
  }
  x.matched = *matched;
  if (x.gateway.draining_) {
    Error error = internal_error(ErrorCode::kOverloaded, "draining");
    error.retry_after = kComeBack;
    return Fail(std::move(error));
  }
  return {};
}

/// The WAF has no rules in this build: nothing is inspected, and no field of the record says that it was.
Result<void> Steps::inspect_envelope(Exchange&) { return {}; }

Result<void> Steps::admit(Exchange& x) {
  x.admitted = x.gateway.requests_->enter(x.snapshot().gateway().limits.streams);
  if (x.admitted) return {};
  Error error = internal_error(ErrorCode::kOverloaded, "limits.streams");
  error.retry_after = kComeBack;
  return Fail(std::move(error));
}

net::Task<Result<void>> Steps::decode(Exchange& x) {
  const config::GatewaySettings& settings = x.snapshot().gateway();
  CO_TRY(const std::span<char> bytes, co_await x.call.read_body(static_cast<size_t>(settings.limits.body.n)));
  ExchangeMemory& m = *x.memory;
  CO_CHECK_OK(m.body.parse(std::string_view(bytes.data(), bytes.size()), body_limits(settings)));
  const bool in_path = x.matched->model_in_path();
  const std::string_view name = in_path ? x.matched->name : model_named(m.body, m.answer);
  x.route = name.empty() ? nullptr : x.snapshot().find_route(name);
  // Whom the Route is hidden from is judged as one who named none.
  x.hidden = x.route != nullptr && !visible(x, *x.route);
  if (x.hidden) x.route = nullptr;
  CO_CHECK_OK(protocol::decode(*x.matched->operation, m.body, policy_of(x.route, in_path), m.request));
  x.asked_model = in_path ? x.matched->name : m.request.model_name;
  x.stream = m.request.stream;
  co_return Result<void>{};
}

/// No rules and no guards in this build, as for the envelope.
Result<void> Steps::inspect_body(Exchange&) { return {}; }

Result<void> Steps::decide(Exchange& x) {
  const MonoTime begun = x.gateway.clock_.mono();
  x.ask.draw = x.gateway.random_.next();
  x.ask.not_granted = 0;
  const std::span<const route::Target> candidates = x.route->policy.candidates;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const access::Decision decision = granted(x, candidates[i]);
    if (decision) continue;
    x.ask.not_granted |= uint64_t{1} << i;
    x.denied = decision;
  }
  const route::Verdict verdict =
      route::decide(x.route->policy, x.tenant->facts, x.ask, x.configuration->live_at(x.gateway.loop_.now()), x.memory->plan);
  x.decide_time = x.gateway.clock_.mono() - begun;
  if (verdict == route::Verdict::kPlanned) return {};
  Error error = route::to_error(verdict, x.ask);
  if (verdict == route::Verdict::kSaturated) error.retry_after = soonest(x, x.gateway.loop_.now());
  if (verdict == route::Verdict::kNotReady) error.retry_after = kComeBack;
  return Fail(std::move(error));
}

/// No Limit resources in this build: there is nothing to reserve, so nothing is refused for it.
Result<void> Steps::reserve(Exchange&) { return {}; }

/// No cache in this build: every request goes on to its target.
Result<void> Steps::look_up_cache(Exchange&) { return {}; }

}  // namespace wye::gateway
