#include "app/commands.hpp"
#include "app/hardening.hpp"
#include "foundation/os/service_notice.hpp"

namespace wye::app {

int run_gateway(const GatewayOptions& options, const Outside& outside) {
  harden();
  auto signals = os::StopSignals::block();
  if (!signals) return report(signals.error());
  Result<DataFolder> data = find_data_folder(options.data, outside.environment);
  if (!data) return report(data.error());
  HostOptions host_options;
  host_options.data = *data;
  host_options.source.paths = options.config;
  host_options.source.compile = {
      .purpose = config::Purpose::kGateway, .gateway = options.gateway, .port = options.port, .admin_port = options.admin_port};
  host_options.threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  bool refused = false;
  host_options.refused = [&refused](const config::Diagnostics& findings) {
    refused = true;
    std::fputs(config::to_text(findings).c_str(), stderr);
  };
  Result<std::unique_ptr<Host>> host = Host::make(std::move(host_options), outside);
  if (!host) {
    const int code = report(host.error(), refused ? "wye check judges a configuration without starting it" : "");
    return refused ? kConfigRefused : code;
  }
  if (const Result<void> started = (*host)->start(); !started) return report(started.error());
  (void)os::notify_service(outside.environment("NOTIFY_SOCKET"), "READY=1");
  (*host)->run(*signals);
  (void)os::notify_service(outside.environment("NOTIFY_SOCKET"), "STOPPING=1");
  (*host)->drain();
  return kDone;
}

}  // namespace wye::app
