// Reading claims strictly: what is not exactly of the kind that its rule wants is refused with the rule's reason. Private to this room.
// Threads: pure.
#pragma once

#include "identity/token/claims.hpp"

namespace wye::token {

inline constexpr size_t kIdentityTextBytesMax = 1'024;

/// The payload and what it is judged by; each kind of issuer fills `fields`.
struct ClaimSet {
  json::Value root;
  const IssuerRules& rules;
  const AcceptedIssuer& accepted;
  std::string_view key_issuer;
  PrincipalFields& fields;
};

/// What identifies somebody: 1 to kIdentityTextBytesMax bytes without controls.
bool is_identity_text(std::string_view text);

/// A string that must be there, as is_identity_text.
Result<std::string> required_text(json::Value object, std::string_view name, std::string_view reason);
/// Likewise; empty where the claim is missing.
Result<std::string> optional_text(json::Value object, std::string_view name, std::string_view reason);
/// An array of strings as is_identity_text; empty where the claim is missing.
Result<std::vector<std::string>> text_list(json::Value object, std::string_view name, std::string_view reason);
/// A string of words with single spaces between (RFC 6749 §3.3), or an array of words; empty where the claim is missing.
Result<std::vector<std::string>> scope_list(json::Value object, std::string_view name, std::string_view reason);

std::string lower_case(std::string_view text);

/// The claims that configuration names, as far as the token has them: strings, numbers and booleans as text, arrays of those.
std::vector<Claim> named_claims(json::Value root, std::span<const std::string> names);

Result<void> read_entra(ClaimSet& set);
Result<void> read_oidc(ClaimSet& set);
Result<void> read_kubernetes(ClaimSet& set);
Result<void> read_spiffe(ClaimSet& set);

}  // namespace wye::token
