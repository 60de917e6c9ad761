// Sockets of the epoll engine. Private to foundation/net.
#pragma once

#include "foundation/net/loop.hpp"

namespace wye::net {

/// What the engine knows of a descriptor. Outlives the event batch in which it was closed.
class Watched {
 public:
  virtual ~Watched() = default;
  virtual void on_events(uint32_t events) = 0;
  bool dead = false;
};

/// What sockets need of their engine.
class SocketPort {
 public:
  virtual bool watch(int fd, Watched* watched) = 0;
  /// Before the descriptor is closed: a child that is being started may still hold a copy, and the kernel would go on telling of it.
  virtual void unwatch(int fd) = 0;
  virtual void bury(std::unique_ptr<Watched> watched) = 0;
  virtual TimerWheel& timers() = 0;

 protected:
  ~SocketPort() = default;
};

Result<std::unique_ptr<Listener>> listen_socket(SocketPort& port, const Endpoint& endpoint);
Result<std::unique_ptr<Stream>> open_socket(SocketPort& port, const Endpoint& endpoint);
Result<std::unique_ptr<Listener>> listen_local_socket(SocketPort& port, const std::string& path);
Result<std::unique_ptr<Stream>> open_local_socket(SocketPort& port, const std::string& path);

}  // namespace wye::net
