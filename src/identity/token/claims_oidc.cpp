// Any issuer with OpenID discovery; with `rfc9068` only access tokens of that profile.
// Source: RFC 9068 §2.2, RFC 8693 §4.2 (`scope`), OpenID Connect Core §2 (`azp`).
#include "identity/token/claim_values.hpp"

namespace wye::token {
namespace {

constexpr size_t kSubjectBytesMax = 255;  // OpenID Connect Core §2

Result<void> read_groups(ClaimSet& set) {
  const auto names = set.root.find("_claim_names");
  if (names && names->find("groups")) {
    set.fields.groups_state = GroupsState::kOverage;
    return {};
  }
  if (!set.root.find("groups")) return {};
  TRY(set.fields.groups, text_list(set.root, "groups", "claims.groups"));
  set.fields.groups_state = GroupsState::kKnown;
  return {};
}

}  // namespace

Result<void> read_oidc(ClaimSet& set) {
  TRY(set.fields.subject, required_text(set.root, "sub", "claims.subject"));
  if (set.fields.subject.size() > kSubjectBytesMax) return invalid_token("claims.subject");
  TRY(std::string client, optional_text(set.root, "client_id", "claims.client"));
  TRY(set.fields.token_id, optional_text(set.root, "jti", "claims.jti"));
  if (set.rules.rfc9068 && client.empty()) return invalid_token("claims.client");
  if (set.rules.rfc9068 && set.fields.token_id.empty()) return invalid_token("claims.jti");
  if (client.empty()) { TRY(client, optional_text(set.root, "azp", "claims.client")); }
  // Without a person behind it the subject is the client itself (RFC 9068 §2.2).
  set.fields.kind = client == set.fields.subject ? PrincipalKind::kApp : PrincipalKind::kUser;
  set.fields.client = std::move(client);
  TRY(set.fields.scopes, scope_list(set.root, set.root.find("scope") ? "scope" : "scp", "claims.scope"));
  TRY(set.fields.roles, text_list(set.root, "roles", "claims.roles"));
  return read_groups(set);
}

}  // namespace wye::token
