#include "app/credential_check.hpp"
#include "app/host.hpp"

namespace wye::app {
namespace {

/// The files may change, and are looked at; where they are and whom they ask for may not.
bool same_tls(const std::optional<config::TlsFiles>& a, const std::optional<config::TlsFiles>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->cert_file.resolved == b->cert_file.resolved && a->key_file.resolved == b->key_file.resolved && a->client_cert == b->client_cert &&
         a->client_ca_file.resolved == b->client_ca_file.resolved;
}

/// What can not change under a running instance: its listeners.
bool same_listeners(const config::GatewaySettings& a, const config::GatewaySettings& b) {
  const auto same = [](const config::ListenerEntry& x, const config::ListenerEntry& y) {
    return x.name == y.name && x.address == y.address && x.port == y.port && same_tls(x.tls, y.tls);
  };
  return std::ranges::equal(a.listeners, b.listeners, same) && a.admin.address == b.admin.address && a.admin.port == b.admin.port &&
         same_tls(a.admin.tls, b.admin.tls);
}

}  // namespace

/// From here on it is the configuration. The lock is held, or nobody else is there yet.
void Host::accept(LoadedConfiguration loaded, const std::string& by) {
  findings_ = std::move(loaded.findings);
  configuration_ = std::move(loaded.configuration);
  changed_ = true;
  if (const auto kept = snapshots_.keep(*configuration_->snapshot, loaded.files, by, configuration_->accepted_at); !kept)
    log_->warning("config.snapshot_failed", {{"detail", kept.error().detail}});
}

config::SnapshotPtr Host::snapshot() const {
  const std::lock_guard lock(mutex_);
  return configuration_->snapshot;
}

/// Asks for real, so it takes its time: only the look at a variable waits for others.
Result<std::string> Host::test_credential(const std::string& name) {
  // It may take a minute: one at a time, so that revoking a key never stands behind it.
  const std::unique_lock one(test_mutex_, std::try_to_lock);
  if (!one) return Fail(public_error(ErrorCode::kOverloaded, "Another test is under way."));
  const auto take = [this](const std::string& variable) {
    const std::lock_guard lock(source_mutex_);
    return source_.variable(variable);
  };
  const CredentialReport report = check_credential(*snapshot(), name, outside_.clock, outside_.environment, take);
  if (!report.found) return Fail(public_error(ErrorCode::kNotFound, "There is no such Credential."));
  return to_json(report);
}

LoadedConfiguration Host::judge(const admin::ConfigFiles& files) {
  const std::lock_guard lock(source_mutex_);
  return source_.judge(files);
}

Result<void> Host::adopt(const admin::ConfigFiles& files, const std::string& expected, const std::string& by) {
  constexpr std::chrono::seconds kTakeMax{20};
  const std::lock_guard source_lock(source_mutex_);
  LoadedConfiguration loaded = source_.judge(files);
  if (loaded.configuration == nullptr) return Fail(public_error(ErrorCode::kUsage, "The configuration is refused."));
  {
    const std::lock_guard lock(mutex_);
    const config::Snapshot& running = *configuration_->snapshot;
    if (proposal_ || running.digest() != expected) return Fail(internal_error(ErrorCode::kVersionExists, "config: another one runs"));
    if (!same_listeners(loaded.configuration->snapshot->gateway(), running.gateway()))
      return Fail(public_error(ErrorCode::kUsage, "The listeners of a running instance can not change: restart it to listen elsewhere."));
  }
  // The folder first: what runs is never something that a restart would not find.
  CHECK_OK(source_.folder().replace(files));
  std::unique_lock lock(mutex_);
  proposal_ = std::move(loaded);
  proposed_by_ = by;
  if (!proposal_taken_.wait_for(lock, kTakeMax, [this] { return !proposal_ || draining_.load(); }) || proposal_)
    return Fail(internal_error(ErrorCode::kTimeout, "config: written, and taken over later"));
  return {};
}

void Host::take_proposal() {
  std::optional<LoadedConfiguration> proposal;
  std::string by;
  {
    const std::lock_guard lock(mutex_);
    if (!proposal_) return;
    log_->info("config.accepted", {{"digest", proposal_->configuration->snapshot->digest()}, {"before", configuration_->snapshot->digest()}});
    accept(std::move(*proposal_), proposed_by_);
  }
  if (told_) told_(*configuration_);
  publish();
  {
    const std::lock_guard lock(mutex_);
    proposal_.reset();
  }
  proposal_taken_.notify_all();
}

void Host::reload() {
  LoadedConfiguration loaded;
  {
    const std::unique_lock source_lock(source_mutex_, std::try_to_lock);
    if (!source_lock) {
      reload_wanted_.store(true);  // an apply is writing there: look again when it is done
      return;
    }
    loaded = source_.load();
  }
  const std::lock_guard lock(mutex_);
  findings_ = loaded.findings;
  if (loaded.configuration != nullptr && !same_listeners(loaded.configuration->snapshot->gateway(), configuration_->snapshot->gateway())) {
    config::Diagnostic finding;
    finding.path = "spec.listeners";
    finding.what = "the listeners of a running instance can not change";
    finding.help = "restart to listen elsewhere";
    findings_.push_back(std::move(finding));
    loaded.configuration = nullptr;
  }
  if (loaded.configuration == nullptr) {
    refused_reloads_.fetch_add(1, std::memory_order_relaxed);
    log_->error("config.refused", {{"findings", config::to_text(findings_)}, {"serving", configuration_->snapshot->digest()}});
    return;
  }
  if (loaded.configuration->snapshot->digest() == configuration_->snapshot->digest()) {
    // The same words may name other secrets now: take them over all the same.
    configuration_ = std::move(loaded.configuration);
    changed_ = true;
    return;
  }
  log_->info("config.accepted", {{"digest", loaded.configuration->snapshot->digest()}, {"before", configuration_->snapshot->digest()}});
  audit::Record record;
  record.event = "config.reloaded";
  record.resource = {{"before", configuration_->snapshot->digest()}, {"config", loaded.configuration->snapshot->digest()}};
  trail_->record(std::move(record));
  accept(std::move(loaded), "files");
}

}  // namespace wye::app
