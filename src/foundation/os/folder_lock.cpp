#include "foundation/os/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace wye::os {
namespace {

std::optional<int> read_pid(int fd) {
  char text[32];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  int pid = 0;
  if (n <= 0 || std::from_chars(text, text + n, pid).ec != std::errc() || pid <= 0) return std::nullopt;
  return pid;
}

bool same_file(int fd, const std::filesystem::path& path) {
  struct stat ours{};
  struct stat there{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

}  // namespace

Result<FolderLock> FolderLock::take(const std::filesystem::path& lock_file) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    Fd fd(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return Fail(os_error("open", lock_file, errno));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return Fail(os_error("lock", lock_file, errno));
      const auto pid = read_pid(fd.get());
      return Fail(internal_error(
          ErrorCode::kConflict, lock_file.parent_path().string() + " is in use by " + (pid ? "process " + std::to_string(*pid) : "another process")));
    }
    if (!same_file(fd.get(), lock_file)) continue;  // somebody deleted it between open and lock
    const std::string text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      return Fail(os_error("write", lock_file, errno));
    return FolderLock(std::move(fd));
  }
  return Fail(internal_error(ErrorCode::kIo, lock_file.string() + " is deleted again and again"));
}

std::optional<int> FolderLock::holder(const std::filesystem::path& lock_file) {
  const Fd fd(::open(lock_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return std::nullopt;
  // A shared lock that is given back at once: a program that tries to take the lock in this moment sees a conflict.
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  return read_pid(fd.get());
}

}  // namespace wye::os
