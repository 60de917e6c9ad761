// One accepted configuration, compiled: every name resolved, every default applied, every policy proven satisfiable.
// Immutable and shared: a request keeps the one it began with. Holds no secret value and opens no socket.
// Lifetime: pointers, views and ids are valid as long as the snapshot. Threads: const after compile.
#pragma once

#include "config/kinds/cidr.hpp"
#include "config/load/endpoint.hpp"
#include "config/load/load.hpp"
#include "identity/access/policy.hpp"
#include "identity/token/issuer_rules.hpp"
#include "llm/route/route.hpp"

namespace wye::config {

/// A Backend or a Model as something a request can be sent to. Its id is its place in Snapshot::targets().
struct TargetEntry {
  enum class Kind : uint8_t { kBackend, kModel };
  route::TargetId id = route::kNone;
  Kind kind = Kind::kBackend;
  std::string name;   // of the resource
  std::string label;  // `backend/azure`, `model/smollm2-135m`: logs and metrics
  PathKind path = PathKind::kManaged;
  Provider provider = Provider::kOpenAiCompatible;
  std::string deployment;         // what the upstream calls the model; of a Model its own name
  std::string api_version;        // `v1` or a dated version; azureOpenAI only
  Endpoint endpoint;              // of a Model and of the simulator: unknown here (host empty, or simulator()); it comes live
  bool endpoint_is_live = false;  // the address is not configured: a local runtime or the simulator
  int credential = -1;            // index into Snapshot::credentials(); -1: none
  std::string token_audience;     // what a token for it is asked for
  DataClass data_class_max = DataClass::kPublic;
  Residency residency = Residency::kNone;
  std::string region;
  EnumSet<Capability> capabilities;  // empty: not declared
  uint32_t context_tokens = 0;       // 0: unknown
  NetworkMode network = NetworkMode::kPublic;
  TlsVersion tls_min = TlsVersion::k12;
  std::string server_name;    // for SNI and certificate; the endpoint's host where none is written
  std::string ca_file;        // absolute; empty: the system's
  std::string model_version;  // of a Model: the current version
};

/// A Credential that targets refer to; the value is fetched by whoever sends.
struct CredentialEntry {
  std::string name;
  CredentialType type = CredentialType::kApiKey;
  KeyHeader header = KeyHeader::kApiKey;
  SecretRef key;
  std::vector<std::string> origins;  // normal form of Endpoint::origin()
};

struct TenantEntry {
  route::TenantId id = route::kNone;
  std::string name;
  std::string cost_centre;
  route::TenantFacts facts;  // ceilings and regions with all parents applied
};

/// A Route ready to be decided on.
struct RouteEntry {
  uint32_t id = 0;  // place in Snapshot::routes()
  std::string name;
  std::vector<std::string> aliases;
  route::RoutePolicy policy;      // hand it to route::decide
  EnumSet<Operation> operations;  // what the Route serves; never empty
  Deadlines deadlines;            // never beyond the Gateway's total
  uint32_t attempts = 3;
  Output output;
  RequestPolicy request;
};

struct ListenerEntry {
  std::string name;
  std::string address;
  uint16_t port = 0;
  std::optional<TlsFiles> tls;
  std::vector<Cidr> trusted_proxies;  // whose word about their clients' certificates is taken, over mutual TLS
  /// Over mutual TLS means: the handshake has proven the peer's certificate against this listener's own roots.
  bool trusts_proxy(const IpAddress& peer) const {
    return tls && tls->client_cert == ClientCert::kRequire &&
           std::ranges::any_of(trusted_proxies, [&](const Cidr& network) { return network.contains(peer); });
  }
};

/// What the process as a whole does.
struct GatewaySettings {
  std::string name;
  std::vector<ListenerEntry> listeners;
  AdminListener admin;
  std::vector<std::string> hosts;  // lower case, without port, IPv6 in brackets; `*.` for one label
  GatewayLimits limits;
  GatewayAuth auth;
  std::vector<std::string> azure_api_versions;  // empty: no Azure dialect
  AccessLogTo access_log = AccessLogTo::kStdout;
  uint32_t access_log_sample = 100;  // percent of the 2xx

  bool serves_host(std::string_view host_without_port) const;
  bool serves_api_version(std::string_view version) const;
};

class Snapshot {
 public:
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  const GatewaySettings& gateway() const { return gateway_; }
  /// By name or alias; null where there is none. One hash, no allocation.
  const RouteEntry* find_route(std::string_view name_or_alias) const;
  const TenantEntry* find_tenant(std::string_view name) const;
  std::span<const RouteEntry> routes() const { return routes_; }
  std::span<const TenantEntry> tenants() const { return tenants_; }
  std::span<const TargetEntry> targets() const { return targets_; }
  std::span<const CredentialEntry> credentials() const { return credentials_; }
  const TargetEntry& target(route::TargetId id) const { return targets_[id]; }
  /// Every Issuer that is believed, by name; one of the type `x509` has no tokens, only certificates.
  std::span<const token::IssuerRulesPtr> issuers() const { return issuers_; }
  /// Who may do what. Its tenant ids are places in tenants().
  const access::Policy& policy() const { return *policy_; }
  /// The Models with everything a runtime needs (files, slots, probe).
  std::span<const Document<Model>> models() const { return resources_.models; }
  const Resources& resources() const { return resources_; }
  /// `sha256:` and 64 hex digits of canonical(): the same configuration has the same digest wherever its files lie.
  const std::string& digest() const { return digest_; }
  /// JSON, one line: every resource with every effective value, sorted by kind and name; no secret.
  const std::string& canonical() const { return canonical_; }

 private:
  friend class Compiler;
  Snapshot() = default;
  Resources resources_;
  GatewaySettings gateway_;
  std::vector<RouteEntry> routes_;
  std::vector<TenantEntry> tenants_;
  std::vector<TargetEntry> targets_;
  std::vector<CredentialEntry> credentials_;
  std::vector<token::IssuerRulesPtr> issuers_;
  std::optional<access::Policy> policy_;  // always there once compiled
  std::unordered_map<std::string_view, uint32_t> route_index_;
  std::unordered_map<std::string_view, uint32_t> tenant_index_;
  std::deque<std::vector<uint32_t>> id_lists_;  // what the spans of policies and tenants point into
  std::deque<std::vector<route::Target>> candidate_lists_;
  std::string digest_;
  std::string canonical_;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

/// Who asks. Only `wye up` has a simulator, and writes its access log to a file by default.
enum class Purpose : uint8_t { kCheck, kUp, kGateway };

struct CompileOptions {
  Purpose purpose = Purpose::kGateway;
  std::string gateway{};                 // `--gateway NAME`; empty: the only one
  std::optional<uint16_t> port{};        // `--port`: instead of that of the first listener
  std::optional<uint16_t> admin_port{};  // `--admin-port`
  /// The issuer that runs in this process, for `authority: laptop://issuer`. Null: none; `wye up` fills it before it reads a configuration.
  std::shared_ptr<const token::LaptopIssuer> laptop{};
};

/// `snapshot` is null exactly where `findings` has an error.
struct Compiled {
  SnapshotPtr snapshot;
  Diagnostics findings;
};

/// Takes what load_folder returned (its findings are carried over; errors among them end it) and proves the policy.
Compiled compile(Loaded loaded, const CompileOptions& options);

}  // namespace wye::config
