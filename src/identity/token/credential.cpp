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
bool is_token(std::string_view text) {
  const auto inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._~+/").contains(c);
  };
  if (text.empty() || text.size() > kCredentialBytesMax || !inner(text.front())) return false;
  while (text.ends_with('=')) text.remove_suffix(1);
  return std::ranges::all_of(text, inner);
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
