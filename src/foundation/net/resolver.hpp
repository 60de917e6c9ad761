// Names to addresses.
// Source: getaddrinfo(3); RFC 6724 (order of the answer), RFC 1035 (length of a name).
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/net/loop.hpp"

namespace wye::net {

class Offload;

/// Port. Threads: one loop.
class Resolver {
 public:
  static constexpr size_t kAddressesMax = 32;

  virtual ~Resolver() = default;
  /// All addresses of `host`, in the order to try them, with `port` in each; never empty. A literal address answers at once.
  /// Errors: kNotFound (no such name), kIo (the resolver failed, or more than kAddressesMax addresses), kTimeout, kCancelled; the
  /// detail names the host.
  virtual Task<Result<std::vector<Endpoint>>> resolve(std::string host, uint16_t port, Bound bound) = 0;
};

/// A fixed table, for tests and simulation.
class TableResolver final : public Resolver {
 public:
  void set(std::string host, std::vector<Endpoint> addresses) { table_[std::move(host)] = std::move(addresses); }
  Task<Result<std::vector<Endpoint>>> resolve(std::string host, uint16_t port, Bound bound) override;

 private:
  std::map<std::string, std::vector<Endpoint>, std::less<>> table_;
};

/// Looks a name up and may block: runs on a thread of the pool.
using Lookup = std::function<Result<std::vector<Endpoint>>(const std::string& host)>;
/// getaddrinfo. Errors: kNotFound, kIo.
Result<std::vector<Endpoint>> system_lookup(const std::string& host);

/// The system's resolver (hosts file, DNS) by way of the pool. Answers are kept 30 s, failures 1 s, at most 1,024 names; one question a
/// name is under way at a time, however many wait for it. Threads: one loop; make one a loop. Lifetime: loop and pool outlive it.
class SystemResolver final : public Resolver {
 public:
  static constexpr Nanos kKeepGood = std::chrono::seconds(30);
  static constexpr Nanos kKeepFailure = std::chrono::seconds(1);
  static constexpr size_t kNamesMax = 1024;

  SystemResolver(Loop& loop, Offload& offload, Lookup lookup = system_lookup);
  ~SystemResolver() override;
  Task<Result<std::vector<Endpoint>>> resolve(std::string host, uint16_t port, Bound bound) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wye::net
