#include "admin/handlers.hpp"

namespace wye::admin {
namespace {

using config::Action;
using enum http::Method;

constexpr std::string_view kConfig = "admin:config";
constexpr std::string_view kKeys = "admin:keys";
constexpr std::string_view kAccess = "admin:access";
constexpr std::string_view kAudit = "admin:audit";
constexpr std::string_view kInstance = "admin:instance";

constexpr auto kRoutes = std::to_array<ApiRoute>({
    {kGet, "config", Action::kConfigRead, kConfig, "The running configuration.", get_config},
    {kPost, "config/check", Action::kConfigPlan, kConfig, "Judges a configuration; changes nothing.", check_config, "Files", Trace::kDenied},
    {kPost, "config/plan", Action::kConfigPlan, kConfig, "What a configuration would change, and who would gain by it.", plan_config, "Files"},
    {kPost, "config/apply", Action::kConfigApply, kConfig, "Makes it the configuration; If-Match names the one it was planned on.", apply_config,
     "Apply"},
    {kPost, "config/rollback", Action::kConfigRollback, kConfig, "Makes an earlier configuration the configuration again.", rollback_config,
     "Rollback"},
    {kGet, "resources/{kind}", Action::kConfigRead, kConfig, "The resources of a kind.", list_resources},
    {kGet, "resources/{kind}/{name}", Action::kConfigRead, kConfig, "One resource.", get_resource},
    {kGet, "snapshots", Action::kConfigRead, kConfig, "The configurations that were accepted last.", list_snapshots},
    {kGet, "snapshots/{digest}", Action::kConfigRead, kConfig, "One of them.", get_snapshot},
    {kGet, "keys", Action::kKeysList, kKeys, "API keys, never their text.", list_keys},
    {kPost, "keys", Action::kKeysCreate, kKeys, "Makes a key; its text is in this answer and nowhere else.", create_key, "NewKey"},
    {kGet, "keys/{id}", Action::kKeysList, kKeys, "One key.", get_key},
    {kDelete, "keys/{id}", Action::kKeysRevoke, kKeys, "Ends a key for ever.", revoke_key},
    {kPost, "keys/{id}/rotate", Action::kKeysRotate, kKeys, "Makes a second key of the same owner; the first ends after `grace`.", rotate_key,
     "Rotate"},
    {kGet, "access/explain", Action::kAccessExplain, kAccess, "A decision with its rules: `as`, `do`, `on`.", explain_access},
    {kGet, "access/who-can", Action::kAccessRead, kAccess, "Everybody who may: `do`, `on`.", who_can},
    {kGet, "audit", Action::kAuditRead, kAudit, "Audit records of the caller's tenant: `after`, `limit`.", read_audit},
    {kGet, "audit/verify", Action::kAuditVerify, kAudit, "Whether the audit chain is whole, and where it is not.", verify_audit},
    {kPost, "credentials/{name}/test", Action::kCredentialsTest, "admin:credentials", "Step by step, what of a Credential works.", test_credential},
    {kGet, "targets", Action::kMetricsRead, kInstance, "Backends and Models, and their state.", get_targets, {}, Trace::kDenied, false, true},
    {kGet, "status", Action::kMetricsRead, kInstance, "What runs and what does not.", get_status, {}, Trace::kDenied, false, true},
    {kPost, "stop", Action::kConfigApply, kInstance, "Ends the instance, letting requests finish.", stop_instance, {}, Trace::kAlways, true, true},
    {kGet, "openapi.json", Action::kConfigRead, kConfig, "This API as an OpenAPI document.", get_openapi, {}, Trace::kDenied, false, true},
});

// Who adds a route and forgets its action gets the first action of the list, which is no administrator's: it does not compile.
static_assert(std::ranges::all_of(kRoutes, [](const ApiRoute& route) {
  return config::is_admin(route.action) && route.resource.starts_with("admin:") && !route.summary.empty() && route.handle != nullptr;
}));

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

std::string_view next_segment(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return segment;
}

std::optional<std::vector<std::string>> match_pattern(std::string_view pattern, std::string_view path) {
  if (path.ends_with('/') || std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) return std::nullopt;
  std::vector<std::string> parameters;
  while (!pattern.empty()) {
    const std::string_view wanted = next_segment(pattern);
    const std::string_view found = next_segment(path);
    if (found.empty()) return std::nullopt;
    if (is_parameter(wanted)) parameters.emplace_back(found);
    else if (wanted != found) return std::nullopt;
  }
  return parameters;
}

}  // namespace

std::span<const ApiRoute> api_routes() { return kRoutes; }

RouteMatch match_route(http::Method method, std::string_view path) {
  RouteMatch out;
  for (const ApiRoute& route : kRoutes) {
    auto parameters = match_pattern(route.pattern, path);
    if (!parameters) continue;
    if (route.method == method) return {&route, std::move(*parameters), false};
    out.other_method = true;
  }
  return out;
}

}  // namespace wye::admin
