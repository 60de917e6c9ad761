#include "simulator/azure/simulator.hpp"

#include "simulator/azure/exchange.hpp"

namespace wye::simulator {

Simulator::Simulator(const Parts& parts, Options options, KeyRing keys)
    : parts_(parts),
      options_(std::move(options)),
      keys_(std::move(keys)),
      upstreams_(parts.loop, parts.resolver, options_.upstream, options_.upstream_file),
      dice_(options_.faults, options_.seed),
      started_(parts.clock.wall()) {
  for (const DeploymentSpec& spec : options_.deployments)
    deployments_.push_back({spec, spec.model + "-" + options_.model_version, TokenCounter(options_.tokens_per_minute, parts.loop.now())});
}

Deployment* Simulator::find(std::string_view name) {
  const auto found = std::ranges::find(deployments_, name, [](const Deployment& d) -> std::string_view { return d.spec.name; });
  return found == deployments_.end() ? nullptr : &*found;
}

net::Task<void> Simulator::answer(http::ServerCall& call) {
  Exchange exchange(*this, call);
  co_await exchange.run();
}

net::Task<void> Simulator::refuse(http::ServerCall& call, Error error) {
  Exchange exchange(*this, call);
  co_await exchange.refuse(malformed_message(error));
}

}  // namespace wye::simulator
