// The addresses of issuers, strict: what could be read in two ways is none. Source: RFC 3986 §3, OpenID Connect Discovery 1.0 §4.
// Threads: pure.
#pragma once

namespace wye::token {

inline constexpr size_t kIssuerUrlBytesMax = 2'048;

/// An absolute http or https URL, taken apart.
struct IssuerUrl {
  bool https = true;
  std::string host{};    // lower case; a literal IPv6 address without its brackets
  uint16_t port = 443;
  std::string target{};  // path and query, begins with `/`
  /// Scheme, host and port.
  bool same_origin(const IssuerUrl& other) const { return https == other.https && host == other.host && port == other.port; }
  friend bool operator==(const IssuerUrl&, const IssuerUrl&) = default;
};

/// Absent on anything else: user information, fragments, empty hosts, bytes outside visible ASCII, backslashes, dot segments, a port
/// of zero, more than kIssuerUrlBytesMax bytes.
std::optional<IssuerUrl> parse_issuer_url(std::string_view text);
/// `127.0.0.1`, `[::1]`, `localhost`: the hosts that never leave this machine, by their spelling alone.
bool is_loopback_host(std::string_view host);
/// Host and port as the Host header has them.
std::string authority_of(const IssuerUrl& url);
/// `{issuer}/.well-known/openid-configuration`, one slash between them (OpenID Connect Discovery 1.0 §4.1).
std::string discovery_url(std::string_view issuer);

}  // namespace wye::token
