// One process of one version of a model: its lifecycle, its child, its worker. Private to this room.
#pragma once

#include "foundation/os/child_process.hpp"
#include "serving/runtime/probe.hpp"
#include "serving/runtime/worker.hpp"

namespace wye::runtime {

/// How a blocking step ended.
struct JobAnswer {
  uint64_t instance = 0;
  uint64_t job = 0;
  Event event = Event::kDone;
  std::string reason;
  std::optional<Verified> verified;
  std::optional<ServerFacts> server;
};

/// What an instance needs of its supervisor; outlives it.
struct InstancePorts {
  const SupervisorOptions& options;
  const SupervisorPorts& outside;
  std::function<void(JobAnswer)> post;                // any thread
  std::function<void(const RuntimeStatus&)> publish;  // the supervisor's thread
};

/// Threads: everything but the worker's jobs on the supervisor's thread, which is also the one that the child lives as long as.
class Instance {
 public:
  Instance(uint64_t id, RuntimeSpec spec, bool has_previous, std::shared_ptr<LogSink> output, const InstancePorts& ports);

  const RuntimeSpec& spec() const { return spec_; }
  const RuntimeStatus& status() const { return status_; }
  State state() const { return lifecycle_.state(); }
  bool ever_ready() const { return lifecycle_.ever_ready(); }
  bool stopping() const { return stopping_; }
  MonoTime deadline() const { return lifecycle_.deadline(); }
  /// Descriptors to poll; -1 where there is none.
  int exit_fd() const { return child_ ? child_->exit_fd() : -1; }
  int output_fd() const { return child_ ? child_->output_fd() : -1; }
  /// Stopped, and removing it would not block.
  bool gone() const { return state() == State::kStopped && worker_.idle(); }

  ~Instance() { remove_key(); }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  void start() { drive(Event::kStart, {}); }
  void stop();
  void tick() { drive(Event::kTick, {}); }
  void take(JobAnswer answer);
  void take_output();
  void take_exit();
  /// Ends the child at once, without waiting for its end.
  void kill();

 private:
  void drive(Event event, std::string reason);
  void perform(Action action);
  void start_job(std::function<JobAnswer(std::stop_token)> step);
  void verify_file();
  Result<> spawn();
  Result<std::filesystem::path> write_key();
  void remove_key();
  void start_program();
  void await_health();
  void probe();
  void await_idle();
  bool retry_other_port();
  void describe(State before);

  const uint64_t id_;
  const RuntimeSpec spec_;
  const InstancePorts& ports_;
  Lifecycle lifecycle_;
  RuntimeStatus status_;
  bool stopping_ = false;
  uint64_t job_ = 0;
  int port_retries_ = 0;
  MonoTime load_began_{};
  std::optional<Verified> verified_;
  std::shared_ptr<std::string> last_slots_ = std::make_shared<std::string>();  // touched by the worker's jobs alone
  std::optional<os::ChildProcess> child_;
  std::filesystem::path key_file_;  // empty: there is none
  os::OutputTail tail_;
  std::shared_ptr<LogSink> output_;
  Worker worker_;
};

}  // namespace wye::runtime
