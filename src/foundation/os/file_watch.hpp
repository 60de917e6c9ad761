// Tells when a folder tree changed. inotify wakes it up; what decides is a fresh look at the tree, so editors that write a new
// file and rename it, the `..data` symlink of Kubernetes ConfigMaps, folders deleted and made anew, and file systems without
// inotify are all seen. Source: man 7 inotify.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/os/fd.hpp"

namespace wye::os {

struct FileWatchLimits {
  Nanos settle = std::chrono::milliseconds(100);   // the tree must look the same for this long before the call
  Nanos settle_max = std::chrono::seconds(2);      // a tree that never rests is reported this often
  Nanos poll = std::chrono::seconds(3);            // a look without any event
  size_t files_max = 20'000;                       // files and folders beyond this are not looked at
};

/// Watches files and folder trees and calls `changed` after each change that has come to rest. A call can be spurious (same
/// content written again); it is never missing. Symlinks are followed, at most 16 folders deep.
/// Lifetime: what changes after the constructor returned is seen, so make the watch first and read the files then; the
/// destructor ends the thread, so it must not run inside `changed`.
/// Threads: `changed` runs on the watch's own thread, one call at a time.
class FileWatch {
 public:
  FileWatch(std::vector<std::filesystem::path> roots, std::function<void()> changed, FileWatchLimits limits = {});
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wye::os
