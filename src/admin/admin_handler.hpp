// Health, metrics and the admin API over HTTP.
//
// The API: who asks (the local socket is the owner's; everybody else shows a credential), then the route, then whether he may, then the
// body, then the act, on a thread that may block. Every act and every refusal goes to the audit trail, callers without a name as counts.
// Source: Kubernetes "API health endpoints" (livez, readyz); Prometheus text format 0.0.4; RFC 6750 §3 (challenges).
// Threads: those of one loop; health and status are called on it and must be quick.
#pragma once

#include "admin/api.hpp"
#include "foundation/base/metrics.hpp"
#include "foundation/http/server.hpp"
#include "foundation/net/offload.hpp"

namespace wye::admin {

/// A state for probes: nothing but this and its HTTP status leaves without login.
struct Health {
  bool ok = false;
  std::string_view text;  // constant: `ok`, `draining`, `starting`, …
};

/// Port: the same verification of credentials that requests for models pass. Threads: the loop's.
class Authentication {
 public:
  virtual ~Authentication() = default;
  /// Errors: kUnauthenticated, kInvalidRequest, kAuthUnavailable; the detail is the reason for the trail.
  virtual net::Task<Result<PrincipalPtr>> authenticate(http::ServerCall& call) = 0;
  /// What a 401 offers: values of `WWW-Authenticate`, one a line.
  virtual std::vector<std::string> challenges(const Error& error) = 0;
  /// For `DPoP-Nonce` beside that error; empty: none.
  virtual std::string nonce(const Error& error) = 0;
};

struct AdminSources {
  std::function<Health()> live;
  std::function<Health()> ready;
  const Metrics& metrics;
  std::shared_ptr<const ApiPorts> ports;   // shared with work that still runs when the handler goes
  Authentication& authentication;
  net::Loop& loop;
  net::Offload* offload;                   // for handlers; ends before the ports do. Null: they run on the loop (simulated time)
  std::function<std::string()> request_id;
};

/// The listener whose callers are the owner of the process: the local socket.
inline constexpr std::string_view kLocalListener = "local";
inline constexpr size_t kAdminBodyMax = 8 << 20;
/// The longest a handler is waited for; the act itself goes on.
inline constexpr Nanos kActMax = std::chrono::seconds(30);

class AdminHandler final : public http::Handler {
 public:
  explicit AdminHandler(AdminSources sources) : sources_(std::move(sources)) {}
  net::Task<void> answer(http::ServerCall& call) override;
  net::Task<void> refuse(http::ServerCall& call, Error error) override;

 private:
  net::Task<void> respond(http::ServerCall& call, int status, std::string_view type, std::string_view body);
  net::Task<void> respond_error(http::ServerCall& call, const Error& error);
  net::Task<void> answer_open(http::ServerCall& call, std::string_view path);
  net::Task<void> answer_api(http::ServerCall& call);
  net::Task<Result<Caller>> find_caller(http::ServerCall& call);
  net::Task<Result<ApiAnswer>> act(http::ServerCall& call, const ApiRoute& route, std::shared_ptr<ApiRequest> request);
  Result<const ApiRoute*> permit(http::ServerCall& call, ApiRequest& request);

  AdminSources sources_;
};

}  // namespace wye::admin
