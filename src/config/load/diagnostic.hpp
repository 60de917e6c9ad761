// What is wrong with a configuration, and where: all of it at once, never only the first.
#pragma once

namespace wye::config {

/// A place in a document. Lines and columns count from 1; columns count bytes. 0: unknown.
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
  friend auto operator<=>(Position, Position) = default;
};

enum class Severity : uint8_t { kError, kWarning };

/// One finding. Holds no secret: a value that looks like one is never quoted.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;
  Position at;
  std::string path;  // `spec.listeners[0].port`; empty: the whole document
  std::string what;  // one sentence without a full stop
  std::string help;  // what to do; may be empty
};
using Diagnostics = std::vector<Diagnostic>;

/// `error: WHAT`, `  at FILE:LINE:COL PATH`, `  help: WHAT TO DO`, each with its line break.
std::string to_text(const Diagnostic& diagnostic);
std::string to_text(const Diagnostics& diagnostics);
bool has_errors(const Diagnostics& diagnostics);

}  // namespace wye::config
