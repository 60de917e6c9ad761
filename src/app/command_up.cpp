#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "app/detach.hpp"
#include "app/hardening.hpp"
#include "app/up_session.hpp"

namespace wye::app {
namespace {

/// A little longer than the instance itself waits: it says why.
constexpr Nanos kStarterPatience = kReadyMax + std::chrono::seconds(90);
constexpr Nanos kEndPatience = std::chrono::seconds(75);
constexpr Nanos kLook = std::chrono::milliseconds(100);

std::vector<std::string> arguments_of(const UpOptions& options, const std::string& program) {
  std::vector<std::string> out = {program, "up", "--detached"};
  const auto give = [&](const char* flag, const std::string& value) {
    out.emplace_back(flag);
    out.push_back(value);
  };
  for (const auto& path : options.config) give("--config", path.string());
  if (!options.data.empty()) give("--data", options.data);
  if (options.threads != 0) give("--threads", std::to_string(options.threads));
  if (options.port) give("--port", std::to_string(*options.port));
  if (options.admin_port) give("--admin-port", std::to_string(*options.admin_port));
  return out;
}

struct Started {
  int pid = 0;
  os::Fd output;
};

/// In a session of its own, without our terminal; its output is our pipe.
Result<Started> start_again(const UpOptions& options) {
  TRY(const std::filesystem::path program, own_program());
  const std::vector<std::string> arguments = arguments_of(options, program.string());
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Fail(os::os_error("make a pipe for", program, errno));
  const os::Fd write_end(ends[1]);
  Started out{0, os::Fd(ends[0])};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), 2);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  const int error = ::posix_spawn(&out.pid, program.c_str(), &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return Fail(os::os_error("start", program, error));
  return out;
}

/// What the instance says, passed on. True once it said that it is ready; false where it will say no more.
std::optional<bool> pass_on(int fd) {
  std::array<char, 4096> buffer;
  const ssize_t n = ::read(fd, buffer.data(), buffer.size());
  if (n < 0) return errno == EINTR || errno == EAGAIN ? std::nullopt : std::optional(false);
  const std::string_view text(buffer.data(), static_cast<size_t>(n));
  const size_t mark = text.find(kReadyMark);
  const std::string_view words = text.substr(0, mark);
  std::fwrite(words.data(), 1, words.size(), stderr);
  if (mark != std::string_view::npos) return true;
  return n == 0 ? std::optional(false) : std::nullopt;
}

/// Waits for its end and gives its exit code; kills it when `patience` is over.
int reap(int pid, const Clock& clock, Nanos patience) {
  const MonoTime end = clock.mono() + patience;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (clock.mono() >= end) ::kill(pid, SIGKILL);
    ::poll(nullptr, 0, 20);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
}

}  // namespace

void leave_starter() {
  [[maybe_unused]] const ssize_t n = ::write(STDOUT_FILENO, &kReadyMark, 1);
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null < 0) return;
  ::dup2(null, STDOUT_FILENO);
  ::dup2(null, STDERR_FILENO);
  ::close(null);
}

int run_up(const UpOptions& options, const Outside& outside) {
  if (options.detach && !options.detached) return run_up_detached(options, outside);
  harden();
  auto signals = os::StopSignals::block();
  if (!signals) return report(signals.error());
  return UpSession(options, outside).run(*signals);
}

int run_up_detached(const UpOptions& options, const Outside& outside) {
  auto signals = os::StopSignals::block();
  if (!signals) return report(signals.error());
  Result<Started> started = start_again(options);
  if (!started) return report(started.error());
  const MonoTime end = outside.clock.mono() + kStarterPatience;
  std::optional<bool> ready;
  bool interrupted = false;
  while (!ready && !interrupted && outside.clock.mono() < end) {
    std::array<pollfd, 2> fds = {{{started->output.get(), POLLIN, 0}, {signals->fd(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kLook).count()));
    if (fds[0].revents != 0) ready = pass_on(started->output.get());
    interrupted = signals->try_take().has_value();
  }
  if (ready == true) return kDone;
  if (ready == false) {
    const int code = reap(started->pid, outside.clock, kEndPatience);
    return code == kDone ? kFailed : code;  // it ended before it was ready
  }
  ::kill(started->pid, SIGTERM);
  reap(started->pid, outside.clock, kEndPatience);
  if (interrupted) return kInterrupted;
  return report(public_error(ErrorCode::kTimeout, "The instance did not become ready in time; it was ended."));
}

}  // namespace wye::app
