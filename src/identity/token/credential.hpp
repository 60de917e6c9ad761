// Finds the one credential of a request in its headers. Sources: RFC 9110 §11.4 (scheme is case-insensitive), RFC 6750 §2.1.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::token {

/// A longer credential is refused unread.
inline constexpr size_t kCredentialBytesMax = 16'384;

/// What a request presents; absent: no such header. A request with two lines of one of these headers is refused before (framing).
/// Values are without white space around them.
struct CredentialHeaders {
  std::optional<std::string_view> authorization;
  std::optional<std::string_view> api_key;
};

/// The credential, a view into the header. `Authorization: Bearer X` and `api-key: X` mean the same; both with one X are fine.
/// Errors: kUnauthenticated "Authentication required." (none: `auth.missing`; not Bearer: `auth.scheme`; not the characters of
/// a token: `auth.malformed`), kInvalidRequest "Send exactly one credential." (`auth.ambiguous`); the detail is that reason.
/// Threads: pure.
Result<std::string_view> bearer_from_headers(const CredentialHeaders& headers);

}  // namespace wye::token
