#include "app/commands.hpp"

namespace wye::app {

int run_check(const CheckOptions& options, const Outside&) {
  const config::Compiled compiled = config::compile(config::load_folder(options.paths), {.purpose = config::Purpose::kCheck});
  const std::string findings = config::to_text(compiled.findings);
  std::fputs(findings.c_str(), stderr);
  if (compiled.snapshot == nullptr) return kFailed;
  std::string text = "ok: " + compiled.snapshot->digest() + ", " + std::to_string(compiled.snapshot->routes().size()) + " routes, " +
                     std::to_string(compiled.snapshot->targets().size()) + " targets, " + std::to_string(compiled.findings.size()) + " warnings\n";
  std::fputs(text.c_str(), stdout);
  return kDone;
}

}  // namespace wye::app
