// Runs one wye-azure-simulator for each Backend that asks for it, and keeps it running.
#pragma once

#include "foundation/base/log.hpp"
#include "foundation/os/child_process.hpp"
#include "llm/provider/endpoint_set.hpp"

namespace wye::app {

/// One that is wanted. Two equal ones are the same process.
struct SimulatorSpec {
  std::string backend;
  std::string deployment;
  std::string model;                // the local Model that answers; empty: none can
  std::filesystem::path key_file;
  friend bool operator==(const SimulatorSpec&, const SimulatorSpec&) = default;
};

struct SimulatorsOptions {
  std::filesystem::path program;
  std::filesystem::path upstream_file;  // where it finds the models; rewritten when they move
  Nanos start_max = std::chrono::seconds(15);
  Nanos backoff_first = std::chrono::milliseconds(500);
  Nanos backoff_max = std::chrono::seconds(30);
};

/// Lifetime: children die with its thread, however the program ends; the destructor ends them. Threads: any may call.
class Simulators {
 public:
  /// Tells every change of a Backend's endpoint, on the thread of this object; must be quick. `clock` and `log` outlive it.
  using Told = std::function<void(const std::string& backend, const provider::LiveEndpoint& endpoint)>;
  Simulators(SimulatorsOptions options, const Clock& clock, Log& log, Told told);
  ~Simulators();
  Simulators(const Simulators&) = delete;
  Simulators& operator=(const Simulators&) = delete;

  /// From now on exactly these are wanted. Returns at once.
  void apply(std::vector<SimulatorSpec> wanted);
  /// Where a local Model is now.
  void set_model(const std::string& model, const provider::LiveEndpoint& endpoint);
  /// The port of the first one that runs.
  std::optional<uint16_t> port() const;
  /// Ends all: SIGTERM, at most `grace`, SIGKILL. Returns when none is left.
  void stop(Nanos grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The port in `listening on 127.0.0.1:PORT`, a whole line of `output`; absent while there is none.
std::optional<uint16_t> announced_port(std::string_view output);

}  // namespace wye::app
