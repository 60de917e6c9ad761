#include "foundation/net/epoll_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "foundation/net/epoll_socket.hpp"

namespace wye::net {
namespace {

constexpr int kEventsABatch = 256;

class EpollLoop final : public Loop, public SocketPort {
 public:
  EpollLoop(const Clock& clock, int epoll_fd, int wake_fd) : Loop(clock.mono()), clock_(clock), epoll_fd_(epoll_fd), wake_fd_(wake_fd) {
    epoll_event event{EPOLLIN | EPOLLET, {.ptr = nullptr}};
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
  }
  ~EpollLoop() override {
    clear_grave();
    ::close(wake_fd_);
    ::close(epoll_fd_);
  }

  void run() override;
  void stop() override {
    post([this] { stopped_ = true; });
  }
  void post(Job job) override;
  Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint) override { return listen_socket(*this, endpoint); }
  Result<std::unique_ptr<Stream>> open(const Endpoint& endpoint) override { return open_socket(*this, endpoint); }
  Result<std::unique_ptr<Listener>> listen_local(const std::string& path) override { return listen_local_socket(*this, path); }
  Result<std::unique_ptr<Stream>> open_local(const std::string& path) override { return open_local_socket(*this, path); }

  bool watch(int fd, Watched* watched) override {
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = watched}};
    return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
  }
  void unwatch(int fd) override {
    epoll_event ignored{};
    epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &ignored);
  }
  void bury(std::unique_ptr<Watched> watched) override { grave_.push_back(std::move(watched)); }
  TimerWheel& timers() override { return wheel(); }

 private:
  void run_jobs();
  void clear_grave() { grave_.clear(); }

  const Clock& clock_;
  int epoll_fd_;
  int wake_fd_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<Watched>> grave_;
  std::mutex jobs_mutex_;
  std::vector<Job> jobs_;
  std::vector<Job> running_;  // emptied and kept: posting allocates nothing in steady state
};

void EpollLoop::post(Job job) {
  {
    const std::lock_guard lock(jobs_mutex_);
    jobs_.push_back(std::move(job));
    if (jobs_.size() > 1) return;  // whoever posted the first has rung
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void EpollLoop::run_jobs() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
  {
    const std::lock_guard lock(jobs_mutex_);
    running_.swap(jobs_);
  }
  for (Job& job : running_) job();
  running_.clear();
}

void EpollLoop::run() {
  std::array<epoll_event, kEventsABatch> events;
  now_ = clock_.mono();
  MonoTime look_again = run_timers();
  while (!std::exchange(stopped_, false)) {
    int timeout_ms = -1;
    if (look_again.ns != INT64_MAX) timeout_ms = static_cast<int>(std::clamp<int64_t>((look_again - now_).count() / 1'000'000 + 1, 0, 60'000));
    const int count = epoll_wait(epoll_fd_, events.data(), kEventsABatch, timeout_ms);
    now_ = clock_.mono();
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      // Between two events of one connection thousands of others pass: its memory is cold by then.
      if (i + 1 < count) __builtin_prefetch(events[static_cast<size_t>(i + 1)].data.ptr);
      auto* watched = static_cast<Watched*>(events[static_cast<size_t>(i)].data.ptr);
      if (watched == nullptr) woken = true;
      else if (!watched->dead) watched->on_events(events[static_cast<size_t>(i)].events);
    }
    if (woken) run_jobs();
    look_again = run_timers();
    clear_grave();
  }
}

}  // namespace

Result<std::unique_ptr<Loop>> make_epoll_loop(const Clock& clock) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return Fail(internal_error(ErrorCode::kIo, std::string("epoll_create1: ") + std::strerror(errno)));
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) {
    ::close(epoll_fd);
    return Fail(internal_error(ErrorCode::kIo, std::string("eventfd: ") + std::strerror(errno)));
  }
  return std::make_unique<EpollLoop>(clock, epoll_fd, wake_fd);
}

}  // namespace wye::net
