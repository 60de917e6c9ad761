// The engine for simulation: virtual time, an in-memory network, faults by a seed. The same seed gives the same run, event by event.
#pragma once

#include "foundation/net/loop.hpp"

namespace wye::net {

/// What the simulated network does to connections. The default is a quick, faultless one. Probabilities are 0..1.
struct SimFaults {
  Nanos latency_min = std::chrono::microseconds(20);  // one way, each segment; order is kept
  Nanos latency_max = std::chrono::microseconds(20);
  size_t pipe_bytes = 256 << 10;                      // unread plus under way, each direction; then sends say again
  double short_move = 0;                              // a read or write moves only a part (at least one byte)
  double refuse = 0;                                  // a connect is refused although somebody listens
  double cut = 0;                                     // a connection ends after cut_after_max bytes or fewer, both directions counted
  size_t cut_after_max = 64 << 10;
  double cut_by_reset = 0.5;                          // a cut is a reset, else a clean end of both directions
};

/// Threads: one, but for `post` and `stop`. Lifetime: outlives its streams and listeners.
class SimLoop final : public Loop {
 public:
  explicit SimLoop(uint64_t seed, SimFaults faults = {}, WallTime start = {1'795'446'000'000'000'000});
  ~SimLoop() override;

  /// Until `stop`, or until nothing can happen any more: no job, no timer, no byte under way.
  void run() override;
  /// Runs for `duration` of virtual time, or until `stop`.
  void run_for(Nanos duration);
  void stop() override;
  void post(Job job) override;
  /// Port 0: the next free one. Errors: kConflict where somebody of this loop listens already.
  Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint) override;
  Result<std::unique_ptr<Stream>> open(const Endpoint& endpoint) override;

  /// From now on, for new connections and new segments.
  void set_faults(const SimFaults& faults);
  /// Connects to `endpoint` are neither answered nor refused.
  void swallow_connects(const Endpoint& endpoint);
  /// Virtual time as a Clock. Lives as long as the loop.
  const Clock& clock() const;
  /// A digest of all events so far, their times and bytes. Equal for equal seeds.
  uint64_t trace_hash() const;

 private:
  struct Network;
  void run_until(MonoTime end);
  std::unique_ptr<Network> network_;
};

}  // namespace wye::net
