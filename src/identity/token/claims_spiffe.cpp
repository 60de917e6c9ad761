// JWT-SVIDs. Source: SPIFFE, JWT-SVID §3 (claims); the bundle is that of the trust domain of `sub` and no other.
#include "identity/token/claim_values.hpp"
#include "identity/token/spiffe.hpp"

namespace wye::token {

Result<void> read_spiffe(ClaimSet& set) {
  TRY(std::string subject, required_text(set.root, "sub", "claims.subject"));
  const auto id = parse_spiffe_id(subject);
  // The ID of a trust domain itself, without a path, names no workload.
  if (!id || id->path.empty()) return invalid_token("claims.subject");
  if (set.accepted.trust_domain.empty() || id->trust_domain != set.accepted.trust_domain) return invalid_token("claims.trust_domain");
  set.fields.kind = PrincipalKind::kWorkload;
  TRY(set.fields.token_id, optional_text(set.root, "jti", "claims.jti"));
  set.fields.spiffe_id = subject;
  set.fields.subject = std::move(subject);
  return {};
}

}  // namespace wye::token
