// For tests only: loops to run on, a server whose handler does what the path says, and peers that send and hear raw bytes.
#pragma once

#include "foundation/http/client.hpp"
#include "foundation/http/server.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "foundation/net/sim_loop.hpp"

namespace wye::http {

using namespace std::chrono_literals;

enum class Engine { kEpoll, kSim, kFaultySim };
inline std::string engine_name(const testing::TestParamInfo<Engine>& p) {
  constexpr std::array<const char*, 3> kNames = {"Epoll", "Sim", "FaultySim"};
  return kNames[static_cast<size_t>(p.param)];
}
/// Small pipes, partial moves, latency; no losses.
inline net::SimFaults shaky() { return {.latency_min = 10us, .latency_max = 3ms, .pipe_bytes = 1000, .short_move = 0.5}; }

class Rig {
 public:
  explicit Rig(Engine engine) : Rig(engine, 7, engine == Engine::kFaultySim ? shaky() : net::SimFaults{}) {}
  Rig(Engine engine, uint64_t seed, const net::SimFaults& faults) {
    if (engine == Engine::kEpoll) loop_ = std::move(*net::make_epoll_loop(clock_));
    else loop_ = std::make_unique<net::SimLoop>(seed, faults);
  }
  net::Loop& loop() { return *loop_; }
  bool simulated() const { return dynamic_cast<const net::SimLoop*>(loop_.get()) != nullptr; }
  const Clock& clock() const { return clock_; }
  net::Bound in(Nanos d, net::Cancel* cancel = nullptr) { return {loop_->after(d), cancel}; }
  /// Runs the task; false where it did not end within the limit (virtual hours, real half minutes).
  bool run(net::Task<void> task) {
    bool done = false;
    net::Scope scope;
    scope.spawn(root(*loop_, std::move(task), done));
    const auto watchdog = loop_->call_at(loop_->now() + (simulated() ? Nanos(48h) : Nanos(60s)), [this] { loop_->stop(); });
    loop_->run();
    loop_->cancel_call(watchdog);
    return done;
  }

 private:
  static net::Task<void> root(net::Loop& loop, net::Task<void> task, bool& done) {
    co_await task;
    done = true;
    loop.stop();
  }
  SystemClock clock_;
  std::unique_ptr<net::Loop> loop_;
};

/// The bytes of the large answer: no two neighbours of a 64 KiB grid are equal.
inline const std::string& large_body() {
  static const std::string body = [] {
    std::string text(32 << 20, '\0');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + (i + (i >> 16)) % 26);
    return text;
  }();
  return body;
}

/// Does what the path says, and remembers.
class ScriptedHandler final : public Handler {
 public:
  explicit ScriptedHandler(net::Loop& loop) : loop_(loop) {}
  std::vector<std::string> seen;      // method and path of each request
  std::vector<ErrorCode> refused;
  std::vector<ErrorCode> body_errors;
  std::vector<net::IoStatus> sends;   // of /large and /endless
  std::optional<MonoTime> gone_at;    // of /wait
  std::optional<MonoTime> failed_at;  // of the last failed send or body
  size_t body_max = 1 << 20;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;

  net::Task<void> answer(ServerCall& call) override {
    seen.push_back(std::string(to_string(call.head().method)) + " " + std::string(call.target().path()));
    const std::string path(call.target().path());
    const iovec hello = net::piece("hello");
    if (path == "/echo") co_await echo(call);
    else if (path == "/stream") co_await stream(call);
    else if (path == "/large") co_await large(call);
    else if (path == "/endless") co_await endless(call);
    else if (path == "/wait") co_await wait(call);
    else if (path == "/silent") co_return;
    else if (path == "/half") co_await call.start({200, "text/plain", {}}, {&hello, 1});
    else if (path == "/nothing") co_await call.respond({204, "", {}}, {});
    else if (path == "/twice") co_await twice(call);
    else {
      if (path == "/late") co_await net::sleep(loop_, 50ms, &call.gone());
      const std::array fields = {OutField{"x-good", "yes"}, OutField{"x-bad", "a\r\nx-split: yes"}};
      co_await call.respond({200, "text/plain", fields}, {&hello, 1});
    }
    bytes_in = call.bytes_in();
    bytes_out = call.bytes_out();
  }
  net::Task<void> refuse(ServerCall& call, Error error) override {
    refused.push_back(error.code);
    // What a handler may look at in any case: nothing of another request.
    EXPECT_EQ(call.peer().is_loopback(), true);
    const std::string text(client_message(error));
    const iovec piece = net::piece(text);
    co_await call.respond({error_row(error.code).status, "text/plain", {}}, {&piece, 1});
  }

 private:
  net::Task<void> echo(ServerCall& call) {
    Result<std::span<char>> body = co_await call.read_body(body_max);
    if (!body) {
      body_errors.push_back(body.error().code);
      failed_at = loop_.now();
      co_await call.respond({error_row(body.error().code).status, "text/plain", {}}, {});
      co_return;
    }
    // Spare bytes behind it may be read by SIMD code.
    volatile char sink = 0;
    for (size_t i = 0; i < net::BufferPool::kSpare; ++i) sink = sink ^ body->data()[body->size() + i];
    const iovec piece = {body->data(), body->size()};
    co_await call.respond({200, "text/plain", {}}, {&piece, 1});
  }
  net::Task<void> stream(ServerCall& call) {
    const std::array first = {net::piece("one;"), net::piece(""), net::piece("two;")};
    co_await call.start({200, "text/event-stream", {}}, first);
    for (const std::string_view text : {"three;", "", "four;"}) {
      const iovec piece = net::piece(text);
      co_await call.write({&piece, 1});
      co_await net::sleep(loop_, 1ms);
    }
    const iovec last = net::piece("end");
    co_await call.finish({&last, 1});
  }
  net::Task<void> large(ServerCall& call) {
    const iovec piece = net::piece(large_body());
    const net::Io io = co_await call.respond({200, "text/plain", {}}, {&piece, 1});
    sends.push_back(io.status);
    if (!io) failed_at = loop_.now();
  }
  net::Task<void> endless(ServerCall& call) {
    net::Io io = co_await call.start({200, "text/plain", {}}, {});
    const std::string text(10'000, 'e');
    const iovec piece = net::piece(text);
    while (io) io = co_await call.write({&piece, 1});
    sends.push_back(io.status);
    failed_at = loop_.now();
  }
  net::Task<void> wait(ServerCall& call) {
    const net::IoStatus status = co_await net::sleep(loop_, 1h, &call.gone());
    if (status == net::IoStatus::kCancelled) gone_at = loop_.now();
    if (!call.client_gone()) co_await call.respond({503, "text/plain", {}}, {});
  }
  static net::Task<void> twice(ServerCall& call) {
    const iovec one = net::piece("one");
    co_await call.respond({200, "text/plain", {}}, {&one, 1});
    EXPECT_FALSE(co_await call.respond({200, "text/plain", {}}, {&one, 1}));
    EXPECT_FALSE(co_await call.start({200, "text/plain", {}}, {&one, 1}));
    EXPECT_FALSE(co_await call.write({&one, 1}));
    EXPECT_FALSE(co_await call.finish({&one, 1}));
  }
  net::Loop& loop_;
};

class ServerRig : public Rig {
 public:
  template <class... Args>
  explicit ServerRig(Args&&... args) : Rig(std::forward<Args>(args)...) {
    server.emplace(loop(), clock(), handler, count, std::move(*loop().listen(net::Endpoint::loopback(0))), ServerOptions{.listener_name = "test"});
    server->start();
  }
  net::Endpoint endpoint() const { return server->local(); }
  ScriptedHandler handler{loop()};
  ConnectionCount count{1000};
  std::optional<Server> server;
};

/// A client that is only a stream.
class RawClient {
 public:
  explicit RawClient(net::Loop& loop) : loop_(loop) {}
  net::Task<bool> connect(net::Endpoint to) {
    auto opened = loop_.open(to);
    if (!opened) co_return false;
    stream = std::move(*opened);
    co_return co_await net::await_connected(*stream, {loop_.after(5s), nullptr}) == net::IoStatus::kOk;
  }
  net::Task<bool> send(std::string_view bytes, Nanos limit = 1h) {
    const iovec piece = net::piece(bytes);
    co_return static_cast<bool>(co_await net::send_gather(*stream, {&piece, 1}, {loop_.after(limit), nullptr}));
  }
  /// Hears until `text` is there or the connection ended.
  net::Task<bool> hear(std::string_view text, Nanos limit = 1h) {
    const Deadline end = loop_.after(limit);
    while (!heard.contains(text)) {
      if (!co_await hear_some(end)) co_return false;
    }
    co_return true;
  }
  net::Task<net::IoStatus> hear_all(Nanos limit = 1h) {
    const Deadline end = loop_.after(limit);
    while (co_await hear_some(end)) {}
    co_return ended;
  }
  net::Task<bool> hear_some(Deadline end, size_t max = 65'536) {
    std::vector<char> buffer(max);
    const net::Io got = co_await net::receive_some(*stream, buffer, {end, nullptr});
    ended = got.status;
    heard.append(buffer.data(), got.n);
    co_return static_cast<bool>(got);
  }
  std::unique_ptr<net::Stream> stream;
  std::string heard;
  net::IoStatus ended = net::IoStatus::kOk;

 private:
  net::Loop& loop_;
};

/// Connects, sends, hears until the end.
inline net::Task<std::string> ask(net::Loop& loop, net::Endpoint to, std::string bytes) {
  RawClient client(loop);
  EXPECT_TRUE(co_await client.connect(to));
  EXPECT_TRUE(co_await client.send(bytes));
  co_await client.hear_all();
  co_return client.heard;
}
inline std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view fields = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}
inline size_t count_of(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace wye::http
