// Public keys that verify signatures. Sources: RFC 7518 §3 and §6 (RSA, EC), RFC 8037 (Ed25519), RFC 8017 (PKCS #1, PSS),
// RFC 7638 (thumbprint), RFC 5280 (SubjectPublicKeyInfo).
// What comes out of a factory has passed every check of its kind, so `verify` only has to look at the signature:
//   RSA      2,048–8,192 bit, n odd and without leading zero bytes, e odd and 65,537 <= e < 2^32, not a key of the ROCA defect
//   EC       P-256, P-384, P-521; both coordinates of exactly 32, 48, 66 bytes; a point of the curve
//   Ed25519  32 bytes
// Threads: immutable; any number may verify with one key at once. Copies share the key.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/signature_algorithm.hpp"

namespace wye::crypto {

enum class EcCurve : uint8_t { kP256, kP384, kP521 };
/// `P-256`, `P-384`, `P-521`.
std::string_view to_string(EcCurve curve);
std::optional<EcCurve> parse_ec_curve(std::string_view name);
/// Bytes of one coordinate, and of half a signature: 32, 48, 66.
size_t coordinate_bytes(EcCurve curve);

enum class KeyKind : uint8_t { kRsa, kP256, kP384, kP521, kEd25519 };
/// True if a key of this kind can make signatures of the algorithm: RSA for RS* and PS*, each curve for its one ES*.
bool fits(KeyKind kind, SignatureAlgorithm algorithm);

inline constexpr uint32_t kRsaBitsMin = 2'048;
inline constexpr uint32_t kRsaBitsMax = 8'192;
inline constexpr uint64_t kRsaExponentMin = 65'537;
inline constexpr uint64_t kRsaExponentMax = 0xFFFF'FFFF;
inline constexpr size_t kPublicKeyDerBytesMax = 16 * 1024;  // of an SPKI or a certificate

/// True if the RSA modulus has the fingerprint of CVE-2017-15361 (ROCA): modulo every small prime it is a power of 65,537. A sound
/// key looks like that about once in 2^28.
bool has_roca_fingerprint(std::string_view modulus);

/// Why a factory refused, for alarms: the start of `Error.detail` is one of these.
inline constexpr std::string_view kKeyMalformed = "key.malformed";
inline constexpr std::string_view kKeySize = "key.size";
inline constexpr std::string_view kKeyRoca = "key.roca";
inline constexpr std::string_view kKeyKindUnknown = "key.kind";

class PublicKey {
 public:
  /// Big-endian numbers without leading zero bytes. Errors of every factory: kCorrupt, `detail` as above.
  static Result<PublicKey> from_rsa(std::string_view n, std::string_view e);
  static Result<PublicKey> from_ec(EcCurve curve, std::string_view x, std::string_view y);
  static Result<PublicKey> from_ed25519(std::string_view x);
  /// Exactly one DER SubjectPublicKeyInfo, nothing behind it. Keys restricted to PSS and curves with explicit parameters are refused.
  static Result<PublicKey> from_spki_der(std::string_view der);
  /// The key of one DER certificate. Nothing about the certificate is verified.
  static Result<PublicKey> from_certificate_der(std::string_view der);

  /// True if `signature` was made over `message` with this key. JOSE forms: RSA exactly as long as the modulus, ECDSA raw r||s,
  /// PSS with a salt as long as the hash. False for an algorithm that does not fit the kind. Fetches no algorithm.
  bool verify(SignatureAlgorithm algorithm, std::string_view message, std::string_view signature) const;

  KeyKind kind() const;
  /// Of the modulus; 256, 384, 521 for curves; 256 for Ed25519.
  uint32_t bits() const;
  /// Bytes of every signature that this key verifies.
  size_t signature_bytes() const;
  /// The required members of its JWK, in the order and form that RFC 7638 hashes: `{"crv":"P-256","kty":"EC","x":"…","y":"…"}`.
  std::string_view jwk() const;
  /// SHA-256 of `jwk()`: RFC 7638. As text (`jkt`, a `kid` to generate) it is to_base64url(as_text(thumbprint())).
  const Digest& thumbprint() const;
  /// DER of its SubjectPublicKeyInfo.
  std::string spki_der() const;
  /// The same key material.
  friend bool operator==(const PublicKey& a, const PublicKey& b) { return a.jwk() == b.jwk(); }

  struct Material;  // OpenSSL objects

 private:
  explicit PublicKey(std::shared_ptr<const Material> material) : material_(std::move(material)) {}
  std::shared_ptr<const Material> material_;
};

/// True if `tag` is the HMAC of `message` under `secret`; false for an algorithm that is no MAC, and for a secret shorter than the hash.
bool verify_mac(SignatureAlgorithm algorithm, std::string_view secret, std::string_view message, std::string_view tag);

}  // namespace wye::crypto
