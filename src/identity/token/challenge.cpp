#include "identity/token/challenge.hpp"

#include "foundation/crypto/encode.hpp"
#include "identity/token/dpop.hpp"
#include "identity/token/issuer_rules.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kPlain = R"(Bearer realm="wye")";
constexpr std::string_view kInvalidToken = R"(Bearer realm="wye", error="invalid_token")";

}  // namespace

Challenge challenge_for(const Error& error, ProofMode mode) {
  Challenge challenge;
  if (error.code != ErrorCode::kUnauthenticated) return challenge;
  const std::string_view reason = error.detail;
  const bool proof = reason.starts_with("dpop.");
  // Nothing that could be invalid was sent (RFC 6750 §3.1): no error.
  const bool nothing_sent = reason == "auth.missing" || reason.starts_with("certificate.");
  if (!proof) challenge.bearer = nothing_sent ? kPlain : kInvalidToken;
  if (mode != ProofMode::kOff || proof) {
    challenge.dpop = dpop_challenge(proof ? reason : std::string_view());
    challenge.nonce_wanted = proof && wants_dpop_nonce(reason);
  }
  return challenge;
}

std::string scope_challenge(std::string_view scope) {
  // The names of actions hold nothing that a quoted string would have to escape.
  return R"(Bearer realm="wye", error="insufficient_scope", scope=")" + std::string(scope) + '"';
}

std::string claims_challenge(const Principal& principal, std::string_view authority, std::string_view tenant, std::string_view claims_json) {
  if (!principal.fields().accepts_challenges || (!tenant.empty() && !is_guid(tenant))) return {};
  const std::string place = std::string(authority) + "/" + std::string(tenant.empty() ? "common" : tenant) + "/oauth2/authorize";
  return "Bearer realm=\"" + std::string(tenant) + "\", authorization_uri=\"" + place + "\", error=\"insufficient_claims\", claims=\"" +
         crypto::to_base64(claims_json) + "\"";
}

}  // namespace wye::token
