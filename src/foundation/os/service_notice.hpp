// Tells a service manager how we are. Source: man 3 sd_notify (protocol of $NOTIFY_SOCKET).
#pragma once

#include "foundation/base/result.hpp"

namespace wye::os {

/// Sends `state` (`READY=1`, `STOPPING=1`, `STATUS=…`, lines) as one datagram to `socket`, the value of $NOTIFY_SOCKET: an
/// absolute path, or `@name` for an abstract one. Empty: nobody listens, success. kIo when it cannot be sent. Never blocks.
Result<> notify_service(std::string_view socket, std::string_view state);

}  // namespace wye::os
