#include "identity/token/dpop_uri.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kSeparator = "://";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

/// `host:port` in lower case with the port written out; absent where it is none.
std::optional<std::string> full_authority(std::string_view authority, std::string_view scheme) {
  const std::string_view usual = scheme == "https" ? "443" : scheme == "http" ? "80" : "";
  if (authority.empty() || usual.empty()) return std::nullopt;
  const size_t bracket = authority.rfind(']');
  size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && bracket != std::string_view::npos && colon < bracket) colon = std::string_view::npos;
  const std::string_view host = authority.substr(0, colon);
  std::string_view port = colon == std::string_view::npos ? usual : authority.substr(colon + 1);
  if (port.empty()) port = usual;
  const auto in_host = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view(".-_:[]").contains(c);
  };
  if (host.empty() || !std::ranges::all_of(host, in_host)) return std::nullopt;
  if (port.size() > 5 || port.front() == '0' || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return lower(host) + ":" + std::string(port);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Percent-decoded once; absent for what could be read in two ways.
std::optional<std::string> decoded_path(std::string_view raw) {
  if (raw.empty()) return "/";
  std::string path;
  for (size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
      const int low = high < 0 ? -1 : hex_digit(raw[i + 2]);
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if (c == '/' || c == '\\') return std::nullopt;
    }
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f || c == '\\') return std::nullopt;
    path += c;
  }
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = std::string_view(path).substr(at + 1, end - at - 1);
    if (segment == "." || segment == ".." || (segment.empty() && end != path.size())) return std::nullopt;
    at = end;
  }
  return path;
}

}  // namespace

bool dpop_uri_matches(std::string_view htu, std::string_view scheme, std::string_view authority, std::string_view path) {
  if (htu.size() > kDpopUriBytesMax) return false;
  const size_t colon = htu.find(kSeparator);
  if (colon == std::string_view::npos || lower(htu.substr(0, colon)) != scheme) return false;
  htu.remove_prefix(colon + kSeparator.size());
  htu = htu.substr(0, htu.find_first_of("?#"));
  const std::string_view theirs = htu.substr(0, htu.find('/'));
  const std::optional<std::string> named = full_authority(theirs, scheme);
  const std::optional<std::string> ours = full_authority(authority, scheme);
  const std::optional<std::string> named_path = decoded_path(htu.substr(theirs.size()));
  return named && ours && named_path && *named == *ours && *named_path == path;
}

}  // namespace wye::token
