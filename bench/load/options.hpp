#pragma once
// What the load generator is told on its command line.
#include <string>
#include <vector>

#include "../wire/payload.hpp"
#include "../wire/socket.hpp"

namespace wye::bench::load {

// Processes whose run time is read at both ends of the window, under a name of the runner's choice.
struct WatchedGroup {
  std::string name;
  std::vector<int> pids;
};

struct Options {
  Address url;
  std::string path = "/v1/chat/completions";
  std::vector<std::string> headers;  // `Name: value`; a nonce in the first that has one is renewed
  std::string body_file;             // else a body is made
  ChatBody body;
  int64_t connections = 1;
  double warmup_s = 1, seconds = 0, timeout_s = 30, drain_s = 20;
  int64_t requests = 0;   // 0: as many as fit into `seconds`
  double rate = 0;        // requests a second, open loop; 0: closed loop
  double ramp_ms = -1;    // over which the connections start; -1: the spacing of the chunks, or 0
  int expect_status = 200;
  std::vector<std::string> expect;  // texts that every answer must contain
  std::string expect_body_file;     // exact bytes of every answer
  double abort_share = 0, abort_within_ms = 200;
  int64_t seed = 1;
  bool count_syscalls = false;
  std::string malloc_file;
  std::vector<WatchedGroup> watched;
};

// False after an error or --help was printed. A run whose answers nobody would check is an error.
bool read_options(int argc, char** argv, Options& options);

// The request with its head, and where the digits of the nonce lie that each request renews (npos: none). That of the body comes back
// in the answer and is checked; that of a header makes, say, every token another one.
struct RequestText {
  std::string bytes;
  size_t nonce_at = std::string::npos;
  size_t header_nonce_at = std::string::npos;
};
bool make_request(const Options& options, RequestText& request);

bool read_file(const std::string& path, std::string& bytes);

}  // namespace wye::bench::load
