// Bound tokens of Kubernetes ServiceAccounts. Source: kubernetes/kubernetes pkg/serviceaccount/claims.go.
#include "identity/token/claim_values.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kReason = "claims.kubernetes";
constexpr size_t kNameBytesMax = 253;

/// RFC 1123 subdomain: what Kubernetes allows as a name. No colon and no slash can hide in it.
bool is_name(std::string_view text) {
  const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= kNameBytesMax && std::ranges::all_of(text, inner);
}

struct NamedObject {
  std::string name;
  std::string uid;
};
Result<NamedObject> named_object(json::Value parent, std::string_view member) {
  const auto object = parent.find(member);
  if (!object || !object->is_object()) return invalid_token(kReason);
  NamedObject named;
  TRY(named.name, required_text(*object, "name", kReason));
  TRY(named.uid, required_text(*object, "uid", kReason));
  if (!is_name(named.name)) return invalid_token(kReason);
  return named;
}

}  // namespace

Result<void> read_kubernetes(ClaimSet& set) {
  const auto own = set.root.find("kubernetes.io");
  if (!own || !own->is_object()) return invalid_token(kReason);
  TRY(const std::string space, required_text(*own, "namespace", kReason));
  if (!is_name(space)) return invalid_token(kReason);
  TRY(const NamedObject account, named_object(*own, "serviceaccount"));
  if (own->find("pod") || !set.rules.allow_unbound_pod) { TRY(const NamedObject pod, named_object(*own, "pod")); }
  if (own->find("node")) { TRY(const NamedObject node, named_object(*own, "node")); }
  TRY(const std::string subject, required_text(set.root, "sub", "claims.subject"));
  if (subject != "system:serviceaccount:" + space + ":" + account.name) return invalid_token("claims.subject");
  set.fields.kind = PrincipalKind::kWorkload;
  set.fields.subject = subject;
  set.fields.service_account = space + "/" + account.name;
  TRY(set.fields.token_id, optional_text(set.root, "jti", "claims.jti"));
  return {};
}

}  // namespace wye::token
