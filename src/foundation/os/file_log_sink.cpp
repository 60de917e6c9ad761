#include "foundation/os/file_log_sink.hpp"

#include <pthread.h>

#include <csignal>

namespace wye::os {

struct FileLogSink::State {
  std::unique_ptr<LineOutput> output;
  size_t queue_bytes = 0;
  mutable std::mutex mutex;
  std::condition_variable work;  // something is queued, or the end
  std::condition_variable idle;  // everything is out
  std::string queued;
  bool writing = false;
  bool ending = false;
  std::atomic<uint64_t> dropped{0};
};

namespace {

uint64_t count_lines(std::string_view text) { return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

FileLogSink::FileLogSink(std::unique_ptr<LineOutput> output, size_t queue_bytes) : state_(std::make_shared<State>()) {
  state_->output = std::move(output);
  state_->queue_bytes = queue_bytes;
  state_->queued.reserve(queue_bytes);
  // The thread starts with every signal blocked: signals belong to the threads that wait for them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([state = state_] { run(state); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FileLogSink::~FileLogSink() {
  const bool out = flush(kFlushMax);
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->work.notify_one();
  if (out) thread_.join();
  else thread_.detach();  // it hangs in a write that may never return; it owns what it uses
}

void FileLogSink::write(std::string_view lines) {
  if (lines.empty()) return;
  bool wake = false;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->queued.size() + lines.size() > state_->queue_bytes) {
      state_->dropped.fetch_add(count_lines(lines), std::memory_order_relaxed);
      return;
    }
    wake = state_->queued.empty();
    state_->queued += lines;
  }
  if (wake) state_->work.notify_one();
}

uint64_t FileLogSink::dropped() const { return state_->dropped.load(std::memory_order_relaxed); }

bool FileLogSink::flush(Nanos limit) {
  std::unique_lock lock(state_->mutex);
  return state_->idle.wait_for(lock, limit, [this] { return state_->queued.empty() && !state_->writing; });
}

void FileLogSink::run(const std::shared_ptr<State>& state) {
  std::string out;
  out.reserve(state->queue_bytes);
  std::unique_lock lock(state->mutex);
  while (true) {
    state->work.wait(lock, [&] { return !state->queued.empty() || state->ending; });
    if (state->queued.empty()) return;
    std::swap(out, state->queued);
    state->writing = true;
    lock.unlock();
    if (!state->output->append(out)) state->dropped.fetch_add(count_lines(out), std::memory_order_relaxed);
    out.clear();
    lock.lock();
    state->writing = false;
    if (state->queued.empty()) state->idle.notify_all();
  }
}

}  // namespace wye::os
