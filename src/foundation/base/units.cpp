#include "foundation/base/units.hpp"

namespace wye {
namespace {

struct Unit {
  std::string_view suffix;
  int shift;
};
constexpr std::array kUnits = {Unit{"TiB", 40}, Unit{"GiB", 30}, Unit{"MiB", 20}, Unit{"KiB", 10}, Unit{"B", 0}};
constexpr std::array<std::string_view, 4> kClasses = {"public", "internal", "confidential", "restricted"};

}  // namespace

std::optional<Bytes> parse_bytes(std::string_view text) {
  uint64_t value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end == text.data()) return std::nullopt;
  const std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& unit : kUnits) {
    if (suffix != unit.suffix) continue;
    if (value > (UINT64_MAX >> unit.shift)) return std::nullopt;
    return Bytes{value << unit.shift};
  }
  return std::nullopt;
}

std::string format_bytes(Bytes size) {
  for (const Unit& unit : kUnits) {
    const uint64_t mask = (uint64_t{1} << unit.shift) - 1;
    if (size.n != 0 && (size.n & mask) == 0) return std::to_string(size.n >> unit.shift) + std::string(unit.suffix);
  }
  return "0B";
}

std::string_view to_string(DataClass c) { return kClasses[static_cast<size_t>(c)]; }

std::optional<DataClass> parse_data_class(std::string_view text) {
  for (size_t i = 0; i < kClasses.size(); ++i) {
    if (kClasses[i] == text) return static_cast<DataClass>(i);
  }
  return std::nullopt;
}

}  // namespace wye
