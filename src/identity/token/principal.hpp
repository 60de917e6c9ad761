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

/// What is known of the groups of a caller. Overage (Entra: too many for a token) is not "none": a rule that allows a group is not
/// satisfied by it, a rule that denies one is. Source: Microsoft identity platform, "Groups overage claim".
enum class GroupsState : uint8_t { kAbsent, kKnown, kOverage };
/// How a client proved itself to its issuer (Entra `azpacr`/`appidacr`), or to us by a certificate of its own.
enum class ClientAuth : uint8_t { kUnknown, kPublic, kSecret, kCertificate };
/// What binds a credential to its sender: nothing, a client certificate (RFC 8705), a key of its own (RFC 9449).
enum class Binding : uint8_t { kNone, kMtls, kDpop };
/// `none mtls dpop`.
std::string_view to_string(Binding binding);
/// `unknown public secret certificate`.
std::string_view to_string(ClientAuth auth);

/// A claim that configuration names for conditions, with its texts in the order of the token.
struct Claim {
  std::string name{};
  std::vector<std::string> values{};
};

/// What a Principal is made of.
struct PrincipalFields {
  PrincipalKind kind = PrincipalKind::kKey;
  std::string issuer{};               // name of the Issuer resource; empty for keys
  std::string tenant{};               // name of the Tenant that a key carries; empty for all others: their Tenant follows from its members
  std::string subject{};              // `key:<id>`, Entra `tid/oid`, else `sub`, SPIFFE ID, name of a certificate; stable, never a mail address
  std::string client{};               // the application that asked (azp, appid, client_id); empty: unknown
  std::string service_account{};      // `namespace/name` of a Kubernetes ServiceAccount
  std::string spiffe_id{};
  std::vector<std::string> scopes{};
  std::vector<std::string> roles{};   // app roles
  std::vector<std::string> groups{};
  GroupsState groups_state = GroupsState::kAbsent;
  ClientAuth client_auth = ClientAuth::kUnknown;
  Binding binding = Binding::kNone;
  std::string token_id{};             // uti, jti; for the audit record
  std::vector<Claim> claims{};        // only those that Issuer.tokens.claims names
  std::string key_id{};               // 12 characters; empty unless kind is kKey
  std::vector<std::string> routes{};  // of a key: patterns; none: nothing allowed. Not looked at for other kinds
  bool accepts_challenges = false;    // Entra `xms_cc` holds `cp1`: the client understands claims challenges
  WallTime expires_at{};
};

/// A hash of one of the texts that name a caller; the same throughout a process.
inline uint64_t name_hash(std::string_view text) { return std::hash<std::string_view>{}(text); }

/// An authenticated caller.
class Principal {
 public:
  PrincipalKind kind() const { return fields_.kind; }
  std::string_view issuer() const { return fields_.issuer; }
  std::string_view tenant() const { return fields_.tenant; }
  std::string_view subject() const { return fields_.subject; }
  std::string_view client() const { return fields_.client; }
  std::string_view key_id() const { return fields_.key_id; }
  Binding binding() const { return fields_.binding; }
  std::span<const std::string> routes() const { return fields_.routes; }
  /// Everything else, for the rooms that decide and record.
  const PrincipalFields& fields() const { return fields_; }
  /// name_hash of every text that a Grant may name: issuer, subject, client, service account, SPIFFE ID, then the roles, then the groups.
  /// Made with the Principal, because a caller of many groups is looked up for each of its requests. Empty for keys.
  std::span<const uint64_t> name_hashes() const { return name_hashes_; }
  /// Streams may go on after it; new requests are refused.
  WallTime expires_at() const { return fields_.expires_at; }
  /// Whether the credential itself allows the Route: one condition of several (tenant, grants, the Route's own). Only keys carry patterns.
  bool may_use_route(std::string_view route) const {
    if (fields_.kind != PrincipalKind::kKey) return true;
    return std::ranges::any_of(fields_.routes, [&](const std::string& pattern) { return route_matches(pattern, route); });
  }

 private:
  friend struct PrincipalIssuer;
  explicit Principal(PrincipalFields fields);
  PrincipalFields fields_;
  std::vector<uint64_t> name_hashes_;
};

}  // namespace wye::token
