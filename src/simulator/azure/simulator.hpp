// The simulated resource: an HTTP handler over deployments, keys, limits and faults.
// Lifetime: everything referred to outlives it; it outlives the server. Threads: one loop.
#pragma once

#include "foundation/base/log.hpp"
#include "foundation/http/server.hpp"
#include "simulator/azure/key_ring.hpp"
#include "simulator/azure/options.hpp"
#include "simulator/azure/token_counter.hpp"
#include "simulator/azure/upstreams.hpp"

namespace wye::simulator {

/// What the simulator needs of the outside.
struct Parts {
  net::Loop& loop;
  net::Resolver& resolver;
  const Clock& clock;
  Random& random;  // ids only
  Log& log;
};

struct Deployment {
  DeploymentSpec spec;
  std::string answered_model;  // base model and version, as answers name it
  TokenCounter counter;
};

class Simulator final : public http::Handler {
 public:
  static constexpr size_t kBodyBytes = 32 << 20;

  Simulator(const Parts& parts, Options options, KeyRing keys);

  net::Task<void> answer(http::ServerCall& call) override;
  net::Task<void> refuse(http::ServerCall& call, Error error) override;

 private:
  friend class Exchange;
  Deployment* find(std::string_view name);
  Parts parts_;
  const Options options_;
  const KeyRing keys_;
  std::vector<Deployment> deployments_;
  Upstreams upstreams_;
  FaultDice dice_;
  const WallTime started_;
};

}  // namespace wye::simulator
