// Step 1: path, method and API version become one action; nothing later looks at the raw path.
// Source: OpenAI API reference (paths); Azure OpenAI REST reference (deployments, v1).
// Threads: pure.
#pragma once

#include "config/snapshot/snapshot.hpp"
#include "foundation/http/target.hpp"
#include "identity/access/action.hpp"
#include "llm/protocol/request.hpp"

namespace wye::gateway {

using access::Action;

enum class Dialect : uint8_t { kOpenAi, kAzureDated, kAzureV1 };

struct Match {
  Action action = Action::kModelsList;
  Dialect dialect = Dialect::kOpenAi;
  std::optional<protocol::Operation> operation;  // absent for models
  std::string_view name;                         // deployment or model of the path; empty where the body names it
  bool model_in_path() const { return dialect == Dialect::kAzureDated && !name.empty(); }
};

struct NoMatch {
  Error error;
  std::string_view allow;  // for kWrongMethod: the value of Allow
};

/// Errors: kWrongHost, kUnknownPath, kUnknownApiVersion, kWrongMethod, kWrongType.
std::expected<Match, NoMatch> match(const http::Head& head, const http::Target& target, const config::GatewaySettings& settings);

}  // namespace wye::gateway
