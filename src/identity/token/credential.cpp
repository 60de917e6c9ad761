#include "identity/token/credential.hpp"

#include "foundation/crypto/digest.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kBearer = "bearer";

Fail refuse(ErrorCode code, std::string_view message, std::string_view reason) {
  Error error = public_error(code, std::string(message));
  error.detail = reason;
  return Fail(std::move(error));
}
Fail unauthenticated(std::string_view reason) { return refuse(ErrorCode::kUnauthenticated, "Authentication required.", reason); }

/// RFC 6750: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/")) table[static_cast<uint8_t>(c)] = true;
  return table;
}();

bool is_token(std::string_view text) {
  if (text.empty() || text.size() > kCredentialBytesMax || text.front() == '=') return false;
  while (text.ends_with('=')) text.remove_suffix(1);
  // To the end in any case: tokens are long, and a branch for each character would cost more than the rest of the check.
  bool good = true;
  for (const char c : text) good = good & kTokenChars[static_cast<uint8_t>(c)];
  return good;
}

/// What follows the scheme, if the scheme is Bearer.
std::optional<std::string_view> after_bearer(std::string_view value) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  if (!std::ranges::equal(value.substr(0, kBearer.size()), kBearer, {}, lower)) return std::nullopt;
  value.remove_prefix(kBearer.size());
  if (!value.empty() && value.front() != ' ') return std::nullopt;
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

}  // namespace

Result<std::string_view> bearer_from_headers(const CredentialHeaders& headers) {
  if (!headers.authorization && !headers.api_key) return unauthenticated("auth.missing");
  const auto bearer = headers.authorization ? after_bearer(*headers.authorization) : std::nullopt;
  // Before anything is judged: of two that differ neither is taken, whatever they look like.
  if (headers.authorization && headers.api_key && !(bearer && crypto::equal_constant_time(*bearer, *headers.api_key))) {
    return refuse(ErrorCode::kInvalidRequest, "Send exactly one credential.", "auth.ambiguous");
  }
  if (headers.authorization && !bearer) return unauthenticated("auth.scheme");
  const std::string_view credential = bearer ? *bearer : *headers.api_key;
  if (!is_token(credential)) return unauthenticated("auth.malformed");
  return credential;
}

}  // namespace wye::token
