// Access and ID tokens as Microsoft Entra writes them, v1.0 and v2.0, and each way to write them wrong.
// Source: Microsoft identity platform, "Access token claims reference", "ID token claims reference", "Claims challenges".
// Threads: pure, but for the kernel's randomness in `uti`.
#pragma once

#include "foundation/base/clock.hpp"
#include "identity/issuer/directory.hpp"
#include "identity/issuer/signing_keys.hpp"

namespace wye::issuer {

inline constexpr std::chrono::seconds kTokenLifetime = std::chrono::minutes(60);
/// Tokens of clients that handle continuous access evaluation live 20 to 28 hours.
inline constexpr std::chrono::seconds kCaeLifetime = std::chrono::hours(24);
/// A token that is asked for as expired ended so long ago: beyond every permitted skew.
inline constexpr std::chrono::seconds kExpiredSince = std::chrono::hours(1);
/// `aud` of a token for somebody else: Microsoft Graph.
inline constexpr std::string_view kForeignAudience = "00000003-0000-0000-c000-000000000000";

/// `{authority}/{tid}/` and `{authority}/{tid}/v2.0`: what v1.0 and v2.0 tokens say in `iss`.
std::string issuer_v1(std::string_view authority);
std::string issuer_v2(std::string_view authority);

/// RFC 6749 §2.1 and Entra's `azpacr`: how the client proved who it is.
enum class ClientProof : uint8_t { kNone = 0, kCertificate = 2 };

struct TokenWish {
  const User* user = nullptr;  // null: the application itself
  std::string client;          // application id
  ClientProof proof = ClientProof::kNone;
  bool v1 = false;
  bool overage = false;        // `_claim_names` in place of the groups
  bool wrong_audience = false;
  bool expired = false;
  bool cae = false;            // `xms_cc: [cp1]`, and a day of life
};

struct MadeToken {
  std::string text;
  std::chrono::seconds expires_in{};  // negative: it has ended
};

/// Errors: those of signing.
Result<MadeToken> make_access_token(const SigningKeys& keys, std::string_view authority, const TokenWish& wish, WallTime now);
/// For the client that asked with the scope `openid`. `nonce` is its own; empty: none.
Result<std::string> make_id_token(const SigningKeys& keys, std::string_view authority, const User& user, std::string_view client,
                                  std::string_view nonce, WallTime now);

/// `sub`: another one for each pair of user and application.
std::string pairwise_subject(std::string_view oid, std::string_view client);

}  // namespace wye::issuer
