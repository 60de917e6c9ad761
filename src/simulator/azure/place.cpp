#include "simulator/azure/place.hpp"

namespace wye::simulator {
namespace {

using protocol::Operation;

struct Row {
  std::string_view path;
  Operation operation;
  bool under_deployment;  // dated: below deployments/{name}, else directly below openai/
};
constexpr std::array kRows = {
    Row{"chat/completions", Operation::kChat, true},
    Row{"completions", Operation::kCompletions, true},
    Row{"embeddings", Operation::kEmbeddings, true},
    Row{"responses", Operation::kResponses, false},
};

bool take_prefix(std::string_view& path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  path.remove_prefix(prefix.size());
  return true;
}

bool version_served(Place& place, const http::Target& target, std::span<const std::string> versions) {
  const std::optional<std::string_view> sent = target.parameter("api-version");
  place.api_version = sent.value_or(std::string_view());
  if (place.dialect == Dialect::kDated) return sent && std::ranges::find(versions, *sent) != versions.end();
  // Named twice is not the same as not named.
  const bool named = target.query().find("api-version") != std::string_view::npos;
  return !named || sent == "v1" || sent == "preview";
}

}  // namespace

std::optional<Place> find_place(const http::Head& head, const http::Target& target, std::span<const std::string> versions) {
  std::string_view path = target.path();
  Place place;
  if (take_prefix(path, "/openai/v1/")) {
    place.dialect = Dialect::kV1;
  } else if (!take_prefix(path, "/openai/")) {
    return std::nullopt;
  }
  if (place.dialect == Dialect::kDated && take_prefix(path, "deployments/")) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos || slash == 0) return std::nullopt;
    place.deployment = path.substr(0, slash);
    path.remove_prefix(slash + 1);
  }
  if (!version_served(place, target, versions)) return std::nullopt;
  if (place.deployment.empty() && (path == "models" || path.starts_with("models/"))) {
    if (head.method != http::Method::kGet) return std::nullopt;
    if (path.size() > 6) place.model_id = path.substr(7);
    return place;
  }
  for (const Row& row : kRows) {
    if (row.path != path || head.method != http::Method::kPost) continue;
    if (place.dialect == Dialect::kDated && row.under_deployment == place.deployment.empty()) continue;
    place.operation = row.operation;
    return place;
  }
  return std::nullopt;
}

}  // namespace wye::simulator
