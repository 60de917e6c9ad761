// One HTTPS call that the calling thread waits for: commands that talk to an issuer or to an instance elsewhere.
// Source: RFC 9110, RFC 9112. Redirects are answers like any other, the environment names no proxy.
// Threads: each call is on its own; never on the thread of a loop.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/result.hpp"
#include "foundation/base/secret.hpp"

namespace wye::app {

/// `https://HOST[:PORT][/PATH]`, taken apart. `http` is for loopback addresses only.
struct WebUrl {
  bool tls = true;
  std::string host;       // a name, or a literal address without brackets
  uint16_t port = 443;
  std::string target = "/";  // path and query, as sent

  bool is_loopback() const;  // a literal loopback address, or `localhost`
  /// `https://HOST:PORT`, without a slash at the end; the port is left out where it is the scheme's own.
  std::string origin() const;
};
/// Errors: kUsage for another scheme, userinfo, a fragment, http beyond loopback, bytes that no URL has.
Result<WebUrl> parse_web_url(std::string_view url);

/// What to ask. The views live as long as the call.
struct WebCall {
  std::string_view url;
  std::string_view method = "GET";
  std::string_view body{};
  std::string_view content_type = "application/json";  // of a body
  std::string_view bearer{};                           // empty: none
  std::string_view if_match{};                         // a digest for If-Match; empty: none
  std::filesystem::path ca_file{};                     // PEM; empty: the roots of the system
  Nanos timeout = std::chrono::seconds(15);
  size_t body_max = 1 << 20;
};

struct WebAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
};

/// Errors: kUsage (the URL, the CA file), kTimeout, kClosed (not reachable, not trusted, cut: the public message says which host), kTooLarge.
Result<WebAnswer> web_call(const Clock& clock, const WebCall& call);

/// A body of `application/x-www-form-urlencoded` (WHATWG URL §5), field by field; also the query of a URL.
class FormText {
 public:
  FormText& add(std::string_view name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace wye::app
