#include "edge/gateway/match.hpp"

namespace wye::gateway {
namespace {

using protocol::Operation;

struct Endpoint {
  std::string_view path;  // below the prefix of its dialect
  Action action;
  Operation operation;
};
constexpr std::array kEndpoints = {
    Endpoint{"chat/completions", Action::kChatCreate, Operation::kChat},
    Endpoint{"completions", Action::kCompletionsCreate, Operation::kCompletions},
    Endpoint{"embeddings", Action::kEmbeddingsCreate, Operation::kEmbeddings},
    Endpoint{"responses", Action::kResponsesCreate, Operation::kResponses},
};
constexpr std::string_view kPost = "POST";
constexpr std::string_view kGet = "GET, HEAD";

std::unexpected<NoMatch> refuse(ErrorCode code, std::string_view allow = {}) {
  return std::unexpected(NoMatch{Error{.code = code, .public_message = {}, .detail = {}, .param = {}, .retry_after = {}}, allow});
}

bool take_prefix(std::string_view& path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  path.remove_prefix(prefix.size());
  return true;
}

/// RFC 9110 §8.3.1: `application/json`, parameters allowed.
bool is_json(std::string_view content_type) {
  const size_t end = content_type.find(';');
  std::string_view type = content_type.substr(0, end);
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return http::equals_ignore_case(type, "application/json");
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool serves_host(const http::Head& head, const config::GatewaySettings& settings) {
  const std::string_view host = without_port(head.value(http::Known::kHost));
  if (settings.serves_host(host)) return true;
  // Names are compared without case; the usual spelling costs no copy.
  std::string lower(host);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return settings.serves_host(lower);
}

/// `/openai/v1` takes `v1` and `preview`; the dated dialect a version of the Gateway's list.
std::expected<void, NoMatch> check_version(const http::Target& target, Dialect dialect, const config::GatewaySettings& settings) {
  if (dialect == Dialect::kOpenAi) return {};
  const auto version = target.parameter("api-version");
  if (dialect == Dialect::kAzureV1) {
    const bool named = target.query().find("api-version") != std::string_view::npos;
    if (!named || version == "v1" || version == "preview") return {};
    return refuse(ErrorCode::kUnknownApiVersion);
  }
  if (version && settings.serves_api_version(*version)) return {};
  return refuse(ErrorCode::kUnknownApiVersion);
}

/// Models: the list, or one by its name, which may hold slashes.
std::expected<Match, NoMatch> match_models(std::string_view rest, const http::Head& head, Dialect dialect) {
  if (!rest.empty() && (!take_prefix(rest, "/") || rest.empty())) return refuse(ErrorCode::kUnknownPath);
  if (head.method != http::Method::kGet && head.method != http::Method::kHead) return refuse(ErrorCode::kWrongMethod, kGet);
  return Match{rest.empty() ? Action::kModelsList : Action::kModelsGet, dialect, std::nullopt, rest};
}

std::expected<Match, NoMatch> match_operation(std::string_view path, const http::Head& head, Dialect dialect, std::string_view deployment) {
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path != path) continue;
    if (head.method != http::Method::kPost) return refuse(ErrorCode::kWrongMethod, kPost);
    if (!is_json(head.value(http::Known::kContentType))) return refuse(ErrorCode::kWrongType);
    return Match{endpoint.action, dialect, endpoint.operation, deployment};
  }
  return refuse(ErrorCode::kUnknownPath);
}

}  // namespace

std::expected<Match, NoMatch> match(const http::Head& head, const http::Target& target, const config::GatewaySettings& settings) {
  if (!serves_host(head, settings)) return refuse(ErrorCode::kWrongHost);
  std::string_view path = target.path();
  Dialect dialect = Dialect::kOpenAi;
  std::string_view deployment;
  const bool azure = !settings.azure_api_versions.empty();
  if (take_prefix(path, "/v1/")) {
    dialect = Dialect::kOpenAi;
  } else if (azure && take_prefix(path, "/openai/v1/")) {
    dialect = Dialect::kAzureV1;
  } else if (azure && take_prefix(path, "/openai/")) {
    dialect = Dialect::kAzureDated;
    if (take_prefix(path, "deployments/")) {
      const size_t slash = path.find('/');
      if (slash == std::string_view::npos || slash == 0) return refuse(ErrorCode::kUnknownPath);
      deployment = path.substr(0, slash);
      path.remove_prefix(slash + 1);
    } else if (path != "responses" && !path.starts_with("models")) {
      return refuse(ErrorCode::kUnknownPath);
    }
  } else {
    return refuse(ErrorCode::kUnknownPath);
  }
  if (const auto version = check_version(target, dialect, settings); !version) return std::unexpected(version.error());
  if (deployment.empty() && take_prefix(path, "models")) return match_models(path, head, dialect);
  if (!deployment.empty() && path == "responses") return refuse(ErrorCode::kUnknownPath);
  return match_operation(path, head, dialect, deployment);
}

}  // namespace wye::gateway
