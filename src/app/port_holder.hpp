// Who listens on a port of this machine: for the message that a port is taken.
// Source: man 5 proc (net/tcp, PID/fd). Threads: no state; reads /proc.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::app {

/// Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6.
std::vector<std::string> listening_inodes(std::string_view table, uint16_t port);

/// `process 4711 (nginx)`; empty where it can not be seen: another user's, or nobody any more.
std::string port_holder(uint16_t port);

}  // namespace wye::app
