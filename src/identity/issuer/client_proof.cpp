#include "identity/issuer/client_proof.hpp"

#include "identity/token/jws.hpp"

namespace wye::issuer {
namespace {

using crypto::SignatureAlgorithm;

constexpr crypto::AlgorithmSet kAlgorithms{SignatureAlgorithm::kRs256, SignatureAlgorithm::kPs256, SignatureAlgorithm::kEs256};
constexpr uint32_t kDepthMax = 4;

Fail wrong(std::string_view why) { return Fail(public_error(ErrorCode::kUnauthenticated, "The client assertion " + std::string(why) + ".")); }

bool names_one_of(json::Value audience, std::span<const std::string> accepted) {
  const auto is_accepted = [&](json::Value value) {
    return value.is_string() && std::ranges::any_of(accepted, [&](const std::string& one) { return value.equals(one); });
  };
  if (!audience.is_array()) return is_accepted(audience);
  return std::ranges::any_of(audience.elements(), is_accepted);
}

/// Seconds since 1970, a fraction cut off: Microsoft's Python library writes one. Absent: no number, or none that a time can be.
std::optional<int64_t> time_of(json::Value root, std::string_view name) {
  constexpr double kTimeMax = 1e15;
  const auto value = root.find(name);
  const auto number = value ? value->number() : std::nullopt;
  if (!number || !(*number >= 0 && *number < kTimeMax)) return std::nullopt;
  return static_cast<int64_t>(*number);
}

}  // namespace

Result<void> check_assertion(std::string_view assertion, const crypto::PublicKey& key, const AssertionRules& rules, WallTime now) {
  const token::JwsRules jws_rules{kAlgorithms, token::KidRule::kOptional, token::EmbeddedKeyRule::kRefused, token::HeaderRule::kAnyHarmless};
  const Result<token::UnverifiedJws> jws = token::parse_jws(assertion, jws_rules);
  if (!jws) return wrong("is no signed token (" + jws.error().detail + ")");
  token::Jwk own{std::string(jws->kid()), key, std::nullopt, {}, key.thumbprint()};
  const Result<token::VerifiedPayload> payload = token::verify_jws(*jws, own, jws_rules);
  if (!payload) return wrong("is not signed by the application's key");
  json::Document document;
  if (!document.parse(payload->bytes(), {.depth_max = kDepthMax}) || !document.root().is_object()) return wrong("has no claims");
  const json::Value root = document.root();
  const auto is = [&](std::string_view name) { return root.find(name) && root.find(name)->equals(rules.client); };
  if (!is("iss") || !is("sub")) return wrong("is not issued by and for the application (iss, sub)");
  if (!root.find("aud") || !names_one_of(*root.find("aud"), rules.audiences)) return wrong("is for somebody else (aud)");
  const auto expires = time_of(root, "exp");
  if (!expires || *expires + kAssertionSkew.count() <= now.seconds()) return wrong("has ended (exp)");
  if (*expires > now.seconds() + (kAssertionLifetimeMax + kAssertionSkew).count()) return wrong("lives too long (exp)");
  const auto begins = time_of(root, "nbf");
  if (root.find("nbf") && (!begins || *begins > now.seconds() + kAssertionSkew.count())) return wrong("is not valid yet (nbf)");
  return {};
}

}  // namespace wye::issuer
