// Makes certificates: an authority of one's own, servers and clients under it. For the laptop issuer and for tests; an enterprise has
// its own PKI.
// Keys are P-256, signatures ECDSA with SHA-256, serial numbers 128 random bits. Source: RFC 5280.
// Threads: an authority belongs to one owner; const members may be called from many.
#pragma once

#include "foundation/base/secret.hpp"
#include "foundation/crypto/certificate.hpp"

namespace wye::crypto {

struct CertificateSpec {
  std::string common_name{};               // for people to read; nothing is decided by it
  std::vector<std::string> dns_names{};    // subjectAltName
  std::vector<std::string> addresses{};    // literal IPv4 and IPv6
  std::vector<std::string> uris{};
  WallTime not_before{};                   // whole seconds
  WallTime not_after{};
  bool for_servers = false;                // extended key usage; neither: no such extension
  bool for_clients = false;
  std::optional<uint16_t> key_usage{};     // =digitalSignature, of an authority keyCertSign and cRLSign; 0: no such extension
  bool authority = false;
  std::optional<uint32_t> path_length{};   // of an authority
  std::vector<std::string> permitted{};    // name constraints of an authority: `dns:example.com`, `uri:.example.com`, `uri:example.com`
  std::vector<std::string> excluded{};
};

/// A certificate and its key, both PEM (the key PKCS#8, unencrypted).
struct MadeCertificate {
  std::string pem{};
  Secret key{};
};

class CertificateAuthority {
 public:
  struct Impl;
  /// A self-signed one; `spec.authority` is not looked at. Errors: kUsage (a name or address that is none, an empty validity).
  static Result<CertificateAuthority> make(CertificateSpec spec);
  /// One that was made before. Errors: kUsage: not PEM, a key of another certificate, not an authority.
  static Result<CertificateAuthority> load(std::string_view certificate_pem, const Secret& key_pem);
  CertificateAuthority(CertificateAuthority&&) noexcept;
  CertificateAuthority& operator=(CertificateAuthority&&) noexcept;
  ~CertificateAuthority();

  /// A new key and a certificate for it, signed by this authority. Errors: as make.
  Result<MadeCertificate> issue(const CertificateSpec& spec) const;
  /// An authority below this one. Where `spec.authority` is false nobody will believe what it signs.
  Result<CertificateAuthority> issue_authority(const CertificateSpec& spec) const;
  /// A CRL, PEM. Errors: kUsage: something that is no certificate.
  Result<std::string> revocation_list(std::span<const std::string> revoked_pems, WallTime this_update, WallTime next_update) const;

  std::string certificate_pem() const;
  Secret key_pem() const;

 private:
  explicit CertificateAuthority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wye::crypto
