#include "edge/gateway/metrics.hpp"

namespace wye::gateway {
namespace {

constexpr MetricKind kCounter = MetricKind::kCounter;
constexpr MetricKind kHistogram = MetricKind::kHistogram;

}  // namespace

GatewayMetrics::GatewayMetrics(Metrics& registry)
    : registry_(registry),
      shard_(registry.make_shard()),
      requests_(registry.family(kCounter, "wye_requests_total", "Requests that ended, by status.", {"route", "tenant", "operation", "path", "code"})),
      in_flight_(registry.family(MetricKind::kGauge, "wye_in_flight", "Requests in flight.", {"route"})),
      overhead_(registry.family(kHistogram, "wye_overhead_seconds", "Time spent in Wye itself.", {})),
      tokens_(registry.family(kCounter, "wye_tokens_total", "Tokens metered.", {"tenant", "route", "target", "type"})),
      attempts_(registry.family(kCounter, "wye_attempts_total", "Attempts at targets, by outcome.", {"target", "outcome"})),
      auth_failures_(registry.family(kCounter, "wye_auth_failures_total", "Requests without a valid credential, by reason.", {"reason"})),
      duration_(registry.family(kHistogram, "gen_ai_server_request_duration_seconds", "Whole requests, as callers see them.",
                                {"gen_ai_operation_name", "gen_ai_request_model", "error_type"})),
      first_token_(registry.family(kHistogram, "gen_ai_server_time_to_first_token_seconds", "To the first event of a stream.",
                                   {"gen_ai_operation_name", "gen_ai_request_model"})),
      a_token_(registry.family(kHistogram, "gen_ai_server_time_per_output_token_seconds", "For each output token after the first.",
                               {"gen_ai_operation_name", "gen_ai_request_model"})),
      client_duration_(
          registry.family(kHistogram, "gen_ai_client_operation_duration_seconds", "Upstream calls.",
                          {"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_response_model", "error_type"})),
      client_usage_(
          registry.family(kCounter, "gen_ai_client_token_usage", "Tokens of upstream calls.",
                          {"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_response_model", "gen_ai_token_type"})) {}

GatewayMetrics::Request GatewayMetrics::make_request(const RequestLabels& l) {
  const std::string route(l.route), tenant(l.tenant), operation(l.operation), path(l.path), target(l.target), provider(l.provider),
      error(l.error_type);
  Request r;
  r.requests = registry_.series(requests_, {route, tenant, operation, path, std::to_string(l.status)});
  r.overhead = registry_.series(overhead_, {});
  r.duration = registry_.series(duration_, {operation, route, error});
  if (target.empty()) return r;
  r.first_token = registry_.series(first_token_, {operation, route});
  r.a_token = registry_.series(a_token_, {operation, route});
  r.client_duration = registry_.series(client_duration_, {operation, provider, route, target, error});
  r.prompt = registry_.series(tokens_, {tenant, route, target, "prompt"});
  r.cached = registry_.series(tokens_, {tenant, route, target, "cached"});
  r.completion = registry_.series(tokens_, {tenant, route, target, "completion"});
  r.usage_in = registry_.series(client_usage_, {operation, provider, route, target, "input"});
  r.usage_out = registry_.series(client_usage_, {operation, provider, route, target, "output"});
  return r;
}

void GatewayMetrics::count_request(const RequestLabels& labels, const RequestFigures& figures) {
  key_.clear();
  for (const std::string_view part : {labels.route, labels.tenant, labels.operation, labels.path, labels.target, labels.error_type}) {
    key_ += part;
    key_ += '\n';
  }
  key_ += static_cast<char>(labels.status / 100);
  key_ += static_cast<char>(labels.status % 100);
  auto found = by_labels_.find(key_);
  if (found == by_labels_.end()) {
    if (by_labels_.size() >= kKept) by_labels_.clear();
    found = by_labels_.emplace(key_, make_request(labels)).first;
  }
  const Request& r = found->second;
  shard_.add(r.requests);
  shard_.observe(r.duration, figures.total);
  shard_.observe(r.overhead, figures.overhead);
  if (labels.target.empty()) return;
  shard_.observe(r.client_duration, figures.upstream);
  if (figures.to_first_token.count() > 0) shard_.observe(r.first_token, figures.to_first_token);
  if (figures.a_token.count() > 0) shard_.observe(r.a_token, figures.a_token);
  if (!figures.metered) return;
  shard_.add(r.prompt, figures.prompt_tokens);
  shard_.add(r.cached, figures.cached_tokens);
  shard_.add(r.completion, figures.completion_tokens);
  shard_.add(r.usage_in, figures.prompt_tokens);
  shard_.add(r.usage_out, figures.completion_tokens);
}

template <class Map>
Series GatewayMetrics::keep(Map& map, Metrics::Family family, std::string_view a, std::string_view b) {
  key_.assign(a);
  key_ += '\n';
  key_ += b;
  key_ += static_cast<char>(family.index);
  if (const auto found = map.find(key_); found != map.end()) return found->second;
  std::vector<std::string> values{std::string(a)};
  if (!b.empty()) values.emplace_back(b);
  if (map.size() >= kKept) map.clear();
  return map.emplace(key_, registry_.series(family, values)).first->second;
}

void GatewayMetrics::count_attempt(std::string_view target, std::string_view outcome) { shard_.add(keep(pairs_, attempts_, target, outcome)); }
void GatewayMetrics::count_auth_failure(std::string_view reason) { shard_.add(keep(pairs_, auth_failures_, reason, {})); }
void GatewayMetrics::in_flight(std::string_view route, bool begins) {
  const Series series = keep(pairs_, in_flight_, route, {});
  if (begins) shard_.add(series);
  else shard_.sub(series);
}

}  // namespace wye::gateway
