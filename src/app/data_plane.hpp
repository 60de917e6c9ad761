// The threads that serve requests: a loop, a gateway and a server a thread, sharing the listeners' ports.
// Threads: made, fed and drained by one thread (the composition root).
#pragma once

#include "app/listener_tls.hpp"
#include "edge/gateway/gateway.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "foundation/net/offload.hpp"

namespace wye::app {

class DataPlane {
 public:
  /// `parts` and `offload` outlive it. Errors: kConflict (port taken), kIo, kUsage (TLS files), each naming what and where.
  static Result<std::unique_ptr<DataPlane>> start(const gateway::GatewayParts& parts, net::Offload& offload, gateway::ConfigurationPtr configuration,
                                                  provider::EndpointSetPtr endpoints, size_t threads);
  ~DataPlane();

  /// Requests that begin after it ran on their loop see it; those in flight keep theirs.
  void take(gateway::ConfigurationPtr configuration, provider::EndpointSetPtr endpoints);
  /// The first listener, with the port that the system chose.
  net::Endpoint address() const { return addresses_.front(); }
  std::span<const net::Endpoint> addresses() const { return addresses_; }
  size_t connections() const { return count_->now(); }

  /// Looks whether the files of listeners' certificates have changed: new handshakes then show the new ones. Gives what is wrong with
  /// changed files, for the log; until they are mended the old certificates stay. Blocks on the disk.
  std::vector<std::string> look_at_certificates();

  /// Asks every loop for a sign of life.
  void pulse(MonoTime now);
  /// Whether every loop has given one since `since`.
  bool alive(MonoTime since) const;

  /// Stops accepting, lets requests end for at most `patience`, then cuts them. Returns when every thread has ended.
  void drain(Nanos patience);

 private:
  struct Worker;
  DataPlane() = default;
  Result<void> add_worker(const gateway::GatewayParts& parts, net::Offload& offload, size_t index, const config::GatewaySettings& settings);

  std::unique_ptr<http::ConnectionCount> count_;
  std::vector<std::optional<ListenerTls>> tls_;  // by listener; absent: plaintext
  std::vector<net::Endpoint> addresses_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace wye::app
