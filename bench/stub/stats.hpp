#pragma once
// What the stub has seen. Counters since its start; one thread.
#include <cstdint>
#include <string>

namespace wye::bench::stub {

struct Stats {
  uint64_t connections = 0, open_connections = 0, requests = 0, unary = 0, streams = 0, active_streams = 0, chunks = 0;
  uint64_t streams_finished = 0;
  uint64_t injected_errors = 0, injected_cuts = 0;
  uint64_t client_gone_unary = 0, client_gone_stream = 0;  // the gateway closed while an answer was due
  uint64_t unauthorized = 0, protocol_errors = 0;
  std::string first_error;  // of the protocol errors
};

std::string to_json(const Stats& stats);

}  // namespace wye::bench::stub
