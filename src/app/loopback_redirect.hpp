// Where a browser brings the code back: one listener on 127.0.0.1, one path, for one sign-in.
// Source: RFC 8252 §7.3 (loopback interface redirection), §8.10 (state).
// Threads: that of a command; `wait` blocks.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/result.hpp"

namespace wye::app {

/// What the issuer said through the browser.
struct RedirectAnswer {
  std::string code;
  std::string error;  // empty: none
  std::string error_description;
  std::string issuer;  // RFC 9207; empty: not said
};

class LoopbackRedirect {
 public:
  /// Listens on a free port. Errors: kIo.
  static Result<std::unique_ptr<LoopbackRedirect>> open(const Clock& clock);
  ~LoopbackRedirect();

  /// `http://127.0.0.1:PORT/callback`.
  const std::string& uri() const { return uri_; }
  /// The first answer with exactly this state; others are refused and change nothing. Once an object. Errors: kTimeout.
  Result<RedirectAnswer> wait(std::string_view state, Nanos limit);

 private:
  struct Listening;
  explicit LoopbackRedirect(std::unique_ptr<Listening> listening);
  std::unique_ptr<Listening> listening_;
  std::string uri_;
};

}  // namespace wye::app
