#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/encode.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

namespace wye::crypto {
namespace {

constexpr size_t kPiece = 1 << 20;
constexpr std::string_view kPrefix = "sha256:";

/// Closes what it holds.
struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

Fail failure(std::string_view what, const std::filesystem::path& path) {
  const int number = errno;
  const auto code = number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Fail(internal_error(code, std::string(what) + " " + path.string() + ": " + std::generic_category().message(number)));
}

}  // namespace

Result<FileDigest> sha256_file(const std::filesystem::path& path, const std::function<bool(uint64_t done)>& progress) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer; for a regular file it means nothing.
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return failure("can not open", path);
  struct stat facts{};
  if (::fstat(file.fd, &facts) != 0) return failure("can not read", path);
  if (!S_ISREG(facts.st_mode)) return Fail(internal_error(ErrorCode::kIo, path.string() + " is not a regular file"));
  std::vector<char> buffer(kPiece);
  Sha256 running;
  uint64_t done = 0;
  while (true) {
    const ssize_t n = ::read(file.fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("can not read", path);
    if (n == 0) break;
    running.update({buffer.data(), static_cast<size_t>(n)});
    done += static_cast<uint64_t>(n);
    if (progress && !progress(done)) return Fail(internal_error(ErrorCode::kCancelled, "digest of " + path.string() + " cancelled"));
  }
  return FileDigest{running.finish(), done};
}

std::string digest_text(const Digest& digest) { return std::string(kPrefix) + to_hex(as_text(digest)); }

std::optional<Digest> parse_digest_text(std::string_view text) {
  Digest digest;
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 2 * digest.size()) return std::nullopt;
  const auto bytes = from_hex(text.substr(kPrefix.size()));
  if (!bytes) return std::nullopt;
  std::memcpy(digest.data(), bytes->data(), digest.size());
  return digest;
}

}  // namespace wye::crypto
