// What one Issuer of the configuration means when a token comes: whose tokens it believes, for whom, signed how, where the keys are.
// Made once when a configuration is accepted, then read by every worker.
// Sources: Microsoft identity platform, access token reference (issuers of v1.0 and v2.0 tokens); OpenID Connect Discovery 1.0;
// RFC 9068; SPIFFE JWT-SVID.
// Threads: immutable once made.
#pragma once

#include "config/kinds/issuer.hpp"
#include "foundation/base/result.hpp"
#include "foundation/crypto/signature_algorithm.hpp"

namespace wye::token {

inline constexpr Nanos kSkewMax = std::chrono::seconds(300);
/// Accounts of private persons, in Microsoft's directory of consumers.
inline constexpr std::string_view kPersonalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// Of legacy ServiceAccount tokens, which never end: no Issuer may have it.
inline constexpr std::string_view kLegacyKubernetesIssuer = "kubernetes/serviceaccount";

/// Those of the type `x509` have no tokens: certificate.hpp.
using IssuerKind = config::IssuerType;
enum class TokenVersion : uint8_t { kNone, kV1, kV2 };

/// One set of keys and where it comes from. Two equal ones are the same set: KeySets keeps it over a reload.
struct KeySource {
  std::string id{};             // unique in a process: name of the Issuer, for Entra with `#v1` or `#v2`, for SPIFFE with `#` and the trust domain
  std::string issuer_name{};    // of the Issuer, for metrics
  std::string issuer{};         // what the discovery document must call itself, byte for byte
  std::string discovery{};      // URL; empty for a bundle file
  std::filesystem::path ca_file{};      // roots of the fetch; empty: the system's
  std::filesystem::path bearer_file{};  // sent to the issuer's own origin; empty: none
  std::filesystem::path bundle_file{};  // SPIFFE: instead of a fetch
  std::string trust_domain{};
  bool only_domain = false;             // the file may be the bundle itself instead of a map of bundles
  bool loopback_only = false;   // the issuer of `wye up`: every address must be loopback; then plain http is allowed too
  friend bool operator==(const KeySource&, const KeySource&) = default;
};

/// One `iss` that is believed.
struct AcceptedIssuer {
  std::string iss{};          // byte for byte; empty for SPIFFE, which is chosen by the trust domain of `sub`
  std::string tenant{};       // Entra: the GUID that `tid` must be
  std::string trust_domain{}; // SPIFFE
  TokenVersion version = TokenVersion::kNone;
  size_t source = 0;          // index into `sources`
  friend bool operator==(const AcceptedIssuer&, const AcceptedIssuer&) = default;
};

/// The issuer that runs inside this process, for `authority: laptop://issuer`.
struct LaptopIssuer {
  std::string authority{};          // `https://127.0.0.1:PORT`
  std::filesystem::path ca_file{};
};

struct IssuerRules {
  std::string name{};
  IssuerKind kind = IssuerKind::kOidc;
  std::vector<AcceptedIssuer> accepted{};
  std::vector<KeySource> sources{};
  std::vector<std::string> audiences{};       // exact bytes
  crypto::AlgorithmSet algorithms{};
  Nanos skew{};
  Nanos max_lifetime{};
  std::vector<std::string> claims{};          // those that conditions may look at
  // Entra: the `issuer` members that a key may carry, with `{tenantid}` in it.
  std::vector<std::string> key_issuer_templates{};
  bool rfc9068 = false;
  bool allow_unbound_pod = false;
  friend bool operator==(const IssuerRules&, const IssuerRules&) = default;
};
using IssuerRulesPtr = std::shared_ptr<const IssuerRules>;

/// `laptop` is null outside `wye up`. Errors: kUsage, with a detail for the operator; what the loader has checked is checked again here
/// where it carries security: URLs, tenants, audiences, algorithms.
Result<IssuerRulesPtr> make_issuer_rules(std::string name, const config::Issuer& issuer, const LaptopIssuer* laptop = nullptr);

/// 8-4-4-4-12 hex digits, any case.
bool is_guid(std::string_view text);

}  // namespace wye::token
