// Who calls: the one value that authentication hands to the rest of the program.
// Only rooms of identity/ can make one (principal_issuer.hpp), so holding a Principal means that somebody was authenticated.
// Threads: immutable.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye::token {

enum class PrincipalKind : uint8_t { kUser, kApp, kWorkload, kCertificate, kKey };
/// `user app workload certificate key`: the access log's `principal_kind`.
std::string_view to_string(PrincipalKind kind);

/// True if `text` may be the name of a resource, as of a Tenant or a Route: `[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?`.
bool is_resource_name(std::string_view text);
/// True if `text` is `*`, a name of a Route, or the start of one followed by one `*`: `general-*`.
bool is_route_pattern(std::string_view text);
/// True if the pattern covers the name. Case-sensitive, bytes.
inline bool route_matches(std::string_view pattern, std::string_view route) {
  if (pattern.ends_with('*')) return route.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == route;
}

/// What a Principal is made of.
struct PrincipalFields {
  PrincipalKind kind = PrincipalKind::kKey;
  std::string tenant{};
  std::string subject{};              // `key:<id>` for a key; stable, never a mail address
  std::string key_id{};               // 12 characters; empty unless kind is kKey
  std::vector<std::string> routes{};  // patterns; none: nothing allowed
  WallTime expires_at{};
};

/// An authenticated caller.
class Principal {
 public:
  PrincipalKind kind() const { return fields_.kind; }
  std::string_view tenant() const { return fields_.tenant; }
  std::string_view subject() const { return fields_.subject; }
  std::string_view key_id() const { return fields_.key_id; }
  std::span<const std::string> routes() const { return fields_.routes; }
  /// Streams may go on after it; new requests are refused.
  WallTime expires_at() const { return fields_.expires_at; }
  /// Whether the credential itself allows the Route: one condition of several (tenant, grants, the Route's own).
  bool may_use_route(std::string_view route) const {
    return std::ranges::any_of(fields_.routes, [&](const std::string& pattern) { return route_matches(pattern, route); });
  }

 private:
  friend struct PrincipalIssuer;
  explicit Principal(PrincipalFields fields) : fields_(std::move(fields)) {}
  PrincipalFields fields_;
};

}  // namespace wye::token
