#include "app/data_folder.hpp"

#include "foundation/os/file.hpp"

namespace wye::app {

Result<void> DataFolder::make() const {
  for (const std::filesystem::path& folder : {root, secrets(), logs(), run()}) CHECK_OK(os::make_private_folder(folder));
  return {};
}

Result<DataFolder> find_data_folder(const std::string& flag, const Environment& environment) {
  if (!flag.empty()) return DataFolder{std::filesystem::absolute(flag)};
  if (const std::string data = environment("WYE_DATA"); !data.empty()) return DataFolder{std::filesystem::absolute(data)};
  if (const std::string xdg = environment("XDG_DATA_HOME"); !xdg.empty()) return DataFolder{std::filesystem::path(xdg) / "wye"};
  if (const std::string home = environment("HOME"); !home.empty()) return DataFolder{std::filesystem::path(home) / ".local/share/wye"};
  return Fail(public_error(ErrorCode::kUsage, "No data folder: give --data DIR, or set WYE_DATA or HOME."));
}

}  // namespace wye::app
