// The port below which an engine turns readiness into resumed coroutines: EpollLoop in earnest, SimLoop in simulation.
#pragma once

#include "foundation/base/random.hpp"
#include "foundation/base/result.hpp"
#include "foundation/net/stream.hpp"

namespace wye::net {

/// Accepts connections. Threads: that of its loop.
class Listener {
 public:
  virtual ~Listener() = default;
  /// The next connection, or null where none waits; then wait on `slot`.
  virtual std::unique_ptr<Stream> try_accept() = 0;
  virtual WaitSlot& slot() = 0;
  /// What it is bound to (the port that the system chose).
  virtual Endpoint local() const = 0;
};

/// `co_await accept(listener, bound)`: a connection; null where the wait ended otherwise.
class Accept final : public Waiter {
 public:
  Accept(Listener& listener, const Bound& bound) : listener_(listener), bound_(bound) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h) { listener_.slot().wait(*this, h, bound_); }
  std::unique_ptr<Stream> await_resume() { return std::move(stream_); }

 private:
  bool attempt() override { return (stream_ = listener_.try_accept()) != nullptr; }
  void fail(IoStatus) override {}
  Listener& listener_;
  Bound bound_;
  std::unique_ptr<Stream> stream_;
};
inline Accept accept(Listener& listener, const Bound& bound) { return {listener, bound}; }

/// Buffers of one size, kept for the next user. Threads: that of its loop.
class BufferPool {
 public:
  /// Bytes that a parser may use, and those that SIMD readers may touch beyond.
  static constexpr size_t kBytes = 64 << 10;
  static constexpr size_t kSpare = 64;
  static constexpr size_t kKept = 256;

  std::unique_ptr<char[]> take();
  void give(std::unique_ptr<char[]> buffer);

 private:
  std::vector<std::unique_ptr<char[]>> free_;
};

/// Threads: everything but `post` and `stop` belongs to the thread that runs the loop.
class Loop {
 public:
  using Job = std::move_only_function<void()>;
  static constexpr size_t kScratchBytes = 64 << 10;

  explicit Loop(MonoTime start) : now_(start), wheel_(start), scratch_(std::make_unique<char[]>(kScratchBytes + BufferPool::kSpare)) {}
  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until `stop`; each stop ends one run.
  virtual void run() = 0;
  virtual void stop() = 0;
  /// Runs the job on the loop's thread, soon. Jobs posted after the loop ended are destroyed unrun.
  virtual void post(Job job) = 0;
  /// Binds and listens. Errors: kIo with the address and the system's reason.
  virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint) = 0;
  /// Begins a connection; `await_connected` tells how it went.
  virtual Result<std::unique_ptr<Stream>> open(const Endpoint& endpoint) = 0;
  /// The same over a local socket at `path` (unix(7)), which only the owner may open: mode 0600, an old socket file is replaced.
  /// Errors: kIo; also where the engine has none.
  virtual Result<std::unique_ptr<Listener>> listen_local(const std::string& path);
  virtual Result<std::unique_ptr<Stream>> open_local(const std::string& path);

  /// Time at the start of this batch of events: one clock read serves them all.
  MonoTime now() const { return now_; }
  Deadline after(Nanos d) const { return {now_ + d}; }
  TimerWheel& wheel() { return wheel_; }
  BufferPool& buffers() { return buffers_; }
  /// One receive buffer for the thread, with kSpare readable bytes behind it: valid until the next suspension, no longer.
  std::span<char> scratch() { return {scratch_.get(), kScratchBytes}; }

  /// Calls `job` at `at`, to the millisecond; the token cancels it.
  using TimerToken = uint64_t;
  TimerToken call_at(MonoTime at, Job job);
  void cancel_call(TimerToken token);

 protected:
  /// Fires what is due by now_ and returns when to look again.
  MonoTime run_timers();
  MonoTime now_;

 private:
  struct Call {
    MonoTime at;
    TimerToken token;
    friend auto operator<=>(const Call&, const Call&) = default;
  };
  TimerWheel wheel_;
  BufferPool buffers_;
  std::unique_ptr<char[]> scratch_;
  std::map<Call, Job> calls_;
  std::unordered_map<TimerToken, MonoTime> call_times_;
  TimerToken next_token_ = 0;
};

/// `co_await sleep(loop, duration, cancel)`: kTimeout when the time is over, kCancelled before. Precise to the millisecond.
class Sleep final : public Waiter {
 public:
  Sleep(Loop& loop, Nanos duration, Cancel* cancel) : loop_(loop), slot_(loop.wheel()), duration_(duration), cancel_(cancel) {}
  ~Sleep();
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h);
  IoStatus await_resume() const { return status_; }

 private:
  bool attempt() override { return true; }
  void fail(IoStatus status) override { status_ = status; }
  Loop& loop_;
  WaitSlot slot_;
  Nanos duration_;
  Cancel* cancel_;
  std::optional<Loop::TimerToken> token_;
  IoStatus status_ = IoStatus::kTimeout;
};
inline Sleep sleep(Loop& loop, Nanos duration, Cancel* cancel = nullptr) { return {loop, duration, cancel}; }

}  // namespace wye::net
