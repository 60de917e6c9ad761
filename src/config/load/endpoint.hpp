// URLs of upstreams, taken apart once. The grammar is narrow on purpose: no userinfo, query, fragment or IP spelling tricks.
// Source: RFC 3986 §3.2 narrowed; IPv4 dotted decimal only, IPv6 by inet_pton.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::config {

/// `scheme://host[:port][/path]`. Values; comparable.
struct Endpoint {
  enum class Scheme : uint8_t { kHttps, kHttp, kSimulator };
  Scheme scheme = Scheme::kHttps;
  std::string host;       // lower case, no trailing dot; IPv6 without brackets; `azure` of the simulator
  uint16_t port = 443;    // 443 or 80 where none is written; 0 of the simulator
  std::string base_path;  // no trailing slash: empty or `/v1`
  bool ip_literal = false;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  bool simulator() const { return scheme == Scheme::kSimulator; }
  bool loopback() const;
  /// `scheme://host[:port]`, the port left out where it is the scheme's own; IPv6 in brackets.
  std::string origin() const;
};

/// kUsage with what was expected as public message.
Result<Endpoint> parse_endpoint(std::string_view url);

/// Whether `address` is an IPv4 or IPv6 literal, and one of 127/8 or ::1.
bool is_ip_literal(std::string_view address);
bool is_loopback(std::string_view address);

}  // namespace wye::config
