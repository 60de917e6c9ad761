#include "foundation/net/epoll_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "foundation/net/epoll_loop.hpp"

namespace wye::net {
namespace {

constexpr int kBacklog = 4096;
constexpr size_t kPiecesMax = 1024;  // IOV_MAX

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress to_system(const Endpoint& e) {
  SocketAddress out;
  if (e.v6) {
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(e.port);
    std::memcpy(&a.sin6_addr, e.address.data(), 16);
    std::memcpy(&out.storage, &a, sizeof a);
    out.size = sizeof a;
  } else {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(e.port);
    std::memcpy(&a.sin_addr, e.address.data(), 4);
    std::memcpy(&out.storage, &a, sizeof a);
    out.size = sizeof a;
  }
  return out;
}

Endpoint from_system(const sockaddr_storage& storage) {
  // The peer of a local socket is on this machine, and its owner.
  if (storage.ss_family == AF_UNIX) return Endpoint::loopback(0);
  Endpoint e;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 a{};
    std::memcpy(&a, &storage, sizeof a);
    e.v6 = true;
    e.port = ntohs(a.sin6_port);
    std::memcpy(e.address.data(), &a.sin6_addr, 16);
  } else {
    sockaddr_in a{};
    std::memcpy(&a, &storage, sizeof a);
    e.port = ntohs(a.sin_port);
    std::memcpy(e.address.data(), &a.sin_addr, 4);
  }
  return e;
}

/// A connected or connecting socket, as the engine sees it.
class SocketCore final : public Watched {
 public:
  SocketCore(int descriptor, TimerWheel& wheel) : fd(descriptor), receive(wheel), send(wheel) {}
  ~SocketCore() override = default;

  void on_events(uint32_t events) override {
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up = true;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) receive.notify();
    if (!dead && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) send.notify();
    if (!dead && hung_up && listener != nullptr) std::exchange(listener, nullptr)->on_hangup();
  }

  int fd;
  WaitSlot receive;
  WaitSlot send;
  HangupListener* listener = nullptr;
  bool hung_up = false;
  int error = 0;  // of the last failed call; the kernel forgets it once told
};

class Socket final : public Stream {
 public:
  Socket(SocketPort& port, std::unique_ptr<SocketCore> core, const Endpoint& peer) : port_(port), core_(std::move(core)), peer_(peer) {}
  ~Socket() override {
    port_.unwatch(core_->fd);
    ::close(core_->fd);
    core_->dead = true;
    core_->listener = nullptr;
    port_.bury(std::move(core_));
  }

  TryResult try_receive(std::span<char> buffer) override {
    for (;;) {
      const ssize_t n = ::recv(core_->fd, buffer.data(), buffer.size(), 0);
      if (n > 0) {
        // A short read has emptied the socket: the next edge will say when there is more. After a hang-up no edge comes.
        if (static_cast<size_t>(n) < buffer.size() && !core_->hung_up) core_->receive.ready = false;
        return {static_cast<size_t>(n), TryResult::State::kMoved};
      }
      if (n == 0) return {0, TryResult::State::kEof};
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return failed();
      core_->receive.ready = false;
      return {0, TryResult::State::kAgain};
    }
  }

  TryResult try_send(std::span<const iovec> pieces) override {
    for (;;) {
      ssize_t n = 0;
      if (pieces.size() == 1) {
        n = ::send(core_->fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
      } else {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(pieces.data());
        message.msg_iovlen = std::min<size_t>(pieces.size(), kPiecesMax);
        n = ::sendmsg(core_->fd, &message, MSG_NOSIGNAL);
      }
      if (n >= 0) return {static_cast<size_t>(n), TryResult::State::kMoved};
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return failed();
      core_->send.ready = false;
      return {0, TryResult::State::kAgain};
    }
  }

  WaitSlot& receive_slot() override { return core_->receive; }
  WaitSlot& send_slot() override { return core_->send; }
  void shutdown_send() override { ::shutdown(core_->fd, SHUT_WR); }
  bool peer_closed() const override { return core_->hung_up; }
  bool disturbed() const override { return core_->hung_up || core_->receive.ready; }
  void set_hangup_listener(HangupListener* listener) override { core_->listener = listener; }
  Endpoint peer() const override { return peer_; }
  bool connected() override {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(core_->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) core_->error = error;
    return core_->error == 0;
  }
  std::string failure() const override { return core_->error == 0 ? std::string() : std::strerror(core_->error); }

 private:
  TryResult failed() {
    core_->error = errno;
    return {0, TryResult::State::kFailed};
  }

  SocketPort& port_;
  std::unique_ptr<SocketCore> core_;
  Endpoint peer_;
};

void set_no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::unique_ptr<Stream> adopt(SocketPort& port, int fd, const Endpoint& peer) {
  auto core = std::make_unique<SocketCore>(fd, port.timers());
  if (!port.watch(fd, core.get())) {
    ::close(fd);
    return nullptr;
  }
  return std::make_unique<Socket>(port, std::move(core), peer);
}

class SocketListener final : public Listener {
 public:
  SocketListener(SocketPort& port, std::unique_ptr<SocketCore> core, const Endpoint& local) : port_(port), core_(std::move(core)), local_(local) {}
  ~SocketListener() override {
    port_.unwatch(core_->fd);
    ::close(core_->fd);
    core_->dead = true;
    port_.bury(std::move(core_));
  }
  std::unique_ptr<Stream> try_accept() override {
    for (;;) {
      sockaddr_storage storage{};
      socklen_t size = sizeof storage;
      const int fd = ::accept4(core_->fd, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        set_no_delay(fd);
        if (auto stream = adopt(port_, fd, from_system(storage))) return stream;
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // Out of descriptors: the edge stays unread, so the next wait must not rely on a new one. The accept loop pauses instead.
      return nullptr;
    }
  }
  WaitSlot& slot() override { return core_->receive; }
  Endpoint local() const override { return local_; }

 private:
  SocketPort& port_;
  std::unique_ptr<SocketCore> core_;
  Endpoint local_;
};

Error system_error(std::string_view what, const Endpoint& endpoint) {
  const int code = errno;
  Error error = internal_error(code == EADDRINUSE ? ErrorCode::kConflict : ErrorCode::kIo,
                               std::string(what) + " " + to_string(endpoint) + ": " + std::strerror(code));
  return error;
}

}  // namespace

Result<std::unique_ptr<Listener>> listen_socket(SocketPort& port, const Endpoint& endpoint) {
  const int fd = ::socket(endpoint.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(system_error("socket for", endpoint));
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (endpoint.v6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const SocketAddress address = to_system(endpoint);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 || ::listen(fd, kBacklog) != 0) {
    Error error = system_error("listen on", endpoint);
    ::close(fd);
    return Fail(std::move(error));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  auto core = std::make_unique<SocketCore>(fd, port.timers());
  if (!port.watch(fd, core.get())) {
    Error error = system_error("watch", endpoint);
    ::close(fd);
    return Fail(std::move(error));
  }
  return std::make_unique<SocketListener>(port, std::move(core), from_system(bound));
}

Result<std::unique_ptr<Stream>> open_socket(SocketPort& port, const Endpoint& endpoint) {
  const int fd = ::socket(endpoint.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(system_error("socket for", endpoint));
  set_no_delay(fd);
  const SocketAddress address = to_system(endpoint);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 && errno != EINPROGRESS) {
    Error error = system_error("connect to", endpoint);
    ::close(fd);
    return Fail(std::move(error));
  }
  auto stream = adopt(port, fd, endpoint);
  if (stream == nullptr) return Fail(system_error("watch", endpoint));
  return stream;
}

Result<void> check_port_free(const Endpoint& endpoint) {
  const int fd = ::socket(endpoint.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(system_error("socket for", endpoint));
  const int on = 1;
  // Without it connections in TIME_WAIT would look like somebody; a listener conflicts all the same.
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.v6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const SocketAddress address = to_system(endpoint);
  Result<void> result;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) result = Fail(system_error("bind", endpoint));
  ::close(fd);
  return result;
}

namespace {

Error local_error(std::string_view what, const std::string& path, int code) {
  return internal_error(ErrorCode::kIo, std::string(what) + " " + path + ": " + std::strerror(code));
}

/// The address of a path; kIo where it is longer than sun_path.
Result<sockaddr_un> local_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Fail(local_error("socket", path, ENAMETOOLONG));
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

Result<std::unique_ptr<Listener>> listen_local_socket(SocketPort& port, const std::string& path) {
  TRY(const sockaddr_un address, local_address(path));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(local_error("socket", path, errno));
  // Only what a former listener left behind: a file of another kind makes bind fail.
  if (struct stat old{}; ::lstat(path.c_str(), &old) == 0 && S_ISSOCK(old.st_mode)) ::unlink(path.c_str());
  // The mode is set before anyone can connect: until `listen` they can not.
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::chmod(path.c_str(), 0600) == 0;
  auto core = std::make_unique<SocketCore>(fd, port.timers());
  if (!bound || ::listen(fd, kBacklog) != 0 || !port.watch(fd, core.get())) {
    Error error = local_error("listen on", path, errno);
    ::close(fd);
    return Fail(std::move(error));
  }
  return std::make_unique<SocketListener>(port, std::move(core), Endpoint::loopback(0));
}

Result<std::unique_ptr<Stream>> open_local_socket(SocketPort& port, const std::string& path) {
  TRY(const sockaddr_un address, local_address(path));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(local_error("socket", path, errno));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Error error = local_error("connect to", path, errno);
    ::close(fd);
    return Fail(std::move(error));
  }
  auto stream = adopt(port, fd, Endpoint::loopback(0));
  if (stream == nullptr) return Fail(local_error("watch", path, errno));
  return stream;
}

}  // namespace wye::net
