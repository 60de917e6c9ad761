// The one dialer: everything that connects out goes through here. It resolves, connects, shakes hands, and knows no proxy: the
// environment is not read, redirects are nobody's business below HTTP.
#pragma once

#include "foundation/net/resolver.hpp"
#include "foundation/net/tls.hpp"

namespace wye::net {

constexpr Nanos kResolveTimeout = std::chrono::seconds(4);
constexpr Nanos kConnectTimeout = std::chrono::seconds(1);  // each address
constexpr Nanos kTlsTimeout = std::chrono::seconds(2);

/// Where to. A value.
struct DialTarget {
  std::string host{};  // a name, or a literal address
  uint16_t port = 0;
  const TlsClientContext* tls = nullptr;  // null: no TLS; outlives the dial
  std::string server_name{};              // for TLS; empty: host
  std::string local_path{};               // a local socket instead: host, port and TLS are not looked at
  bool loopback_only = false;             // refuses the whole answer if one address is not 127/8 or ::1
};

/// Which step of a dial failed.
enum class DialStep : uint8_t { kResolve, kConnect, kTls };
std::string_view to_string(DialStep step);

/// An Error that also knows the step; converts to a plain Error by slicing, so TRY and Result<…> take it.
struct DialError : Error {
  DialStep step = DialStep::kConnect;
};
using DialResult = std::expected<std::unique_ptr<Stream>, DialError>;

/// A connection that stands. Addresses are tried in the order of the answer, kConnectTimeout each, the first that stands wins.
/// Errors: kUpstreamFailed, kUpstreamTimeout (a step's limit or the bound's deadline passed), kCancelled. The detail names host and
/// reason; nothing of it may reach a client. `loop` and `resolver` outlive the task.
Task<DialResult> dial(Loop& loop, Resolver& resolver, DialTarget target, Bound bound);

}  // namespace wye::net
