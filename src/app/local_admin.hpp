// Commands that talk to the instance of a data folder over its local socket.
// Threads: those of a command; blocking.
#pragma once

#include "app/admin_client.hpp"
#include "app/loopback_call.hpp"

namespace wye::app {

/// GET or POST `/admin/v1/PATH` on admin.sock; gives the body of a 200. Errors: kNotFound (nothing answers there), kUpstreamFailed
/// (another status; the message has the answer).
Result<std::string> call_admin(const DataFolder& data, const Clock& clock, std::string_view method, std::string_view path,
                               const std::string& instance = {});

/// As `report`, with exit code 5 where the instance can not be reached.
int report_unreachable(const Error& error);

}  // namespace wye::app
