#include "serving/runtime/supervisor.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>

#include "foundation/os/file_log_sink.hpp"
#include "serving/runtime/instance.hpp"

namespace wye::runtime {
namespace {

constexpr size_t kOutputQueueBytes = 256 << 10;
constexpr Nanos kLongestSleep = std::chrono::seconds(5);
constexpr Nanos kSweepSleep = std::chrono::milliseconds(20);  // while something is about to go

}  // namespace

class Supervisor::Impl {
 public:
  Impl(SupervisorOptions options, SupervisorPorts ports)
      : options_(std::move(options)),
        ports_(std::move(ports)),
        instance_ports_{.options = options_,
                        .outside = ports_,
                        .post = [this](JobAnswer answer) { post(std::move(answer)); },
                        .publish = [this](const RuntimeStatus& status) { publish(status); }},
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    // Our threads take no signals: those belong to the threads that wait for them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Impl() { stop(Nanos{}); }

  void apply(std::vector<RuntimeSpec> wanted) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    new_wanted_ = std::move(wanted);
    wake();
  }

  std::vector<RuntimeStatus> status() const {
    const std::lock_guard lock(mutex_);
    std::vector<RuntimeStatus> out;
    for (const auto& [id, one] : statuses_) out.push_back(one);
    return out;
  }

  void stop(Nanos limit) {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    new_wanted_ = std::vector<RuntimeSpec>{};
    wake();
    ended_.wait_for(lock, limit, [this] { return done_; });
    kill_ = true;
    wake();
    std::thread thread = std::move(thread_);
    lock.unlock();
    if (thread.joinable()) thread.join();
  }

 private:
  void wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  }
  void post(JobAnswer answer) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
    wake();
  }
  void publish(const RuntimeStatus& status) {
    {
      const std::lock_guard lock(mutex_);
      if (status.state == State::kStopped) statuses_.erase(status.instance);
      else statuses_[status.instance] = status;
    }
    if (ports_.changed) ports_.changed(status);
  }

  void run();
  void wait();
  bool take_messages();
  void take_events();
  void reconcile();
  void reconcile_model(const std::string& model, const RuntimeSpec* wanted);
  void create(const RuntimeSpec& spec, bool has_previous);
  void sweep();
  std::shared_ptr<LogSink> output_of(const std::string& model);
  Nanos sleep_time() const;

  const SupervisorOptions options_;
  const SupervisorPorts ports_;
  const InstancePorts instance_ports_;
  const os::Fd wake_;

  mutable std::mutex mutex_;  // guards what follows, up to the thread
  std::condition_variable ended_;
  std::optional<std::vector<RuntimeSpec>> new_wanted_;
  std::vector<JobAnswer> answers_;
  std::map<uint64_t, RuntimeStatus> statuses_;
  bool stopping_ = false;
  bool kill_ = false;
  bool done_ = false;
  std::thread thread_;

  // The thread's own.
  std::map<std::string, RuntimeSpec> wanted_;
  std::map<uint64_t, std::unique_ptr<Instance>> instances_;
  std::map<std::string, std::shared_ptr<LogSink>> outputs_;
  uint64_t last_id_ = 0;
};

void Supervisor::Impl::run() {
  while (take_messages()) {
    take_events();
    reconcile();
    sweep();
    wait();
  }
  for (auto& [id, instance] : instances_) instance->kill();  // all at once; their workers' calls end with them
  for (auto& [id, instance] : instances_) {
    if (instance->state() == State::kStopped) continue;
    RuntimeStatus last = instance->status();
    last.state = State::kStopped;
    last.reason = "killed: the time to drain was over";
    last.port = 0;
    last.pid = 0;
    publish(last);
  }
  instances_.clear();
  outputs_.clear();
  const std::lock_guard lock(mutex_);
  done_ = true;
  ended_.notify_all();
}

/// Takes what other threads left; false when it is time to end.
bool Supervisor::Impl::take_messages() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
  std::vector<JobAnswer> answers;
  {
    const std::lock_guard lock(mutex_);
    if (kill_ || (stopping_ && !new_wanted_ && instances_.empty())) return false;
    if (new_wanted_) {
      wanted_.clear();
      for (RuntimeSpec& spec : *new_wanted_) wanted_.insert_or_assign(spec.model, std::move(spec));
      new_wanted_.reset();
    }
    answers = std::exchange(answers_, {});
  }
  for (JobAnswer& answer : answers) {
    const auto found = instances_.find(answer.instance);
    if (found != instances_.end()) found->second->take(std::move(answer));
  }
  return true;
}

void Supervisor::Impl::take_events() {
  for (auto& [id, instance] : instances_) {
    instance->take_output();
    instance->take_exit();
    if (ports_.clock.mono() >= instance->deadline()) instance->tick();
  }
}

void Supervisor::Impl::reconcile() {
  std::set<std::string> models;
  for (const auto& [id, instance] : instances_) models.insert(instance->spec().model);
  for (const auto& [model, spec] : wanted_) models.insert(model);
  for (const std::string& model : models) {
    const auto found = wanted_.find(model);
    reconcile_model(model, found == wanted_.end() ? nullptr : &found->second);
  }
}

void Supervisor::Impl::reconcile_model(const std::string& model, const RuntimeSpec* wanted) {
  Instance* current = nullptr;
  for (auto& [id, instance] : instances_) {
    if (wanted != nullptr && !instance->stopping() && instance->spec() == *wanted) current = instance.get();
  }
  bool has_previous = false;
  for (auto& [id, instance] : instances_) {
    if (instance.get() == current || instance->stopping() || instance->spec().model != model) continue;
    // A version that serves goes on until its successor does.
    const bool replaced = current != nullptr && current->state() == State::kReady;
    if (wanted == nullptr || replaced || !instance->ever_ready()) instance->stop();
    else has_previous = true;
  }
  if (wanted != nullptr && current == nullptr) create(*wanted, has_previous);
}

void Supervisor::Impl::create(const RuntimeSpec& spec, bool has_previous) {
  auto instance = std::make_unique<Instance>(++last_id_, spec, has_previous, output_of(spec.model), instance_ports_);
  Instance& made = *instance;
  instances_.emplace(last_id_, std::move(instance));
  made.start();
}

void Supervisor::Impl::sweep() {
  std::erase_if(instances_, [](const auto& one) { return one.second->gone(); });
  std::erase_if(outputs_, [this](const auto& output) {
    return std::none_of(instances_.begin(), instances_.end(), [&](const auto& one) { return one.second->spec().model == output.first; });
  });
}

std::shared_ptr<LogSink> Supervisor::Impl::output_of(const std::string& model) {
  std::shared_ptr<LogSink>& output = outputs_[model];
  if (output || model.find('/') != std::string::npos) return output;
  auto file = os::RotatingFile::open(options_.logs / ("runtime-" + model + ".log"));
  if (!file) {
    // A model without a log is better than no model.
    ports_.log.warning("runtime.log_failed", {{"model", model}, {"reason", file.error().detail}});
    return output;
  }
  output = std::make_shared<os::FileLogSink>(std::make_unique<os::RotatingFile>(std::move(*file)), kOutputQueueBytes);
  return output;
}

Nanos Supervisor::Impl::sleep_time() const {
  const MonoTime now = ports_.clock.mono();
  Nanos sleep = kLongestSleep;
  for (const auto& [id, instance] : instances_) {
    if (instance->state() == State::kStopped) sleep = std::min(sleep, kSweepSleep);
    sleep = std::min(sleep, std::max(Nanos{}, instance->deadline().ns == INT64_MAX ? sleep : instance->deadline() - now));
  }
  return sleep;
}

void Supervisor::Impl::wait() {
  std::vector<pollfd> fds = {{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& [id, instance] : instances_) {
    fds.push_back({.fd = instance->exit_fd(), .events = POLLIN, .revents = 0});
    fds.push_back({.fd = instance->output_fd(), .events = POLLIN, .revents = 0});
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ && instances_.empty()) return;
  }
  ::poll(fds.data(), fds.size(), static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(sleep_time()).count()));
}

Supervisor::Supervisor(SupervisorOptions options, SupervisorPorts ports) : impl_(std::make_unique<Impl>(std::move(options), std::move(ports))) {}
Supervisor::~Supervisor() = default;
void Supervisor::apply(std::vector<RuntimeSpec> wanted) { impl_->apply(std::move(wanted)); }
std::vector<RuntimeStatus> Supervisor::status() const { return impl_->status(); }
void Supervisor::stop(Nanos limit) { impl_->stop(limit); }

}  // namespace wye::runtime
