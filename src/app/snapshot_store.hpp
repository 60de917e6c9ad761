// Configurations that were accepted: the last 20, each with the documents that it was made of, as `snapshots/<digest>.json`.
// Threads: any; each call blocks on files.
#pragma once

#include "admin/api.hpp"

namespace wye::app {

inline constexpr size_t kSnapshotsKept = 20;

class SnapshotStore {
 public:
  explicit SnapshotStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Keeps one; the oldest beyond kSnapshotsKept go. Again the same one: it becomes the newest. Errors: kIo.
  Result<void> keep(const config::Snapshot& snapshot, const admin::ConfigFiles& files, const std::string& by, WallTime at) const;
  /// Newest first; what can not be read is left out. Errors: kIo.
  Result<std::vector<admin::StoredSnapshot>> list() const;
  /// The documents. Errors: kNotFound, kCorrupt (the content is not that of the digest).
  Result<admin::ConfigFiles> files(const std::string& digest) const;
  /// The resources in canonical form. Errors: as above.
  Result<std::string> resources(const std::string& digest) const;

 private:
  Result<std::string> read(const std::string& digest) const;
  std::filesystem::path folder_;
};

}  // namespace wye::app
