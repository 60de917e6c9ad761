// Port: one way to get what a Credential presents.
// Threads: made by the composition root, then used on one loop.
#pragma once

#include "identity/workload/fetch.hpp"
#include "identity/workload/schedule.hpp"

namespace wye::workload {

/// Files that others keep fresh are looked at so often.
inline constexpr Nanos kFilePoll = std::chrono::seconds(5);

class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// One try, from nothing. One at a time; ends within a small multiple of kFetchTimeout.
  virtual net::Task<FetchResult> fetch(FetchContext context, net::Bound bound) = 0;
  virtual ScheduleRules rules() const { return {}; }
  /// Where it asks, for people: a URL, a path, the name of a service.
  virtual std::string place() const = 0;
};

/// What a token endpoint is asked for: `{audience}/.default`, once.
std::string scope_of(std::string_view audience);
/// What IMDS is asked for: the audience without `/.default`.
std::string resource_of(std::string_view audience);

}  // namespace wye::workload
