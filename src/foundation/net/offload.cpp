#include "foundation/net/offload.hpp"

namespace wye::net {

Offload::Offload(size_t threads, size_t queue_max) : queue_max_(queue_max) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Offload::~Offload() {
  std::deque<Work> dropped;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Offload::submit(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void Offload::work() {
  for (;;) {
    Work next;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
  }
}

namespace detail {

bool Event::await_ready() {
  if (bound_.cancel == nullptr || !bound_.cancel->requested()) return false;
  status_ = IoStatus::kCancelled;
  return true;
}

Error wait_error(IoStatus status, std::string_view what) {
  const ErrorCode code = status == IoStatus::kTimeout ? ErrorCode::kTimeout : status == IoStatus::kCancelled ? ErrorCode::kCancelled : ErrorCode::kIo;
  return internal_error(code, std::string(what) + ": " + std::string(to_string(status)));
}

}  // namespace detail
}  // namespace wye::net
