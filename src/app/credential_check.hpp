// Step by step, whether a Credential works: in configuration, its source, a token of it, the origins that it is for.
// Asks for real; shows what a token says of itself, never the token.
#pragma once

#include "app/configuration_source.hpp"
#include "app/data_folder.hpp"

namespace wye::app {

struct CredentialStep {
  enum class State : uint8_t { kOk, kFailed, kSkipped } state = State::kOk;
  std::string step;  // configuration, source, token, origin
  std::string text;
  std::string help{};
  std::vector<std::pair<std::string, std::string>> claims{};  // of a token: name and JSON value
  WallTime expires_at{0};                                     // of a token; 0: it has no end
};

struct CredentialReport {
  std::string name;
  std::vector<CredentialStep> steps;
  bool found = false;  // in configuration
  bool ok() const {
    return std::ranges::none_of(steps, [](const CredentialStep& step) { return step.state == CredentialStep::State::kFailed; });
  }
};

/// Blocks for as long as the sources and origins need, each within its own bound. `snapshot` is one that compiled.
CredentialReport check_credential(const config::Snapshot& snapshot, const std::string& name, const Clock& clock, const Environment& environment,
                                  const workload::TakeVariable& take);

/// One line a step, and its claims.
std::string to_text(const CredentialReport& report, WallTime now);
/// One JSON object and a line end.
std::string to_json(const CredentialReport& report);

}  // namespace wye::app
