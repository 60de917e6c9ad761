// Client certificates as callers: the chain of a TLS connection → Principal, by Issuers of the types `x509` and `spiffe`.
// Source: RFC 5280, RFC 8446 §4.4.2, X509-SVID. A chain was only proven to be the peer's by the handshake; whom it names, and whether
// that still holds, is decided here, on every request.
#pragma once

#include "config/kinds/issuer.hpp"
#include "foundation/crypto/certificate.hpp"
#include "foundation/http/connection_note.hpp"
#include "identity/token/forwarded_certificate.hpp"
#include "identity/token/principal_ref.hpp"

namespace wye::token {

/// Without a CRL a stolen certificate must end soon by itself.
inline constexpr std::chrono::hours kUnrevokableLifetimeMax{7 * 24};
inline constexpr size_t kAnchorFileBytesMax = 4 << 20;

/// Where one Issuer's anchors are read from: an x509 one where `ca_file` is set, else a spiffe one.
struct CertificateIssuerFiles {
  std::string name{};  // of the Issuer resource
  std::filesystem::path ca_file{};
  std::filesystem::path crl_file{};  // empty: none; then leaves live at most kUnrevokableLifetimeMax
  // The subject: uriSan and dnsSan want exactly one such name, a DNS name is lower-cased and a wildcard names nobody; fingerprint is
  // `sha256:` and 64 hex digits. Never the common name.
  config::X509Identity identity = config::X509Identity::kUriSan;
  std::vector<std::string> trust_domains{};
  std::filesystem::path bundle_file{};
  friend bool operator==(const CertificateIssuerFiles&, const CertificateIssuerFiles&) = default;
};

/// Absent for Issuers of other types. Paths are the resolved ones.
std::optional<CertificateIssuerFiles> certificate_issuer_files(std::string name, const config::Issuer& issuer);

/// One Issuer with its anchors. Immutable.
struct CertificateIssuer {
  struct Domain {
    std::string name;
    crypto::RootSet roots;
    std::optional<uint64_t> sequence;
  };
  std::string name{};
  config::X509Identity identity = config::X509Identity::kUriSan;
  crypto::RootSet roots{};              // x509
  std::vector<Domain> domains{};        // spiffe
  std::vector<std::string> warnings{};  // keys of a bundle that were left out
};
struct CertificateIssuers {
  uint64_t epoch = 0;
  std::vector<CertificateIssuer> all{};
};
using CertificateIssuersPtr = std::shared_ptr<const CertificateIssuers>;

/// Port: a whole file within kAnchorFileBytesMax.
using ReadAnchorFile = std::function<Result<std::string>(const std::filesystem::path&)>;

/// Reads and judges the files of one Issuer, for `wye check` as for the data plane. Errors: kUsage naming the file and what is wrong.
Result<CertificateIssuer> load_certificate_issuer(const CertificateIssuerFiles& files, const ReadAnchorFile& read);

/// The anchors of the process: read from files, read again when they change, handed to all workers.
/// Threads: `configure` and `refresh` belong to the composition root (they block on files); the rest from any.
class CertificateTrust {
 public:
  explicit CertificateTrust(ReadAnchorFile read) : read_(std::move(read)), current_(std::make_shared<CertificateIssuers>()) {}

  /// The Issuers that the Gateway accepts, in the order that they are asked. Gives what is wrong, for the log; an Issuer whose files are
  /// no good keeps the anchors it had under the same files, or has none and accepts nobody.
  std::vector<std::string> configure(std::vector<CertificateIssuerFiles> issuers);
  /// Looks at the files again. A bundle whose `spiffe_sequence` went back is refused, a file that is no good changes nothing: the last
  /// good anchors stay, and the answer says so (once for each change).
  std::vector<std::string> refresh();

  CertificateIssuersPtr current() const;
  /// Changes whenever `current` does.
  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

 private:
  struct Source {
    CertificateIssuerFiles files;
    CertificateIssuer issuer;      // last good
    crypto::Digest content{};      // of the files, good or not
  };
  bool reload(Source& source, std::vector<std::string>& problems);
  void publish();

  ReadAnchorFile read_;
  std::vector<Source> sources_;
  std::atomic<uint64_t> epoch_{0};
  mutable std::mutex mutex_;  // current_
  CertificateIssuersPtr current_;
};

/// Who stands behind a connection. One a worker; looks at CertificateTrust's lock only when the epoch has changed.
/// Threads: that of its worker. Lifetime: `trust` outlives it; a PrincipalRef lives no longer than the connection (caller) or this reader
/// (forwarded_caller).
class CertificateReader {
 public:
  explicit CertificateReader(const CertificateTrust& trust) : trust_(trust) {}

  /// The caller that the chain (leaf first, DER) proves. Verified once for each connection and epoch, kept in `note`; the time is looked
  /// at on every call. A leaf with a SPIFFE ID of a configured trust domain is that domain's bundle's business and nobody else's.
  /// Errors: kUnauthenticated `Authentication required.`, the detail is `certificate.` and: missing, malformed, authority, identity,
  /// lifetime, unknown (no such trust domain, no Issuer), or a crypto::PathFault.
  Result<PrincipalRef> caller(std::span<const std::string> chain, std::unique_ptr<http::ConnectionNote>& note, WallTime now);
  /// The caller behind a trusted proxy, for a proxy whose own certificate `caller` accepted: its URI must be a SPIFFE ID of a configured
  /// trust domain. Others can not be told to be of an Issuer: kUnauthenticated `certificate.unknown`.
  Result<PrincipalRef> forwarded_caller(const ForwardedCertificate& client);
  /// SHA-256 of the leaf, computed once a connection; absent without a chain. For bound_to_certificate.
  static std::optional<crypto::Digest> leaf_fingerprint(std::span<const std::string> chain, std::unique_ptr<http::ConnectionNote>& note);

 private:
  struct Forwarded {
    Principal principal;
    uint64_t refs = 0;
  };
  const CertificateIssuers& issuers();

  const CertificateTrust& trust_;
  CertificateIssuersPtr issuers_;
  std::unordered_map<std::string, std::unique_ptr<Forwarded>> forwarded_;
};

}  // namespace wye::token
