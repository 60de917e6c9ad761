// Where a token comes from: a URL taken apart, and the texts of a query or form.
// Source: RFC 3986 §3, narrowed: no userinfo, no fragment; RFC 6749 appendix B (application/x-www-form-urlencoded).
// Threads: values.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::workload {

/// `https://host[:port]/path[?query]`, or http where the host is a literal loopback or link-local address: nothing else may be asked for
/// a token in the clear.
struct Url {
  bool tls = true;
  std::string host;    // lower case; IPv6 without brackets
  uint16_t port = 443;
  std::string target;  // path and query as they go into the request line; begins with `/`

  /// The Host header.
  std::string authority() const;
  /// `https://host[:port]`, the scheme's own port left out.
  std::string origin() const;
  /// Whether the host is a literal address of the loopback.
  bool loopback() const;
  friend bool operator==(const Url&, const Url&) = default;
};

/// Errors: kUsage with what was expected.
Result<Url> parse_url(std::string_view text);

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3): one value of a query, a form or a path segment.
std::string encode_component(std::string_view text);
/// Appends `name=value` to a query or form, with `&` before it where something stands there already.
void add_parameter(std::string& form, std::string_view name, std::string_view value);

}  // namespace wye::workload
