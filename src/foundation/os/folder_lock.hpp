// One instance at a time for a folder. Source: man 2 flock.
#pragma once

#include "foundation/os/fd.hpp"

namespace wye::os {

/// Holds `flock` on a file until it goes; the kernel lets go of it when the program dies. The file stays and names the holder's
/// process number. Threads: one owner.
class FolderLock {
 public:
  /// Takes the lock without waiting. kConflict when another program holds it (the text names its process number), kIo else.
  static Result<FolderLock> take(const std::filesystem::path& lock_file);
  /// The process number of who holds it now; absent when nobody does.
  static std::optional<int> holder(const std::filesystem::path& lock_file);

 private:
  explicit FolderLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace wye::os
