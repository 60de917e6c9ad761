#include "app/host.hpp"

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

Host::Host(HostOptions options, const Outside& outside)
    : options_(std::move(options)),
      outside_(outside),
      random_(crypto::random_seed()),
      source_(options_.source, outside.clock, outside.take_variable) {}

Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::make(HostOptions options, const Outside& outside) {
  std::unique_ptr<Host> host(new Host(std::move(options), outside));
  CHECK_OK(host->open());
  return host;
}

Result<void> Host::open() {
  CHECK_OK(options_.data.make());
  if (options_.exclusive) {
    TRY(os::FolderLock lock, os::FolderLock::take(options_.data.lock()));
    lock_.emplace(std::move(lock));
  }
  if (options_.prepare) CHECK_OK(options_.prepare());
  TRY(log_sink_, open_log(options_, "wye.jsonl"));
  if (options_.logs_in_folder) { TRY(access_sink_, open_log(options_, "access.jsonl")); }
  log_ = std::make_unique<Log>(*log_sink_, outside_.clock);
  TRY(table_, store::SqliteTable::open(options_.data.state()));
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
  LoadedConfiguration loaded = source_.load();
  findings_ = std::move(loaded.findings);
  if (loaded.configuration == nullptr) {
    if (options_.refused) options_.refused(findings_);
    return Fail(public_error(ErrorCode::kUsage, "The configuration is refused."));
  }
  configuration_ = std::move(loaded.configuration);
  return {};
}

Result<void> Host::start() {
  LogSink& access = access_sink_ != nullptr ? *access_sink_ : *log_sink_;
  const gateway::GatewayParts parts{outside_.clock, *log_, access, metrics_, *key_index_, *pseudonyms_, crypto::random_seed()};
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
  if (!shown_config_.empty()) shard_->sub(metrics_.series(configs, {shown_config_}));
  shown_config_ = snapshot.digest();
  shard_->add(metrics_.series(configs, {shown_config_}));
}

void Host::reload() {
  LoadedConfiguration loaded = source_.load();
  const std::lock_guard lock(mutex_);
  findings_ = std::move(loaded.findings);
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
  configuration_ = std::move(loaded.configuration);
  changed_ = true;
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
    pulse_ns_.store(now.ns, std::memory_order_relaxed);
  }
  if (now >= next_flush_) {
    next_flush_ = now + Nanos(kUseFlushEvery);
    if (const auto flushed = key_index_->flush_last_used(); !flushed) log_->warning("keys.last_used_failed", {{"detail", flushed.error().detail}});
  }
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
  data_plane_->drain(options_.drain_patience);
  admin_.reset();
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
  return {true, "ok"};
}

Result<void> Host::start_admin() {
  const config::AdminListener& settings = configuration_->snapshot->gateway().admin;
  const std::optional<net::Endpoint> at = net::parse_address(settings.address, settings.port);
  if (!at) return Fail(internal_error(ErrorCode::kUsage, "admin: " + settings.address + " is no address"));
  CHECK_OK(net::check_port_free(*at));
  admin::AdminSources sources{
      [this] {
        const bool alive = data_plane_->alive(MonoTime{pulse_ns_.load(std::memory_order_relaxed)} - Nanos(kDeadAfter));
        return alive ? admin::Health{true, "ok"} : admin::Health{false, "a loop is stuck"};
      },
      [this] { return ready(); }, metrics_,
      [this](http::Method method, std::string_view path, std::string_view query, std::string_view body) { return api(method, path, query, body); }};
  admin_ = std::make_unique<Admin>(outside_.clock, std::move(sources));
  std::optional<ListenerTls> tls;
  if (settings.tls) { TRY(tls, ListenerTls::make(*settings.tls, outside_.clock)); }
  CHECK_OK(admin_->start(*at, std::move(tls), options_.exclusive ? options_.data.admin_socket().string() : std::string()));
  admin_address_ = admin_->address();
  return {};
}

admin::ApiAnswer Host::api(http::Method method, std::string_view path, std::string_view, std::string_view) {
  if (path == "status" && method == http::Method::kGet) return {200, status_json()};
  if (path == "stop" && method == http::Method::kPost) {
    stop_wanted_.store(true);
    return {200, R"({"stopping":true})"};
  }
  return {404, R"({"error":{"message":"Unknown request URL.","type":"invalid_request_error","param":null,"code":"unknown_path"}})"};
}

std::string Host::status_json() {
  const std::lock_guard lock(mutex_);
  return status_document(*configuration_->snapshot, live_, findings_, refused_reloads_.load(), draining_.load());
}

}  // namespace wye::app
