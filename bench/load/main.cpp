// wye_bench_load: an HTTP/1.1 load generator that proves every answer. Result: one JSON object on stdout. Exit code 0 where every
// answer was right, 1 where one was wrong, refused or missing, 2 for usage.
#include <signal.h>

#include <cstdio>

#include "engine.hpp"
#include "report.hpp"

int main(int argc, char** argv) {
  using namespace wye::bench;
  load::Options options;
  if (!load::read_options(argc, argv, options)) return 2;
  load::RequestText request;
  if (!load::make_request(options, request)) return 2;
  load::Expectation expected;
  expected.status = options.expect_status;
  expected.stream = options.body.stream;
  expected.include_usage = options.body.include_usage;
  expected.nonce = request.nonce_at != std::string::npos;
  expected.chunks = options.body.directives.chunks;
  expected.texts = options.expect;
  if (!options.expect_body_file.empty() && !load::read_file(options.expect_body_file, expected.exact)) {
    std::fprintf(stderr, "error: cannot read %s\n", options.expect_body_file.c_str());
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  load::Accounting accounting(options);
  if (!accounting.open()) return 2;
  load::Engine engine(options, request, expected, accounting);
  if (!engine.run()) {
    std::fprintf(stderr, "error: the load could not begin\n");
    return 1;
  }
  std::printf("%s\n", load::to_json(options, engine.outcome()).c_str());
  return engine.outcome().failures == 0 ? 0 : 1;
}
