// How an application proves who it is without a shared secret: a token that it signs itself.
// Sources: RFC 7523 §3 (JWT client assertions), OpenID Connect Core §9 (private_key_jwt).
// An assertion may serve several times while it is valid: Microsoft's libraries keep one for ten minutes.
// Threads: pure.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/crypto/public_key.hpp"

namespace wye::issuer {

inline constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
inline constexpr std::chrono::seconds kAssertionLifetimeMax = std::chrono::minutes(10);
inline constexpr std::chrono::seconds kAssertionSkew{60};

struct AssertionRules {
  std::string_view client;                      // `iss` and `sub`
  std::span<const std::string> audiences;       // one of them is `aud`: the token endpoint, the issuer
};

/// Errors: kUnauthenticated; the public message says what is wrong, for the developer at the terminal.
Result<void> check_assertion(std::string_view assertion, const crypto::PublicKey& key, const AssertionRules& rules, WallTime now);

}  // namespace wye::issuer
