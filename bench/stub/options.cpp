#include "options.hpp"

#include "../wire/flags.hpp"

namespace wye::bench::stub {

bool read_options(int argc, char** argv, Options& options) {
  Flags flags;
  int64_t chunks = options.directives.chunks;
  bool any_payload = false;
  flags.add("listen", "127.0.0.1:PORT, 0 = any free port (then read it from the first line of output)",
            [&](std::string_view value) { return parse_address(value, options.listen); });
  flags.add_integer("chunks", "content chunks of a stream (64)", chunks, 1, 9999);
  flags.add_integer("spacing-us", "microseconds between two chunks (20000)", options.directives.spacing_us, 0, 100'000'000);
  flags.add_integer("answer-bytes", "size of a unary answer's body (1024)", options.directives.answer_bytes, 0, 16 * 1024 * 1024);
  flags.add_text("authorization", "exact Authorization value that requests must carry, else 401 and counted", options.authorization);
  flags.add_number("latency-ms", "wait before the first byte of an answer (0)", options.latency_ms, 0, 600'000);
  flags.add_number("error-share", "share of requests answered 500 (0)", options.error_share, 0, 1);
  flags.add_number("cut-share", "share of answers cut in the middle by closing (0)", options.cut_share, 0, 1);
  flags.add_integer("seed", "of the draws for the two shares (1)", options.seed, 0, INT64_MAX);
  flags.add_switch("any-payload", "accept requests that carry no nonce and no fill (other clients than wye_bench_load)", any_payload);
  if (!flags.read(argc, argv)) return false;
  options.directives.chunks = static_cast<int>(chunks);
  options.strict_payload = !any_payload;
  return true;
}

}  // namespace wye::bench::stub
