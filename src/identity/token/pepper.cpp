#include "identity/token/pepper.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/random.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

namespace wye::token {
namespace {

struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

Fail os_failure(std::string_view what, const std::filesystem::path& path, int number) {
  return Fail(internal_error(ErrorCode::kIo, std::string(what) + " " + path.string() + ": " + std::generic_category().message(number)));
}
Fail refused(const std::filesystem::path& path, std::string_view why) {
  return Fail(internal_error(ErrorCode::kUsage, "secret file " + path.string() + ' ' + std::string(why)));
}

/// Absent: no such file.
Result<std::optional<Pepper>> read_pepper(const std::filesystem::path& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (file.fd < 0 && errno == ENOENT) return std::optional<Pepper>();
  if (file.fd < 0 && errno == ELOOP) return refused(path, "is a symbolic link: give the real path");
  if (file.fd < 0) return os_failure("can not open", path, errno);
  struct stat facts{};
  if (::fstat(file.fd, &facts) != 0) return os_failure("can not look at", path, errno);
  if (!S_ISREG(facts.st_mode)) return refused(path, "is not a regular file");
  if (facts.st_uid != ::geteuid()) return refused(path, "belongs to another user");
  if ((facts.st_mode & 0077) != 0) return refused(path, "may be read by others: chmod 600 it, and make a new one if somebody did");
  std::array<char, kPepperBytes + 1> bytes{};
  const ssize_t n = ::read(file.fd, bytes.data(), bytes.size());
  if (n < 0) return os_failure("can not read", path, errno);
  if (n != ssize_t{kPepperBytes}) return refused(path, "has not exactly 32 bytes");
  std::optional<Pepper> pepper = Pepper::from_bytes({bytes.data(), kPepperBytes});
  crypto::wipe(bytes);
  return pepper;
}

Result<> write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  if (::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return os_failure("can not write", path, errno);
  if (::fsync(fd) != 0) return os_failure("can not sync", path, errno);
  return {};
}

/// Written under another name and linked into place: a half-written pepper never has the name, and of two processes one wins.
Result<> create_pepper(const std::filesystem::path& path) {
  std::string name = path.string() + ".XXXXXX";
  const File file{::mkostemp(name.data(), O_CLOEXEC)};
  if (file.fd < 0) return os_failure("can not create a file beside", path, errno);
  std::string bytes = crypto::random_bytes(kPepperBytes);
  auto done = write_all(file.fd, bytes, path);
  crypto::wipe(bytes);
  if (done && ::link(name.c_str(), path.c_str()) != 0 && errno != EEXIST) done = os_failure("can not create", path, errno);
  ::unlink(name.c_str());
  CHECK_OK(std::move(done));
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const File parent{::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY)};
  if (parent.fd < 0 || ::fsync(parent.fd) != 0) return os_failure("can not sync", folder, errno);
  return {};
}

}  // namespace

Pepper Pepper::from_bytes(std::string_view bytes) {
  crypto::HmacKey key(bytes);
  const crypto::Digest name = key.mac("wye pepper name");
  return {crypto::to_hex(crypto::as_text(name).substr(0, 4)), key};
}

Peppers::Peppers(Pepper current, std::optional<Pepper> previous) {
  live_.reserve(2);
  live_.push_back(std::move(current));
  if (previous) live_.push_back(std::move(*previous));
}

const Pepper* Peppers::find(std::string_view kid) const {
  const auto found = std::ranges::find(live_, kid, &Pepper::kid);
  return found == live_.end() ? nullptr : &*found;
}

Result<Peppers> load_or_create_peppers(const std::filesystem::path& path) {
  TRY(auto current, read_pepper(path));
  if (!current) {
    CHECK_OK(create_pepper(path));
    TRY(current, read_pepper(path));
  }
  if (!current) return refused(path, "went away while it was read");
  TRY(auto previous, read_pepper(path.string() + ".previous"));
  return Peppers(std::move(*current), std::move(previous));
}

}  // namespace wye::token
