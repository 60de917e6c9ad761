// Whole files, read within a bound and written so that a crash leaves the old or the new one.
#pragma once

#include "foundation/base/units.hpp"
#include "foundation/os/fd.hpp"

namespace wye::os {

/// The content of a regular file. kNotFound when it is missing, kTooLarge beyond `max`, kIo else.
Result<std::string> read_file(const std::filesystem::path& path, Bytes max);
/// Writes beside the target, fsyncs, renames over it, fsyncs the folder. Readers see the old or the new content, never a part.
/// kIo with the reason (disk full, denied); the target is then untouched and nothing is left behind.
Result<> write_file_atomic(const std::filesystem::path& path, std::string_view content, unsigned mode = 0600);
/// Makes the folder and its parents, the last one with mode 0700. kIo when it cannot, or when something else stands there.
Result<> make_private_folder(const std::filesystem::path& path);

}  // namespace wye::os
