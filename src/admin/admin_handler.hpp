// Health, metrics and the admin API over HTTP.
// Source: Kubernetes "API health endpoints" (livez, readyz); Prometheus text format 0.0.4.
// Threads: those of one loop; the sources are called on it and must be quick.
#pragma once

#include "foundation/base/metrics.hpp"
#include "foundation/http/server.hpp"

namespace wye::admin {

/// A state for probes: nothing but this and its HTTP status leaves without login.
struct Health {
  bool ok = false;
  std::string_view text;  // constant: `ok`, `draining`, `starting`, …
};

/// What a request of the admin API gives.
struct ApiAnswer {
  int status = 200;
  std::string body;  // JSON
};

struct AdminSources {
  std::function<Health()> live;
  std::function<Health()> ready;
  const Metrics& metrics;
  /// `/admin/v1/…`: method, path below the prefix, query, body. Only for the listener named `local`.
  std::function<ApiAnswer(http::Method, std::string_view path, std::string_view query, std::string_view body)> api;
};

/// The listener whose callers are the owner of the process: the local socket.
inline constexpr std::string_view kLocalListener = "local";
inline constexpr size_t kAdminBodyMax = 8 << 20;

class AdminHandler final : public http::Handler {
 public:
  explicit AdminHandler(AdminSources sources) : sources_(std::move(sources)) {}
  net::Task<void> answer(http::ServerCall& call) override;
  net::Task<void> refuse(http::ServerCall& call, Error error) override;

 private:
  net::Task<void> respond(http::ServerCall& call, int status, std::string_view type, std::string_view body);
  net::Task<void> respond_error(http::ServerCall& call, ErrorCode code);
  net::Task<void> answer_api(http::ServerCall& call);
  AdminSources sources_;
};

}  // namespace wye::admin
