// Where requests can be sent, as one worker holds it: connection pools, paths and credentials made ready for each target.
// Threads: those of one loop.
#pragma once

#include "edge/gateway/configuration.hpp"
#include "edge/gateway/retry_budget.hpp"
#include "foundation/http/client.hpp"
#include "identity/workload/credential_reader.hpp"
#include "llm/provider/provider.hpp"
#include "llm/route/route.hpp"

namespace wye::gateway {

/// Connection pools by what they connect to; survive a reload that leaves their target as it was.
class OriginCache {
 public:
  OriginCache(net::Loop& loop, net::Resolver& resolver) : loop_(loop), resolver_(resolver) {}
  /// `identity` tells apart what must never share a connection: credential, trust, process.
  /// `trust` is what `target.tls` points to: it lives as long as the pool.
  std::shared_ptr<http::Origin> get(const std::string& identity, const net::DialTarget& target, std::shared_ptr<const net::TlsClientContext> trust);

 private:
  net::Loop& loop_;
  net::Resolver& resolver_;
  std::unordered_map<std::string, std::weak_ptr<http::Origin>> origins_;
};

/// One target, ready to be called.
struct TargetRuntime {
  const config::TargetEntry* entry = nullptr;
  const provider::ProviderTraits* traits = nullptr;
  std::shared_ptr<http::Origin> origin;      // null while nobody knows where it is
  std::string host;                          // value of the Host header
  std::array<std::string, 4> paths;          // by protocol::Operation; empty: not spoken
  std::string where;                         // `scheme://host[:port]`: what a credential is bound to
  workload::CredentialReader::SlotPtr credential;  // null: none
  provider::AuthHeader auth;
  const Secret* key = nullptr;               // of a local Model: the key of its process; null: none
  config::EnumSet<config::Capability> capabilities;  // declared, else discovered
  MonoTime saturated_until{0};
  uint32_t refusals_in_a_row = 0;            // 429 without a hint
  MonoTime misconfigured_until{0};
};

/// A configuration and what lives, joined for one worker.
struct WorkerConfiguration {
  ConfigurationPtr configuration;
  provider::EndpointSetPtr endpoints;
  std::vector<TargetRuntime> targets;        // by TargetId
  std::vector<route::Live> live;             // by TargetId
  std::vector<route::TargetId> aside;        // those that asked us to wait, or refuse us
  std::vector<std::shared_ptr<RetryBudget>> budgets;  // by id of the Route; kept over a reload

  const config::Snapshot& snapshot() const { return *configuration->snapshot; }
  /// Health as of now: what we were told, less those that asked us to wait. Costs nothing while none did.
  std::span<const route::Live> live_at(MonoTime now);
  /// The target is out until its `saturated_until` and `misconfigured_until`.
  void set_aside(route::TargetId id) { aside.push_back(id); }
};
using WorkerConfigurationPtr = std::shared_ptr<WorkerConfiguration>;

/// Never fails: a target that can not be addressed stays without origin and counts as not ready.
WorkerConfigurationPtr join(ConfigurationPtr configuration, provider::EndpointSetPtr endpoints, OriginCache& origins,
                            workload::CredentialReader& credentials, const WorkerConfiguration* before);

}  // namespace wye::gateway
