// The configuration that `wye up` writes at its first start, then the user's own. Threads: pure.
#pragma once

#include "config/load/load.hpp"

namespace wye::config {

/// Files by name, for the folder `config/` of the data folder: Gateway and Tenant `local`, Models `smollm2-135m` and
/// `minilm-l6-v2`, Backend and Credential `azure` (the simulator; the lines for a real resource are comments), Routes `chat-local`,
/// `chat-managed`, `embed-local`. `models_dir` is the absolute folder that holds the demo models of the set-up.
/// The key of the simulator is expected at `../secrets/simulator.key`, seen from that folder.
std::vector<NamedText> default_config(std::string_view models_dir);

/// The deployment that the default Backend names; the simulator that `wye up` runs must serve it.
inline constexpr std::string_view kDefaultDeployment = "gpt-4o-mini";

}  // namespace wye::config
