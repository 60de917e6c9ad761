// What a handler keeps with a connection: ServerCall::note().
#pragma once

namespace wye::http {

/// Base of what is kept. One a connection, owned by it and destroyed with it; whoever sets it knows its type, and only one room does.
/// Threads: that of the connection's loop.
class ConnectionNote {
 public:
  virtual ~ConnectionNote() = default;
};

}  // namespace wye::http
