#include "app/configuration_source.hpp"

namespace wye::app {
namespace {

void add_error(config::Diagnostics& findings, const std::string& where, const Error& error) {
  config::Diagnostic finding;
  finding.path = where;
  finding.what = error.public_message.empty() ? error.detail : error.public_message;
  findings.push_back(std::move(finding));
}

}  // namespace

ConfigurationSource::ConfigurationSource(Options options, const Clock& clock, workload::TakeVariable take)
    : options_(std::move(options)),
      clock_(clock),
      take_(std::move(take)) {}
ConfigurationSource::~ConfigurationSource() = default;

LoadedConfiguration ConfigurationSource::load() {
  config::Compiled compiled = config::compile(config::load_folder(options_.paths), options_.compile);
  if (compiled.snapshot == nullptr) return {nullptr, std::move(compiled.findings)};
  auto configuration = std::make_shared<gateway::Configuration>();
  configuration->snapshot = compiled.snapshot;
  configuration->accepted_at = clock_.wall();
  // A variable is gone from the environment after the first look: what it held is kept for the next configuration.
  const auto take = [this](const std::string& name) -> std::optional<std::string> {
    const auto known = taken_.find(name);
    if (known != taken_.end()) return std::string(known->second.reveal());
    std::optional<std::string> value = take_(name);
    if (value) taken_.emplace(name, Secret(*value));
    return value;
  };
  for (const config::CredentialEntry& credential : compiled.snapshot->credentials()) {
    Result<Secret> value = workload::read_secret(credential.key, take);
    if (!value) add_error(compiled.findings, "Credential/" + credential.name, value.error());
    else configuration->credentials.keys.push_back(std::move(*value));
  }
  std::map<std::string, std::shared_ptr<const net::TlsClientContext>> by_file;
  for (const config::TargetEntry& target : compiled.snapshot->targets()) {
    configuration->trust.emplace_back();
    if (target.endpoint_is_live || target.endpoint.scheme != config::Endpoint::Scheme::kHttps) continue;
    auto& trust = by_file[target.ca_file];
    if (trust == nullptr) {
      Result<std::unique_ptr<net::TlsClientContext>> made = net::make_tls_client(target.ca_file, clock_);
      if (!made) {
        add_error(compiled.findings, "Backend/" + target.name, made.error());
        continue;
      }
      trust = std::move(*made);
    }
    configuration->trust.back() = trust;
  }
  if (config::has_errors(compiled.findings)) return {nullptr, std::move(compiled.findings)};
  return {std::move(configuration), std::move(compiled.findings)};
}

}  // namespace wye::app
