#include "app/configuration_source.hpp"

#include "app/callers.hpp"

namespace wye::app {
namespace {

void add_error(config::Diagnostics& findings, const std::string& where, const Error& error) {
  config::Diagnostic finding;
  finding.path = where;
  finding.what = error.public_message.empty() ? error.detail : error.public_message;
  findings.push_back(std::move(finding));
}

}  // namespace

std::vector<workload::CredentialWanted> credentials_wanted(const config::Snapshot& snapshot) {
  std::vector<workload::CredentialWanted> all;
  for (const config::CredentialEntry& entry : snapshot.credentials()) {
    workload::CredentialWanted& wanted = all.emplace_back();
    wanted.name = entry.name;
    wanted.origins = entry.origins;
    for (const auto& document : snapshot.resources().credentials) {
      if (document.name == entry.name) wanted.spec = document.spec;
    }
  }
  for (const config::TargetEntry& target : snapshot.targets()) {
    if (target.credential < 0) continue;
    std::vector<std::string>& audiences = all[static_cast<size_t>(target.credential)].audiences;
    if (std::ranges::find(audiences, target.token_audience) == audiences.end()) audiences.push_back(target.token_audience);
  }
  return all;
}

ConfigurationSource::ConfigurationSource(Options options, const Clock& clock, workload::TakeVariable take)
    : options_(std::move(options)),
      folder_(options_.paths),
      clock_(clock),
      take_(std::move(take)) {}
ConfigurationSource::~ConfigurationSource() = default;

LoadedConfiguration ConfigurationSource::load() { return make(folder_.read()); }

LoadedConfiguration ConfigurationSource::judge(const admin::ConfigFiles& files) { return make(folder_.would_read(files)); }

/// It is gone from the environment after the first look: what it held is kept for the next configuration.
std::optional<std::string> ConfigurationSource::variable(const std::string& name) {
  // What platforms and Wye itself read is no secret of a document, and stays where it is.
  constexpr std::array<std::string_view, 7> kKept = {"AZURE_", "IDENTITY_", "IMDS_", "MSI_", "WYE_", "XDG_", "KUBERNETES_"};
  const auto is_of = [&](std::string_view prefix) { return name.starts_with(prefix); };
  if (name == "HOME" || name == "PATH" || std::ranges::any_of(kKept, is_of)) return std::nullopt;
  const auto known = taken_.find(name);
  if (known != taken_.end()) return std::string(known->second.reveal());
  std::optional<std::string> value = take_(name);
  if (value) taken_.emplace(name, Secret(*value));
  return value;
}

LoadedConfiguration ConfigurationSource::make(ConfigTexts texts) {
  config::Compiled compiled = config::compile(config::load_texts(texts.texts, {}, std::move(texts.findings)), options_.compile);
  if (compiled.snapshot == nullptr) return {nullptr, std::move(compiled.findings)};
  auto configuration = std::make_shared<gateway::Configuration>();
  configuration->snapshot = compiled.snapshot;
  configuration->accepted_at = clock_.wall();
  configuration->auth = make_auth_rules(*compiled.snapshot, nonces_);
  const auto take = [this](const std::string& name) { return variable(name); };
  std::vector<workload::CredentialFinding> wrong;
  configuration->credentials = credentials_->prepare(credentials_wanted(*compiled.snapshot), take, wrong);
  for (const workload::CredentialFinding& one : wrong)
    add_error(compiled.findings, "Credential/" + one.name, public_error(ErrorCode::kUsage, one.what));
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
  return {std::move(configuration), std::move(compiled.findings), std::move(texts.files)};
}

}  // namespace wye::app
