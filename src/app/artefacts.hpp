// What the set-up brought: where it lies, and what to do where it is missing.
#pragma once

#include "app/data_folder.hpp"

namespace wye::app {

/// Paths below one folder; nothing is looked at by asking for them. A value.
struct Artefacts {
  std::filesystem::path root;

  std::filesystem::path llama_server() const { return root / "bin" / "llama-server"; }
  std::filesystem::path models() const { return root / "models"; }
};

/// `$WYE_ARTIFACTS`, else `../share/wye` beside the program where it is there, else `${XDG_CACHE_HOME:-~/.cache}/wye`.
/// Errors: kUsage where none of them is set.
Result<Artefacts> find_artefacts(const std::filesystem::path& program, const Environment& environment);

/// Fine where `file` is an executable or readable regular file; else kNotFound whose message names it.
enum class Wanted : uint8_t { kProgram, kFile };
Result<void> check_artefact(const std::filesystem::path& file, Wanted wanted);

/// The path of the running program. Errors: kIo.
Result<std::filesystem::path> own_program();

}  // namespace wye::app
