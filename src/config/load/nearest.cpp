#include "config/load/nearest.hpp"

namespace wye::config {
namespace {

constexpr unsigned kEdit = 3;      // one slip
constexpr unsigned kCaseEdit = 1;  // the right letter in the wrong case
constexpr size_t kLongest = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

unsigned replace_cost(char a, char b) {
  if (a == b) return 0;
  return lower(a) == lower(b) ? kCaseEdit : kEdit;
}

/// Optimal string alignment distance over three rows.
unsigned distance(std::string_view a, std::string_view b) {
  std::array<std::array<unsigned, kLongest + 1>, 3> rows{};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<unsigned>(j) * kEdit;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = static_cast<unsigned>(i) * kEdit;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + kEdit, row[j - 1] + kEdit, above[j - 1] + replace_cost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + kEdit);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.empty() || text.size() > kLongest) return {};
  std::string_view best;
  // A third of the letters may be wrong, two at least: `prot` is a slip of `port`, `x` is nothing's.
  unsigned least = std::max<unsigned>(2, static_cast<unsigned>(text.size()) / 3) * kEdit + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongest) continue;
    const unsigned d = distance(text, candidate);
    if (d >= least || d >= std::max(text.size(), candidate.size()) * kEdit) continue;
    best = candidate;
    least = d;
  }
  return best;
}

std::string quoted_list(std::span<const std::string_view> names, size_t most) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < most; ++i) {
    if (i > 0) out += ' ';
    out += '`';
    out += names[i];
    out += '`';
  }
  if (names.size() > most) out += " and " + std::to_string(names.size() - most) + " more";
  return out;
}

std::string shown(std::string_view value) {
  constexpr size_t kMost = 60;
  std::string out = "\"";
  size_t end = std::min(value.size(), kMost);
  // Never cut inside a UTF-8 sequence.
  while (end > 0 && end < value.size() && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  for (const char c : value.substr(0, end)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  if (end < value.size()) out += "...";
  return out + '"';
}

}  // namespace wye::config
