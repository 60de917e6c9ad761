#include "control/local_models.hpp"

namespace wye::control {

using runtime::RuntimeStatus;
using runtime::State;

LocalModels::LocalModels(runtime::SupervisorOptions options, LocalModelsPorts ports)
    : ports_(std::move(ports)),
      states_(ports_.metrics.family(MetricKind::kGauge, "wye_runtime_state", "Processes of a model by state.", {"model", "state"})),
      restarts_(ports_.metrics.family(MetricKind::kCounter, "wye_runtime_restarts_total", "Times that a model was started again after a failure.",
                                      {"model"})),
      shard_(ports_.metrics.make_shard()) {
  ports_.supervisor.changed = [this](const RuntimeStatus& status) { take(status); };
  supervisor_ = std::make_unique<runtime::Supervisor>(std::move(options), ports_.supervisor);
}

LocalModels::~LocalModels() = default;

void LocalModels::apply(const config::Snapshot& snapshot) { supervisor_->apply(runtime_specs(snapshot)); }

void LocalModels::stop(Nanos limit) { supervisor_->stop(limit); }

void LocalModels::count(const RuntimeStatus& before, const RuntimeStatus& now) {
  if (before.instance != 0) shard_.sub(ports_.metrics.series(states_, {now.model, std::string(runtime::to_string(before.state))}));
  if (now.state != State::kStopped) shard_.add(ports_.metrics.series(states_, {now.model, std::string(runtime::to_string(now.state))}));
  shard_.add(ports_.metrics.series(restarts_, {now.model}), now.restarts > before.restarts ? now.restarts - before.restarts : 0);
}

void LocalModels::take(const RuntimeStatus& status) {
  auto& of_model = known_[status.model];
  const auto found = of_model.find(status.instance);
  count(found == of_model.end() ? RuntimeStatus{} : found->second, status);
  if (status.state == State::kStopped) of_model.erase(status.instance);
  else of_model[status.instance] = status;
  std::vector<RuntimeStatus> all;
  for (const auto& [instance, one] : of_model) all.push_back(one);
  provider::LiveEndpoint endpoint = live_endpoint(all);
  if (all.empty()) {
    endpoint.health = provider::Health::kDraining;
    endpoint.reason = "stopped";
    known_.erase(status.model);
  }
  if (ports_.told) ports_.told(model_label(status.model), endpoint);
}

std::vector<std::string> LocalModels::hopeless() const {
  std::map<std::string, std::vector<RuntimeStatus>> by_model;
  for (RuntimeStatus& status : supervisor_->status()) by_model[status.model].push_back(std::move(status));
  std::vector<std::string> out;
  for (const auto& [model, all] : by_model) {
    if (is_hopeless(all)) out.push_back(model + ": " + live_endpoint(all).reason);
  }
  return out;
}

}  // namespace wye::control
