// For tests only: one way to run a coroutine on either engine, and connected pairs of streams.
#pragma once

#include "foundation/net/epoll_loop.hpp"
#include "foundation/net/scope.hpp"
#include "foundation/net/sim_loop.hpp"

namespace wye::net {

enum class Engine { kEpoll, kSim, kFaultySim };

inline SimFaults shaky_faults() {
  using namespace std::chrono_literals;
  return {.latency_min = 10us, .latency_max = 3ms, .pipe_bytes = 1000, .short_move = 0.5};
}

class EngineRig {
 public:
  explicit EngineRig(Engine engine, uint64_t seed = 7) {
    if (engine == Engine::kEpoll) loop_ = std::move(*make_epoll_loop(clock_));
    else loop_ = std::make_unique<SimLoop>(seed, engine == Engine::kSim ? SimFaults{} : shaky_faults());
  }
  Loop& loop() { return *loop_; }

  /// Runs the task; false where it did not end (30 s, or nothing can happen any more).
  bool run(Task<void> task) {
    bool done = false;
    Scope scope;
    scope.spawn(root(*loop_, std::move(task), done));
    const auto watchdog = loop_->call_at(loop_->now() + std::chrono::seconds(30), [this] { loop_->stop(); });
    loop_->run();
    loop_->cancel_call(watchdog);
    return done;
  }
  Bound in(Nanos limit) { return {loop_->after(limit), nullptr}; }

 private:
  static Task<void> root(Loop& loop, Task<void> task, bool& done) {
    co_await task;
    done = true;
    loop.stop();
  }
  SystemClock clock_;
  std::unique_ptr<Loop> loop_;
};

struct StreamPair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

inline Task<StreamPair> connect_pair(Loop& loop) {
  const Bound bound{loop.after(std::chrono::seconds(5)), nullptr};
  StreamPair pair;
  auto listener = loop.listen(Endpoint::loopback(0));
  if (!listener) co_return pair;
  auto client = loop.open((*listener)->local());
  if (!client || co_await await_connected(**client, bound) != IoStatus::kOk) co_return pair;
  pair.client = std::move(*client);
  pair.server = co_await accept(**listener, bound);
  co_return pair;
}

/// Everything up to EOF, or what came before the wait ended otherwise.
inline Task<IoStatus> receive_all(Stream& stream, std::string& into, Bound bound, size_t piece_bytes = 4096) {
  std::vector<char> buffer(piece_bytes);
  for (;;) {
    const Io got = co_await receive_some(stream, buffer, bound);
    if (!got) co_return got.status;
    into.append(buffer.data(), got.n);
  }
}

inline Task<void> receive_all_into(Stream& stream, std::string& into, IoStatus& status, Bound bound) {
  status = co_await receive_all(stream, into, bound);
}

inline Task<IoStatus> send_all(Stream& stream, std::string_view text, Bound bound) {
  const iovec one = piece(text);
  co_return (co_await send_gather(stream, {&one, 1}, bound)).status;
}

inline Task<void> send_and_shut(Stream& stream, std::string_view text, IoStatus& status, Bound bound) {
  status = co_await send_all(stream, text, bound);
  if (status == IoStatus::kOk) stream.shutdown_send();
}

inline std::string random_text(uint64_t seed, size_t size) {
  SeededRandom random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.next() >> 56);
  return text;
}

}  // namespace wye::net
