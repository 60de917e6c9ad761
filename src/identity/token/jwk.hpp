// One JSON web key. Sources: RFC 7517 (JWK), RFC 7518 §6 (members of RSA and EC keys), RFC 8037 §2 (OKP), RFC 7638 (thumbprint).
// Threads: pure functions, immutable values.
#pragma once

#include "foundation/crypto/public_key.hpp"
#include "foundation/json/document.hpp"

namespace wye::token {

inline constexpr size_t kJwkBytesMax = 16 * 1024;  // of one key read alone
inline constexpr size_t kJwkMembersMax = 32;
inline constexpr size_t kJwkIssuerBytesMax = 2'048;

/// Why a JWK is not used. Those after kOtherPurpose are alarms: the issuer publishes what it should not, or somebody else does.
enum class JwkFault : uint8_t {
  kOtherPurpose,  // sound, but not for signatures of tokens: `use: enc`, a curve or `alg` that we do not know
  kMalformed,     // a member missing, of the wrong kind, doubled, or with a value that its kind has not; point not on the curve
  kWeak,          // RSA outside 2,048–8,192 bit or with an exponent outside 65,537..2^32-1
  kPrivate,       // holds `d p q dp dq qi k`: a private key was published
  kSymmetric,     // `kty: oct`
  kRoca,          // CVE-2017-15361
  kKidConflict,   // two keys with one kid and different (or unreadable) material: neither is used
  kNoKid,         // where every key must have one
};
/// `other_purpose malformed weak private symmetric roca kid_conflict no_kid`: for logs and metrics.
std::string_view to_string(JwkFault fault);
constexpr bool is_alarm(JwkFault fault) { return fault != JwkFault::kOtherPurpose; }

/// Which `use` a key must have.
enum class KeyUse : uint8_t {
  kSignature,  // absent or `sig`
  kJwtSvid,    // exactly `jwt-svid` (SPIFFE trust domain and bundle §4)
};

/// A secret shared with a signer. Only where test vectors ask for it.
struct SharedKey {
  std::string secret;
};

/// A key that may verify signatures.
struct Jwk {
  std::string kid;                                       // empty: none
  std::variant<crypto::PublicKey, SharedKey> key;
  std::optional<crypto::SignatureAlgorithm> algorithm;   // of `alg`: then only this one
  std::string issuer;                                    // Microsoft Entra: which issuer or template of issuers it signs for; empty: not said
  crypto::Digest thumbprint{};                           // RFC 7638

  /// True if the key may verify signatures of this algorithm: its kind fits, and its own `alg` where it has one.
  bool is_for(crypto::SignatureAlgorithm wanted) const;
  bool verify(crypto::SignatureAlgorithm wanted, std::string_view message, std::string_view signature) const;
};

/// Whether `oct` keys, and private keys beside public members, are taken: only by the runners of published test vectors.
enum class VectorKeys : uint8_t { kRefused, kTaken };

struct JwkRules {
  KeyUse use = KeyUse::kSignature;
  VectorKeys vector_keys = VectorKeys::kRefused;
};

/// Reads the JWK at `value`. The fault's detail for logs is in `why` (never key material).
struct JwkRefusal {
  JwkFault fault;
  std::string why;
};
std::expected<Jwk, JwkRefusal> parse_jwk(json::Value value, const JwkRules& rules);

/// One public JWK from text, as in the header of a DPoP proof. Private members, symmetric keys and everything else of JwkFault is
/// refused. Error: kUnauthenticated, reason `jws.embedded_key`.
Result<Jwk> parse_public_jwk(std::string_view text);

}  // namespace wye::token
