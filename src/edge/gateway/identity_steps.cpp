// Steps 3 and 6: who calls, in which tenant, what may they do; and the list of models, which shows only that.
#include "edge/gateway/steps.hpp"

#include "llm/protocol/models.hpp"

namespace wye::gateway {
namespace {

Fail not_found(std::string_view reason) {
  return Fail(Error{.code = ErrorCode::kModelNotFound, .public_message = {}, .detail = std::string(reason), .param = "model", .retry_after = {}});
}

config::IpAddress ip_of(const net::Endpoint& peer) {
  if (peer.v6) return {peer.address};
  config::IpAddress mapped;
  mapped.bytes[10] = mapped.bytes[11] = 0xff;
  std::copy_n(peer.address.begin(), 4, mapped.bytes.begin() + 12);
  return mapped;
}

const config::ListenerEntry* listener_of(const Exchange& x) {
  const auto& listeners = x.snapshot().gateway().listeners;
  const auto found = std::ranges::find(listeners, x.call.listener(), &config::ListenerEntry::name);
  return found == listeners.end() ? nullptr : &*found;
}

/// The last address of `x-forwarded-for`: the one that the proxy itself has seen. All before it is the client's word.
std::optional<config::IpAddress> forwarded_peer(const http::Head& head) {
  std::string_view last;
  for (const http::Field& field : head.all()) {
    if (http::equals_ignore_case(field.name, "x-forwarded-for")) last = field.value;
  }
  last = last.substr(last.rfind(',') + 1);  // npos + 1 is 0
  while (last.starts_with(' ') || last.starts_with('\t')) last.remove_prefix(1);
  // Some proxies write `address:port`.
  if (last.starts_with('[')) last = last.substr(1, last.find(']') - 1);
  else if (std::ranges::count(last, ':') == 1) last = last.substr(0, last.find(':'));
  return config::IpAddress::parse(last);
}

/// Everything of a request that proves who sends it. Lives until the proof is judged: `shown` refers to the rest.
struct Shown {
  static constexpr size_t kDpopLinesMax = 2;  // the second one is one too many
  std::array<std::string_view, kDpopLinesMax> dpop{};
  token::ClientCertificate certificate;
  token::ShownCredentials shown;

  Result<void> collect(Exchange& x) {
    const http::Head& head = x.call.head();
    if (head.has(http::Known::kAuthorization)) shown.headers.authorization = head.value(http::Known::kAuthorization);
    if (head.has(http::Known::kApiKey)) shown.headers.api_key = head.value(http::Known::kApiKey);
    x.facts.peer = ip_of(x.call.peer());
    const std::string_view scheme = shown.headers.authorization.value_or("").substr(0, 4);
    if (http::equals_ignore_case(scheme, "dpop")) collect_proof(x, head);
    if (x.call.peer_certificates().empty()) return {};
    return collect_certificate(x, head);
  }

 private:
  void collect_proof(const Exchange& x, const http::Head& head) {
    size_t lines = 0;
    for (const http::Field& field : head.all()) {
      if (lines < kDpopLinesMax && http::equals_ignore_case(field.name, "dpop")) dpop[lines++] = field.value;
    }
    const config::ListenerEntry* listener = listener_of(x);
    shown.dpop = std::span(dpop).first(lines);
    shown.method = http::to_string(head.method);
    shown.scheme = listener != nullptr && listener->tls ? "https" : "http";
    shown.authority = head.value(http::Known::kHost);
    shown.path = x.call.target().path();
  }
  Result<void> collect_certificate(Exchange& x, const http::Head& head) {
    const config::ListenerEntry* listener = listener_of(x);
    const bool proxy = listener != nullptr && listener->trusts_proxy(*x.facts.peer);
    TRY(certificate, token::client_certificate_of(head, x.call.peer_certificates(), proxy));
    shown.chain = certificate.chain;
    shown.note = &x.call.note();
    if (certificate.forwarded) shown.forwarded = &*certificate.forwarded;
    if (proxy) x.facts.peer = forwarded_peer(head);
    return {};
  }
};

Fail denied(Exchange& x, const access::Decision& decision) {
  x.denied = decision;
  return Fail(internal_error(decision.is_path_refusal() ? ErrorCode::kDataClassForbidden : ErrorCode::kForbidden, std::string(decision.detail())));
}

access::Resource resource_of(const config::RouteEntry& route) { return {access::ResourceKind::kRoute, route.name, {}}; }

net::Task<Result<void>> identify(Exchange& x, token::Authenticator& authenticator, WallTime now) {
  Shown request;
  CO_CHECK_OK(request.collect(x));
  std::optional<Result<token::PrincipalRef>> found = authenticator.try_authenticate(request.shown, now);
  if (!found) found.emplace(co_await authenticator.authenticate(request.shown, now));
  if (!*found) co_return Fail(std::move(*found).error());
  x.principal = std::move(**found);
  co_return Result<void>{};
}

/// In which Tenant the caller acts, and what it holds there.
Result<void> place(Exchange& x, WallTime now) {
  const access::Policy& policy = x.snapshot().policy();
  const bool by_key = x.principal->kind() == token::PrincipalKind::kKey;
  const std::string_view project = by_key ? std::string_view() : x.call.head().value("openai-project");
  TRY(const access::TenantId tenant, policy.tenant_of(*x.principal, project));
  x.tenant = &x.snapshot().tenants()[tenant];
  x.facts.now = now;
  x.standing = policy.standing(*x.principal, tenant, now);
  return {};
}

}  // namespace

net::Task<Result<void>> Steps::authenticate(Exchange& x) {
  const MonoTime begun = x.gateway.clock_.mono();
  const WallTime now = x.gateway.clock_.wall();
  Result<void> outcome = co_await identify(x, x.gateway.authenticator_, now);
  if (!outcome) x.gateway.metrics_.count_auth_failure(outcome.error().detail);
  else outcome = place(x, now);
  x.auth_time = x.gateway.clock_.mono() - begun;
  co_return outcome;
}

bool Steps::visible(const Exchange& x, const config::RouteEntry& route) {
  if (!x.snapshot().policy().visible(x.standing, resource_of(route), x.facts)) return false;
  if (route.policy.tenants.empty()) return true;
  return std::ranges::any_of(route.policy.tenants,
                             [&](route::TenantId id) { return std::ranges::find(x.tenant->facts.lineage, id) != x.tenant->facts.lineage.end(); });
}

Result<void> Steps::authorise(Exchange& x) {
  if (x.route == nullptr) return not_found(x.hidden ? "route.hidden" : "route.unknown");
  x.total = earlier(x.total, Deadline{x.call.arrived() + x.route->deadlines.total});
  x.in_flight = true;
  x.gateway.metrics_.in_flight(x.route->name, true);
  x.ask.operation = provider::operation_of(*x.matched->operation);
  x.ask.needs = provider::capabilities_of(x.memory->request.needs);
  x.ask.data_class = x.route->policy.data_class;
  x.facts.data_class = x.ask.data_class;
  x.facts.capabilities = x.ask.needs;
  x.facts.capabilities->insert(config::capability_of(x.ask.operation));
  const access::Decision decision =
      x.snapshot().policy().decide(x.standing, x.matched->action, resource_of(*x.route), nullptr, x.facts, access::Stage::kRequest);
  if (!decision) return denied(x, decision);
  return {};
}

access::Decision Steps::granted(const Exchange& x, const route::Target& candidate) {
  const config::TargetEntry& entry = x.snapshot().target(candidate.id);
  const bool model = entry.kind == config::TargetEntry::Kind::kModel;
  const access::Target target{model ? access::ResourceKind::kModel : access::ResourceKind::kBackend, entry.name, entry.region,
                              model || entry.network != config::NetworkMode::kPublic};
  return x.snapshot().policy().decide(x.standing, x.matched->action, resource_of(*x.route), &target, x.facts, access::Stage::kTarget);
}

net::Task<Result<void>> Steps::answer_models(Exchange& x) {
  const WallTime created = x.configuration->configuration->accepted_at;
  const access::Policy& policy = x.snapshot().policy();
  const auto may = [&](const config::RouteEntry& route) {
    return policy.decide(x.standing, x.matched->action, resource_of(route), nullptr, x.facts, access::Stage::kCaller);
  };
  std::string& out = x.memory->answer;
  out.clear();
  if (x.matched->action == Action::kModelsList) {
    std::vector<protocol::ModelEntry> entries;
    for (const config::RouteEntry& route : x.snapshot().routes()) {
      if (visible(x, route) && may(route)) entries.push_back({route.name, created});
    }
    protocol::write_model_list(entries, out);
  } else {
    x.asked_model = x.matched->name;
    const config::RouteEntry* route = x.snapshot().find_route(x.matched->name);
    x.hidden = route != nullptr && !visible(x, *route);
    if (route == nullptr || x.hidden) co_return not_found(x.hidden ? "route.hidden" : "route.unknown");
    if (const access::Decision decision = may(*route); !decision) co_return denied(x, decision);
    protocol::write_model({x.matched->name, created}, out);
  }
  x.status = 200;
  x.end = End::kComplete;
  const http::OutField field{"x-request-id", x.request_id()};
  const iovec body = net::piece(out);
  co_await x.call.respond({200, "application/json", {&field, 1}}, {&body, 1});
  co_return Result<void>{};
}

}  // namespace wye::gateway
