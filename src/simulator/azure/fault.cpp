#include "simulator/azure/fault.hpp"

namespace wye::simulator {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"429", "500", "503", "reset", "cut", "stall", "slow-first"};

}  // namespace

std::string_view to_string(Fault fault) { return kNames[static_cast<size_t>(fault)]; }

std::optional<Fault> parse_fault(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Fault>(found - kNames.begin());
}

std::string fault_names() {
  std::string out;
  for (const std::string_view name : kNames) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::optional<Fault> FaultDice::draw() {
  if (shares_.empty()) return std::nullopt;
  double at = random_.unit();
  for (const FaultShare& one : shares_) {
    if (at < one.share) return one.fault;
    at -= one.share;
  }
  return std::nullopt;
}

}  // namespace wye::simulator
