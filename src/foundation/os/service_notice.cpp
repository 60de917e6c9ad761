#include "foundation/os/service_notice.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>

#include "foundation/os/fd.hpp"

namespace wye::os {

Result<> notify_service(std::string_view socket, std::string_view state) {
  if (socket.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((socket[0] != '/' && socket[0] != '@') || socket.size() < 2 || socket.size() >= sizeof address.sun_path)
    return Fail(internal_error(ErrorCode::kIo, "the service socket must be an absolute path or an abstract name"));
  std::memcpy(address.sun_path, socket.data(), socket.size());
  if (socket[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size() + (socket[0] == '/' ? 1 : 0));
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Fail(os_error("open a socket for", socket, errno));
  const ssize_t n = ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
  if (n < 0) return Fail(os_error("notify", socket, errno));
  return {};
}

}  // namespace wye::os
