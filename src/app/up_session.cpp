#include "app/up_session.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include "app/detach.hpp"
#include "app/port_holder.hpp"
#include "config/load/load.hpp"
#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/os/file.hpp"
#include "foundation/os/service_notice.hpp"

namespace wye::app {
namespace {

constexpr Nanos kTurn = std::chrono::milliseconds(100);
constexpr Nanos kModelsStopMax = std::chrono::seconds(30);
constexpr std::string_view kFirstPort = "public";
constexpr std::string_view kAdminPort = "admin";
constexpr std::string_view kIssuerPort = "issuer";

ScreenKind screen_kind(const Environment& environment) {
  ScreenKind kind;
  kind.moves = ::isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb";
  kind.colour = kind.moves && environment("NO_COLOR").empty();
  winsize size{};
  if (kind.moves && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    kind.columns = size.ws_col;
    kind.rows = size.ws_row;
  }
  return kind;
}

void write_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

bool is_full(const Error& error) {
  const auto says = [&](std::string_view words) { return error.detail.find(words) != std::string::npos; };
  return says("No space left") || says("disk is full") || says("Disk quota exceeded");
}

/// Not every layer below says why a write failed: the disk itself does.
bool is_full(const Error& error, const std::filesystem::path& folder) {
  constexpr uintmax_t kLeast = 1 << 20;
  std::error_code unknown;
  const std::filesystem::space_info space = std::filesystem::space(folder, unknown);
  return is_full(error) || (error.code == ErrorCode::kIo && !unknown && space.available < kLeast);
}

std::string_view help_for(const Error& error, const DataFolder& data) {
  if (error.code == ErrorCode::kConflict) return "`wye status` shows that instance, `wye down` ends it; or give another folder with --data";
  if (error.code == ErrorCode::kNotFound) return "run `make setup`, which brings it; or set WYE_ARTIFACTS to where it is";
  if (is_full(error, data.root)) return "the disk is full: free some space there, or give another folder with --data";
  return {};
}

}  // namespace

std::string url_of(const net::Endpoint& at, bool tls) {
  net::Endpoint seen = at;
  // Bound to every address: from here it is reached by loopback.
  if (std::ranges::all_of(seen.address, [](uint8_t byte) { return byte == 0; })) {
    if (seen.v6) seen.address[15] = 1;
    else seen = net::Endpoint::loopback(at.port);
  }
  return (tls ? "https://" : "http://") + net::to_string(seen);
}

StartVerdict judge_start(std::span<const control::RouteReadiness> routes, bool any_hopeless, bool detached, Nanos elapsed) {
  const auto count = [&](provider::Health health) {
    return static_cast<size_t>(std::ranges::count(routes, health, &control::RouteReadiness::health));
  };
  const size_t live = count(provider::Health::kLive);
  const size_t broken = count(provider::Health::kBroken);
  if (live == routes.size()) return StartVerdict::kReady;
  if (elapsed >= Nanos(kReadyMax)) return !detached && live > 0 ? StartVerdict::kReady : StartVerdict::kGiveUp;
  if (detached) return broken > 0 && any_hopeless ? StartVerdict::kGiveUp : StartVerdict::kWait;
  if (live + broken < routes.size()) return StartVerdict::kWait;
  if (live > 0) return StartVerdict::kReady;
  return any_hopeless ? StartVerdict::kGiveUp : StartVerdict::kWait;
}

UpSession::UpSession(const UpOptions& options, const Outside& outside)
    : options_(options),
      outside_(outside),
      screen_(screen_kind(outside.environment), write_error),
      began_(outside.clock.mono()) {}
UpSession::~UpSession() = default;

void UpSession::say(std::string_view text) { screen_.line(text); }

/// `port 0` means any free one; what it was last time is as good as any, and programs still know it.
std::optional<uint16_t> UpSession::wished_port(std::optional<uint16_t> flag, std::string_view name) const {
  if (flag != 0) return flag;
  const Result<std::string> text = os::read_file(data_.last_ports(), 4_KiB);
  json::Document document;
  if (!text || !document.parse_copy(*text)) return flag;
  const auto value = document.root().find(name);
  const auto port = value ? value->integer() : std::nullopt;
  if (!port || *port <= 0 || *port > UINT16_MAX) return flag;
  const auto last = static_cast<uint16_t>(*port);
  return net::check_port_free(net::Endpoint::loopback(last)) ? std::optional(last) : flag;
}

void UpSession::remember_ports() const {
  std::string text;
  json::Writer writer(text);
  writer.begin_object().integer(kFirstPort, host_->address().port).integer(kAdminPort, host_->admin_address().port);
  if (issuer_ != nullptr) writer.integer(kIssuerPort, issuer_->port());
  writer.end_object();
  text += '\n';
  // Only a convenience for the next start.
  if (os::make_private_folder(data_.last_ports().parent_path())) (void)os::write_file_atomic(data_.last_ports(), text);
}

Result<void> UpSession::prepare() {
  CHECK_OK(make_simulator_key(data_));
  if (options_.config.empty()) CHECK_OK(write_default_config(data_, *artefacts_));
  return start_issuer();
}

/// The port behind the admin port; any free one where that is any. It has to be known before the configuration is compiled: tokens name it.
uint16_t UpSession::issuer_port() const {
  std::optional<uint16_t> admin = options_.admin_port;
  if (!admin) {
    const std::vector<std::filesystem::path> paths = options_.config.empty() ? std::vector{data_.config()} : options_.config;
    const auto gateways = config::load_folder(paths).resources.gateways;
    admin = gateways.empty() ? config::AdminListener{}.port : gateways.front().spec.admin.port;
  }
  if (*admin != 0) return *admin == UINT16_MAX ? 0 : static_cast<uint16_t>(*admin + 1);
  return wished_port(0, kIssuerPort).value_or(0);
}

Result<void> UpSession::start_issuer() {
  const uint16_t port = issuer_port();
  Result<std::unique_ptr<LaptopIssuerHost>> started = LaptopIssuerHost::start(data_, outside_.clock, port);
  if (!started && started.error().code == ErrorCode::kConflict) {
    const std::string holder = port_holder(port);
    issuer_refused_ = true;
    return Fail(public_error(ErrorCode::kConflict, "The laptop issuer needs port " + std::to_string(port) + ", the one behind the admin port; " +
                                                       (holder.empty() ? "another program" : holder) + " holds it."));
  }
  if (!started) return Fail(std::move(started).error());
  issuer_ = std::move(*started);
  laptop_->authority = issuer_->authority();
  laptop_->ca_file = issuer_->ca_file();
  return {};
}

/// An instance that is reached from elsewhere runs no issuer: it vouches for the owner of this laptop alone.
void UpSession::end_issuer_beyond_loopback() {
  const auto is_loopback = [](const config::ListenerEntry& listener) {
    const auto at = net::parse_address(listener.address, listener.port);
    return at && at->is_loopback();
  };
  const config::GatewaySettings& gateway = host_->configuration().snapshot->gateway();
  const auto admin = net::parse_address(gateway.admin.address, gateway.admin.port);
  if (std::ranges::all_of(gateway.listeners, is_loopback) && admin && admin->is_loopback()) return;
  host_->log().info("issuer.not_run", {{"reason", "a listener is not on loopback"}});
  issuer_.reset();
}

HostOptions UpSession::host_options(const DataFolder& data) {
  HostOptions out;
  out.data = data;
  out.source.paths = options_.config.empty() ? std::vector{data.config()} : options_.config;
  out.source.compile = {.purpose = config::Purpose::kUp,
                        .gateway = {},
                        .port = wished_port(options_.port, kFirstPort),
                        .admin_port = wished_port(options_.admin_port, kAdminPort),
                        .laptop = laptop_};
  out.threads = options_.threads != 0 ? options_.threads : std::max(1u, std::thread::hardware_concurrency());
  out.logs_in_folder = true;
  out.exclusive = true;
  out.prepare = [this] { return prepare(); };
  out.refused = [this](const config::Diagnostics& findings) {
    config_refused_ = true;
    write_error(config::to_text(findings));
  };
  return out;
}

Result<void> UpSession::open(DataFolder data) {
  data_ = std::move(data);
  TRY(const std::filesystem::path program, own_program());
  TRY(artefacts_, find_artefacts(program, outside_.environment));
  simulator_ = program.parent_path() / "wye-azure-simulator";
  TRY(host_, Host::make(host_options(data_), outside_));
  end_issuer_beyond_loopback();
  TRY(key_, load_or_make_laptop_key(*host_, data_, outside_.clock.wall()));
  return check_artefacts(*host_->configuration().snapshot, {outside_.clock, host_->log(), host_->metrics(), *artefacts_, simulator_, data_, {}});
}

int UpSession::refuse_start(const Error& error) {
  if (config_refused_) {
    report(error, "wye check judges a configuration without starting it");
    return kConfigRefused;
  }
  if (issuer_refused_) return report(error, "end it, or give another port with --admin-port");
  return report(error, help_for(error, data_));
}

int UpSession::refuse_port(const Error& error) {
  if (error.code != ErrorCode::kConflict) return report(error, help_for(error, data_));
  const config::GatewaySettings& settings = host_->configuration().snapshot->gateway();
  const auto taken = [](const std::string& address, uint16_t port) {
    const auto at = net::parse_address(address, port);
    return at && port != 0 && !net::check_port_free(*at);
  };
  std::string help = "end it, or give another port with --port or --admin-port";
  const auto name = [&](uint16_t port, const char* flag) {
    const std::string holder = port_holder(port);
    help = "port " + std::to_string(port) + " is held by " + (holder.empty() ? "another program" : holder) + "; end it, or give another port with " +
           flag;
  };
  if (taken(settings.admin.address, settings.admin.port)) name(settings.admin.port, "--admin-port");
  for (const config::ListenerEntry& listener : settings.listeners) {
    // Our own listener stands already where only the admin port is taken.
    if (error.detail.find(":" + std::to_string(listener.port)) != std::string::npos) name(listener.port, "--port");
  }
  return report(error, help);
}

void UpSession::run_targets() {
  targets_ = std::make_unique<LocalTargets>(
      LocalTargetsParts{outside_.clock, host_->log(), host_->metrics(), *artefacts_, simulator_, data_,
                        [this](const std::string& label, const provider::LiveEndpoint& endpoint) { host_->set_live(label, endpoint); }});
  const auto apply = [this](const gateway::Configuration& configuration) {
    if (const auto applied = targets_->apply(*configuration.snapshot, *configuration.credentials); !applied)
      host_->log().error("targets.apply_failed", {{"detail", applied.error().detail}});
  };
  host_->on_configuration(apply);
  apply(host_->configuration());
}

std::vector<control::RouteReadiness> UpSession::look() {
  const config::Snapshot& snapshot = *host_->configuration().snapshot;
  const auto live = host_->live();
  std::vector<UpRow> rows;
  for (const config::TargetEntry& target : snapshot.targets()) {
    if (!target.endpoint_is_live) continue;
    const auto known = live.find(target.label);
    if (known == live.end()) rows.push_back({target.label});
    else rows.push_back({target.label, known->second.health, known->second.reason});
  }
  std::vector<control::RouteReadiness> routes = control::route_readiness(snapshot, live);
  for (const control::RouteReadiness& route : routes) rows.push_back({"route/" + route.name, route.health, {}});
  screen_.show(rows, std::chrono::duration_cast<std::chrono::seconds>(outside_.clock.mono() - began_));
  if (const std::string url = targets_->simulator_url(); url != record_.simulator_url || !recorded_) {
    record_.simulator_url = url;
    write_record();
  }
  return routes;
}

void UpSession::write_record() {
  recorded_ = true;
  if (const auto written = os::write_file_atomic(data_.instance(), to_json(record_)); !written)
    host_->log().error("instance.write_failed", {{"detail", written.error().detail}});
}

/// Absent: told to stop meanwhile.
std::optional<StartVerdict> UpSession::wait_for_start(os::StopSignals& signals) {
  for (;;) {
    const std::vector<control::RouteReadiness> routes = look();
    const StartVerdict verdict = judge_start(routes, !targets_->hopeless().empty(), options_.detached, outside_.clock.mono() - began_);
    if (verdict != StartVerdict::kWait) return verdict;
    if (host_->turn(signals, kTurn)) return std::nullopt;
  }
}

void UpSession::tell_start_failed() {
  std::string what;
  for (const control::RouteReadiness& route : look()) {
    if (route.health != provider::Health::kLive) what += "\n    Route " + route.name + ": " + (route.reason.empty() ? "not ready" : route.reason);
  }
  const bool late = outside_.clock.mono() - began_ >= Nanos(kReadyMax);
  report(public_error(ErrorCode::kModelNotReady, (late ? "Not ready after 10 minutes:" : "Not ready:") + what),
         "the logs of the models are in " + data_.logs().string() + "; mend the configuration or the files and start again");
}

void UpSession::welcome() {
  const config::Snapshot& snapshot = *host_->configuration().snapshot;
  std::string text = "\nWye is up.\n  gateway    " + record_.public_url + "/v1\n  admin      " + record_.admin_url + "\n";
  if (!record_.simulator_url.empty()) text += "  simulator  " + record_.simulator_url + "\n";
  if (!record_.issuer_url.empty()) text += "  issuer     " + record_.issuer_url + "\n";
  text += "  data       " + data_.root.string() + "\n";
  if (!key_) text += "  API key    none: the configuration has no Tenant\n";
  else if (key_->made_now)
    text += "  API key    " + std::string(key_->text.reveal()) + "   (shown once; kept in " + data_.laptop_key().string() + ")\n";
  else text += "  API key    as before, in " + data_.laptop_key().string() + "\n";
  const auto chats = [](const config::RouteEntry& route) { return route.operations.contains(config::Operation::kChat); };
  if (const auto route = std::ranges::find_if(snapshot.routes(), chats); key_ && route != snapshot.routes().end()) {
    text += "\nTry it:\n  curl -sS " + record_.public_url + "/v1/chat/completions -H \"Authorization: Bearer $(cat " +
            shell_quoted(data_.laptop_key().string()) + ")\" -H 'Content-Type: application/json' -d '{\"model\":\"" + route->name +
            "\",\"messages\":[{\"role\":\"user\",\"content\":\"Say hello.\"}]}'\n";
  }
  text += options_.detached ? "\n`wye down` ends it.\n" : "\nCtrl-C ends it.\n";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void UpSession::serve(os::StopSignals& signals) {
  while (!host_->turn(signals, kTurn)) look();
}

void UpSession::end(os::StopSignals& signals) {
  (void)os::notify_service(outside_.environment("NOTIFY_SOCKET"), "STOPPING=1");
  if (!options_.detached) say("Ending: requests under way may finish (again Ctrl-C: at once).");
  // A second signal ends the program now; its children die with it.
  const std::jthread impatient([this, &signals](const std::stop_token& done) {
    while (!done.stop_requested()) {
      if (!signals.wait_for(kTurn)) continue;
      std::error_code error;
      std::filesystem::remove(data_.instance(), error);
      ::_exit(kInterrupted);
    }
  });
  host_->on_configuration({});
  host_->drain();
  if (targets_ != nullptr) targets_->stop(kModelsStopMax);
  std::error_code error;
  std::filesystem::remove(data_.instance(), error);
  std::filesystem::remove(data_.admin_socket(), error);
}

int UpSession::run(os::StopSignals& signals) {
  Result<DataFolder> data = find_data_folder(options_.data, outside_.environment);
  if (!data) return report(data.error());
  if (const auto opened = open(std::move(*data)); !opened) return refuse_start(opened.error());
  if (const auto started = host_->start(); !started) return refuse_port(started.error());
  const config::Snapshot& snapshot = *host_->configuration().snapshot;
  record_.pid = ::getpid();
  record_.version = "0.1.0";
  record_.started_at = outside_.clock.wall();
  record_.public_url = url_of(host_->address(), snapshot.gateway().listeners.front().tls.has_value());
  record_.admin_url = url_of(host_->admin_address(), snapshot.gateway().admin.tls.has_value());
  if (issuer_ != nullptr) record_.issuer_url = issuer_->issuer_url();
  remember_ports();
  say("Starting on " + record_.public_url + " with " + std::to_string(snapshot.routes().size()) + " routes; data in " + data_.root.string());
  run_targets();
  const std::optional<StartVerdict> verdict = wait_for_start(signals);
  if (verdict == StartVerdict::kGiveUp) tell_start_failed();
  if (verdict == StartVerdict::kReady) {
    screen_.settle();
    welcome();
    (void)os::notify_service(outside_.environment("NOTIFY_SOCKET"), "READY=1");
    if (options_.detached) leave_starter();
    serve(signals);
  }
  end(signals);
  if (!verdict) return options_.detached ? kFailed : kInterrupted;
  return *verdict == StartVerdict::kReady ? kDone : kFailed;
}

}  // namespace wye::app
