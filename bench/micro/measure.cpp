#include "measure.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace wye::bench::micro {

uint64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

namespace {

double batch_ns(const Contender& one, uint64_t runs) {
  const uint64_t begin = thread_cpu_ns();
  for (uint64_t i = 0; i < runs; ++i) {
    if (!one.run()) {
      std::fprintf(stderr, "error: %s gave a wrong result\n", one.name.c_str());
      std::exit(1);
    }
  }
  return static_cast<double>(thread_cpu_ns() - begin) / static_cast<double>(runs);
}

}  // namespace

std::vector<Timing> compare(const std::vector<Contender>& contenders, int rounds, double batch_ms) {
  std::vector<Timing> timings;
  std::vector<uint64_t> runs;
  std::vector<std::vector<double>> batches(contenders.size());
  for (const Contender& one : contenders) {
    batch_ns(one, 50);  // warms up what is cold
    const double single = batch_ns(one, 200);
    runs.push_back(std::max<uint64_t>(50, static_cast<uint64_t>(batch_ms * 1e6 / single)));
    timings.push_back({.name = one.name});
  }
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      const size_t at = round % 2 == 0 ? i : contenders.size() - 1 - i;
      batches[at].push_back(batch_ns(contenders[at], runs[at]));
      timings[at].runs += runs[at];
    }
  }
  for (size_t i = 0; i < contenders.size(); ++i) {
    std::sort(batches[i].begin(), batches[i].end());
    timings[i].best_ns = batches[i].front();
    timings[i].median_ns = batches[i][batches[i].size() / 2];
  }
  return timings;
}

std::string to_json(const Timing& timing) {
  char text[256];
  std::snprintf(text, sizeof text, "\"%s\":{\"best_ns\":%.1f,\"median_ns\":%.1f,\"runs\":%llu}", timing.name.c_str(), timing.best_ns,
                timing.median_ns, static_cast<unsigned long long>(timing.runs));
  return text;
}

}  // namespace wye::bench::micro
