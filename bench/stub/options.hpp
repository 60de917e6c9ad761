#pragma once
// What the stub upstream is told on its command line.
#include <string>

#include "../wire/payload.hpp"
#include "../wire/socket.hpp"

namespace wye::bench::stub {

struct Options {
  Address listen;
  Directives directives;       // defaults; a request's own `stub[…]` goes before them
  std::string authorization;   // exact value that every request must carry; empty: any
  double latency_ms = 0;       // before the first byte of an answer
  double error_share = 0;      // answers 500 with an OpenAI error
  double cut_share = 0;        // closes in the middle of the answer
  int64_t seed = 1;
  bool strict_payload = true;  // a request without nonce and whole fill is a protocol error
};

// False after an error or --help was printed.
bool read_options(int argc, char** argv, Options& options);

}  // namespace wye::bench::stub
