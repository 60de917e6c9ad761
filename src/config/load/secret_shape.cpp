#include "config/load/secret_shape.hpp"

namespace wye::config {
namespace {

bool alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool token_char(char c) { return alnum(c) || c == '_' || c == '-'; }

/// `prefix` at a place where a token can begin, followed by at least `least` characters of a token.
bool holds_token(std::string_view value, std::string_view prefix, size_t least) {
  for (size_t at = value.find(prefix); at != std::string_view::npos; at = value.find(prefix, at + 1)) {
    if (at > 0 && token_char(value[at - 1])) continue;
    const std::string_view rest = value.substr(at + prefix.size());
    const auto end = std::ranges::find_if_not(rest, token_char);
    if (static_cast<size_t>(end - rest.begin()) >= least) return true;
  }
  return false;
}

bool holds_jwt(std::string_view value) {
  for (size_t at = value.find("eyJ"); at != std::string_view::npos; at = value.find("eyJ", at + 1)) {
    const std::string_view rest = value.substr(at);
    const size_t run = static_cast<size_t>(std::ranges::find_if_not(rest, [](char c) { return token_char(c) || c == '.'; }) - rest.begin());
    if (run >= 20 && std::ranges::count(rest.substr(0, run), '.') >= 2) return true;
  }
  return false;
}

/// One run of hex or base64, long enough to be a key. Paths, names and variables have dots, slashes or underscores.
bool is_key_material(std::string_view value) {
  while (value.ends_with('\n') || value.ends_with(' ')) value.remove_suffix(1);
  if (value.size() < 32) return false;
  if (!std::ranges::all_of(value, [](char c) { return alnum(c) || c == '+' || c == '/' || c == '='; })) return false;
  return std::ranges::any_of(value, digit) && !value.starts_with('/');
}

}  // namespace

bool looks_like_secret(std::string_view value, bool key_field) {
  if (value.size() < 16) return false;
  if (value.find("-----BEGIN ") != std::string_view::npos && value.find("PRIVATE KEY") != std::string_view::npos) return true;
  if (holds_token(value, "wye_live_", 8) || holds_token(value, "wye_test_", 8)) return true;
  if (holds_token(value, "sk-", 16) || holds_jwt(value)) return true;
  if (value.find("sig=") != std::string_view::npos && value.find("sig=") + 24 <= value.size()) return true;
  return key_field && is_key_material(value);
}

bool is_key_field(std::string_view name) {
  std::string low(name);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const std::string_view word : {"key", "secret", "password", "token"}) {
    if (low.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace wye::config
