// The command line of wye-azure-simulator.
// Threads: pure function, values.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/result.hpp"
#include "simulator/azure/fault.hpp"

namespace wye::simulator {

/// `NAME=MODEL[@URL]`: what clients call it, what the upstream calls its model, where that is.
struct DeploymentSpec {
  std::string name;
  std::string model;
  std::string upstream;  // empty: the common one
};

struct Options {
  uint16_t port = 0;
  std::vector<DeploymentSpec> deployments;  // names unique
  std::string upstream;                     // of deployments without a URL
  std::filesystem::path upstream_file;      // read at each request: see upstreams.hpp
  std::filesystem::path key_file;
  std::vector<FaultShare> faults;           // shares sum up to at most 1
  Nanos latency{};                          // before each answer
  Nanos slow_by = std::chrono::seconds(5);  // what `slow-first` adds to it
  uint64_t seed = 1;                        // of the faults
  uint64_t tokens_per_minute = 1'000'000;   // a deployment
  std::string region = "simulated";         // x-ms-region
  std::string model_version = "2026-01-01"; // answers name MODEL-VERSION
  std::vector<std::string> api_versions;    // of the dated dialect
  bool with_parent = false;                 // ends when the process that started it ends
  bool help = false;
};

/// Names Azure takes for a deployment: 1 to 64 letters, digits, `.`, `_`, `-`.
bool is_deployment_name(std::string_view name);

/// Reads the arguments behind the program's name. Errors: kUsage with a message that names the argument and what is expected.
Result<Options> parse_options(std::span<const std::string_view> arguments);

/// What `--help` prints.
std::string_view usage_text();

}  // namespace wye::simulator
