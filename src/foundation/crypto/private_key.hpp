// Private keys that sign. Sources: RFC 7518 §3, RFC 8037, RFC 5958 (PKCS #8), RFC 7468 (PEM).
// The public half has passed the checks of public_key.hpp. Private bytes are wiped when the last copy goes; they appear in no error.
// Threads: immutable; any number may sign with one key at once. Copies share the key.
#pragma once

#include "foundation/base/secret.hpp"
#include "foundation/crypto/public_key.hpp"

namespace wye::crypto {

inline constexpr size_t kPrivateKeyPemBytesMax = 64 * 1024;

class PrivateKey {
 public:
  /// 2,048–8,192 bit in steps of 8, e = 65,537. Takes from a tenth of a second to seconds: call it off the loop. Errors: kUsage.
  static Result<PrivateKey> generate_rsa(uint32_t bits);
  static Result<PrivateKey> generate_ec(EcCurve curve);
  static Result<PrivateKey> generate_ed25519();
  /// The first private key of a PEM text: `PRIVATE KEY`, `RSA PRIVATE KEY`, `EC PRIVATE KEY`; certificates beside it are passed over.
  /// Errors: kCorrupt; encrypted keys too, since nobody could be asked for the passphrase.
  static Result<PrivateKey> from_pem(const Secret& pem);

  /// A signature in its JOSE form. Errors: kUsage where the algorithm does not fit the key; kInternal.
  Result<std::string> sign(SignatureAlgorithm algorithm, std::string_view message) const;
  const PublicKey& public_key() const;
  /// PKCS #8, `-----BEGIN PRIVATE KEY-----`, not encrypted.
  Secret to_pem() const;
  /// The algorithm to use where nobody says: RS256, the ES* of the curve, EdDSA.
  SignatureAlgorithm default_algorithm() const;

  struct Material;  // OpenSSL objects

 private:
  static Result<PrivateKey> adopt(void* evp_key);
  explicit PrivateKey(std::shared_ptr<const Material> material) : material_(std::move(material)) {}
  std::shared_ptr<const Material> material_;
};

/// True if the key in the DER certificate is the public half of `key`.
bool belongs_to(const PrivateKey& key, std::string_view certificate_der);

/// A JWS in its compact form (RFC 7515 §7.1): the header is `{"alg":"…"` followed by `header_members`, which is JSON text such as
/// `"kid":"k1","typ":"JWT"` (may be empty) that the caller has written correctly; the payload is any bytes.
/// Errors: those of sign.
Result<std::string> sign_jws(const PrivateKey& key, SignatureAlgorithm algorithm, std::string_view header_members, std::string_view payload);

}  // namespace wye::crypto
