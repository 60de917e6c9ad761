#include "control/model_runtimes.hpp"

namespace wye::control {
namespace {

using provider::Health;
using runtime::RuntimeStatus;
using runtime::State;

bool is_down(State state) { return state == State::kBackoff || state == State::kCrashLoop || state == State::kFailed; }

/// Between processes: the last failure stays told until a real answer came.
bool tries_again(const RuntimeStatus& status) { return status.restarts > 0 && !status.reason.empty(); }

const RuntimeStatus* newest(std::span<const RuntimeStatus> all, bool ready_only) {
  const RuntimeStatus* found = nullptr;
  for (const RuntimeStatus& status : all) {
    if (ready_only && status.state != State::kReady) continue;
    if (found == nullptr || status.instance > found->instance) found = &status;
  }
  return found;
}

provider::LiveEndpoint ready_endpoint(const RuntimeStatus& status) {
  constexpr unsigned kRestartBits = 20;
  provider::LiveEndpoint out;
  out.health = Health::kLive;
  out.host = "127.0.0.1";
  out.port = status.port;
  out.key = status.key;
  out.capabilities = capabilities_of(status.capabilities);
  out.context_tokens = status.context_tokens;
  out.slots = status.slots;
  // A restart is another process: connections to the one before are of no use.
  out.instance = (status.instance << kRestartBits) + (status.restarts & ((uint64_t{1} << kRestartBits) - 1));
  return out;
}

bool can_answer(const config::Model& model, const config::EnumSet<config::Capability>& wanted) {
  return model.serves.capabilities.empty() || model.serves.capabilities.contains_all(wanted);
}

std::string answering_model(const config::Snapshot& snapshot, const config::Backend& backend, std::string_view preferred) {
  config::EnumSet<config::Capability> wanted = backend.serves.capabilities;
  if (wanted.empty()) wanted = {config::Capability::kChat};
  // The simulator makes responses out of chat.
  wanted = config::EnumSet<config::Capability>::from_bits(wanted.bits & ~config::EnumSet<config::Capability>{config::Capability::kResponses}.bits);
  std::string found;
  for (const auto& model : snapshot.models()) {
    if (!can_answer(model.spec, wanted)) continue;
    if (model.name == preferred) return model.name;
    if (found.empty()) found = model.name;
  }
  return found;
}

}  // namespace

std::string model_label(std::string_view model) { return "model/" + std::string(model); }
std::string backend_label(std::string_view backend) { return "backend/" + std::string(backend); }

runtime::RuntimeSpec runtime_spec(const config::Document<config::Model>& model) {
  const config::Model& spec = model.spec;
  runtime::RuntimeSpec out;
  out.model = model.name;
  for (const config::ModelVersion& version : spec.versions) {
    // The loader has proven that `current` names one of them, or that there is only one.
    if (!spec.current.empty() && version.name != spec.current) continue;
    out.version = version.name;
    out.file = version.source.file.resolved;
    out.digest = version.digest;
    break;
  }
  out.slots = spec.runtime.slots;
  out.slot_context_tokens = spec.runtime.slot_context_tokens;
  out.threads = spec.runtime.threads;
  for (size_t i = 0; i < config::EnumNames<config::Capability>::kNames.size(); ++i) {
    const auto capability = static_cast<config::Capability>(i);
    if (spec.serves.capabilities.contains(capability)) out.capabilities.emplace_back(config::to_string(capability));
  }
  if (spec.placement.memory.n > 0) out.memory = spec.placement.memory;
  out.probe.prompt = spec.probe.prompt;
  out.probe.max_tokens = spec.probe.max_tokens;
  out.probe.min_tokens_per_second = spec.probe.min_tokens_per_second;
  return out;
}

std::vector<runtime::RuntimeSpec> runtime_specs(const config::Snapshot& snapshot) {
  std::vector<runtime::RuntimeSpec> out;
  for (const auto& model : snapshot.models()) out.push_back(runtime_spec(model));
  return out;
}

config::EnumSet<config::Capability> capabilities_of(std::span<const std::string> names) {
  config::EnumSet<config::Capability> out;
  for (size_t i = 0; i < config::EnumNames<config::Capability>::kNames.size(); ++i) {
    const auto capability = static_cast<config::Capability>(i);
    if (std::ranges::find(names, config::to_string(capability)) != names.end()) out.insert(capability);
  }
  return out;
}

provider::LiveEndpoint live_endpoint(std::span<const RuntimeStatus> of_one_model) {
  if (const RuntimeStatus* ready = newest(of_one_model, true); ready != nullptr) return ready_endpoint(*ready);
  provider::LiveEndpoint out;
  const RuntimeStatus* last = newest(of_one_model, false);
  if (last == nullptr) return out;
  const std::string state(runtime::to_string(last->state));
  if (is_down(last->state) || (last->state != State::kDraining && tries_again(*last))) {
    out.health = Health::kBroken;
    out.reason = last->reason.empty() ? state : last->reason;
  } else if (last->state == State::kDraining || last->state == State::kStopped) {
    out.health = Health::kDraining;
    out.reason = state;
  } else {
    out.health = Health::kStarting;
    out.reason = state;
  }
  return out;
}

bool is_hopeless(std::span<const RuntimeStatus> of_one_model) {
  const RuntimeStatus* last = newest(of_one_model, false);
  if (last == nullptr || newest(of_one_model, true) != nullptr) return false;
  return last->state == State::kCrashLoop || last->state == State::kFailed;
}

std::vector<SimulatedBackend> simulated_backends(const config::Snapshot& snapshot, std::string_view preferred) {
  std::vector<SimulatedBackend> out;
  for (const config::TargetEntry& target : snapshot.targets()) {
    if (target.kind != config::TargetEntry::Kind::kBackend || !target.endpoint.simulator()) continue;
    const auto& backends = snapshot.resources().backends;
    const auto document = std::ranges::find(backends, target.name, &config::Document<config::Backend>::name);
    out.push_back({target.name, target.deployment, answering_model(snapshot, document->spec, preferred), target.credential});
  }
  return out;
}

provider::LiveEndpoint behind_simulator(const provider::LiveEndpoint& where, std::string_view model, const provider::LiveEndpoint& of_model) {
  provider::LiveEndpoint out = where;
  if (where.health != Health::kLive) return out;
  if (model.empty()) {
    out.health = Health::kBroken;
    out.reason = "no local Model can answer for the simulator";
  } else if (of_model.health != Health::kLive) {
    out.health = of_model.health;
    out.reason = "waits for " + model_label(model) + (of_model.reason.empty() ? std::string() : ": " + of_model.reason);
  }
  return out;
}

std::vector<RouteReadiness> route_readiness(const config::Snapshot& snapshot, const std::map<std::string, provider::LiveEndpoint>& live) {
  std::vector<RouteReadiness> out;
  for (const config::RouteEntry& route : snapshot.routes()) {
    RouteReadiness one{route.name, Health::kBroken};
    for (const route::Target& candidate : route.policy.candidates) {
      const config::TargetEntry& target = snapshot.target(candidate.id);
      const auto known = live.find(target.label);
      const provider::LiveEndpoint endpoint = known == live.end() ? provider::LiveEndpoint{} : known->second;
      if (!target.endpoint_is_live || endpoint.health == Health::kLive) {
        one.health = Health::kLive;
        break;
      }
      if (endpoint.health != Health::kBroken && endpoint.health != Health::kMisconfigured) one.health = Health::kStarting;
      if (one.reason.empty()) one.reason = target.label + ": " + (endpoint.reason.empty() ? "not started" : endpoint.reason);
    }
    if (one.health == Health::kLive) one.reason.clear();
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace wye::control
