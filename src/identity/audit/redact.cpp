#include "identity/audit/record.hpp"

namespace wye::audit {
namespace {

constexpr std::string_view kRedacted = "[redacted]";

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || std::string_view("-_.~+/=").find(c) != std::string_view::npos;
}
bool starts_with_any_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::ranges::equal(text.substr(0, lower.size()), lower, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}
size_t token_length(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_token_char);
  return static_cast<size_t>(end - text.begin());
}

/// The length of a credential that starts here; 0: none. `front`: whether a word begins here.
size_t secret_length(std::string_view text, bool front) {
  constexpr size_t kKeyFront = 9 + 12 + 1;  // wye_live_, the id and its underscore: with one more character it is more than a name
  for (const std::string_view key : {"wye_live_", "wye_test_"}) {
    if (text.starts_with(key) && token_length(text) > kKeyFront) return token_length(text);
  }
  if (text.starts_with("-----BEGIN ")) return text.size();
  // A JOSE header is an object: its first two bytes in base64url.
  if (text.starts_with("eyJ") && token_length(text) > 16 && text.substr(0, token_length(text)).find('.') != std::string_view::npos)
    return token_length(text);
  if (!front) return 0;
  for (const std::string_view scheme : {"bearer ", "dpop ", "basic "}) {
    if (!starts_with_any_case(text, scheme)) continue;
    const size_t credential = token_length(text.substr(scheme.size()));
    if (credential >= 8) return scheme.size() + credential;
  }
  if (text.starts_with("sk-") && token_length(text) >= 20) return token_length(text);
  return 0;
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string out;
  bool front = true;
  while (!text.empty()) {
    if (const size_t length = secret_length(text, front); length > 0) {
      out += kRedacted;
      text.remove_prefix(length);
      front = false;
      continue;
    }
    front = !is_token_char(text.front());
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace wye::audit
