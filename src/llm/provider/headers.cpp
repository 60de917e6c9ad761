#include "llm/provider/headers.hpp"

namespace wye::provider {
namespace {

// Never forwarded, whoever asks: credentials, cookies, framing and hop-by-hop, who the client is, what steers a provider or proxy.
constexpr std::array<std::string_view, 36> kReserved = {
    "authorization",
    "proxy-authorization",
    "proxy-authenticate",
    "api-key",
    "x-api-key",
    "cookie",
    "set-cookie",
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "te",
    "trailer",
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "expect",
    "accept",
    "accept-encoding",
    "user-agent",
    "forwarded",
    "x-real-ip",
    "via",
    "x-policy-id",
    "x-request-id",
    "x-forwarded",
    "http2-settings",
    "early-data",
    "max-forwards",
    "range",
    "if-match",
    "true-client-ip",
    "idempotency-key",
    "x-http-method-override",
};
constexpr std::array<std::string_view, 13> kReservedPrefixes = {
    "x-forwarded-", "x-ms-", "aoai-", "ocp-apim-", "openai-", "x-stainless-", "x-wye-", "sec-", "proxy-", "cf-", "x-azure-", "azureml-", "x-envoy-",
};

}  // namespace

bool is_reserved(std::string_view lower_name) {
  if (std::ranges::find(kReserved, lower_name) != kReserved.end()) return true;
  return std::ranges::any_of(kReservedPrefixes, [lower_name](std::string_view prefix) { return lower_name.starts_with(prefix); });
}

bool passes_upstream(std::string_view lower_name, std::span<const std::string> forward_headers) {
  const std::span<const std::string> named = forward_headers.first(std::min(forward_headers.size(), kForwardHeadersMax));
  const bool listed = std::ranges::any_of(named, [lower_name](const std::string& name) { return name == lower_name; });
  return listed && !is_reserved(lower_name);
}

bool passes_to_client(std::string_view lower_name) { return lower_name == "content-type"; }

}  // namespace wye::provider
