// wye_bench_stub: a stub upstream for benchmarks and soak tests. Prints {"port":N} when it listens, its counters when it is ended by
// SIGTERM or SIGINT. Exit code 1 where it saw a protocol error.
#include <signal.h>

#include <cstdio>

#include "server.hpp"

namespace {
volatile int stop_requested = 0;
}  // namespace

int main(int argc, char** argv) {
  using namespace wye::bench::stub;
  Options options;
  if (!read_options(argc, argv, options)) return 2;
  struct sigaction action{};
  action.sa_handler = [](int) { stop_requested = 1; };  // without SA_RESTART: the wait ends
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Server server(options);
  if (!server.listen()) return 1;
  std::printf("{\"port\":%u}\n", server.port());
  std::fflush(stdout);
  server.run(stop_requested);
  std::printf("%s\n", to_json(server.stats()).c_str());
  return server.stats().protocol_errors == 0 ? 0 : 1;
}
