// SIGTERM and SIGINT as something to wait for. Source: man 2 signalfd.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/os/fd.hpp"

namespace wye::os {

/// Blocks SIGTERM and SIGINT in the calling thread and in every thread that it starts later; so make it in `main` before the first
/// thread. Children that ChildProcess starts get the normal behaviour back. Also ignores SIGPIPE. The destructor restores the
/// mask of the calling thread. Threads: `fd` may be polled anywhere; `try_take`, `wait_for` by one thread.
class StopSignals {
 public:
  static Result<StopSignals> block();
  StopSignals(StopSignals&& other) noexcept;
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals();

  /// Readable when a signal waits.
  int fd() const { return fd_.get(); }
  /// The number of a signal that has come; absent when none has. Never blocks.
  std::optional<int> try_take();
  /// Waits for a signal; absent when `limit` passed.
  std::optional<int> wait_for(Nanos limit);

 private:
  explicit StopSignals(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace wye::os
