#include "app/host.hpp"

#include "admin/policy_access.hpp"
#include "app/host_admin.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/os/file.hpp"
#include "foundation/os/rotating_file.hpp"

namespace wye::app {
namespace {

constexpr std::chrono::seconds kKeysEvery{1};
constexpr std::chrono::seconds kUseFlushEvery{60};
/// Loops that gave no sign of life for so long are stuck.
constexpr std::chrono::seconds kDeadAfter{5};

/// A secret of this instance, made at first need: 32 random bytes, 0600.
Result<std::string> load_or_create_key(const std::filesystem::path& path) {
  constexpr size_t kBytes = 32;
  Result<std::string> known = os::read_file(path, Bytes{kBytes + 1});
  if (known && known->size() == kBytes) return known;
  if (known) return Fail(internal_error(ErrorCode::kCorrupt, path.string() + " has not the size of a key"));
  if (known.error().code != ErrorCode::kNotFound) return known;
  const std::string made = crypto::random_bytes(kBytes);
  CHECK_OK(os::write_file_atomic(path, made));
  return made;
}

Result<std::unique_ptr<os::FileLogSink>> open_log(const HostOptions& options, const char* name) {
  std::unique_ptr<os::LineOutput> output;
  if (options.logs_in_folder) {
    TRY(os::RotatingFile file, os::RotatingFile::open(options.data.logs() / name));
    output = std::make_unique<os::RotatingFile>(std::move(file));
  } else {
    output = std::make_unique<os::FdOutput>(1);
  }
  return std::make_unique<os::FileLogSink>(std::move(output));
}

}  // namespace

Host::Host(HostOptions options, const Outside& outside)
    : options_(std::move(options)),
      outside_(outside),
      random_(crypto::random_seed()),
      source_(options_.source, outside.clock, outside.take_variable),
      snapshots_(options_.data.snapshots()) {}

Host::~Host() {
  if (identity_ != nullptr) identity_->stop();
}

Result<std::unique_ptr<Host>> Host::make(HostOptions options, const Outside& outside) {
  std::unique_ptr<Host> host(new Host(std::move(options), outside));
  CHECK_OK(host->open());
  return host;
}

Result<void> Host::open() {
  CHECK_OK(options_.data.make());
  TRY(InstanceSlot slot, take_slot(options_.data, options_.exclusive));
  slot_.emplace(std::move(slot));
  if (options_.prepare) CHECK_OK(options_.prepare());
  TRY(log_sink_, open_log(options_, "wye.jsonl"));
  if (options_.logs_in_folder) { TRY(access_sink_, open_log(options_, "access.jsonl")); }
  log_ = std::make_unique<Log>(*log_sink_, outside_.clock);
  TRY(table_, store::SqliteTable::open(options_.data.state()));
  TRY(auto audit_file, audit::open_chain_file(slot_->audit_file));
  TRY(trail_, audit::Trail::open({.chain = slot_->chain}, std::move(audit_file), *table_, outside_.clock));
  TRY(token::Peppers peppers, token::load_or_create_peppers(options_.data.pepper()));
  peppers_ = std::make_unique<token::Peppers>(std::move(peppers));
  TRY(const std::string pseudonym_key, load_or_create_key(options_.data.pseudonym_key()));
  pseudonyms_ = std::make_unique<crypto::HmacKey>(pseudonym_key);
  keys_ = std::make_unique<token::KeyStore>(*table_, *peppers_);
  key_index_ = std::make_unique<token::KeyIndex>(*table_, *peppers_);
  TRY(const token::KeyRefresh refreshed, key_index_->refresh());
  if (refreshed.without_pepper > 0) {
    log_->warning("keys.without_pepper",
                  {{"keys", std::to_string(refreshed.without_pepper)}, {"help", "their pepper is gone; make new keys, or bring the pepper back"}});
  }
  // What can not be completed is read from its note all the same.
  if (const auto recovered = source_.folder().recover(); !recovered) log_->error("config.not_recovered", {{"detail", recovered.error().detail}});
  TRY(identity_, IdentityLoop::make(outside_.clock, offload_));
  credentials_ = std::make_unique<workload::Credentials>(identity_->loop(), identity_->resolver(),
                                                         credential_parts(outside_.clock, outside_.environment, random_.next(), log_.get()));
  source_.use(*credentials_);
  TRY(const std::string nonce_key, load_or_create_key(options_.data.nonce_key()));
  callers_ = std::make_unique<Callers>(*identity_, outside_.clock, *log_, crypto::random_seed(), nonce_key);
  source_.use(callers_->nonces());
  LoadedConfiguration loaded = source_.load();
  if (loaded.configuration == nullptr) {
    findings_ = std::move(loaded.findings);
    if (options_.refused) options_.refused(findings_);
    return Fail(public_error(ErrorCode::kUsage, "The configuration is refused."));
  }
  accept(std::move(loaded), "start");
  return {};
}

Result<void> Host::start() {
  LogSink& access = access_sink_ != nullptr ? *access_sink_ : *log_sink_;
  const gateway::GatewayParts parts{.clock = outside_.clock,
                                    .log = *log_,
                                    .access_log = access,
                                    .metrics = metrics_,
                                    .keys = *key_index_,
                                    .key_sets = callers_->key_sets(),
                                    .certificates = callers_->certificates(),
                                    .replays = callers_->replays(),
                                    .trail = *trail_,
                                    .pseudonyms = *pseudonyms_,
                                    .seed = crypto::random_seed(),
                                    .token_cache = token::kVerifiedTokensBytes / options_.threads,
                                    .credentials = credentials_.get()};
  callers_->take(*configuration_);
  credentials_->take(configuration_->credentials);
  identity_->start();
  // The watch stands before the data plane: a change during the start is seen.
  watch_ = std::make_unique<os::FileWatch>(options_.source.paths, [this] { reload_wanted_.store(true); });
  const provider::EndpointSetPtr first = endpoints();
  TRY(data_plane_, DataPlane::start(parts, offload_, configuration_, first, options_.threads));
  served_ = first;
  shard_ = &metrics_.make_shard();
  show(*first);
  register_metrics(*this, metrics_, *log_sink_, access, outside_.clock);
  metrics_.read_at_scrape(MetricKind::kCounter, "wye_config_refused_total", "Configurations that were refused since the start.",
                          [this] { return static_cast<double>(refused_reloads_.load(std::memory_order_relaxed)); });
  metrics_.read_at_scrape(MetricKind::kCounter, "wye_audit_records_total", "Audit records on the disk.",
                          [this] { return static_cast<double>(trail_->written()); });
  metrics_.read_at_scrape(MetricKind::kCounter, "wye_audit_dropped_total", "Audit records that found no room; the trail says so itself.",
                          [this] { return static_cast<double>(trail_->dropped()); });
  CHECK_OK(start_admin());
  log_->info("host.started",
             {{"address", net::to_string(address())}, {"admin", net::to_string(admin_address_)}, {"config", configuration_->snapshot->digest()}});
  return {};
}

void Host::set_live(const std::string& label, provider::LiveEndpoint endpoint) {
  const std::lock_guard lock(mutex_);
  live_[label] = std::move(endpoint);
  changed_ = true;
}

std::map<std::string, provider::LiveEndpoint> Host::live() const {
  const std::lock_guard lock(mutex_);
  return live_;
}

std::optional<std::string> Host::tenant_of_key(std::string_view text, WallTime at) {
  if (!key_index_->refresh()) return std::nullopt;
  token::KeyReader reader(*key_index_);
  const Result<token::PrincipalRef> principal = reader.verify(text, at);
  if (!principal) return std::nullopt;
  return std::string((*principal)->tenant());
}

provider::EndpointSetPtr Host::endpoints() {
  const std::lock_guard lock(mutex_);
  const config::Snapshot& snapshot = *configuration_->snapshot;
  std::vector<provider::LiveEndpoint> all(snapshot.targets().size());
  for (const config::TargetEntry& target : snapshot.targets()) {
    provider::LiveEndpoint& endpoint = all[target.id];
    if (!target.endpoint_is_live) {
      endpoint.health = provider::Health::kLive;
    } else if (const auto known = live_.find(target.label); known != live_.end()) {
      endpoint = known->second;
    } else if (options_.source.compile.purpose == config::Purpose::kUp) {
      endpoint.reason = "not started yet";
    } else {
      // The data plane alone runs no models: their Routes are known broken, and do not hold up the others.
      endpoint.health = provider::Health::kBroken;
      endpoint.reason = "this process runs no models";
    }
  }
  changed_ = false;
  return std::make_shared<provider::EndpointSet>(snapshot.digest(), ++generation_, std::move(all));
}

void Host::publish() {
  const provider::EndpointSetPtr now = endpoints();
  credentials_->take(configuration_->credentials);
  callers_->take(*configuration_);
  data_plane_->take(configuration_, now);
  {
    const std::lock_guard lock(mutex_);
    served_ = now;
  }
  show(*now);
}

void Host::show(const provider::EndpointSet& endpoints) {
  const config::Snapshot& snapshot = *configuration_->snapshot;
  const Metrics::Family states = metrics_.family(MetricKind::kGauge, "wye_target_state", "1 for the state that a target is in.", {"target", "state"});
  const auto series = [&](const std::string& target, provider::Health health) {
    return metrics_.series(states, {target, std::string(to_string(health))});
  };
  for (const auto& [target, health] : std::exchange(shown_targets_, {})) shard_->sub(series(target, health));
  for (const config::TargetEntry& target : snapshot.targets()) {
    const provider::Health health = endpoints.at(target.id).health;
    shown_targets_.emplace(target.label, health);
    shard_->add(series(target.label, health));
  }
  if (shown_config_ == snapshot.digest()) return;
  const Metrics::Family configs =
      metrics_.family(MetricKind::kGauge, "wye_config_info", "1 for the digest of the configuration that is served.", {"digest"});
  const Series before = shown_config_.empty() ? Series{} : metrics_.series(configs, {shown_config_});
  shown_config_ = snapshot.digest();
  metrics_.move_one(*shard_, before, metrics_.series(configs, {shown_config_}));
}

void Host::look_at_certificates() {
  std::vector<std::string> problems = data_plane_->look_at_certificates();
  problems.push_back(admin_->look_at_certificates());
  for (const std::string& problem : problems) {
    if (!problem.empty()) log_->error("tls.certificate_refused", {{"detail", problem}, {"help", "the one from before is still shown"}});
  }
}

void Host::chores(MonoTime now) {
  if (now >= next_keys_) {
    next_keys_ = now + Nanos(kKeysEvery);
    if (const auto refreshed = key_index_->refresh(); !refreshed) log_->error("keys.refresh_failed", {{"detail", refreshed.error().detail}});
    look_at_certificates();
    data_plane_->pulse(now);
    callers_->refresh();
    callers_->show(metrics_, *shard_);
    shown_credentials_.show(metrics_, *shard_, credentials_->states());
    pulse_ns_.store(now.ns, std::memory_order_relaxed);
  }
  if (now >= next_flush_) {
    next_flush_ = now + Nanos(kUseFlushEvery);
    if (const auto flushed = key_index_->flush_last_used(); !flushed) log_->warning("keys.last_used_failed", {{"detail", flushed.error().detail}});
  }
  take_proposal();
  if (reload_wanted_.exchange(false)) {
    const std::string before = configuration_->snapshot->digest();
    reload();
    if (told_ && configuration_->snapshot->digest() != before) told_(*configuration_);
  }
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = changed_;
  }
  if (changed) publish();
}

bool Host::turn(os::StopSignals& signals, Nanos limit) {
  chores(outside_.clock.mono());
  if (signals.wait_for(limit)) return true;
  return stop_wanted_.load();
}

void Host::run(os::StopSignals& signals) {
  constexpr std::chrono::milliseconds kTurn{100};
  while (!turn(signals, kTurn)) {}
}

void Host::drain() {
  draining_.store(true);
  log_->info("host.draining");
  watch_.reset();
  proposal_taken_.notify_all();
  data_plane_->drain(options_.drain_patience);
  // Nobody is left who could ask for keys, but for administrators, whose loop goes next.
  identity_->stop();
  admin_.reset();
  trail_->flush(audit::kCloseMax);
  if (const auto flushed = key_index_->flush_last_used(); !flushed) log_->warning("keys.last_used_failed", {{"detail", flushed.error().detail}});
  log_->info("host.stopped");
  log_sink_->flush(os::FileLogSink::kFlushMax);
  if (access_sink_ != nullptr) access_sink_->flush(os::FileLogSink::kFlushMax);
}

admin::Health Host::ready() {
  if (draining_.load()) return {false, "draining"};
  const std::lock_guard lock(mutex_);
  const config::Snapshot& snapshot = *configuration_->snapshot;
  // Ids mean nothing under another snapshot: between a reload and its publication nobody knows.
  if (served_ == nullptr || served_->snapshot_digest() != snapshot.digest()) return {false, "starting"};
  // Ready means every Route has a live target or is known broken: only what is still starting holds us up.
  const auto starting = [&](const config::TargetEntry& target) { return served_->at(target.id).health == provider::Health::kStarting; };
  if (std::ranges::any_of(snapshot.targets(), starting)) return {false, "starting"};
  // A caller with a good token is not to be told to come back because we are young.
  if (callers_->starting()) return {false, "starting"};
  return {true, "ok"};
}

Result<void> Host::start_admin() {
  const config::AdminListener& settings = configuration_->snapshot->gateway().admin;
  const std::optional<net::Endpoint> at = net::parse_address(settings.address, settings.port);
  if (!at) return Fail(internal_error(ErrorCode::kUsage, "admin: " + settings.address + " is no address"));
  CHECK_OK(net::check_port_free(*at));
  config_port_ = std::make_unique<HostConfigs>(*this, snapshots_);
  access_port_ = std::make_unique<admin::PolicyAccess>([this] { return snapshot(); }, outside_.clock);
  const auto ports = std::make_shared<admin::ApiPorts>(admin::ApiPorts{
      outside_.clock, *config_port_, *access_port_, *keys_, *trail_, slot_->audit_file, [this] { return audit::stored_head(*table_, slot_->chain); },
      [this] { return status_json(); }, [this] { stop_wanted_.store(true); }, [this](const std::string& name) { return test_credential(name); }});
  AdminParts sources{outside_.clock,
                     [this] {
                       const bool alive = data_plane_->alive(MonoTime{pulse_ns_.load(std::memory_order_relaxed)} - Nanos(kDeadAfter));
                       return alive ? admin::Health{true, "ok"} : admin::Health{false, "a loop is stuck"};
                     },
                     [this] { return ready(); },
                     metrics_,
                     ports,
                     [this](net::Loop& loop) {
                       return token::Authenticator::Parts{
                           loop, outside_.clock, *key_index_, callers_->key_sets(), callers_->certificates(), callers_->replays()};
                     },
                     [this] {
                       const std::lock_guard lock(mutex_);
                       return configuration_->auth;
                     }};
  admin_ = std::make_unique<Admin>(std::move(sources));
  std::optional<ListenerTls> tls;
  if (settings.tls) { TRY(tls, ListenerTls::make(*settings.tls, outside_.clock)); }
  CHECK_OK(admin_->start(*at, std::move(tls), slot_->socket.string()));
  admin_address_ = admin_->address();
  return {};
}

std::string Host::status_json() {
  const std::lock_guard lock(mutex_);
  return status_document(*configuration_->snapshot, live_, findings_, refused_reloads_.load(), draining_.load());
}

}  // namespace wye::app
