// What the laptop issuer says of itself. Sources: OpenID Connect Discovery 1.0 §3, RFC 8414; Microsoft's documents for v1.0 and v2.0.
// Threads: pure.
#pragma once

#include "foundation/http/head.hpp"

namespace wye::issuer {

/// Paths below the authority, each with `/{tid}` in front.
inline constexpr std::string_view kDiscoveryV2 = "/v2.0/.well-known/openid-configuration";
inline constexpr std::string_view kDiscoveryV1 = "/.well-known/openid-configuration";
inline constexpr std::string_view kKeysPath = "/discovery/v2.0/keys";
inline constexpr std::string_view kKeysPathV1 = "/discovery/keys";
inline constexpr std::string_view kTokenPath = "/oauth2/v2.0/token";
inline constexpr std::string_view kAuthorizePath = "/oauth2/v2.0/authorize";
inline constexpr std::string_view kDeviceCodePath = "/oauth2/v2.0/devicecode";
/// Where a person types the code of a device.
inline constexpr std::string_view kDeviceLoginPath = "/devicelogin";
/// For the owner of the data folder alone.
inline constexpr std::string_view kOwnerTokenPath = "/owner/token";
inline constexpr std::string_view kOwnerRotatePath = "/owner/rotate";

/// `{authority}/{tid}{path}`.
std::string url_below(std::string_view authority, std::string_view path);

std::string discovery_document(std::string_view authority, bool v1);

/// RFC 6749 §5.2, with the description that a developer reads.
std::string error_document(std::string_view error, std::string_view description);

}  // namespace wye::issuer
