#include "app/commands.hpp"

namespace wye::app {
namespace {

/// Each Gateway of the folder judges the rest by its own hosts and limits; without one there is still the finding that says so.
std::vector<std::string> gateways_of(const config::Loaded& loaded) {
  std::vector<std::string> names;
  for (const auto& gateway : loaded.resources.gateways) names.push_back(gateway.name);
  if (names.empty()) names.emplace_back();
  return names;
}

}  // namespace

int run_check(const CheckOptions& options, const Outside&) {
  bool good = true;
  std::set<std::string> said;  // what is wrong beside the Gateways is the same for all of them
  std::string summary;
  for (const std::string& name : gateways_of(config::load_folder(options.paths))) {
    const config::Compiled compiled = config::compile(config::load_folder(options.paths), {.purpose = config::Purpose::kCheck, .gateway = name});
    for (const config::Diagnostic& finding : compiled.findings) {
      std::string text = config::to_text(finding);
      if (said.insert(text).second) std::fputs(text.c_str(), stderr);
    }
    if (compiled.snapshot == nullptr) {
      good = false;
      continue;
    }
    if (summary.empty())
      summary = "ok: " + compiled.snapshot->digest() + ", " + std::to_string(compiled.snapshot->routes().size()) + " routes, " +
                std::to_string(compiled.snapshot->targets().size()) + " targets, ";
  }
  if (!good) return kFailed;
  summary += std::to_string(said.size()) + " warnings\n";
  std::fputs(summary.c_str(), stdout);
  return kDone;
}

}  // namespace wye::app
