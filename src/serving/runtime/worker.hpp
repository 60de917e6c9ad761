// A thread for the blocking steps of one model, one at a time. Private to this room.
#pragma once

#include <condition_variable>
#include <stop_token>

namespace wye::runtime {

using Job = std::function<void(std::stop_token)>;

/// Runs the newest job; an older one is told to stop and its successor waits for it. Threads: one owner, beside its own.
class Worker {
 public:
  Worker() : thread_([this] { run(); }) {}
  /// Tells the present job to stop and waits for it.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Cancels what runs or waits and runs this.
  void start(Job job);
  /// Cancels what runs or waits.
  void cancel();
  /// True when nothing runs: the destructor would not wait.
  bool idle() const;

 private:
  void run();
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Job next_;
  std::stop_source present_;
  bool running_ = false;
  bool ending_ = false;
  std::thread thread_;
};

/// Sleeps, but not beyond a stop request; true when it was stopped.
bool sleep_or_stop(const std::stop_token& stop, std::chrono::nanoseconds duration);

}  // namespace wye::runtime
