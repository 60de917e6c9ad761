#include "identity/token/claims.hpp"

#include "foundation/crypto/encode.hpp"
#include "identity/token/claim_values.hpp"

namespace wye::token {
namespace {

constexpr uint64_t kLatestSecond = 9'000'000'000;  // the year 2255: far enough, and any skew can be added
constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr size_t kDigestBytes = 32;

bool equals_no_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
}

json::Limits payload_limits() {
  json::Limits limits;
  limits.bytes_max = {kJwsPayloadBytesMax};
  limits.depth_max = kPayloadDepthMax;
  limits.nodes_max = kJwsPayloadBytesMax;
  return limits;
}

/// Bounds that the parser has not: members of an object, elements of an array, numbers that no double can hold.
bool within_bounds(json::Value value) {
  if (value.is_number()) return value.number().has_value();
  if (value.is_object()) {
    if (value.size() > kPayloadMembersMax) return false;
    for (const json::Member member : value.members()) {
      if (!within_bounds(member.value())) return false;
    }
  }
  if (value.is_array() && value.size() > kPayloadElementsMax) return false;
  return std::ranges::all_of(value.elements(), within_bounds);
}

std::string_view raw_of(json::Value root, std::string_view name) {
  const auto value = root.find(name);
  return value ? value->raw() : std::string_view();
}

Result<void> audience_of(const IssuerRules& rules, json::Value aud) {
  const auto ours = [&](json::Value text) { return std::ranges::any_of(rules.audiences, [&](const auto& a) { return text.equals(a); }); };
  if (aud.is_string()) {
    if (ours(aud)) return {};
    return invalid_token("claims.audience");
  }
  if (!aud.is_array() || aud.size() == 0 || aud.size() > kAudiencesOfTokenMax) return invalid_token("claims.audience");
  bool found = false;
  for (const json::Value one : aud.elements()) {
    if (!one.is_string()) return invalid_token("claims.audience");
    found = ours(one) || found;
  }
  if (!found) return invalid_token("claims.audience");
  return {};
}

/// `iat`, and how long the token lives. SPIFFE tokens may lack it: then what is left of their life is bounded.
Result<void> check_lifetime(const ClaimSet& set, WallTime exp, WallTime now) {
  const std::string_view text = raw_of(set.root, "iat");
  if (text.empty() && set.rules.kind == IssuerKind::kSpiffe) {
    if (exp.ns - now.ns > (set.rules.max_lifetime + set.rules.skew).count()) return invalid_token("claims.lifetime");
    return {};
  }
  const auto iat = parse_numeric_date(text);
  if (!iat || iat->ns > now.ns + set.rules.skew.count()) return invalid_token("claims.iat");
  if (exp.ns < iat->ns || exp.ns - iat->ns > set.rules.max_lifetime.count()) return invalid_token("claims.lifetime");
  return {};
}

/// RFC 7800: every member must be one that can be proven here.
Result<void> read_confirmation(const ClaimSet& set, Confirmation& confirmation) {
  const auto cnf = set.root.find("cnf");
  if (!cnf) return {};
  if (!cnf->is_object() || cnf->size() == 0) return invalid_token("claims.cnf");
  for (const json::Member member : cnf->members()) {
    const bool certificate = member.name_is("x5t#S256");
    if (!certificate && !member.name_is("jkt")) return invalid_token("claims.cnf");
    const auto text = member.value().plain();
    const auto digest = text ? crypto::from_base64url(*text) : std::nullopt;
    if (!digest || digest->size() != kDigestBytes) return invalid_token("claims.cnf");
    (certificate ? confirmation.x5t_s256 : confirmation.jkt) = *text;
  }
  set.fields.binding = confirmation.jkt.empty() ? Binding::kMtls : Binding::kDpop;
  return {};
}

Result<void> read_kind(ClaimSet& set) {
  switch (set.rules.kind) {
    case IssuerKind::kEntra: return read_entra(set);
    case IssuerKind::kOidc: return read_oidc(set);
    case IssuerKind::kKubernetes: return read_kubernetes(set);
    case IssuerKind::kSpiffe: return read_spiffe(set);
    case IssuerKind::kX509: break;
  }
  return invalid_token("claims.issuer");
}

}  // namespace

std::optional<WallTime> parse_numeric_date(std::string_view json_number) {
  const size_t point = json_number.find('.');
  const std::string_view whole = json_number.substr(0, point);
  const auto digits = [](std::string_view text) { return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }); };
  if (!digits(whole) || (whole.size() > 1 && whole.front() == '0')) return std::nullopt;
  if (point != std::string_view::npos && !digits(json_number.substr(point + 1))) return std::nullopt;
  uint64_t seconds = 0;
  const auto [end, fault] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
  if (fault != std::errc() || seconds > kNumericDateMax) return std::nullopt;
  return WallTime{static_cast<int64_t>(std::min(seconds, kLatestSecond)) * kNanosPerSecond};
}

Result<void> check_typ(const IssuerRules& rules, std::string_view typ) {
  const bool access_token = equals_no_case(typ, "at+jwt") || equals_no_case(typ, "application/at+jwt");
  bool good = false;
  switch (rules.kind) {
    case IssuerKind::kEntra: good = typ == "JWT"; break;
    case IssuerKind::kOidc: good = access_token || (!rules.rfc9068 && (typ.empty() || equals_no_case(typ, "jwt"))); break;
    case IssuerKind::kKubernetes: good = typ.empty() || typ == "JWT"; break;
    case IssuerKind::kSpiffe: good = typ.empty() || typ == "JWT" || typ == "JOSE"; break;
    case IssuerKind::kX509: break;
  }
  if (!good) return invalid_token("claims.typ");
  return {};
}

Result<void> check_audience(const IssuerRules& rules, std::string_view aud_json, json::Document& scratch) {
  if (aud_json.empty() || !scratch.parse(aud_json, payload_limits())) return invalid_token("claims.audience");
  return audience_of(rules, scratch.root());
}

Result<void> check_hint_times(const IssuerRules& rules, std::string_view exp_json, std::string_view nbf_json, WallTime now) {
  const auto exp = parse_numeric_date(exp_json);
  if (!exp) return invalid_token("claims.exp");
  if (now.ns >= exp->ns + rules.skew.count()) return invalid_token("claims.expired");
  if (nbf_json.empty()) return {};
  const auto nbf = parse_numeric_date(nbf_json);
  if (!nbf) return invalid_token("claims.nbf");
  if (now.ns < nbf->ns - rules.skew.count()) return invalid_token("claims.not_yet");
  return {};
}

Result<BelievedToken> read_claims(std::string_view payload, std::string_view key_issuer, const IssuerRules& rules, const AcceptedIssuer& accepted,
                                  WallTime now, json::Document& scratch) {
  if (!scratch.parse(payload, payload_limits()) || !scratch.root().is_object() || !within_bounds(scratch.root())) return invalid_token("claims.json");
  BelievedToken token;
  ClaimSet set{.root = scratch.root(), .rules = rules, .accepted = accepted, .key_issuer = key_issuer, .fields = token.fields};
  if (rules.kind != IssuerKind::kSpiffe) {
    const auto iss = set.root.find("iss");
    if (!iss || accepted.iss.empty() || !iss->equals(accepted.iss)) return invalid_token("claims.issuer");
  }
  const auto aud = set.root.find("aud");
  if (!aud) return invalid_token("claims.audience");
  CHECK_OK(audience_of(rules, *aud));
  const std::string_view exp = raw_of(set.root, "exp");
  CHECK_OK(check_hint_times(rules, exp, raw_of(set.root, "nbf"), now));
  token.fields.expires_at = *parse_numeric_date(exp);
  CHECK_OK(check_lifetime(set, token.fields.expires_at, now));
  // Hashes of other artefacts of a sign-in stand in ID tokens only (OpenID Connect Core §3.3.2.11).
  if (set.root.find("at_hash") || set.root.find("c_hash")) return invalid_token("claims.id_token");
  CHECK_OK(read_confirmation(set, token.confirmation));
  token.fields.issuer = rules.name;
  CHECK_OK(read_kind(set));
  token.fields.claims = named_claims(set.root, rules.claims);
  return token;
}

Result<BelievedToken> read_claims(const VerifiedPayload& payload, const IssuerRules& rules, const AcceptedIssuer& accepted, WallTime now,
                                  json::Document& scratch) {
  return read_claims(payload.bytes(), payload.key_issuer(), rules, accepted, now, scratch);
}

}  // namespace wye::token
