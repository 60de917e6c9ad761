// Files of lines that stay within a size: `wye.jsonl` is the newest, `wye.jsonl.1` the one before, … `.4` the oldest.
#pragma once

#include "foundation/base/units.hpp"
#include "foundation/os/fd.hpp"

namespace wye::os {

/// Port: where a writer thread puts whole lines. May block. Threads: one owner.
class LineOutput {
 public:
  virtual ~LineOutput() = default;
  /// Appends all of `lines` or, when it fails with kIo, nothing of them as far as the medium allows.
  virtual Result<> append(std::string_view lines) = 0;
};

struct RotationLimits {
  Bytes size = 64_MiB;  // the newest file is rotated before it would exceed this
  int kept = 4;         // rotated files beside the newest
};

/// An append-only file, mode 0600. Rotates before a write that would exceed the size; lines are never split between files.
/// A failed write is cut off again, so a full disk leaves no torn line. Threads: one owner.
class RotatingFile final : public LineOutput {
 public:
  /// Opens or makes the file; kIo when it cannot (or is no regular file).
  static Result<RotatingFile> open(std::filesystem::path path, RotationLimits limits = {});
  RotatingFile(RotatingFile&&) noexcept = default;
  RotatingFile& operator=(RotatingFile&&) noexcept = default;

  Result<> append(std::string_view lines) override;
  const std::filesystem::path& path() const { return path_; }

 private:
  RotatingFile(std::filesystem::path path, RotationLimits limits) : path_(std::move(path)), limits_(limits) {}
  Result<> reopen();
  Result<> rotate();
  std::filesystem::path path_;
  RotationLimits limits_;
  Fd fd_;
  uint64_t size_ = 0;
};

/// A descriptor that somebody else owns, such as stdout.
class FdOutput final : public LineOutput {
 public:
  explicit FdOutput(int fd) : fd_(fd) {}
  Result<> append(std::string_view lines) override;

 private:
  int fd_;
};

}  // namespace wye::os
