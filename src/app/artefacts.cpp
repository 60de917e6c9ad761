#include "app/artefacts.hpp"

#include <unistd.h>

namespace wye::app {

Result<Artefacts> find_artefacts(const std::filesystem::path& program, const Environment& environment) {
  if (const std::string own = environment("WYE_ARTIFACTS"); !own.empty()) return Artefacts{std::filesystem::absolute(own)};
  const std::filesystem::path shared = (program.parent_path().parent_path() / "share" / "wye").lexically_normal();
  std::error_code error;
  if (std::filesystem::is_directory(shared, error)) return Artefacts{shared};
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty()) return Artefacts{std::filesystem::path(xdg) / "wye"};
  if (const std::string home = environment("HOME"); !home.empty()) return Artefacts{std::filesystem::path(home) / ".cache" / "wye"};
  return Fail(public_error(ErrorCode::kUsage, "No folder of artefacts: set WYE_ARTIFACTS or HOME."));
}

Result<void> check_artefact(const std::filesystem::path& file, Wanted wanted) {
  std::error_code error;
  const bool there = std::filesystem::is_regular_file(file, error) && ::access(file.c_str(), wanted == Wanted::kProgram ? X_OK : R_OK) == 0;
  if (there) return {};
  const char* what = wanted == Wanted::kProgram ? " is missing, or no program." : " is missing, or can not be read.";
  return Fail(public_error(ErrorCode::kNotFound, file.string() + what));
}

Result<std::filesystem::path> own_program() {
  std::error_code error;
  std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Fail(internal_error(ErrorCode::kIo, "read /proc/self/exe: " + error.message()));
  return path;
}

}  // namespace wye::app
