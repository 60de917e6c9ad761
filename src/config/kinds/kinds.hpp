// The list of kinds, and what is generated from their `describe`: JSON Schema and the reference page.
// Threads: pure functions.
#pragma once

#include "config/kinds/backend.hpp"
#include "config/kinds/credential.hpp"
#include "config/kinds/gateway.hpp"
#include "config/kinds/grant.hpp"
#include "config/kinds/issuer.hpp"
#include "config/kinds/model.hpp"
#include "config/kinds/role.hpp"
#include "config/kinds/route.hpp"
#include "config/kinds/tenant.hpp"

namespace wye::config {

inline constexpr std::string_view kApiVersion = "wye.dev/v1alpha1";

/// Kinds that this build honours, in the order of the reference page.
inline constexpr std::array<std::string_view, 9> kKinds = {Gateway::kKind,    Issuer::kKind,  Role::kKind,  Grant::kKind, Tenant::kKind,
                                                           Credential::kKind, Backend::kKind, Model::kKind, Route::kKind};
/// Kinds whose rooms this build lacks: refused by name.
inline constexpr std::array<std::string_view, 5> kRefusedKinds = {"Limit", "Rollout", "Pool", "Index", "Pipeline"};

/// Calls `f.template operator()<Kind>()` for each kind of kKinds, in that order.
void for_each_kind(auto&& f) {
  f.template operator()<Gateway>();
  f.template operator()<Issuer>();
  f.template operator()<Role>();
  f.template operator()<Grant>();
  f.template operator()<Tenant>();
  f.template operator()<Credential>();
  f.template operator()<Backend>();
  f.template operator()<Model>();
  f.template operator()<Route>();
}

/// JSON Schema (draft 2020-12) of one document of a kind; empty for an unknown kind.
std::string json_schema(std::string_view kind);

/// The page docs/reference/resources.md; a test compares the committed page with it.
std::string reference_markdown();

}  // namespace wye::config
