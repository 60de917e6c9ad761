// Every answer that is no success, in the shapes of Azure: those of its API gateway (`code`, `message`) and those of the model service
// behind it (the four members of the OpenAI API).
// Source: Azure OpenAI REST reference (azure-rest-api-specs, inference 2024-10-21) and answers seen on the wire.
// Threads: pure functions.
#pragma once

#include "foundation/base/clock.hpp"
#include "llm/protocol/request.hpp"
#include "simulator/azure/filter.hpp"

namespace wye::simulator {

struct Refusal {
  int status = 500;
  std::string body;
  std::optional<Nanos> retry_after;  // sent as retry-after-ms and, rounded up, as retry-after
};

/// 404 `Resource not found`: path, method or api-version that is not served.
Refusal resource_not_found();
/// 401: no key, a wrong one, or a wrong bearer token.
Refusal access_denied();
/// 404 `DeploymentNotFound`.
Refusal deployment_not_found();
/// 429 because the deployment has used up its tokens or requests.
Refusal limit_exceeded(bool tokens_short, Nanos wait);
/// 429 because there is no capacity, whatever the limits say.
Refusal no_capacity(Nanos wait);
/// 400 in the shape that fits the operation; `markers` names the categories.
Refusal prompt_blocked(protocol::Operation operation, const Markers& markers);
/// 400 as versions before 2024-09-01 answer members that came later.
Refusal unrecognized_argument(std::string_view name);
/// 500, as the model service says it.
Refusal server_error();
/// 503.
Refusal service_unavailable();
/// 408: the model took too long.
Refusal operation_timeout();
/// 4xx of the request itself in OpenAI's shape; what is not the client's fault becomes one of the above.
Refusal refusal_of(const Error& error);
/// A request that broke a rule of HTTP.
Refusal malformed_message(const Error& error);

/// The `error` object of a stream that breaks after it began, as one event.
void append_error_event(std::string& out);

}  // namespace wye::simulator
