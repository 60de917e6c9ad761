// Faults on purpose: which, how often, drawn from a seed.
// Threads: values; a FaultDice has one owner.
#pragma once

#include "foundation/base/random.hpp"

namespace wye::simulator {

enum class Fault : uint8_t {
  k429,        // no capacity left, with retry-after
  k500,        // an internal error instead of an answer
  k503,        // unavailable
  kReset,      // the connection ends before any byte of an answer
  kCut,        // the connection ends within the answer
  kStall,      // the answer stops and nothing more comes; a unary one never begins
  kSlowFirst,  // the first byte comes late
};

/// `429 500 503 reset cut stall slow-first`.
std::string_view to_string(Fault fault);
std::optional<Fault> parse_fault(std::string_view name);
/// All names, for messages.
std::string fault_names();

struct FaultShare {
  Fault fault;
  double share;  // of all requests, 0 to 1
};

/// One draw a request: the same seed gives the same faults in the same order of requests.
class FaultDice {
 public:
  FaultDice(std::vector<FaultShare> shares, uint64_t seed) : shares_(std::move(shares)), random_(seed) {}
  std::optional<Fault> draw();
  /// How many writes of a stream go out before it is cut or stalls: 1 to 4.
  size_t draw_writes() { return 1 + static_cast<size_t>(random_.below(4)); }

 private:
  std::vector<FaultShare> shares_;
  SeededRandom random_;
};

}  // namespace wye::simulator
