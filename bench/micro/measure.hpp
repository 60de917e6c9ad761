#pragma once
// How one thing is timed: batches in turn with what it is compared with, so that both see the same machine.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace wye::bench::micro {

/// CPU time of this thread, nanoseconds.
uint64_t thread_cpu_ns();

/// Tells the compiler that the value is used.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// A piece of work under its name; `run` does it once and returns whether the result was right.
struct Contender {
  std::string name;
  std::function<bool()> run;
};

/// The figures of one contender.
struct Timing {
  std::string name;
  double best_ns = 0;    // of the quietest batch
  double median_ns = 0;  // over the batches
  uint64_t runs = 0;
};

/// Runs all contenders in `rounds` alternating batches of about `batch_ms` each. Ends the program with a message if one was wrong.
std::vector<Timing> compare(const std::vector<Contender>& contenders, int rounds, double batch_ms);

/// Prints a JSON member: `"name":{"best_ns":…,"median_ns":…,"runs":…}`.
std::string to_json(const Timing& timing);

/// The parts of the program; each returns JSON members without braces, as `"rs256_cold":{…},…`.
struct Effort {
  int rounds = 15;
  double batch_ms = 20;
};
std::string jws_verification(const Effort& effort);
std::string token_cache(const Effort& effort);
std::string authorisation(const Effort& effort);
std::string parsing(const Effort& effort);

}  // namespace wye::bench::micro
