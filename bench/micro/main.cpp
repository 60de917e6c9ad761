// wye_bench_micro: what single steps of the product cost, each beside what it is built on, in one process on one core. Result: one
// JSON object on stdout. Exit code 1 where a step gave a wrong result, 2 for usage.
// A step is one file with one function that returns its figures; it stands in the list below and in measure.hpp.
#include <cstdio>

#include "../wire/flags.hpp"
#include "measure.hpp"

int main(int argc, char** argv) {
  using namespace wye::bench;
  int64_t rounds = 15;
  double batch_ms = 20;
  Flags flags;
  flags.add_integer("rounds", "alternating batches of each step (15)", rounds, 3, 1000);
  flags.add_number("batch-ms", "length of a batch (20)", batch_ms, 1, 1000);
  if (!flags.read(argc, argv)) return 2;
  const micro::Effort effort{.rounds = static_cast<int>(rounds), .batch_ms = batch_ms};
  std::string out = "{";
  for (const auto& step : {micro::jws_verification, micro::token_cache, micro::authorisation, micro::parsing}) {
    if (out.size() > 1) out += ',';
    out += step(effort);
  }
  std::printf("%s}\n", out.c_str());
  return 0;
}
