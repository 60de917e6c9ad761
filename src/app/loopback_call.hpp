// One HTTP call that the calling thread waits for: commands that talk to a running instance, and the Supervisor's looks at its children.
// Threads: each call is on its own; any number at once. Never on the thread of a loop.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/net/dialer.hpp"

namespace wye::app {

/// What to ask. The views live as long as the call.
struct LoopbackCall {
  net::DialTarget target;      // 127.0.0.1 with a port, or a local socket
  std::string_view method = "GET";
  std::string_view path;
  std::string_view body{};     // JSON; empty: none
  std::string_view bearer{};   // a key; empty: none
  std::string_view if_match{};  // a digest for If-Match; empty: none
  Nanos timeout = std::chrono::seconds(10);
  size_t body_max = 4 << 20;
};

struct LoopbackAnswer {
  int status = 0;
  std::string content_type;
  std::string body;  // empty where the pieces were taken
};

/// Takes a piece of the body of a 200 as it comes; false ends the call.
using TakePiece = std::function<bool(std::string_view)>;

/// Errors: kTimeout, kClosed (not reachable, cut), kTooLarge, kCancelled (a piece was refused), kIo.
Result<LoopbackAnswer> loopback_call(const Clock& clock, const LoopbackCall& call, const TakePiece& take = {});

/// Where `http://HOST:PORT` is; absent for other schemes and forms.
std::optional<net::DialTarget> dial_target_of(std::string_view url);

}  // namespace wye::app
