#include "identity/workload/credential_values.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wye::workload {
namespace {

Fail refused(std::string text) { return Fail(public_error(ErrorCode::kUsage, std::move(text))); }

Result<Secret> check_value(std::string value, const std::string& source) {
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  if (value.empty()) return refused(source + " is empty.");
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      return refused(source + " holds a blank or a character that no key has.");
  }
  return Secret(std::move(value));
}

Result<Secret> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return refused("The secret file " + path + " can not be opened: " + std::strerror(errno) + ".");
  struct stat facts{};
  std::string value(kSecretBytesMax + 1, '\0');
  const bool known = ::fstat(fd, &facts) == 0;
  const ssize_t n = known && S_ISREG(facts.st_mode) ? ::read(fd, value.data(), value.size()) : -1;
  ::close(fd);
  if (n < 0) return refused("The secret file " + path + " is no regular file or can not be read.");
  if (facts.st_uid != ::geteuid()) return refused("The secret file " + path + " belongs to another user.");
  if ((facts.st_mode & 077) != 0) return refused("The secret file " + path + " is open to others; make it 0600.");
  if (static_cast<size_t>(n) > kSecretBytesMax) return refused("The secret file " + path + " is too large for a secret.");
  value.resize(static_cast<size_t>(n));
  return check_value(std::move(value), "The secret file " + path);
}

}  // namespace

Result<Secret> read_secret(const config::SecretRef& from, const TakeVariable& take) {
  if (!from.file.empty()) return read_file(from.file.resolved);
  std::optional<std::string> value = take(from.env);
  if (!value) return refused("The environment variable " + from.env + " is not set.");
  return check_value(std::move(*value), "The environment variable " + from.env);
}

}  // namespace wye::workload
