#include "foundation/os/fd.hpp"

#include <unistd.h>

namespace wye::os {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset() {
  // A failing close has still given the number back on Linux; retrying could close somebody else's.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Error os_error(std::string_view what, const std::filesystem::path& path, int error_number) {
  std::string text(what);
  if (!path.empty()) text += " " + path.string();
  text += ": ";
  text += std::generic_category().message(error_number);
  return internal_error(ErrorCode::kIo, std::move(text));
}

}  // namespace wye::os
