// What a request line asks for: dialect, operation, deployment. Nothing later looks at the raw path.
// Source: azure-rest-api-specs, inference 2024-10-21 (dated) and azure-v1 (v1).
// Lifetime: views into the request's target and head. Threads: pure function.
#pragma once

#include "foundation/http/target.hpp"
#include "llm/protocol/request.hpp"

namespace wye::simulator {

enum class Dialect : uint8_t { kDated, kV1 };

struct Place {
  Dialect dialect = Dialect::kDated;
  std::optional<protocol::Operation> operation;  // absent: models
  std::string_view deployment;                   // from the path; empty: the body's `model` names it
  std::string_view model_id;                     // of `models/{id}`; empty: the list
  std::string_view api_version;                  // empty on v1 where none was sent
};

/// Absent where Azure answers `Resource not found`: unknown path, another method, api-version missing (dated) or not in `versions`.
std::optional<Place> find_place(const http::Head& head, const http::Target& target, std::span<const std::string> versions);

}  // namespace wye::simulator
