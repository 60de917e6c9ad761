// What we show to an upstream: one Credential towards one audience, bound to its origins for life.
// Threads: `Badge` may be read from any; its identity never changes, what it holds now is guarded by a lock that no request takes.
#pragma once

#include "foundation/base/secret.hpp"
#include "identity/workload/fault.hpp"

namespace wye::workload {

/// A value ready to be sent. Immutable; wiped when the last who holds it lets go.
struct Presented {
  Secret line;             // the header field with its line end: `authorization: Bearer …\r\n`
  MonoTime expires_at{INT64_MAX};
  WallTime expires_wall{0};  // for people; 0: it has no end
  uint64_t generation = 0;   // grows with each new value
};
using PresentedPtr = std::shared_ptr<const Presented>;

/// Why there is nothing (new), and until when nobody asks again.
struct Unavailable {
  std::string reason;  // empty: nothing is wrong
  bool permanent = false;
  MonoTime until{0};
};

/// How an upstream wants to see the value.
enum class HeaderStyle : uint8_t { kBearer, kApiKey };

struct BadgeIdentity {
  std::string credential;            // name of the Credential
  std::string audience;              // what tokens are for; empty where the value does not depend on it
  std::vector<std::string> origins;  // `scheme://host[:port]`, the scheme's own port left out: who may see it
  HeaderStyle style = HeaderStyle::kBearer;
  bool can_change = false;           // fetching again may give another value
};

class Badge {
 public:
  explicit Badge(BadgeIdentity identity) : identity_(std::move(identity)) {}
  Badge(const Badge&) = delete;
  Badge& operator=(const Badge&) = delete;

  const BadgeIdentity& identity() const { return identity_; }
  /// Whether `origin` is one of the list, byte by byte.
  bool is_for(std::string_view origin) const { return std::ranges::find(identity_.origins, origin) != identity_.origins.end(); }

  struct View {
    PresentedPtr presented;  // null: nothing yet
    Unavailable unavailable;
  };
  View view() const;
  void set(PresentedPtr presented, Unavailable unavailable);
  /// A value as its header field; absent where it has a byte that no token or key has, or is too large to be one.
  static std::optional<Secret> line_of(HeaderStyle style, std::string_view value);

 private:
  const BadgeIdentity identity_;
  mutable std::mutex mutex_;
  View view_;
};
using BadgePtr = std::shared_ptr<Badge>;

/// The longest value that is sent.
inline constexpr size_t kValueBytesMax = 16 << 10;

}  // namespace wye::workload
