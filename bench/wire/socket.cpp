#include "socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>

#include "time.hpp"

namespace wye::bench {
namespace {

sockaddr_in to_native(Address address) {
  sockaddr_in native{};
  native.sin_family = AF_INET;
  native.sin_addr.s_addr = htonl(address.ip);
  native.sin_port = htons(address.port);
  return native;
}

}  // namespace

bool parse_address(std::string_view text, Address& address) {
  if (text.starts_with("http://")) text.remove_prefix(7);
  if (text.ends_with('/')) text.remove_suffix(1);
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (ec != std::errc{} || end != port.data() + port.size()) return false;
  std::string host(text.substr(0, colon));
  if (host == "localhost") host = "127.0.0.1";
  in_addr ip{};
  if (inet_pton(AF_INET, host.c_str(), &ip) != 1) return false;
  address.ip = ntohl(ip.s_addr);
  return address.ip >> 24 == 127;
}

std::string to_text(Address address) {
  const in_addr ip{htonl(address.ip)};
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &ip, text, sizeof text);
  return std::string(text) + ":" + std::to_string(address.port);
}

int listen_on(Address address, int backlog) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in native = to_native(address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&native), sizeof native) != 0 || listen(fd, backlog) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

uint16_t port_of(int fd) {
  sockaddr_in native{};
  socklen_t size = sizeof native;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&native), &size) == 0 ? ntohs(native.sin_port) : 0;
}

int start_connect(Address address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_no_delay(fd);
  const sockaddr_in native = to_native(address);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&native), sizeof native) != 0 && errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool watch(int epoll, int fd, uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = tag;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

int wait_events(int epoll, epoll_event* events, int capacity, int64_t timeout_ns) {
  timespec timeout{};
  timeout.tv_sec = timeout_ns / kNsPerSecond;
  timeout.tv_nsec = timeout_ns % kNsPerSecond;
  return epoll_pwait2(epoll, events, capacity, timeout_ns < 0 ? nullptr : &timeout, nullptr);
}

}  // namespace wye::bench
