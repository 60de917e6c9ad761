// The admin listener's thread, and what a Host tells about itself. Private to app/.
#pragma once

#include "app/host_api.hpp"

namespace wye::app {

/// What the admin listener is made of. All of it outlives the listener.
struct AdminParts {
  const Clock& clock;
  std::function<admin::Health()> live;
  std::function<admin::Health()> ready;
  const Metrics& metrics;
  std::shared_ptr<const admin::ApiPorts> ports;
  std::function<token::Authenticator::Parts(net::Loop&)> identity;
  std::function<token::AuthRulesPtr()> rules;  // of the running configuration; from the listener's thread
};

/// A loop of its own, so that health answers when requests do not.
struct Host::Admin {
  explicit Admin(AdminParts parts);
  ~Admin();
  /// `tls` absent: plaintext; `local_socket` empty: no local listener.
  Result<void> start(const net::Endpoint& at, std::optional<ListenerTls> tls, const std::string& local_socket);
  /// As DataPlane::look_at_certificates; empty where nothing is wrong.
  std::string look_at_certificates();
  net::Endpoint address() const { return address_; }

 private:
  const AdminParts parts_;
  http::ConnectionCount count_{256};
  http::ConnectionCount local_count_{64};  // of the owner's socket: nobody else can fill it
  std::unique_ptr<net::Loop> loop_;
  std::optional<TokenAuthentication> authentication_;
  std::optional<net::Offload> offload_;  // acts that block; before the loop goes, what runs there has ended
  std::optional<admin::AdminHandler> handler_;
  std::optional<ListenerTls> tls_;
  std::vector<std::unique_ptr<http::Server>> servers_;  // the first is the one with an address
  net::Endpoint address_;
  std::thread thread_;
};

/// The word for a target's state in status and metrics.
std::string_view to_string(provider::Health health);

/// process_*, dropped lines, build information.
void register_metrics(Host& host, Metrics& metrics, LogSink& log, LogSink& access, const Clock& clock);

/// The body of GET /admin/v1/status.
std::string status_document(const config::Snapshot& snapshot, const std::map<std::string, provider::LiveEndpoint>& live,
                            const config::Diagnostics& findings, uint64_t refused, bool draining);

}  // namespace wye::app
