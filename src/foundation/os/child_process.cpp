#include "foundation/os/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace wye::os {
namespace {

constexpr unsigned kCloseRangeCloexec = 1U << 2;
constexpr int kFdsMax = 65'536;

/// What the child tells when it cannot become the program.
struct StartFailure {
  int step;
  int error_number;
};
constexpr std::array<std::string_view, 5> kSteps = {"guard", "redirect", "enter the folder of", "execute", "lost its parent before starting"};

/// Everything the child needs, made before the fork: after it only async-signal-safe calls are allowed.
struct ChildPlan {
  std::vector<char*> argv;
  std::vector<char*> envp;
  const char* folder = nullptr;
  int output = -1;
  int failure = -1;
  pid_t parent = 0;
};

[[noreturn]] void give_up(const ChildPlan& plan, int step) {
  const StartFailure failure{step, errno};
  [[maybe_unused]] const ssize_t n = ::write(plan.failure, &failure, sizeof failure);
  ::_exit(127);
}

void close_inherited_on_exec() {
  if (::syscall(SYS_close_range, 3U, ~0U, kCloseRangeCloexec) == 0) return;
  for (int fd = 3; fd < kFdsMax; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);  // kernels before 5.11
}

[[noreturn]] void become(const ChildPlan& plan) {
  ::setpgid(0, 0);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(plan, 0);
  // The parent may have died before the line above: then nobody will send the signal.
  if (::getppid() != plan.parent) give_up(plan, 4);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(plan.output, 1) < 0 || ::dup2(plan.output, 2) < 0) give_up(plan, 1);
  close_inherited_on_exec();
  if (plan.folder != nullptr && ::chdir(plan.folder) != 0) give_up(plan, 2);
  struct sigaction normal{};
  normal.sa_handler = SIG_DFL;
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) ::sigaction(signal_number, &normal, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.argv[0], plan.argv.data(), plan.envp.data());
  give_up(plan, 3);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return Fail(os_error("make a pipe", {}, errno));
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

/// Blocks until the child runs the program (the pipe closes) or says why it cannot.
std::optional<StartFailure> await_exec(int fd) {
  StartFailure failure{};
  ssize_t n = 0;
  do n = ::read(fd, &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(sizeof failure)) return failure;
  return std::nullopt;
}

void reap(int pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
}

int poll_ms(Nanos limit) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  return static_cast<int>(std::clamp<int64_t>(ms, 0, INT32_MAX));
}

}  // namespace

std::string to_string(ExitStatus status) {
  if (status.signal == 0) return "exit code " + std::to_string(status.code);
  const char* name = ::sigdescr_np(status.signal);
  return "signal " + std::to_string(status.signal) + " (" + (name != nullptr ? name : "unknown") + ")";
}

Result<ChildProcess> ChildProcess::start(const Command& command) {
  if (command.arguments.empty() || command.arguments[0].empty()) return Fail(internal_error(ErrorCode::kIo, "no program to start"));
  TRY(Pipe output, make_pipe());
  TRY(Pipe failure, make_pipe());
  const ChildPlan plan{.argv = pointers(command.arguments),
                       .envp = pointers(command.environment),
                       .folder = command.folder.empty() ? nullptr : command.folder.c_str(),
                       .output = output.write.get(),
                       .failure = failure.write.get(),
                       .parent = ::getpid()};
  // No handler of ours may run in the child between fork and exec.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int fork_error = errno;
  if (pid == 0) become(plan);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return Fail(os_error("fork for", command.arguments[0], fork_error));
  ::setpgid(pid, pid);  // also in the child: whoever comes first
  output.write.reset();
  failure.write.reset();
  if (const auto failed = await_exec(failure.read.get())) {
    reap(pid);
    return Fail(os_error(kSteps[static_cast<size_t>(failed->step)], failed->step == 2 ? command.folder : std::filesystem::path(command.arguments[0]),
                         failed->error_number));
  }
  Fd exit(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // close-on-exec by definition
  const int pidfd_error = errno;
  if (!exit || ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK) != 0) {
    ::kill(-pid, SIGKILL);
    reap(pid);
    return Fail(os_error("watch", command.arguments[0], pidfd_error));
  }
  return ChildProcess(pid, std::move(exit), std::move(output.read));
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end_now();
    pid_ = other.pid_;
    exit_ = std::move(other.exit_);
    output_ = std::move(other.output_);
    status_ = other.status_;
  }
  return *this;
}

ChildProcess::~ChildProcess() { end_now(); }

void ChildProcess::end_now() {
  if (!exit_ || status_) return;
  signal_group(SIGKILL);
  // A program that the kernel cannot end now (stuck in a device) stays behind as a zombie; waiting longer would hang us too.
  for (int i = 0; i < 100 && !wait_for(std::chrono::milliseconds(100)); ++i) signal_group(SIGKILL);
}

bool ChildProcess::try_read_output(std::string& out, size_t max) {
  if (!output_) return false;
  const size_t before = out.size();
  out.resize(before + max);
  size_t filled = 0;
  bool open = true;
  while (filled < max) {
    const ssize_t n = ::read(output_.get(), out.data() + before + filled, max - filled);
    if (n > 0) {
      filled += static_cast<size_t>(n);
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    open = n < 0 && errno == EAGAIN;
    break;
  }
  out.resize(before + filled);
  if (!open) output_.reset();
  return open;
}

std::optional<ExitStatus> ChildProcess::try_wait() {
  if (status_ || !exit_) return status_;
  siginfo_t info{};
  // WNOWAIT first: as long as the zombie stands, its number cannot become another group's.
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return std::nullopt;
  ::kill(-pid_, SIGKILL);
  reap(pid_);
  status_ = info.si_code == CLD_EXITED ? ExitStatus{.code = info.si_status, .signal = 0} : ExitStatus{.code = 0, .signal = info.si_status};
  return status_;
}

std::optional<ExitStatus> ChildProcess::wait_for(Nanos limit) {
  if (status_ || !exit_) return status_;
  pollfd wait{.fd = exit_.get(), .events = POLLIN, .revents = 0};
  ::poll(&wait, 1, poll_ms(limit));
  return try_wait();
}

void ChildProcess::signal_group(int signal_number) {
  if (exit_ && !status_) ::kill(-pid_, signal_number);
}

ExitStatus ChildProcess::terminate(Nanos grace) {
  constexpr Nanos kStep = std::chrono::milliseconds(20);
  signal_group(SIGTERM);
  std::string scrap;
  for (Nanos waited{}; waited < grace && !wait_for(std::min(kStep, grace - waited)); waited += kStep) {
    scrap.clear();
    try_read_output(scrap);  // a full pipe would keep it from ending
  }
  end_now();
  return status_.value_or(ExitStatus{});
}

void OutputTail::append(std::string_view text) {
  if (text.size() > max_) text.remove_prefix(text.size() - max_);
  text_ += text;
  if (text_.size() <= max_) return;
  size_t cut = text_.size() - max_;
  const size_t line = text_.find('\n', cut);
  if (line != std::string::npos && line + 1 < text_.size()) cut = line + 1;
  text_.erase(0, cut);
}

}  // namespace wye::os
