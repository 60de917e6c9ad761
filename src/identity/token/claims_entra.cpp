// Microsoft Entra ID, access tokens of version 1.0 and 2.0.
// Source: Microsoft identity platform, "Access token claims reference", "Optional claims reference", "Claims challenges".
#include "identity/token/claim_values.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kTenantTemplate = "{tenantid}";

Result<std::string> guid(json::Value root, std::string_view name, std::string_view reason) {
  TRY(const std::string text, required_text(root, name, reason));
  if (!is_guid(text)) return invalid_token(reason);
  return lower_case(text);
}

/// A key may say for whom it signs: as the template of all directories, or as one issuer and no other.
bool key_signs_for(const ClaimSet& set) {
  if (set.key_issuer.empty()) return true;
  if (!set.key_issuer.contains(kTenantTemplate)) return set.key_issuer == set.accepted.iss;
  return std::ranges::find(set.rules.key_issuer_templates, set.key_issuer) != set.rules.key_issuer_templates.end();
}

Result<void> read_tenant(ClaimSet& set) {
  const bool v1 = set.accepted.version == TokenVersion::kV1;
  const auto ver = set.root.find("ver");
  if (!ver || !ver->equals(v1 ? "1.0" : "2.0")) return invalid_token("claims.version");
  TRY(const std::string tid, required_text(set.root, "tid", "claims.tenant"));
  if (tid != set.accepted.tenant) return invalid_token("claims.tenant");
  if (!key_signs_for(set)) return invalid_token("claims.key_issuer");
  TRY(const std::string oid, guid(set.root, "oid", "claims.oid"));
  set.fields.subject = tid + "/" + oid;
  return {};
}

/// ID tokens of the same application have the same audience and `typ`; only access tokens say who asked for them.
Result<void> read_client(ClaimSet& set) {
  const bool v1 = set.accepted.version == TokenVersion::kV1;
  if (set.root.find("nonce") || !set.root.find(v1 ? "appid" : "azp")) return invalid_token("claims.id_token");
  TRY(set.fields.client, guid(set.root, v1 ? "appid" : "azp", "claims.client"));
  TRY(const std::string proof, optional_text(set.root, v1 ? "appidacr" : "azpacr", "claims.client_auth"));
  if (proof == "0") set.fields.client_auth = ClientAuth::kPublic;
  if (proof == "1") set.fields.client_auth = ClientAuth::kSecret;
  if (proof == "2") set.fields.client_auth = ClientAuth::kCertificate;
  return {};
}

Result<void> read_kind_of_caller(ClaimSet& set) {
  TRY(set.fields.roles, text_list(set.root, "roles", "claims.roles"));
  const auto scp = set.root.find("scp");
  if (scp && !scp->is_string()) return invalid_token("claims.scope");
  TRY(set.fields.scopes, scope_list(set.root, "scp", "claims.scope"));
  TRY(const std::string idtyp, optional_text(set.root, "idtyp", "claims.idtyp"));
  const bool app = idtyp == "app";
  if (scp && app) return invalid_token("claims.idtyp");
  if (!scp && !app && (set.fields.roles.empty() || !idtyp.empty())) return invalid_token("claims.scope");
  set.fields.kind = scp ? PrincipalKind::kUser : PrincipalKind::kApp;
  return {};
}

/// Too many groups for a token: then it names a place to ask instead, which nobody here does.
bool groups_overflow(json::Value root) {
  const auto names = root.find("_claim_names");
  if (names && names->find("groups")) return true;
  const auto has = root.find("hasgroups");
  return has && has->boolean() != std::optional(false);
}

Result<void> read_groups(ClaimSet& set) {
  if (groups_overflow(set.root)) {
    set.fields.groups_state = GroupsState::kOverage;
    return {};
  }
  if (!set.root.find("groups")) return {};
  TRY(const auto groups, text_list(set.root, "groups", "claims.groups"));
  for (const std::string& group : groups) {
    if (!is_guid(group)) return invalid_token("claims.groups");
    set.fields.groups.push_back(lower_case(group));
  }
  set.fields.groups_state = GroupsState::kKnown;
  return {};
}

bool is_cp1(json::Value value) { return value.is_string() && lower_case(value.text()) == "cp1"; }

}  // namespace

Result<void> read_entra(ClaimSet& set) {
  CHECK_OK(read_tenant(set));
  CHECK_OK(read_client(set));
  CHECK_OK(read_kind_of_caller(set));
  CHECK_OK(read_groups(set));
  TRY(set.fields.token_id, optional_text(set.root, "uti", "claims.uti"));
  const auto capabilities = set.root.find("xms_cc");
  set.fields.accepts_challenges = capabilities && (is_cp1(*capabilities) || std::ranges::any_of(capabilities->elements(), is_cp1));
  return {};
}

}  // namespace wye::token
