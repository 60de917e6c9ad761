// A program that we start, watch and end. No shell, no inherited descriptor, no inherited environment, no orphan.
// Source: man 2 prctl (PR_SET_PDEATHSIG), man 2 pidfd_open, man 2 close_range.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/os/fd.hpp"

namespace wye::os {

/// What is started. `arguments[0]` is the path of the program; it is not looked up in PATH.
struct Command {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // `NAME=value`; this and nothing else
  std::filesystem::path folder;          // working folder; empty: ours
};

/// How a program ended: by `exit(code)`, or by a signal (then `signal` is not 0).
struct ExitStatus {
  int code = 0;
  int signal = 0;
  bool clean() const { return code == 0 && signal == 0; }
  friend bool operator==(ExitStatus, ExitStatus) = default;
};
/// `exit code 3`, `signal 9 (Killed)`.
std::string to_string(ExitStatus status);

/// A running child in a process group of its own. stdin is /dev/null; stdout and stderr share one pipe that the owner drains.
///
/// The kernel kills the child (SIGKILL) as soon as the *thread* that called `start` ends, however it ends; so no child
/// outlives a `kill -9` of this program. Start children from a thread that lives as long as they shall. Children of the child
/// are not covered; they share its group and die with `signal_group`.
///
/// Lifetime: the destructor kills the group and reaps it. Threads: one owner.
class ChildProcess {
 public:
  /// Starts the program. kIo when it cannot be executed (missing, not executable, wrong folder), with which step failed.
  static Result<ChildProcess> start(const Command& command);

  ChildProcess(ChildProcess&&) noexcept = default;
  ChildProcess& operator=(ChildProcess&&) noexcept;
  ~ChildProcess();

  int pid() const { return pid_; }
  /// Readable once the child has ended. For poll; not for reading.
  int exit_fd() const { return exit_.get(); }
  /// The pipe of stdout and stderr, non-blocking; -1 after its end was read.
  int output_fd() const { return output_.get(); }

  /// Reads what the pipe holds now, at most `max` bytes, appended to `out`; false once the pipe has ended. Never blocks.
  bool try_read_output(std::string& out, size_t max = 64 << 10);
  /// How it ended; absent while it runs. Never blocks; the same answer at every later call.
  std::optional<ExitStatus> try_wait();
  /// Waits until it ended; absent when `limit` passed.
  std::optional<ExitStatus> wait_for(Nanos limit);
  /// Sends a signal to the group. No effect after the end was seen.
  void signal_group(int signal_number);
  /// SIGTERM to the group, at most `grace`, then SIGKILL. Blocks; output is read and thrown away meanwhile. Whatever is left of
  /// the group is killed too.
  ExitStatus terminate(Nanos grace);

 private:
  ChildProcess(int pid, Fd exit, Fd output) : pid_(pid), exit_(std::move(exit)), output_(std::move(output)) {}
  void end_now();
  int pid_ = -1;
  Fd exit_;
  Fd output_;
  std::optional<ExitStatus> status_;
};

/// The last bytes of an output, cut at line starts: what an error message quotes. Threads: one owner.
class OutputTail {
 public:
  explicit OutputTail(size_t bytes_max = 4 << 10) : max_(bytes_max) {}
  void append(std::string_view text);
  std::string_view text() const { return text_; }
  void clear() { text_.clear(); }

 private:
  size_t max_;
  std::string text_;
};

}  // namespace wye::os
