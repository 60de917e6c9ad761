#include "app/commands.hpp"
#include "app/credential_check.hpp"
#include "app/hardening.hpp"

namespace wye::app {

int run_credentials_test(const CredentialsTestOptions& options, const Outside& outside) {
  harden();
  std::vector<std::filesystem::path> paths = options.config;
  if (paths.empty()) {
    const Result<DataFolder> data = find_data_folder(options.data, outside.environment);
    if (!data) return report(data.error());
    paths.push_back(data->config());
  }
  const config::Compiled compiled = config::compile(config::load_folder(paths), {.purpose = config::Purpose::kCheck});
  if (compiled.snapshot == nullptr) {
    std::fputs(config::to_text(compiled.findings).c_str(), stderr);
    return kConfigRefused;
  }
  const CredentialReport found = check_credential(*compiled.snapshot, options.name, outside.clock, outside.environment, outside.take_variable);
  const std::string text = options.output == "json" ? to_json(found) : to_text(found, outside.clock.wall());
  std::fputs(text.c_str(), stdout);
  if (found.ok()) return kDone;
  return found.found ? kFailed : kConfigRefused;
}

}  // namespace wye::app
