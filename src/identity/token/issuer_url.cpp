#include "identity/token/issuer_url.hpp"

#include "foundation/net/stream.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";
constexpr std::string_view kWellKnown = ".well-known/openid-configuration";

bool is_host_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; }

/// A name or a literal address. IPv6 literals come without brackets.
bool is_host(std::string_view host, bool bracketed) {
  if (bracketed) return host.contains(':') && net::parse_address(host, 0).has_value();
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-' || host.contains("..")) return false;
  if (!std::ranges::all_of(host, is_host_char)) return false;
  // What ends in a number is an address (WHATWG URL §3.5): only the dotted form of four decimals is one here.
  const std::string_view last = host.substr(host.rfind('.') + 1);
  const bool number = !last.empty() && last.front() >= '0' && last.front() <= '9';
  return !number || net::parse_address(host, 0).has_value();
}

/// No segment is empty in a way that a server could fold, none is `.` or `..`, also not encoded.
bool is_target(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    if (segment == "." || segment == "..") return false;
    at = end;
  }
  return !path.contains("//") && !path.contains("%2e") && !path.contains("%2E");
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (fault != std::errc() || end != text.data() + text.size() || port == 0 || text.front() == '0') return std::nullopt;
  return port;
}

}  // namespace

std::optional<IssuerUrl> parse_issuer_url(std::string_view text) {
  if (text.size() > kIssuerUrlBytesMax) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '\\' && c != '#' && c != '"' && c != '<' && c != '>'; })) {
    return std::nullopt;
  }
  IssuerUrl url;
  url.https = text.starts_with(kHttps);
  if (!url.https && !text.starts_with(kHttp)) return std::nullopt;
  text.remove_prefix(url.https ? kHttps.size() : kHttp.size());
  url.port = url.https ? 443 : 80;
  const size_t end = text.find_first_of("/?");
  std::string_view authority = text.substr(0, end);
  url.target = end == std::string_view::npos ? "/" : std::string(text.substr(end));
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (authority.contains('@') || !is_target(url.target)) return std::nullopt;

  const bool bracketed = authority.starts_with('[');
  const size_t close = bracketed ? authority.find(']') : 0;
  if (close == std::string_view::npos) return std::nullopt;
  const size_t colon = authority.find(':', close);
  if (colon != std::string_view::npos) {
    const auto port = colon + 1 < authority.size() ? parse_port(authority.substr(colon + 1)) : std::nullopt;
    if (!port) return std::nullopt;
    url.port = *port;
    authority = authority.substr(0, colon);
  }
  if (bracketed && !authority.ends_with(']')) return std::nullopt;
  if (bracketed) authority = authority.substr(1, authority.size() - 2);
  for (const char c : authority) url.host += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (!is_host(url.host, bracketed)) return std::nullopt;
  return url;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  const auto address = net::parse_address(host, 0);
  return address && address->is_loopback();
}

std::string authority_of(const IssuerUrl& url) {
  std::string text = url.host.contains(':') ? "[" + url.host + "]" : url.host;
  if (url.port != (url.https ? 443 : 80)) text += ":" + std::to_string(url.port);
  return text;
}

std::string discovery_url(std::string_view issuer) {
  std::string url(issuer);
  if (!url.ends_with('/')) url += '/';
  return url.append(kWellKnown);
}

}  // namespace wye::token
