// Kind Issuer: whose tokens and certificates say who a caller is.
#pragma once

#include "config/kinds/field.hpp"
#include "config/kinds/identity_enums.hpp"

namespace wye::config {

inline constexpr std::string_view kEntraAuthority = "https://login.microsoftonline.com";
/// The issuer that `wye up` runs itself; an error under any other purpose.
inline constexpr std::string_view kLaptopIssuer = "laptop://issuer";

struct EntraIssuer {
  std::vector<EntraVersion> versions = {EntraVersion::kV1, EntraVersion::kV2};
  std::vector<std::string> tenant_ids;
  std::string authority = std::string(kEntraAuthority);
  FilePath ca_file;
  static void describe(auto& self, auto& v) {
    v.field("versions", self.versions, Rule{.text = "Token versions that are accepted, each with its own issuer and keys.", .min = 1});
    v.field(
        "tenantIds", self.tenant_ids,
        Rule{.text = "Directories whose tokens are accepted; a list, never open.", .required = true, .min = 1, .max = 64, .grammar = Grammar::kGuid});
    v.field("authority", self.authority,
            Rule{.text = "Sign-in service; of a sovereign cloud its own; `laptop://issuer`: the one that `wye up` runs.",
                 .grammar = Grammar::kAuthority});
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle for the fetch of keys.", .absent = "the system's"});
  }
};

struct OidcIssuer {
  std::string issuer;
  bool rfc9068 = false;
  FilePath ca_file;
  static void describe(auto& self, auto& v) {
    v.field("issuer", self.issuer, Rule{.text = "The `iss` of its tokens, exact bytes.", .required = true, .grammar = Grammar::kIssuerUrl});
    v.field("rfc9068", self.rfc9068, Rule{.text = "Tokens follow RFC 9068: `typ: at+jwt`, and its required claims."});
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle for the fetch of keys.", .absent = "the system's"});
  }
};

struct KubernetesIssuer {
  std::string issuer;
  FilePath ca_file;
  FilePath token_file;
  bool allow_unbound_pod = false;
  static void describe(auto& self, auto& v) {
    v.field("issuer", self.issuer, Rule{.text = "The cluster's `--service-account-issuer`.", .required = true, .grammar = Grammar::kIssuerUrl});
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle for the fetch of keys, in a cluster its own.", .absent = "the system's"});
    v.field("tokenFile", self.token_file, Rule{.text = "Bearer token sent when keys are fetched; read anew each time.", .absent = "none"});
    v.field("allowUnboundPod", self.allow_unbound_pod, Rule{.text = "Accept tokens that are not bound to a pod."});
  }
};

struct SpiffeIssuer {
  std::vector<std::string> trust_domains;
  FilePath bundle_file;
  static void describe(auto& self, auto& v) {
    v.field("trustDomains", self.trust_domains,
            Rule{.text = "Trust domains whose SVIDs are accepted.", .required = true, .min = 1, .max = 16, .grammar = Grammar::kTrustDomain});
    v.field("bundleFile", self.bundle_file, Rule{.text = "Trust bundle (JWKS); read anew when it changes.", .required = true});
    v.refused("workloadApi");
  }
};

struct X509Issuer {
  FilePath ca_file;
  X509Identity identity = X509Identity::kUriSan;
  FilePath crl_file;
  static void describe(auto& self, auto& v) {
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle of the authorities that sign client certificates.", .required = true});
    v.field("identity", self.identity, Rule{.text = "What of the certificate names its holder; never its subject."});
    v.field("crlFile", self.crl_file, Rule{.text = "PEM revocation list.", .absent = "no list; certificates may live 7 days at most"});
  }
};

struct IssuerTokens {
  std::vector<TokenAlgorithm> algorithms;
  Nanos skew = std::chrono::seconds(60);
  std::optional<Nanos> max_lifetime;
  std::vector<std::string> claims;
  static void describe(auto& self, auto& v) {
    using namespace std::chrono_literals;
    v.field("algorithms", self.algorithms,
            Rule{.text = "Signatures that are accepted.", .min = 1, .absent = "RS256; of spiffe RS, ES and PS 256 to 512"});
    v.field("skew", self.skew, Rule{.text = "How far clocks may differ.", .max = in_ns(300s)});
    v.field(
        "maxLifetime", self.max_lifetime,
        Rule{.text = "Longest time from `iat` to `exp`.", .min = in_ns(1min), .max = in_ns(std::chrono::days(30)), .absent = "24h; of entra 29h"});
    v.field("claims", self.claims,
            Rule{.text = "More claims for the conditions of Roles.", .min = 1, .max = 16, .grammar = Grammar::kClaimName, .absent = "none"});
  }
};

struct Issuer {
  static constexpr std::string_view kKind = "Issuer";
  static constexpr std::string_view kText = "Whose tokens and certificates say who a caller is.";

  IssuerType type = IssuerType::kEntra;
  std::optional<EntraIssuer> entra;
  std::optional<OidcIssuer> oidc;
  std::optional<KubernetesIssuer> kubernetes;
  std::optional<SpiffeIssuer> spiffe;
  std::optional<X509Issuer> x509;
  std::vector<std::string> audiences;
  IssuerTokens tokens;

  static void describe(auto& self, auto& v) {
    v.field("type", self.type, Rule{.text = "Which block below applies; it is required, the others are refused.", .required = true});
    v.field("entra", self.entra, Rule{.text = "Microsoft Entra ID.", .absent = "none"});
    v.field("oidc", self.oidc, Rule{.text = "Any issuer with OpenID discovery.", .absent = "none"});
    v.field("kubernetes", self.kubernetes, Rule{.text = "ServiceAccount tokens of a cluster.", .absent = "none"});
    v.field("spiffe", self.spiffe, Rule{.text = "JWT-SVIDs and X.509-SVIDs.", .absent = "none"});
    v.field("x509", self.x509, Rule{.text = "Client certificates of an authority.", .absent = "none"});
    v.field("audiences", self.audiences,
            Rule{.text = "Values of `aud` that mean this gateway, exact; required but for x509.",
                 .min = 1,
                 .max = 16,
                 .grammar = Grammar::kAudience,
                 .absent = "none"});
    v.field("tokens", self.tokens, Rule{.text = "Bounds of its tokens."});
  }

  /// What is accepted in the end: the written list, else the default of the type.
  std::vector<TokenAlgorithm> effective_algorithms() const {
    if (!tokens.algorithms.empty()) return tokens.algorithms;
    if (type != IssuerType::kSpiffe) return {TokenAlgorithm::kRs256};
    std::vector<TokenAlgorithm> all;
    for (size_t i = 0; i < static_cast<size_t>(TokenAlgorithm::kEdDsa); ++i) all.push_back(static_cast<TokenAlgorithm>(i));
    return all;
  }
  Nanos effective_max_lifetime() const { return tokens.max_lifetime.value_or(std::chrono::hours(type == IssuerType::kEntra ? 29 : 24)); }
  bool is_laptop() const { return entra && entra->authority == kLaptopIssuer; }
};

}  // namespace wye::config
