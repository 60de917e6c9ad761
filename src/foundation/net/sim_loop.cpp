#include "foundation/net/sim_loop.hpp"

#include "foundation/net/sim_network.hpp"

namespace wye::net {
namespace {

constexpr MonoTime kStart{1'000'000'000};

class SimClock final : public Clock {
 public:
  SimClock(const Loop& loop, WallTime start) : loop_(loop), start_(start) {}
  MonoTime mono() const override { return loop_.now(); }
  WallTime wall() const override { return {start_.ns + (loop_.now() - kStart).count()}; }

 private:
  const Loop& loop_;
  WallTime start_;
};

}  // namespace

struct SimLoop::Network {
  Network(SimLoop& loop, uint64_t seed, const SimFaults& faults, WallTime start) : network(loop, seed, faults), clock(loop, start) {}
  SimNetwork network;
  SimClock clock;
  std::mutex mutex;
  std::vector<Job> jobs;  // guarded by mutex
  bool stopped = false;   // the loop's thread

  /// Runs what is posted by now; true where there was something.
  bool run_jobs() {
    std::vector<Job> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(jobs);
    }
    for (Job& job : taken) job();
    return !taken.empty();
  }
};

SimLoop::SimLoop(uint64_t seed, SimFaults faults, WallTime start) : Loop(kStart), network_(std::make_unique<Network>(*this, seed, faults, start)) {}
SimLoop::~SimLoop() = default;

void SimLoop::run() { run_until({INT64_MAX}); }
void SimLoop::run_for(Nanos duration) { run_until(now_ + duration); }

void SimLoop::run_until(MonoTime end) {
  for (;;) {
    bool busy = network_->run_jobs();
    if (std::exchange(network_->stopped, false)) return;
    const MonoTime next = run_timers();
    busy = network_->run_jobs() || busy;
    if (std::exchange(network_->stopped, false)) return;
    if (busy) continue;
    if (next.ns == INT64_MAX && end.ns == INT64_MAX) return;
    if (next > end) {
      now_ = end;
      return;
    }
    now_ = std::max(now_, next);
  }
}

void SimLoop::stop() {
  post([this] { network_->stopped = true; });
}

void SimLoop::post(Job job) {
  const std::lock_guard lock(network_->mutex);
  network_->jobs.push_back(std::move(job));
}

Result<std::unique_ptr<Listener>> SimLoop::listen(const Endpoint& endpoint) { return network_->network.listen(endpoint); }
Result<std::unique_ptr<Stream>> SimLoop::open(const Endpoint& endpoint) { return network_->network.open(endpoint); }
void SimLoop::set_faults(const SimFaults& faults) { network_->network.set_faults(faults); }
void SimLoop::swallow_connects(const Endpoint& endpoint) { network_->network.swallow(endpoint); }
const Clock& SimLoop::clock() const { return network_->clock; }
uint64_t SimLoop::trace_hash() const { return network_->network.trace_hash(); }

}  // namespace wye::net
