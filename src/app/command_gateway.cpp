#include "app/commands.hpp"

namespace wye::app {

int run_gateway(const GatewayOptions& options, const Outside& outside) {
  auto signals = os::StopSignals::block();
  if (!signals) return report(signals.error());
  Result<DataFolder> data = find_data_folder(options.data, outside.environment);
  if (!data) return report(data.error());
  HostOptions host_options;
  host_options.data = *data;
  host_options.source.paths = options.config;
  host_options.source.compile = {.purpose = config::Purpose::kGateway, .gateway = options.gateway, .port = options.port, .admin_port = options.admin_port};
  host_options.threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  // Kept apart: the findings of a refused configuration are worth more than the refusal.
  Result<std::unique_ptr<Host>> host = Host::make(std::move(host_options), outside);
  if (!host) {
    if (host.error().code != ErrorCode::kUsage) return report(host.error());
    run_check({options.config, "table"}, outside);
    report(host.error(), "wye check shows every error with its place");
    return kConfigRefused;
  }
  if (const Result<void> started = (*host)->start(); !started) return report(started.error());
  (*host)->run(*signals);
  (*host)->drain();
  return kDone;
}

}  // namespace wye::app
