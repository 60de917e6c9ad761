// Port: the file of a chain. Its real implementation appends and syncs; tests make it fail and tear.
// Threads: one owner. Every call blocks.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::audit {

class ChainFile {
 public:
  virtual ~ChainFile() = default;
  virtual Result<uint64_t> size() = 0;
  /// `count` bytes from `offset`, fewer at the end of the file.
  virtual Result<std::string> read(uint64_t offset, size_t count) = 0;
  /// Appends everything and syncs it, or fails and leaves the file as it was as far as the medium allows.
  virtual Result<void> append(std::string_view lines) = 0;
  /// Cuts the file off at `size`.
  virtual Result<void> truncate(uint64_t size) = 0;
};

/// A regular file, mode 0600, made where it is missing; never a symbolic link. Errors: kIo with path and reason, kConflict (another
/// process has it open for appending: one writer a chain).
Result<std::unique_ptr<ChainFile>> open_chain_file(const std::filesystem::path& path);

}  // namespace wye::audit
