#include "identity/audit/chain_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace wye::audit {
namespace {

class PosixChainFile final : public ChainFile {
 public:
  PosixChainFile(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  ~PosixChainFile() override { ::close(fd_); }

  Result<uint64_t> size() override {
    struct stat facts{};
    if (::fstat(fd_, &facts) != 0) return failed("can not look at", errno);
    return static_cast<uint64_t>(facts.st_size);
  }

  Result<std::string> read(uint64_t offset, size_t count) override {
    std::string out(count, '\0');
    size_t done = 0;
    while (done < count) {
      const ssize_t n = ::pread(fd_, out.data() + done, count - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("can not read", errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    out.resize(done);
    return out;
  }

  Result<void> append(std::string_view lines) override {
    TRY(const uint64_t before, size());
    while (!lines.empty()) {
      const ssize_t n = ::write(fd_, lines.data(), lines.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return undo(before, "can not write", errno);
      lines.remove_prefix(static_cast<size_t>(n));
    }
    // After a failed sync nobody knows what is on the disk: cut it off and write it anew.
    if (::fdatasync(fd_) != 0) return undo(before, "can not sync", errno);
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0 || ::fdatasync(fd_) != 0) return failed("can not shorten", errno);
    return {};
  }

 private:
  Fail failed(std::string_view what, int number) const {
    return Fail(internal_error(ErrorCode::kIo, std::string(what) + " " + path_.string() + ": " + std::generic_category().message(number)));
  }
  Fail undo(uint64_t size, std::string_view what, int number) {
    (void)::ftruncate(fd_, static_cast<off_t>(size));
    return failed(what, number);
  }

  int fd_;
  std::filesystem::path path_;
};

}  // namespace

Result<std::unique_ptr<ChainFile>> open_chain_file(const std::filesystem::path& path) {
  const auto failed = [&](std::string_view what, int number) {
    return Fail(internal_error(ErrorCode::kIo, std::string(what) + " " + path.string() + ": " + std::generic_category().message(number)));
  };
  const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return failed("can not open", errno);
  auto file = std::make_unique<PosixChainFile>(fd, path);
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return failed("can not look at", errno);
  if (!S_ISREG(facts.st_mode)) return Fail(internal_error(ErrorCode::kIo, path.string() + " is not a regular file"));
  if (::fchmod(fd, 0600) != 0) return failed("can not protect", errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return Fail(internal_error(ErrorCode::kConflict, path.string() + " is written by another process"));
  // The name itself must survive a power cut.
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int parent = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  const bool synced = parent >= 0 && ::fsync(parent) == 0;
  const int number = errno;
  if (parent >= 0) ::close(parent);
  if (!synced) return failed("can not sync the folder of", number);
  return std::unique_ptr<ChainFile>(std::move(file));
}

}  // namespace wye::audit
