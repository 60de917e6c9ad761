// X.509 certificates: what one says, and whether a chain of them leads to a root that was configured.
// Source: RFC 5280 (profile, path validation §6, name constraints, CRLs). The store of the system is never looked at.
// Threads: everything here is immutable once made; copies share; any thread may read and verify.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/crypto/digest.hpp"

namespace wye::crypto {

inline constexpr size_t kCertificateBytesMax = 16 << 10;
/// Names of any kind in one certificate, and bytes of each.
inline constexpr size_t kAlternativeNamesMax = 64;
inline constexpr size_t kAlternativeNameBytesMax = 2048;
/// Certificates of a path, the leaf and the root counted.
inline constexpr size_t kPathMax = 5;
/// Certificates that a peer may present: some servers send their root too, and cross-signed ones.
inline constexpr size_t kPresentedMax = 8;
inline constexpr size_t kRootsMax = 1000;

/// Bits of the key usage extension that somebody asks for (RFC 5280 §4.2.1.3).
enum KeyUsage : uint16_t { kDigitalSignature = 1, kKeyEncipherment = 2, kKeyAgreement = 4, kKeyCertSign = 8, kCrlSign = 16 };

/// What a certificate says of itself; nothing of it is proven before a path was verified.
struct CertificateFacts {
  Digest fingerprint{};                  // SHA-256 of the DER
  WallTime not_before{};                 // valid from then on, and before not_after
  WallTime not_after{};
  std::vector<std::string> dns_names{};  // subjectAltName, printable ASCII, as written
  std::vector<std::string> uris{};
  bool authority = false;                // basicConstraints cA
  std::optional<uint16_t> key_usage{};   // absent: no such extension
  bool key_usage_critical = false;
  bool purposes_named = false;           // extended key usage is there
  bool for_clients = false;              // it names clientAuth; anyExtendedKeyUsage names neither
  bool for_servers = false;
};

/// One certificate. A value that shares what it holds.
class Certificate {
 public:
  struct Impl;
  /// Exactly one DER certificate. Errors: kInvalidRequest with what is wrong in the detail (not DER, bytes behind it, two extensions of
  /// one kind, names with controls …).
  static Result<Certificate> from_der(std::string_view der);
  const CertificateFacts& facts() const;
  const Impl& impl() const { return *impl_; }

 private:
  explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

/// All certificates of a PEM text, in its order; other PEM blocks and text between them are skipped.
/// Errors: kInvalidRequest: none, more than kRootsMax, or one that from_der refuses.
Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem);

/// Why there is no path.
enum class PathFault : uint8_t {
  kUntrusted,          // leads to no root of the set, or a signature is wrong
  kExpired,            // one of the path
  kNotYetValid,
  kPurpose,            // leaf or intermediate is for something else
  kConstraints,        // names, path length, policy or an unknown critical extension
  kAuthority,          // somebody signed who is no authority
  kWeak,               // RSA below 2048 bit, SHA-1 …
  kTooLong,            // more than kPathMax certificates, or more than kPresentedMax presented
  kRevoked,
  kRevocationUnknown,  // no CRL of the leaf's issuer, or one that is out of date or not signed by it
};
/// `untrusted expired not_yet_valid purpose constraints authority weak too_long revoked revocation_unknown`.
std::string_view to_string(PathFault fault);

/// A path that holds while `from <= now < until`: all certificates of it are valid, and the CRLs that were read are in date.
struct ValidPath {
  WallTime from{};
  WallTime until{};
  Digest root{};  // fingerprint
};

/// What a path may be for. The leaf's extended key usage, where it is there, must name it; so must that of an intermediate.
enum class PathPurpose : uint8_t { kClient, kServer };

/// The roots that paths may end in. Every one is a CA certificate; an intermediate CA may be a root, its own issuer is not asked for then.
class RootSet {
 public:
  struct Impl;
  /// No roots: every path is kUntrusted.
  RootSet();
  /// Errors: kInvalidRequest: a certificate that is no CA, too many.
  static Result<RootSet> make(std::span<const Certificate> roots);
  /// With revocation: `crls` is PEM. The leaf's issuer must have a CRL in it; authorities above are checked where there is one.
  /// Errors: kInvalidRequest: no CRL in the text, one that is malformed.
  static Result<RootSet> make(std::span<const Certificate> roots, std::string_view crls);

  size_t size() const;
  bool checks_revocation() const;

  /// Looks for a path from `leaf` over `presented` (in any order; the leaf itself and what does not help are ignored) to a root of this
  /// set, valid at `at`. Whether the leaf may be an authority, and who it names, is the caller's business.
  std::expected<ValidPath, PathFault> verify(const Certificate& leaf, std::span<const Certificate> presented, PathPurpose purpose, WallTime at) const;

 private:
  explicit RootSet(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace wye::crypto
