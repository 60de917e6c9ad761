#include "identity/workload/url.hpp"

#include "foundation/net/stream.hpp"

namespace wye::workload {
namespace {

Fail bad(std::string_view text, std::string_view what) {
  return Fail(public_error(ErrorCode::kUsage, "\"" + std::string(text.substr(0, 200)) + "\": " + std::string(what)));
}

bool link_local(const net::Endpoint& e) {
  return e.v6 ? e.address[0] == 0xFE && (e.address[1] & 0xC0) == 0x80 : e.address[0] == 169 && e.address[1] == 254;
}

bool host_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; }

bool target_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("-._~!$&'()*+,;=:@%/?").find(c) != std::string_view::npos;
}

/// `host`, `host:port`, `[v6]:port`; false where it is none.
bool parse_authority(std::string_view text, Url& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!net::parse_address(url.host, 0)) return false;
  } else {
    const size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    std::ranges::transform(url.host, url.host.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (url.host.empty() || url.host.size() > 253 || !std::ranges::all_of(url.host, host_char)) return false;
  }
  if (port.empty()) return true;
  const char* const end = port.data() + port.size();
  const auto [at, error] = std::from_chars(port.data() + 1, end, url.port);
  return port.front() == ':' && port.size() > 1 && error == std::errc() && at == end && url.port != 0;
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::origin() const { return (tls ? "https://" : "http://") + authority(); }

bool Url::loopback() const {
  const auto address = net::parse_address(host, port);
  return address && address->is_loopback();
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return bad(text, "a URL begins with https://");
  }
  const size_t slash = rest.find_first_of("/?");
  if (!parse_authority(rest.substr(0, slash), url)) return bad(text, "no host that can be called");
  url.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (!std::ranges::all_of(url.target, target_char)) return bad(text, "a character that stands in no URL");
  const auto address = net::parse_address(url.host, url.port);
  if (!url.tls && !(address && (address->is_loopback() || link_local(*address))))
    return bad(text, "http is for literal loopback and link-local addresses; all else is asked by https");
  return url;
}

std::string encode_component(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() * 3);  // no copy of a secret is left behind by growing
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '-' || u == '.' || u == '_' || u == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[u >> 4];
      out += kHex[u & 15];
    }
  }
  return out;
}

void add_parameter(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form += name;
  form += '=';
  form += encode_component(value);
}

}  // namespace wye::workload
