#include "config/load/endpoint.hpp"

#include <arpa/inet.h>

namespace wye::config {
namespace {

Fail wrong(std::string message) { return Fail(public_error(ErrorCode::kUsage, std::move(message))); }

bool digit(char c) { return c >= '0' && c <= '9'; }
bool alnum(char c) { return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool parse_v4(std::string_view text, in_addr& out) {
  // inet_pton takes dotted decimal only: no octal, hex or short form gets through.
  return text.size() < 16 && inet_pton(AF_INET, std::string(text).c_str(), &out) == 1;
}
bool parse_v6(std::string_view text, in6_addr& out) { return text.size() < 46 && inet_pton(AF_INET6, std::string(text).c_str(), &out) == 1; }

/// A name that some resolver would read as a number: its last label is all digits or begins with 0x.
bool is_number_in_disguise(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return std::ranges::all_of(last, digit) || last.starts_with("0x");
}

Result<void> parse_host(std::string_view text, Endpoint& out) {
  in_addr v4;
  if (text.empty()) return wrong("the host is missing");
  if (parse_v4(text, v4)) {
    out.ip_literal = true;
    out.host = text;
    return {};
  }
  if (text.size() > 253) return wrong("the host is longer than 253 characters");
  if (text.ends_with('.')) return wrong("the host ends with a dot");
  std::string host(text);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (size_t start = 0; start <= host.size();) {
    const size_t dot = std::min(host.find('.', start), host.size());
    const std::string_view label = std::string_view(host).substr(start, dot - start);
    const bool good = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                      std::ranges::all_of(label, [](char c) { return alnum(c) || c == '-'; });
    if (!good) return wrong("the host is not a name of letters, digits, - and dots (write IDNA names in their xn-- form)");
    start = dot + 1;
  }
  if (is_number_in_disguise(host)) return wrong("the host is an IP address in a spelling that is refused; write four decimal numbers");
  out.host = std::move(host);
  return {};
}

Result<void> parse_port(std::string_view text, Endpoint& out) {
  uint32_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535 || text.front() == '0')
    return wrong("the port is not 1 to 65535");
  out.port = static_cast<uint16_t>(port);
  return {};
}

Result<void> parse_authority(std::string_view authority, Endpoint& out) {
  if (authority.find('@') != std::string_view::npos) return wrong("a URL with user or password is refused");
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    in6_addr v6;
    if (close == std::string_view::npos || !parse_v6(authority.substr(1, close - 1), v6)) return wrong("[...] does not hold an IPv6 address");
    char text[INET6_ADDRSTRLEN];
    out.host = inet_ntop(AF_INET6, &v6, text, sizeof text);
    out.ip_literal = true;
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') return wrong("after ] only a port may follow");
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    CHECK_OK(parse_host(authority.substr(0, colon), out));
    port = authority.substr(colon);
  }
  if (port.empty()) return {};
  if (port.size() < 2) return wrong("the port is missing after the colon");
  return parse_port(port.substr(1), out);
}

Result<void> parse_path(std::string_view path, Endpoint& out) {
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return {};
  for (size_t start = 1; start <= path.size();) {
    const size_t slash = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, slash - start);
    const bool good = !segment.empty() && segment != "." && segment != ".." &&
                      std::ranges::all_of(segment, [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.' || c == '~'; });
    if (!good) return wrong("the path has a segment that is empty, a dot, or not made of letters, digits and -_.~");
    start = slash + 1;
  }
  out.base_path = path;
  return {};
}

}  // namespace

bool Endpoint::loopback() const { return ip_literal && is_loopback(host); }

std::string Endpoint::origin() const {
  if (simulator()) return "simulator://" + host;
  std::string out = scheme == Scheme::kHttps ? "https://" : "http://";
  out += ip_literal && host.find(':') != std::string::npos ? "[" + host + "]" : host;
  if (port != (scheme == Scheme::kHttps ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

Result<Endpoint> parse_endpoint(std::string_view url) {
  Endpoint out;
  if (url.size() > 1024) return wrong("the URL is longer than 1024 characters");
  if (url == "simulator://azure") {
    out.scheme = Endpoint::Scheme::kSimulator;
    out.host = "azure";
    out.port = 0;
    return out;
  }
  if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    out.scheme = Endpoint::Scheme::kHttp;
    out.port = 80;
    url.remove_prefix(7);
  } else {
    return wrong("the URL does not begin with https:// (or http:// to loopback, or is simulator://azure)");
  }
  if (url.find('?') != std::string_view::npos) return wrong("a query (?) is refused");
  if (url.find('#') != std::string_view::npos) return wrong("a fragment (#) is refused");
  const size_t slash = std::min(url.find('/'), url.size());
  CHECK_OK(parse_authority(url.substr(0, slash), out));
  CHECK_OK(parse_path(url.substr(slash), out));
  return out;
}

bool is_ip_literal(std::string_view address) {
  in_addr v4;
  in6_addr v6;
  return parse_v4(address, v4) || parse_v6(address, v6);
}

bool is_loopback(std::string_view address) {
  in_addr v4;
  in6_addr v6;
  if (parse_v4(address, v4)) return ntohl(v4.s_addr) >> 24 == 127;
  // The mapped form ::ffff:127.0.0.1 is not accepted as loopback: one spelling is enough.
  return parse_v6(address, v6) && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace wye::config
