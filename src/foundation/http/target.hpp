// The request target: path and query, decoded once, canonical or refused.
// Source: RFC 9112 §3.2, RFC 3986 §2–3.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/http/head.hpp"

namespace wye::http {

/// A target that was accepted. Views point into the request or into `storage` of this object.
class Target {
 public:
  /// Accepts origin form, absolute form whose authority equals the Host header, and `*` for OPTIONS. Refuses empty and dot segments,
  /// backslashes, fragments, encoded separators, controls and what is not UTF-8; then path and query are empty.
  /// Errors: kInvalidRequest; kWrongHost is the caller's business.
  Result<void> parse(const Head& head);

  /// No target: path and query are empty.
  void clear() { path_ = query_ = {}; }
  /// Percent-decoded UTF-8, begins with `/`; `*` for the asterisk form.
  std::string_view path() const { return path_; }
  /// Raw, without the question mark.
  std::string_view query() const { return query_; }
  /// The value of one query parameter, as sent; absent where there is none. A second one of the same name gives nothing.
  std::optional<std::string_view> parameter(std::string_view name) const;

 private:
  Result<void> parse_path(std::string_view raw);
  std::string_view path_;
  std::string_view query_;
  std::string decoded_;
};

}  // namespace wye::http
