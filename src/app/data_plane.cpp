#include "app/data_plane.hpp"

#include "foundation/net/dialer.hpp"

namespace wye::app {

struct DataPlane::Worker {
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<net::SystemResolver> resolver;
  std::unique_ptr<gateway::Gateway> gateway;
  std::vector<std::unique_ptr<http::Server>> servers;
  std::unique_ptr<net::Scope> scope;  // the drain
  std::atomic<int64_t> last_sign_ns{0};
  std::thread thread;

  ~Worker() {
    if (!thread.joinable()) return;
    loop->stop();
    thread.join();
  }
};

namespace {

net::Task<void> drain_worker(net::Loop& loop, std::span<const std::unique_ptr<http::Server>> servers, Nanos patience) {
  const MonoTime end = loop.now() + patience;
  for (const auto& server : servers) co_await server->drain(std::max(Nanos{0}, end - loop.now()));
  loop.stop();
}

}  // namespace

DataPlane::~DataPlane() = default;

Result<void> DataPlane::add_worker(const gateway::GatewayParts& parts, net::Offload& offload, size_t index, const config::GatewaySettings& settings) {
  auto worker = std::make_unique<Worker>();
  TRY(worker->loop, net::make_epoll_loop(parts.clock));
  worker->resolver = std::make_unique<net::SystemResolver>(*worker->loop, offload);
  gateway::GatewayParts own = parts;
  for (uint64_t& word : own.seed) word ^= 0x9E3779B97F4A7C15ull * (index + 1);
  worker->gateway = std::make_unique<gateway::Gateway>(*worker->loop, *worker->resolver, own);
  worker->scope = std::make_unique<net::Scope>();
  for (size_t i = 0; i < settings.listeners.size(); ++i) {
    const config::ListenerEntry& entry = settings.listeners[i];
    std::optional<net::Endpoint> at = net::parse_address(entry.address, entry.port);
    if (!at) return Fail(internal_error(ErrorCode::kUsage, "listener " + entry.name + ": " + entry.address + " is no address"));
    // The first worker finds out whether the port is free and which one the system chose; the others join it.
    if (index > 0) {
      at = addresses_[i];
    } else {
      CHECK_OK(net::check_port_free(*at));
    }
    TRY(auto listener, worker->loop->listen(*at));
    if (index == 0) addresses_.push_back(listener->local());
    http::ServerOptions server_options{.listener_name = entry.name,
                                       .head_time = settings.limits.header_time,
                                       .body_time = settings.limits.body_time,
                                       .keep_alive_time = settings.limits.keep_alive,
                                       .tls = tls_[i] ? tls_[i]->current() : nullptr};
    worker->servers.push_back(
        std::make_unique<http::Server>(*worker->loop, parts.clock, *worker->gateway, *count_, std::move(listener), std::move(server_options)));
  }
  workers_.push_back(std::move(worker));
  return {};
}

Result<std::unique_ptr<DataPlane>> DataPlane::start(const gateway::GatewayParts& parts, net::Offload& offload,
                                                    gateway::ConfigurationPtr configuration, provider::EndpointSetPtr endpoints, size_t threads) {
  const config::GatewaySettings& settings = configuration->snapshot->gateway();
  std::unique_ptr<DataPlane> plane(new DataPlane);
  plane->count_ = std::make_unique<http::ConnectionCount>(settings.limits.connections);
  for (const config::ListenerEntry& entry : settings.listeners) {
    plane->tls_.emplace_back();
    if (entry.tls) { TRY(plane->tls_.back(), ListenerTls::make(*entry.tls, parts.clock)); }
  }
  for (size_t i = 0; i < threads; ++i) CHECK_OK(plane->add_worker(parts, offload, i, settings));
  plane->take(std::move(configuration), std::move(endpoints));
  // Its start is a loop's first sign of life: a machine that is slow to run its thread is not a stuck loop.
  for (const auto& worker : plane->workers_) worker->last_sign_ns.store(parts.clock.mono().ns, std::memory_order_relaxed);
  for (const auto& worker : plane->workers_) {
    worker->loop->post([w = worker.get()] {
      for (const auto& server : w->servers) server->start();
    });
    worker->thread = std::thread([w = worker.get()] { w->loop->run(); });
  }
  return plane;
}

void DataPlane::take(gateway::ConfigurationPtr configuration, provider::EndpointSetPtr endpoints) {
  for (const auto& worker : workers_) {
    worker->loop->post([w = worker.get(), configuration, endpoints] { w->gateway->take(configuration, endpoints); });
  }
}

std::vector<std::string> DataPlane::look_at_certificates() {
  std::vector<std::string> problems;
  for (size_t i = 0; i < tls_.size(); ++i) {
    if (!tls_[i]) continue;
    ListenerTls::Look look = tls_[i]->look();
    if (!look.problem.empty()) problems.push_back(std::move(look.problem));
    if (look.changed == nullptr) continue;
    for (const auto& worker : workers_) worker->loop->post([server = worker->servers[i].get(), tls = look.changed] { server->take_tls(tls); });
  }
  return problems;
}

void DataPlane::pulse(MonoTime now) {
  for (const auto& worker : workers_) {
    worker->loop->post([w = worker.get(), now] { w->last_sign_ns.store(now.ns, std::memory_order_relaxed); });
  }
}

bool DataPlane::alive(MonoTime since) const {
  return std::ranges::all_of(workers_, [&](const auto& worker) { return worker->last_sign_ns.load(std::memory_order_relaxed) >= since.ns; });
}

void DataPlane::drain(Nanos patience) {
  for (const auto& worker : workers_) {
    worker->loop->post([w = worker.get(), patience] {
      w->gateway->drain();
      w->scope->spawn(drain_worker(*w->loop, w->servers, patience));
    });
  }
  for (const auto& worker : workers_) worker->thread.join();
}

}  // namespace wye::app
