// The engine for real sockets: edge-triggered epoll, one loop a thread, listeners shared by SO_REUSEPORT.
// Source: epoll(7), socket(7).
#pragma once

#include "foundation/net/loop.hpp"

namespace wye::net {

/// Makes a loop. `clock` outlives it. Errors: kIo where the kernel refuses a descriptor.
Result<std::unique_ptr<Loop>> make_epoll_loop(const Clock& clock);

/// Listeners share their port on purpose, so two processes would too: a program asks here first. Port 0 is always free.
/// Errors: kConflict where somebody listens, kIo (the address is not ours, no right to it).
Result<void> check_port_free(const Endpoint& endpoint);

}  // namespace wye::net
