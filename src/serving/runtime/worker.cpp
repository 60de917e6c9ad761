#include "serving/runtime/worker.hpp"

namespace wye::runtime {

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    next_ = nullptr;
    present_.request_stop();
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::start(Job job) {
  {
    const std::lock_guard lock(mutex_);
    present_.request_stop();
    next_ = std::move(job);
  }
  wake_.notify_one();
}

void Worker::cancel() {
  const std::lock_guard lock(mutex_);
  present_.request_stop();
  next_ = nullptr;
}

bool Worker::idle() const {
  const std::lock_guard lock(mutex_);
  return !running_ && !next_;
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return next_ || ending_; });
    if (ending_) return;
    Job job = std::exchange(next_, nullptr);
    present_ = std::stop_source();
    running_ = true;
    const std::stop_token stop = present_.get_token();
    lock.unlock();
    job(stop);
    job = nullptr;  // what it captured goes before anyone is told that we are idle
    lock.lock();
    running_ = false;
  }
}

bool sleep_or_stop(const std::stop_token& stop, std::chrono::nanoseconds duration) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return stop.stop_requested();
}

}  // namespace wye::runtime
