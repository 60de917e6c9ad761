// The program: real time, real sockets, signals and the parent enter here and nowhere else in the room.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "foundation/net/epoll_loop.hpp"
#include "foundation/net/offload.hpp"
#include "simulator/azure/simulator.hpp"

namespace wye::simulator {
namespace {

// As every program of Wye: 1 failed, 2 usage, 6 port taken.
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kConflict = 6;
constexpr int kInterrupted = 130;
constexpr Nanos kDrainPatience = std::chrono::seconds(10);

/// stderr takes the rare lines of the log; stdout belongs to the one line that says where we listen.
class StderrSink final : public LogSink {
 public:
  void write(std::string_view lines) override { std::fwrite(lines.data(), 1, lines.size(), stderr); }
  uint64_t dropped() const override { return 0; }
};

int report(const Error& error) {
  const std::string_view text = error.public_message.empty() ? std::string_view(error.detail) : std::string_view(error.public_message);
  std::fprintf(stderr, "error: %.*s\n", static_cast<int>(text.size()), text.data());
  if (error.code == ErrorCode::kUsage) std::fputs("  help: wye-azure-simulator --help\n", stderr);
  return error.code == ErrorCode::kUsage ? kUsage : error.code == ErrorCode::kConflict ? kConflict : kFailed;
}

/// SIGTERM and SIGINT, waited for on a thread of their own: the first drains, the second ends the program on the spot.
class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGTERM);
    ::sigaddset(&set_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~Signals() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  void on_first(std::function<void()> drain) {
    thread_ = std::thread([this, drain = std::move(drain)] {
      constexpr timespec kTurn{0, 50'000'000};
      for (int seen = 0; !over_;) {
        if (::sigtimedwait(&set_, nullptr, &kTurn) < 0) continue;
        if (++seen > 1) ::_exit(kInterrupted);
        drain();
      }
    });
  }

 private:
  sigset_t set_{};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

net::Task<void> drain_then_stop(http::Server& server, net::Loop& loop) {
  co_await server.drain(kDrainPatience);
  loop.stop();
}

/// Tells the kernel to end us with our parent. False where it ended meanwhile.
bool tie_to_parent() {
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return ::getppid() == parent;
}

int serve(Options options, KeyRing keys) {
  Signals signals;
  const SystemClock clock;
  StderrSink sink;
  Log log(sink, clock);
  Result<std::unique_ptr<net::Loop>> loop = net::make_epoll_loop(clock);
  if (!loop) return report(loop.error());
  // Below the loop: what runs there comes back on it.
  net::Offload offload(1, 64);
  net::SystemResolver resolver(**loop, offload);
  SeededRandom ids(static_cast<uint64_t>(clock.wall().ns) ^ (static_cast<uint64_t>(::getpid()) << 32));
  const net::Endpoint at = net::Endpoint::loopback(options.port);
  if (const Result<void> free = net::check_port_free(at); !free) return report(free.error());
  Result<std::unique_ptr<net::Listener>> listener = (*loop)->listen(at);
  if (!listener) return report(listener.error());
  Simulator simulator({**loop, resolver, clock, ids, log}, std::move(options), std::move(keys));
  http::ConnectionCount count(http::kConnectionsMax);
  http::Server server(**loop, clock, simulator, count, std::move(*listener), {.listener_name = "azure"});
  server.start();
  net::Scope scope;
  signals.on_first([&] { (*loop)->post([&] { scope.spawn(drain_then_stop(server, **loop)); }); });
  std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(server.local().port));
  std::fflush(stdout);
  (*loop)->run();
  return 0;
}

}  // namespace
}  // namespace wye::simulator

int main(int argc, char** argv) {
  using namespace wye::simulator;
  const std::vector<std::string_view> arguments(argv + std::min(argc, 1), argv + argc);
  wye::Result<Options> options = parse_options(arguments);
  if (!options) return report(options.error());
  if (options->help) {
    std::fputs(std::string(usage_text()).c_str(), stdout);
    return 0;
  }
  if (options->with_parent && !tie_to_parent()) return kFailed;
  wye::Result<KeyRing> keys = KeyRing::read(options->key_file);
  if (!keys) return report(keys.error());
  return serve(std::move(*options), std::move(*keys));
}
