// The closed choices of the identity kinds (Issuer, Role, Gateway.auth, Credential), with their spelling. Threads: values.
#pragma once

#include "config/kinds/enums.hpp"

namespace wye::config {

enum class IssuerType : uint8_t { kEntra, kOidc, kKubernetes, kSpiffe, kX509 };
template <>
struct EnumNames<IssuerType> {
  static constexpr std::array kNames = {EnumName{"entra"}, EnumName{"oidc"}, EnumName{"kubernetes"}, EnumName{"spiffe"}, EnumName{"x509"}};
};

/// Shapes of Entra access tokens; each has its own issuer URL and metadata.
enum class EntraVersion : uint8_t { kV1, kV2 };
template <>
struct EnumNames<EntraVersion> {
  static constexpr std::array kNames = {EnumName{"v1"}, EnumName{"v2"}};
};

/// What of a client certificate names its holder.
enum class X509Identity : uint8_t { kUriSan, kDnsSan, kFingerprint };
template <>
struct EnumNames<X509Identity> {
  static constexpr std::array kNames = {EnumName{"uriSan"}, EnumName{"dnsSan"}, EnumName{"fingerprint"}};
};

/// Signature algorithms that an Issuer may use, in the order and spelling of RFC 7518 §3.1 and RFC 8037. The symmetric ones (HS256 …)
/// have no value: no configuration can name them.
enum class TokenAlgorithm : uint8_t { kRs256, kRs384, kRs512, kPs256, kPs384, kPs512, kEs256, kEs384, kEs512, kEdDsa };
template <>
struct EnumNames<TokenAlgorithm> {
  static constexpr std::array kNames = {EnumName{"RS256"}, EnumName{"RS384"}, EnumName{"RS512"}, EnumName{"PS256"}, EnumName{"PS384"},
                                        EnumName{"PS512"}, EnumName{"ES256"}, EnumName{"ES384"}, EnumName{"ES512"}, EnumName{"EdDSA"}};
};

/// Whether a listener asks clients for a certificate.
enum class ClientCert : uint8_t { kNone, kRequest, kRequire };
template <>
struct EnumNames<ClientCert> {
  static constexpr std::array kNames = {EnumName{"none"}, EnumName{"request"}, EnumName{"require"}};
};

/// Whether a token must be bound to its sender (RFC 8705, RFC 9449).
enum class ProofOfPossession : uint8_t { kOff, kAccept, kRequire };
template <>
struct EnumNames<ProofOfPossession> {
  static constexpr std::array kNames = {EnumName{"off"}, EnumName{"accept"}, EnumName{"require"}};
};

/// Where the token of a managed identity comes from.
enum class ManagedIdentitySource : uint8_t { kAuto, kImds, kAppService, kArc };
template <>
struct EnumNames<ManagedIdentitySource> {
  static constexpr std::array kNames = {EnumName{"auto"}, EnumName{"imds"}, EnumName{"appService"}, EnumName{"arc"}};
};

enum class Effect : uint8_t { kAllow, kDeny };
template <>
struct EnumNames<Effect> {
  static constexpr std::array kNames = {EnumName{"allow"}, EnumName{"deny"}};
};

/// How the client proved itself to its issuer, as a condition.
enum class ClientAuthCondition : uint8_t { kPublic, kSecret, kCertificate };
template <>
struct EnumNames<ClientAuthCondition> {
  static constexpr std::array kNames = {EnumName{"public"}, EnumName{"secret"}, EnumName{"certificate"}};
};

/// What the credential is bound to, as a condition.
enum class BindingCondition : uint8_t { kNone, kMtls, kDpop };
template <>
struct EnumNames<BindingCondition> {
  static constexpr std::array kNames = {EnumName{"none"}, EnumName{"mtls"}, EnumName{"dpop"}};
};

/// In the order of std::chrono::weekday with ISO encoding, Monday first.
enum class Weekday : uint8_t { kMonday, kTuesday, kWednesday, kThursday, kFriday, kSaturday, kSunday };
template <>
struct EnumNames<Weekday> {
  static constexpr std::array kNames = {EnumName{"mon"}, EnumName{"tue"}, EnumName{"wed"}, EnumName{"thu"},
                                        EnumName{"fri"}, EnumName{"sat"}, EnumName{"sun"}};
};

}  // namespace wye::config
