#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "foundation/os/fd.hpp"
#include "serving/runtime/gguf.hpp"

namespace wye::runtime {
namespace {

Result<> within(uint64_t offset, uint64_t bytes, uint64_t size) {
  if (offset <= size && bytes <= size - offset) return {};
  return Fail(internal_error(ErrorCode::kCorrupt, "the file ends at byte " + std::to_string(size) + ", in the middle of what it announces"));
}

/// Reads with pread; the size is that of the moment of opening.
class FileSource final : public ByteSource {
 public:
  FileSource(os::Fd fd, uint64_t size, std::filesystem::path path) : fd_(std::move(fd)), size_(size), path_(std::move(path)) {}
  uint64_t size() const override { return size_; }
  Result<> read(uint64_t offset, std::span<char> out) override {
    CHECK_OK(within(offset, out.size(), size_));
    while (!out.empty()) {
      const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Fail(os::os_error("read", path_, errno));
      if (n == 0) return Fail(internal_error(ErrorCode::kCorrupt, "the file became shorter while it was read"));
      out = out.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

 private:
  os::Fd fd_;
  uint64_t size_;
  std::filesystem::path path_;
};

}  // namespace

Result<> MemorySource::read(uint64_t offset, std::span<char> out) {
  CHECK_OK(within(offset, out.size(), bytes_.size()));
  std::memcpy(out.data(), bytes_.data() + offset, out.size());
  return {};
}

Result<std::unique_ptr<ByteSource>> open_artefact(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO in the file's place must not hang us.
  os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    Error error = os::os_error("open", path, errno);
    if (errno == ENOENT || errno == ENOTDIR) error = internal_error(ErrorCode::kNotFound, "the model file " + path.string() + " does not exist");
    return Fail(std::move(error));
  }
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return Fail(os::os_error("stat", path, errno));
  if (!S_ISREG(st.st_mode)) return Fail(internal_error(ErrorCode::kIo, path.string() + " is no regular file"));
  return std::make_unique<FileSource>(std::move(fd), static_cast<uint64_t>(st.st_size), path);
}

}  // namespace wye::runtime
