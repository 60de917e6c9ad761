#include "foundation/os/rotating_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace wye::os {
namespace {

/// Writes all of it; the number of bytes that got out before an error (errno) otherwise.
size_t write_all(int fd, std::string_view text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n > 0) done += static_cast<size_t>(n);
    else if (n < 0 && errno != EINTR) break;
  }
  return done;
}

/// How many bytes of whole lines fit into `room`.
size_t whole_lines_within(std::string_view lines, uint64_t room) {
  if (lines.size() <= room) return lines.size();
  const size_t end = room == 0 ? std::string_view::npos : lines.rfind('\n', room - 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

size_t first_line(std::string_view lines) {
  const size_t end = lines.find('\n');
  return end == std::string_view::npos ? lines.size() : end + 1;
}

}  // namespace

Result<RotatingFile> RotatingFile::open(std::filesystem::path path, RotationLimits limits) {
  RotatingFile file(std::move(path), limits);
  CHECK_OK(file.reopen());
  return file;
}

Result<> RotatingFile::reopen() {
  // O_NONBLOCK: a FIFO in the file's place must not hang us.
  fd_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
  if (!fd_) return Fail(os_error("open", path_, errno));
  struct stat st{};
  if (::fstat(fd_.get(), &st) != 0) return Fail(os_error("stat", path_, errno));
  if (!S_ISREG(st.st_mode)) {
    fd_.reset();
    return Fail(internal_error(ErrorCode::kIo, path_.string() + " is no regular file"));
  }
  size_ = static_cast<uint64_t>(st.st_size);
  return {};
}

Result<> RotatingFile::rotate() {
  const auto numbered = [this](int n) { return n == 0 ? path_.string() : path_.string() + "." + std::to_string(n); };
  for (int n = limits_.kept - 1; n >= 0; --n) {
    if (::rename(numbered(n).c_str(), numbered(n + 1).c_str()) != 0 && errno != ENOENT) return Fail(os_error("rotate", numbered(n), errno));
  }
  if (limits_.kept <= 0 && ::unlink(path_.c_str()) != 0 && errno != ENOENT) return Fail(os_error("rotate", path_, errno));
  return reopen();
}

Result<> RotatingFile::append(std::string_view lines) {
  while (!lines.empty()) {
    if (!fd_) CHECK_OK(reopen());
    size_t take = whole_lines_within(lines, size_ < limits_.size.n ? limits_.size.n - size_ : 0);
    if (take == 0 && size_ > 0) {
      CHECK_OK(rotate());
      continue;
    }
    if (take == 0) take = first_line(lines);  // longer than a file may be: it gets one of its own
    const size_t written = write_all(fd_.get(), lines.substr(0, take));
    if (written < take) {
      const int why = errno;
      if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) size_ += written;
      return Fail(os_error("write", path_, why));
    }
    size_ += take;
    lines.remove_prefix(take);
  }
  return {};
}

Result<> FdOutput::append(std::string_view lines) {
  if (write_all(fd_, lines) == lines.size()) return {};
  return Fail(os_error("write", {}, errno));
}

}  // namespace wye::os
