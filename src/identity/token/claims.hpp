// What a verified token says → Principal. The rules of each kind of issuer stand in files of their own (claims_entra.cpp …).
// Sources: RFC 7519 §4 (registered claims), RFC 9068 §2 (access tokens), RFC 7800 (`cnf`); Microsoft identity platform, access token
// claims reference; Kubernetes, pkg/serviceaccount/claims.go; SPIFFE JWT-SVID.
// Threads: pure.
#pragma once

#include "foundation/json/document.hpp"
#include "identity/token/issuer_rules.hpp"
#include "identity/token/jws.hpp"
#include "identity/token/principal.hpp"

namespace wye::token {

inline constexpr uint32_t kPayloadDepthMax = 8;
inline constexpr size_t kPayloadMembersMax = 128;   // of one object
inline constexpr size_t kPayloadElementsMax = 512;  // of one array
inline constexpr size_t kAudiencesOfTokenMax = 16;
inline constexpr uint64_t kNumericDateMax = uint64_t{1} << 53;

/// What must be proven beside the token before it is believed (RFC 7800). Empty: it is a bearer token.
struct Confirmation {
  std::string x5t_s256;  // RFC 8705 §3.1: SHA-256 of the client's certificate, base64url
  std::string jkt;       // RFC 9449 §6.1: thumbprint of the key of the proof, base64url
  bool empty() const { return x5t_s256.empty() && jkt.empty(); }
};

/// A token that was believed, without the proof that `confirmation` asks for. `fields.binding` says which.
struct BelievedToken {
  PrincipalFields fields;
  Confirmation confirmation;
};

/// A NumericDate as tokens write it: digits with an optional fraction, which is cut off; 0..2^53 s. Absent for strings, signs, exponents.
std::optional<WallTime> parse_numeric_date(std::string_view json_number);

/// Whether a header's `typ` is one of this kind of token. Reason `claims.typ`.
Result<void> check_typ(const IssuerRules& rules, std::string_view typ);
/// `aud` as JSON text: a string, or an array of 1–16 strings of which one is one of the audiences, byte for byte. `claims.audience`.
/// `scratch` is the parser's memory.
Result<void> check_audience(const IssuerRules& rules, std::string_view aud_json, json::Document& scratch);
/// `exp` and `nbf` as JSON text, empty where missing. `claims.exp` `claims.expired` `claims.nbf` `claims.not_yet`.
Result<void> check_hint_times(const IssuerRules& rules, std::string_view exp_json, std::string_view nbf_json, WallTime now);

/// Everything about a token whose signature holds. `accepted` is the issuer that it was chosen for. Errors: kUnauthenticated
/// `The access token is not valid.`; the detail says which claim: `claims.json` `claims.issuer` `claims.audience` `claims.exp` …
/// Precondition: check_typ holds. `scratch` is the parser's memory.
Result<BelievedToken> read_claims(const VerifiedPayload& payload, const IssuerRules& rules, const AcceptedIssuer& accepted, WallTime now,
                                  json::Document& scratch);
/// The same of payload bytes: for tests and fuzzers.
Result<BelievedToken> read_claims(std::string_view payload, std::string_view key_issuer, const IssuerRules& rules, const AcceptedIssuer& accepted,
                                  WallTime now, json::Document& scratch);

}  // namespace wye::token
