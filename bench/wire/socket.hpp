#pragma once
// The few socket calls of the bench programs: IPv4 loopback, non-blocking, TCP_NODELAY. Calls return -1 or false and leave errno.
#include <sys/epoll.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace wye::bench {

struct Address {
  uint32_t ip = 0x7f000001;  // host order
  uint16_t port = 0;
};

// `http://127.0.0.1:8080`, `127.0.0.1:8080` or `localhost:8080`; only addresses of 127.0.0.0/8 are accepted: load goes nowhere else.
bool parse_address(std::string_view text, Address& address);
std::string to_text(Address address);

int listen_on(Address address, int backlog);
uint16_t port_of(int fd);
// Starts to connect; completion shows as writability.
int start_connect(Address address);
int socket_error(int fd);
void set_no_delay(int fd);
// Registers once for both directions, edge-triggered.
bool watch(int epoll, int fd, uint64_t tag);
// As epoll_wait, with a timeout in nanoseconds (negative: for ever).
int wait_events(int epoll, epoll_event* events, int capacity, int64_t timeout_ns);

}  // namespace wye::bench
