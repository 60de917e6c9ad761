// Where the real models are, and pooled connections to them.
// Threads: one loop.
#pragma once

#include "foundation/base/secret.hpp"
#include "foundation/http/client.hpp"
#include "simulator/azure/options.hpp"

namespace wye::simulator {

/// `http://HOST[:PORT][/PREFIX]`; a prefix that ends in `/v1` names the same server as without.
struct UpstreamUrl {
  std::string host;    // IPv6 without brackets
  uint16_t port = 80;
  std::string prefix;  // empty or `/…`, no slash at its end
  std::string authority;  // for the Host field
};
std::optional<UpstreamUrl> parse_upstream_url(std::string_view url);

/// A server to ask. Keep it as long as the call: the pool may forget the address meanwhile.
struct Upstream {
  std::shared_ptr<http::Origin> origin;
  UpstreamUrl url;
  std::shared_ptr<const Secret> key;  // its bearer token; null: it asks for none
};

/// Finds the server of a model, anew for each request: a local model comes back on another port. In this order:
/// the file's line `MODEL URL [KEY]`, the deployment's own URL, the file's line `URL`, the common URL.
class Upstreams {
 public:
  /// Loop and resolver outlive it. `file` may be empty.
  Upstreams(net::Loop& loop, net::Resolver& resolver, std::string common, std::filesystem::path file);

  /// Absent where nobody says where the model is. A file that is missing or holds nonsense says nothing.
  std::optional<Upstream> find(const DeploymentSpec& deployment);

 private:
  static constexpr size_t kOriginsMax = 64;
  static constexpr size_t kKeyMax = 512;
  struct Line {
    std::string url;
    Secret key;  // empty: none
  };
  Line line_of(const DeploymentSpec& deployment) const;
  net::Loop& loop_;
  net::Resolver& resolver_;
  std::string common_;
  std::filesystem::path file_;
  std::map<std::string, Upstream> known_;  // by URL, without keys: those are of a process, not of an address
};

}  // namespace wye::simulator
