#include "config/load/diagnostic.hpp"

namespace wye::config {

std::string to_text(const Diagnostic& d) {
  std::string out = d.severity == Severity::kError ? "error: " : "warning: ";
  out += d.what;
  out += "\n  at ";
  out += d.file;
  if (d.at.line != 0) out += ":" + std::to_string(d.at.line) + ":" + std::to_string(d.at.column);
  if (!d.path.empty()) out += " " + d.path;
  out += '\n';
  if (!d.help.empty()) out += "  help: " + d.help + "\n";
  return out;
}

std::string to_text(const Diagnostics& diagnostics) {
  std::string out;
  for (const Diagnostic& d : diagnostics) out += to_text(d);
  return out;
}

bool has_errors(const Diagnostics& diagnostics) {
  return std::ranges::any_of(diagnostics, [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

}  // namespace wye::config
