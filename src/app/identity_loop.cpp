#include "app/identity_loop.hpp"

#include "foundation/net/epoll_loop.hpp"

namespace wye::app {
namespace {

/// What platforms tell a program about its identity. Nothing here is a secret of configuration: those are taken out of the environment.
constexpr std::array kPlatformVariables = {
    "AZURE_CLIENT_ID",   "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT",        "WYE_KUBERNETES_SECRETS"};

/// The system's roots are read once; a file of roots each time.
workload::TrustMaker trust_maker(const Clock& clock) {
  auto system = std::make_shared<std::shared_ptr<const net::TlsClientContext>>();
  return [system, &clock](const std::string& ca_file) -> Result<std::shared_ptr<const net::TlsClientContext>> {
    if (ca_file.empty() && *system != nullptr) return *system;
    TRY(auto made, net::make_tls_client(ca_file, clock));
    std::shared_ptr<const net::TlsClientContext> trust = std::move(made);
    if (ca_file.empty()) *system = trust;
    return trust;
  };
}

}  // namespace

Result<std::unique_ptr<IdentityLoop>> IdentityLoop::make(const Clock& clock, net::Offload& offload) {
  std::unique_ptr<IdentityLoop> identity(new IdentityLoop);
  TRY(identity->loop_, net::make_epoll_loop(clock));
  identity->resolver_ = std::make_unique<net::SystemResolver>(*identity->loop_, offload);
  return identity;
}

IdentityLoop::~IdentityLoop() { stop(); }

void IdentityLoop::start() {
  thread_ = std::thread([this] { loop_->run(); });
}

void IdentityLoop::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

workload::CredentialParts credential_parts(const Clock& clock, const Environment& environment, uint64_t seed, Log* log) {
  auto variables = std::make_shared<std::map<std::string, std::string, std::less<>>>();
  for (const char* name : kPlatformVariables) {
    if (std::string value = environment(name); !value.empty()) variables->emplace(name, std::move(value));
  }
  const auto read = [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables->find(name);
    return found == variables->end() ? std::nullopt : std::optional(found->second);
  };
  const auto told = [log](const workload::Badge& badge, const workload::Unavailable& now) {
    if (log == nullptr) return;
    const std::string& name = badge.identity().credential;
    if (now.reason.empty()) log->info("credential.well", {{"credential", name}, {"audience", badge.identity().audience}});
    else log->error("credential.failed", {{"credential", name}, {"audience", badge.identity().audience}, {"reason", now.reason}});
  };
  return {clock, read, trust_maker(clock), seed, told};
}

void CredentialGauges::show(Metrics& metrics, MetricShard& shard, const std::vector<workload::CredentialState>& states) {
  std::set<std::array<std::string, 3>> now;
  for (const workload::CredentialState& state : states) now.insert({state.credential, state.audience, std::string(to_string(state.state))});
  if (now == shown_) return;
  const Metrics::Family family =
      metrics.family(MetricKind::kGauge, "wye_credential_state", "1 for the state that what we present is in.", {"credential", "audience", "state"});
  for (const auto& one : shown_) shard.sub(metrics.series(family, {one[0], one[1], one[2]}));
  for (const auto& one : now) shard.add(metrics.series(family, {one[0], one[1], one[2]}));
  shown_ = std::move(now);
}

}  // namespace wye::app
