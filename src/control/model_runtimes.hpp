// From resources to what runs for them, and from what runs to where requests can be sent. Pure functions.
// Source: Wye's runtime lifecycle (serving/runtime/lifecycle.hpp); labels are those of config::TargetEntry.
// Threads: no state.
#pragma once

#include "config/snapshot/snapshot.hpp"
#include "llm/provider/endpoint_set.hpp"
#include "serving/runtime/runtime_spec.hpp"

namespace wye::control {

/// `model/NAME`, `backend/NAME`: a target's label in a snapshot.
std::string model_label(std::string_view model);
std::string backend_label(std::string_view backend);

/// The current version of a Model as one process. Two equal specs are the same process.
runtime::RuntimeSpec runtime_spec(const config::Document<config::Model>& model);
/// All Models of a snapshot that this machine serves.
std::vector<runtime::RuntimeSpec> runtime_specs(const config::Snapshot& snapshot);

/// Names that config::Capability knows; others are left out.
config::EnumSet<config::Capability> capabilities_of(std::span<const std::string> names);

/// Where a model is, from the statuses of its processes (all of one model, none stopped). The newest ready process wins, so a
/// version serves until its successor does. One that failed and tries again is kBroken, not kStarting; no process at all: kStarting.
provider::LiveEndpoint live_endpoint(std::span<const runtime::RuntimeStatus> of_one_model);

/// True for a model that failed so often that it is not worth waiting for.
bool is_hopeless(std::span<const runtime::RuntimeStatus> of_one_model);

/// A Backend that the simulator stands in for.
struct SimulatedBackend {
  std::string backend;
  std::string deployment;
  std::string model;                    // the local Model that answers; empty: none can
  int credential = -1;  // index into Snapshot::credentials(); -1: none
};
/// The Backends whose endpoint is `simulator://azure`, in order of names. The model `preferred` answers where it is there and can do what
/// the Backend serves, else the first Model by name that can.
std::vector<SimulatedBackend> simulated_backends(const config::Snapshot& snapshot, std::string_view preferred);

/// A simulated Backend lives where its simulator is, as long as its model lives: `where` is kLive with host and port once it runs.
provider::LiveEndpoint behind_simulator(const provider::LiveEndpoint& where, std::string_view model, const provider::LiveEndpoint& of_model);

/// Whether clients get answers from a Route.
struct RouteReadiness {
  std::string name;
  provider::Health health = provider::Health::kStarting;  // kLive: one candidate lives; kBroken: none will without help; else kStarting
  std::string reason{};                                   // of the first candidate that does not live, as `LABEL: REASON`
};
/// `live` by label; a target with a configured address counts as live.
std::vector<RouteReadiness> route_readiness(const config::Snapshot& snapshot, const std::map<std::string, provider::LiveEndpoint>& live);

}  // namespace wye::control
