#include "edge/gateway/targets.hpp"

#include "foundation/crypto/digest.hpp"

namespace wye::gateway {
namespace {

route::Health to_route(provider::Health health) { return static_cast<route::Health>(health); }
static_assert(static_cast<int>(route::Health::kDraining) == static_cast<int>(provider::Health::kDraining));

std::string host_header(const std::string& host, uint16_t port, bool tls) {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

struct Place {
  std::string host;
  uint16_t port = 0;
  bool tls = false;
  std::string base_path;
  uint64_t instance = 0;
};

/// Configuration says where a Backend is; a Model and the simulator are where they were started.
std::optional<Place> place_of(const config::TargetEntry& entry, const provider::LiveEndpoint& live) {
  if (!entry.endpoint_is_live) {
    const bool tls = entry.endpoint.scheme == config::Endpoint::Scheme::kHttps;
    return Place{entry.endpoint.host, entry.endpoint.port, tls, entry.endpoint.base_path, 0};
  }
  if (live.host.empty()) return std::nullopt;
  return Place{live.host, live.port, live.tls, live.base_path, live.instance};
}

/// What is dialled, as Credentials name it; the simulator by the name that configuration has for it.
std::string origin_of(const config::TargetEntry& entry, const Place& place) {
  if (entry.endpoint_is_live) return entry.endpoint.simulator() ? entry.endpoint.origin() : std::string();
  config::Endpoint endpoint;
  endpoint.scheme = place.tls ? config::Endpoint::Scheme::kHttps : config::Endpoint::Scheme::kHttp;
  endpoint.host = place.host;
  endpoint.port = place.port;
  return endpoint.origin();
}

void fill_paths(TargetRuntime& target, const std::string& base_path) {
  for (size_t i = 0; i < target.paths.size(); ++i) {
    std::string path;
    const auto operation = static_cast<protocol::Operation>(i);
    if (build_target_path(*target.traits, operation, base_path, target.entry->deployment, target.entry->api_version, path))
      target.paths[i] = std::move(path);
  }
}

std::string_view key_of(const TargetRuntime& target) { return target.key == nullptr ? std::string_view() : target.key->reveal(); }

/// The target that was asked in the same way before: what it said holds on. Null where there was none, or where a reload has changed
/// what a refusal may have been about.
const TargetRuntime* same_target(const WorkerConfiguration* before, const TargetRuntime& now) {
  if (before == nullptr) return nullptr;
  const auto old = std::ranges::find_if(before->targets, [&](const TargetRuntime& t) { return t.entry->label == now.entry->label; });
  if (old == before->targets.end() || old->host != now.host || old->paths != now.paths || old->entry->deployment != now.entry->deployment)
    return nullptr;
  // A Credential that says the same keeps its slot.
  if (old->credential != now.credential || !crypto::equal_constant_time(key_of(*old), key_of(now))) return nullptr;
  return &*old;
}

std::vector<std::shared_ptr<RetryBudget>> budgets_of(const config::Snapshot& snapshot, const WorkerConfiguration* before) {
  std::vector<std::shared_ptr<RetryBudget>> budgets(snapshot.routes().size());
  for (const config::RouteEntry& route : snapshot.routes()) {
    if (before != nullptr) {
      const auto old = std::ranges::find(before->snapshot().routes(), route.name, &config::RouteEntry::name);
      if (old != before->snapshot().routes().end()) budgets[route.id] = before->budgets[old->id];
    }
    if (budgets[route.id] == nullptr) budgets[route.id] = std::make_shared<RetryBudget>();
  }
  return budgets;
}

}  // namespace

std::shared_ptr<http::Origin> OriginCache::get(const std::string& identity, const net::DialTarget& target,
                                               std::shared_ptr<const net::TlsClientContext> trust) {
  std::erase_if(origins_, [](const auto& item) { return item.second.expired(); });
  std::weak_ptr<http::Origin>& known = origins_[identity];
  if (auto origin = known.lock()) return origin;
  struct Held {
    Held(std::shared_ptr<const net::TlsClientContext> kept, net::Loop& loop, net::Resolver& resolver, const net::DialTarget& to)
        : trust(std::move(kept)),
          origin(loop, resolver, to) {}
    std::shared_ptr<const net::TlsClientContext> trust;  // outlives the pool
    http::Origin origin;
  };
  auto held = std::make_shared<Held>(std::move(trust), loop_, resolver_, target);
  std::shared_ptr<http::Origin> origin(held, &held->origin);
  known = origin;
  return origin;
}

std::span<const route::Live> WorkerConfiguration::live_at(MonoTime now) {
  std::erase_if(aside, [&](route::TargetId id) {
    const TargetRuntime& target = targets[id];
    const route::Health told = to_route(endpoints->at(id).health);
    const bool misconfigured = target.misconfigured_until > now;
    const bool waits = misconfigured || target.saturated_until > now;
    live[id].health = told != route::Health::kLive || !waits ? told : misconfigured ? route::Health::kMisconfigured : route::Health::kSaturated;
    return !waits;
  });
  return live;
}

WorkerConfigurationPtr join(ConfigurationPtr configuration, provider::EndpointSetPtr endpoints, OriginCache& origins,
                            workload::CredentialReader& credentials, const WorkerConfiguration* before) {
  auto joined = std::make_shared<WorkerConfiguration>();
  const config::Snapshot& snapshot = *configuration->snapshot;
  joined->targets.resize(snapshot.targets().size());
  joined->live.resize(snapshot.targets().size());
  for (const config::TargetEntry& entry : snapshot.targets()) {
    const provider::LiveEndpoint& live = endpoints->at(entry.id);
    TargetRuntime& target = joined->targets[entry.id];
    target.entry = &entry;
    const bool local = entry.kind == config::TargetEntry::Kind::kModel;
    target.traits = local ? &provider::local_traits() : &provider::traits_of(entry.provider, entry.api_version);
    target.capabilities = entry.capabilities.empty() ? live.capabilities : entry.capabilities;
    joined->live[entry.id] = {to_route(live.health), live.capabilities};
    std::string credential;
    if (entry.credential >= 0) {
      const auto index = static_cast<size_t>(entry.credential);
      if (auto badge = configuration->credentials->find(index, entry.token_audience)) target.credential = credentials.hold(std::move(badge));
      credential = snapshot.credentials()[index].name;
    }
    if (local && live.key != nullptr) {
      target.auth = provider::auth_header(config::KeyHeader::kBearer);
      target.key = live.key.get();  // `endpoints` keeps it; the instance in the identity tells connections of processes apart
    }
    const auto place = place_of(entry, live);
    if (!place) continue;
    fill_paths(target, place->base_path);
    target.host = host_header(place->host, place->port, place->tls);
    target.where = origin_of(entry, *place);
    const std::shared_ptr<const net::TlsClientContext> trust = place->tls ? configuration->trust[entry.id] : nullptr;
    const bool loopback_only = entry.endpoint_is_live || entry.network == config::NetworkMode::kLoopback;
    const std::string identity = place->host + '\n' + std::to_string(place->port) + '\n' +
                                 (place->tls ? entry.server_name + '\n' + entry.ca_file : "plain") + '\n' + credential + '\n' +
                                 std::to_string(place->instance) + '\n' + std::to_string(reinterpret_cast<uintptr_t>(trust.get())) +
                                 (loopback_only ? "\nloopback" : "");
    target.origin = origins.get(identity,
                                net::DialTarget{.host = place->host,
                                                .port = place->port,
                                                .tls = trust.get(),
                                                .server_name = entry.server_name,
                                                .local_path = {},
                                                .loopback_only = loopback_only},
                                trust);
    if (const TargetRuntime* old = same_target(before, target); old != nullptr) {
      target.saturated_until = old->saturated_until;
      target.misconfigured_until = old->misconfigured_until;
      target.refusals_in_a_row = old->refusals_in_a_row;
      if (std::max(old->saturated_until, old->misconfigured_until).ns != 0) joined->set_aside(entry.id);
    }
  }
  joined->budgets = budgets_of(snapshot, before);
  joined->configuration = std::move(configuration);
  joined->endpoints = std::move(endpoints);
  return joined;
}

}  // namespace wye::gateway
