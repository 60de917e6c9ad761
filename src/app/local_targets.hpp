// What `wye up` runs besides the gateway: models and simulators, wired to the Host that sends requests to them.
#pragma once

#include "app/artefacts.hpp"
#include "app/simulators.hpp"
#include "control/local_models.hpp"
#include "foundation/base/metrics.hpp"
#include "identity/workload/credentials.hpp"

namespace wye::app {

struct LocalTargetsParts {
  const Clock& clock;
  Log& log;
  Metrics& metrics;
  Artefacts artefacts;
  std::filesystem::path simulator;  // the program
  DataFolder data;
  /// Told where a target lives, by its label. From several threads; must be quick.
  std::function<void(const std::string& label, const provider::LiveEndpoint& endpoint)> told;
};

/// Refuses what can not work: a missing program, a Model whose file should have come with the artefacts.
/// Errors: kNotFound, whose message names what is missing.
Result<void> check_artefacts(const config::Snapshot& snapshot, const LocalTargetsParts& parts);

/// Lifetime: children die with it. Threads: one owner.
class LocalTargets {
 public:
  /// The model that answers for the simulator where it can.
  static constexpr std::string_view kPreferredModel = "smollm2-135m";

  explicit LocalTargets(LocalTargetsParts parts);
  ~LocalTargets();
  LocalTargets(const LocalTargets&) = delete;
  LocalTargets& operator=(const LocalTargets&) = delete;

  /// From now on what this configuration names is wanted; `credentials` are its own. Errors: kIo (a key file).
  Result<void> apply(const config::Snapshot& snapshot, const workload::CredentialSet& credentials);
  std::vector<std::string> hopeless() const { return models_.hopeless(); }
  /// `http://127.0.0.1:PORT`; empty while none runs.
  std::string simulator_url() const;
  /// Ends all; requests under way at models may end for at most `limit`.
  void stop(Nanos limit);

 private:
  runtime::SupervisorOptions supervisor_options() const;
  control::LocalModelsPorts model_ports();
  Result<std::filesystem::path> write_key(const control::SimulatedBackend& backend, const workload::CredentialSet& credentials) const;

  LocalTargetsParts parts_;
  SeededRandom random_;
  std::vector<std::filesystem::path> key_files_;
  Simulators simulators_;
  control::LocalModels models_;  // after what it tells
};

}  // namespace wye::app
