#include "simulator/azure/refusal.hpp"

#include "foundation/json/writer.hpp"
#include "llm/protocol/errors.hpp"

namespace wye::simulator {
namespace {

constexpr std::string_view kServerErrorBody =
    R"({"error":{"message":"The server had an error while it worked on your request.","type":"server_error","param":null,"code":null}})";
constexpr std::string_view kBlockedMessage =
    "The response was filtered because the prompt triggered the content management policy. Change your prompt and retry.";

/// The shape of the API gateway.
Refusal gateway_refusal(int status, std::string_view code, std::string_view message, std::optional<Nanos> retry_after = {}) {
  Refusal refusal{status, {}, retry_after};
  json::Writer(refusal.body).begin_object().begin_object("error").string("code", code).string("message", message).end_object().end_object();
  return refusal;
}

std::string seconds_text(Nanos wait) { return std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()); }

}  // namespace

Refusal resource_not_found() { return gateway_refusal(404, "404", "Resource not found"); }

Refusal access_denied() {
  return gateway_refusal(401, "401",
                         "Access denied due to invalid subscription key or wrong API endpoint. Provide a valid key for an active subscription and "
                         "use the correct endpoint of your resource.");
}

Refusal deployment_not_found() {
  return gateway_refusal(
      404, "DeploymentNotFound",
      "The API deployment for this resource does not exist. If it was created within the last 5 minutes, wait a moment and try again.");
}

Refusal limit_exceeded(bool tokens_short, Nanos wait) {
  std::string message = "Requests to this deployment have exceeded the ";
  message += tokens_short ? "token" : "call";
  message += " rate limit of its pricing tier: rate limit is exceeded. Retry after " + seconds_text(wait) + " seconds.";
  return gateway_refusal(429, "429", message, wait);
}

Refusal no_capacity(Nanos wait) {
  const std::string message =
      "The system is experiencing high demand and is temporarily unable to serve your request. Retry after " + seconds_text(wait) + " seconds.";
  return gateway_refusal(429, "429", message, wait);
}

Refusal prompt_blocked(protocol::Operation operation, const Markers& markers) {
  Refusal refusal{400, {}, {}};
  json::Writer writer(refusal.body);
  writer.begin_object().begin_object("error").string("message", kBlockedMessage);
  if (operation == protocol::Operation::kResponses) {
    writer.string("type", "invalid_request_error").string("param", "prompt").string("code", "content_filter");
    writer.raw("content_filters", response_filters(markers, false));
  } else {
    writer.null("type").string("param", "prompt").string("code", "content_filter").integer("status", 400);
    writer.begin_object("innererror")
        .string("code", "ResponsibleAIPolicyViolation")
        .raw("content_filter_result", prompt_results(markers))
        .end_object();
  }
  writer.end_object().end_object();
  return refusal;
}

Refusal unrecognized_argument(std::string_view name) {
  Error error = public_error(ErrorCode::kInvalidRequest, "Unrecognized request argument supplied: " + std::string(name));
  return refusal_of(error);
}

Refusal server_error() { return {500, std::string(kServerErrorBody), {}}; }

Refusal service_unavailable() {
  return gateway_refusal(503, "ServiceUnavailable", "The service is temporarily unable to work on your request. Try again later.");
}

Refusal operation_timeout() { return gateway_refusal(408, "Timeout", "The operation was timeout."); }

Refusal refusal_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUpstreamTimeout: return operation_timeout();
    case ErrorCode::kModelNotReady:
    case ErrorCode::kOverloaded:
    case ErrorCode::kUpstreamAuthUnavailable: return service_unavailable();
    case ErrorCode::kRateLimited:
    case ErrorCode::kQuotaExhausted: return no_capacity(std::chrono::seconds(1));
    default: break;
  }
  const ErrorRow& row = error_row(error.code);
  if (row.status >= 500) return server_error();
  Refusal refusal{row.status, {}, {}};
  protocol::write_error_body(error, refusal.body);
  return refusal;
}

Refusal malformed_message(const Error& error) {
  const int status = error_row(error.code).status;
  return gateway_refusal(status, std::to_string(status), client_message(error));
}

void append_error_event(std::string& out) {
  out += "data: ";
  out += kServerErrorBody;
  out += "\n\n";
}

}  // namespace wye::simulator
