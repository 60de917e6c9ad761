#include "app/host_admin.hpp"

#include "foundation/base/json_line.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/os/machine_stats.hpp"

namespace wye::app {
namespace {

/// Members of one object, with the commas.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  Members& text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
    return *this;
  }
  Members& raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
    return *this;
  }
  void end() { out_ += '}'; }

 private:
  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
  }
  std::string& out_;
  bool first_ = true;
};

std::string target_document(const config::TargetEntry& target, const std::map<std::string, provider::LiveEndpoint>& live) {
  std::string state = "ready";
  std::string reason;
  if (target.endpoint_is_live) {
    const auto known = live.find(target.label);
    state = known == live.end() ? "starting" : std::string(to_string(known->second.health));
    if (known != live.end()) reason = known->second.reason;
  }
  std::string out;
  Members members(out);
  members.text("name", target.label).text("path", config::to_string(target.path)).text("state", state);
  if (!reason.empty()) members.text("reason", reason);
  members.end();
  return out;
}

std::string route_document(const config::Snapshot& snapshot, const config::RouteEntry& route) {
  std::string candidates = "[";
  for (const route::Target& candidate : route.policy.candidates) {
    if (candidates.size() > 1) candidates += ',';
    append_json_string(candidates, snapshot.target(candidate.id).label);
  }
  candidates += ']';
  std::string operations = "[";
  for (size_t i = 0; i < config::EnumNames<config::Operation>::kNames.size(); ++i) {
    if (!route.operations.contains(static_cast<config::Operation>(i))) continue;
    if (operations.size() > 1) operations += ',';
    append_json_string(operations, config::to_string(static_cast<config::Operation>(i)));
  }
  operations += ']';
  std::string out;
  Members members(out);
  members.text("name", route.name).raw("operations", operations).raw("targets", candidates).end();
  return out;
}

template <class Range, class Write>
std::string array_of(const Range& range, Write&& write) {
  std::string out = "[";
  for (const auto& item : range) {
    if (out.size() > 1) out += ',';
    out += write(item);
  }
  out += ']';
  return out;
}

}  // namespace

std::string_view to_string(provider::Health health) {
  constexpr std::array<std::string_view, 6> kNames = {"ready", "starting", "broken", "misconfigured", "saturated", "draining"};
  return kNames[static_cast<size_t>(health)];
}

Host::Admin::Admin(AdminParts parts) : parts_(std::move(parts)) {}

Host::Admin::~Admin() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

Result<void> Host::Admin::start(const net::Endpoint& at, std::optional<ListenerTls> tls, const std::string& local_socket) {
  tls_ = std::move(tls);
  constexpr size_t kActThreads = 2;
  constexpr size_t kActsMax = 64;
  const Clock& clock = parts_.clock;
  TRY(loop_, net::make_epoll_loop(clock));
  authentication_.emplace(parts_.identity(*loop_), parts_.rules, tls_.has_value());
  offload_.emplace(kActThreads, kActsMax);
  handler_.emplace(admin::AdminSources{parts_.live, parts_.ready, parts_.metrics, parts_.ports, *authentication_, *loop_, &*offload_,
                                       [] { return "req_" + crypto::random_base62(20); }});
  TRY(auto listener, loop_->listen(at));
  address_ = listener->local();
  servers_.push_back(std::make_unique<http::Server>(*loop_, clock, *handler_, count_, std::move(listener),
                                                    http::ServerOptions{.listener_name = "admin", .tls = tls_ ? tls_->current() : nullptr}));
  if (!local_socket.empty()) {
    TRY(auto local, loop_->listen_local(local_socket));
    servers_.push_back(std::make_unique<http::Server>(*loop_, clock, *handler_, local_count_, std::move(local),
                                                      http::ServerOptions{.listener_name = std::string(admin::kLocalListener)}));
  }
  loop_->post([this] {
    for (const auto& server : servers_) server->start();
  });
  thread_ = std::thread([this] { loop_->run(); });
  return {};
}

std::string Host::Admin::look_at_certificates() {
  if (!tls_) return {};
  ListenerTls::Look look = tls_->look();
  if (look.changed != nullptr) loop_->post([server = servers_.front().get(), tls = look.changed] { server->take_tls(tls); });
  return look.problem;
}

void register_metrics(Host&, Metrics& metrics, LogSink& log, LogSink& access, const Clock&) {
  const auto stat = [](auto member) {
    return [member] {
      const Result<os::ProcessStats> stats = os::process_stats();
      return stats ? member(*stats) : 0.0;
    };
  };
  metrics.read_at_scrape(MetricKind::kCounter, "process_cpu_seconds_total", "User and system time.",
                         stat([](const os::ProcessStats& s) { return static_cast<double>(s.cpu.count()) * 1e-9; }));
  metrics.read_at_scrape(MetricKind::kGauge, "process_resident_memory_bytes", "Resident memory.",
                         stat([](const os::ProcessStats& s) { return static_cast<double>(s.resident.n); }));
  metrics.read_at_scrape(MetricKind::kGauge, "process_virtual_memory_bytes", "Virtual memory.",
                         stat([](const os::ProcessStats& s) { return static_cast<double>(s.virtual_size.n); }));
  metrics.read_at_scrape(MetricKind::kGauge, "process_open_fds", "Open descriptors.",
                         stat([](const os::ProcessStats& s) { return static_cast<double>(s.open_fds); }));
  metrics.read_at_scrape(MetricKind::kGauge, "process_max_fds", "Most descriptors.",
                         stat([](const os::ProcessStats& s) { return static_cast<double>(s.fds_max); }));
  metrics.read_at_scrape(MetricKind::kGauge, "process_threads", "Threads.",
                         stat([](const os::ProcessStats& s) { return static_cast<double>(s.threads); }));
  metrics.read_at_scrape(MetricKind::kGauge, "process_start_time_seconds", "Start, Unix time.",
                         stat([](const os::ProcessStats& s) { return static_cast<double>(s.started.ns) * 1e-9; }));
  metrics.read_at_scrape(MetricKind::kCounter, "wye_dropped_total", "Log lines that were dropped.",
                         [&log, &access] { return static_cast<double>(log.dropped() + (&access == &log ? 0 : access.dropped())); });
  const Metrics::Family build = metrics.family(MetricKind::kGauge, "wye_build_info", "The version, as a label.", {"version"});
  metrics.make_shard().add(metrics.series(build, {"0.1.0"}));
}

std::string status_document(const config::Snapshot& snapshot, const std::map<std::string, provider::LiveEndpoint>& live,
                            const config::Diagnostics& findings, uint64_t refused, bool draining) {
  std::string out;
  Members members(out);
  members.text("config", snapshot.digest()).text("state", draining ? "draining" : "serving");
  members.raw("refusedReloads", std::to_string(refused));
  if (config::has_errors(findings)) members.text("refused", config::to_text(findings));
  members.raw("targets", array_of(snapshot.targets(), [&](const config::TargetEntry& target) { return target_document(target, live); }));
  members.raw("routes", array_of(snapshot.routes(), [&](const config::RouteEntry& route) { return route_document(snapshot, route); }));
  members.end();
  return out;
}

}  // namespace wye::app
