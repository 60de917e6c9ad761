// Keeps one runtime for each Model of the accepted configuration and tells where it is.
#pragma once

#include "control/model_runtimes.hpp"
#include "foundation/base/metrics.hpp"
#include "serving/runtime/supervisor.hpp"

namespace wye::control {

/// What the reconciler needs from outside. `metrics` outlives it.
struct LocalModelsPorts {
  runtime::SupervisorPorts supervisor;  // `changed` is the reconciler's own and is replaced
  Metrics& metrics;
  /// After every change of a model's state: its label and where it is now. On the supervisor's thread, one at a time; must be quick
  /// and must not call back.
  std::function<void(const std::string& label, const provider::LiveEndpoint& endpoint)> told;
};

/// Lifetime: children die with it, however the program ends. Threads: any thread may call.
class LocalModels {
 public:
  LocalModels(runtime::SupervisorOptions options, LocalModelsPorts ports);
  ~LocalModels();
  LocalModels(const LocalModels&) = delete;
  LocalModels& operator=(const LocalModels&) = delete;

  /// From now on the Models of this snapshot are wanted. Returns at once.
  void apply(const config::Snapshot& snapshot);
  /// All processes, in order of instances.
  std::vector<runtime::RuntimeStatus> status() const { return supervisor_->status(); }
  /// Models that failed too often, with why, as `NAME: REASON`.
  std::vector<std::string> hopeless() const;
  /// Ends all, letting requests end for at most `limit`. Returns when no child is left.
  void stop(Nanos limit);

 private:
  void take(const runtime::RuntimeStatus& status);
  void count(const runtime::RuntimeStatus& before, const runtime::RuntimeStatus& now);

  LocalModelsPorts ports_;
  Metrics::Family states_;
  Metrics::Family restarts_;
  MetricShard& shard_;  // the supervisor's thread writes
  std::map<std::string, std::map<uint64_t, runtime::RuntimeStatus>> known_;  // the supervisor's thread alone
  std::unique_ptr<runtime::Supervisor> supervisor_;  // last: its thread calls `take`
};

}  // namespace wye::control
