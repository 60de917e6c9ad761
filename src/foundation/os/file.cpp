#include "foundation/os/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace wye::os {
namespace {

Result<> write_and_sync(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Fail(os_error("write", path, n < 0 ? errno : EIO));
    content.remove_prefix(static_cast<size_t>(n));
  }
  if (::fsync(fd) != 0) return Fail(os_error("sync", path, errno));
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, Bytes max) {
  // O_NONBLOCK: a FIFO in the file's place must not hang us.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    Error error = os_error("open", path, errno);
    if (errno == ENOENT || errno == ENOTDIR) error.code = ErrorCode::kNotFound;
    return Fail(std::move(error));
  }
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return Fail(os_error("stat", path, errno));
  if (!S_ISREG(st.st_mode)) return Fail(internal_error(ErrorCode::kIo, path.string() + " is no regular file"));
  std::string out;
  // Files below /proc say size 0, and a file may grow while it is read: the bound is on what is read.
  size_t step = std::min<uint64_t>(static_cast<uint64_t>(st.st_size), max.n) + 1;
  while (true) {
    const size_t filled = out.size();
    out.resize(filled + step);
    const ssize_t n = ::read(fd.get(), out.data() + filled, step);
    out.resize(filled + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(os_error("read", path, errno));
    if (n == 0) return out;
    if (out.size() > max.n) return Fail(internal_error(ErrorCode::kTooLarge, path.string() + " is larger than " + format_bytes(max)));
    step = std::max<size_t>(step, 4096);
  }
}

Result<> write_file_atomic(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::string name = path.string() + ".XXXXXX";
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return Fail(os_error("make a file beside", path, errno));
  Result<> written = write_and_sync(fd.get(), content, path);
  if (written && ::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) written = Fail(os_error("set the mode of", path, errno));
  if (written && ::rename(name.c_str(), path.c_str()) != 0) written = Fail(os_error("replace", path, errno));
  if (!written) {
    ::unlink(name.c_str());
    return written;
  }
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync folders (EINVAL); the rename itself is done.
  if (directory && ::fsync(directory.get()) != 0 && errno != EINVAL) return Fail(os_error("sync the folder of", path, errno));
  return {};
}

Result<> make_private_folder(const std::filesystem::path& path) {
  std::error_code ec;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
  if (ec) return Fail(os_error("make the folder", path.parent_path(), ec.value()));
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return Fail(os_error("make the folder", path, errno));
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return Fail(os_error("stat", path, errno));
  if (!S_ISDIR(st.st_mode)) return Fail(internal_error(ErrorCode::kIo, path.string() + " is no folder"));
  if ((st.st_mode & 0777) != 0700 && ::chmod(path.c_str(), 0700) != 0) return Fail(os_error("make private", path, errno));
  return {};
}

}  // namespace wye::os
