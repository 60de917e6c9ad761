#include "foundation/os/stop_signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace wye::os {
namespace {

sigset_t stop_set() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Result<StopSignals> StopSignals::block() {
  const sigset_t set = stop_set();
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) return Fail(os_error("block signals", {}, error));
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    const int error = errno;
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    return Fail(os_error("watch for signals", {}, error));
  }
  std::signal(SIGPIPE, SIG_IGN);
  return StopSignals(std::move(fd));
}

StopSignals::StopSignals(StopSignals&& other) noexcept = default;

StopSignals::~StopSignals() {
  if (!fd_) return;
  const sigset_t set = stop_set();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<int> StopSignals::try_take() {
  signalfd_siginfo info{};
  ssize_t n = 0;
  do n = ::read(fd_.get(), &info, sizeof info);
  while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

std::optional<int> StopSignals::wait_for(Nanos limit) {
  pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  ::poll(&wait, 1, static_cast<int>(std::clamp<int64_t>(ms, 0, INT32_MAX)));
  return try_take();
}

}  // namespace wye::os
