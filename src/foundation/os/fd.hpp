// An owned file descriptor.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::os {

/// Closes its descriptor when it goes. Threads: one owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives the descriptor up without closing it.
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

/// kIo with `what`, the path and the text of `error_number`, for the log.
Error os_error(std::string_view what, const std::filesystem::path& path, int error_number);

}  // namespace wye::os
