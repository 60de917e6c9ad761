#include "identity/workload/secret_place.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foundation/crypto/digest.hpp"

namespace wye::workload {
namespace {

constexpr size_t kPublicBytesMax = 256 << 10;
/// kubelet swaps the folder behind `..data`: a file that went between two looks is looked for once more.
constexpr int kRotationTries = 3;

Fail refused(std::string text) { return Fail(public_error(ErrorCode::kUsage, std::move(text))); }

/// Who may own a file and who else may touch it.
enum class Guard : uint8_t { kOwn, kPlatform, kPublic };

Result<void> check_facts(const struct stat& facts, Guard guard, const std::string& what) {
  if (!S_ISREG(facts.st_mode)) return refused(what + " is no regular file.");
  if (guard == Guard::kOwn && facts.st_uid != ::geteuid()) return refused(what + " belongs to another user.");
  if (guard == Guard::kOwn && (facts.st_mode & 077) != 0) return refused(what + " is open to others; make it 0600.");
  if (guard == Guard::kPlatform && (facts.st_mode & 002) != 0) return refused(what + " can be written by anybody.");
  return {};
}

Result<std::string> read_bytes(const std::string& path, Guard guard, bool follow, size_t max, const std::string& what) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
  if (fd < 0) return refused(what + " can not be opened: " + std::strerror(errno) + ".");
  struct stat facts{};
  Result<void> good = ::fstat(fd, &facts) == 0 ? check_facts(facts, guard, what) : refused(what + " can not be looked at.");
  std::string value;
  if (good) {
    value.resize(max + 1);  // no copy is left behind by growing
    size_t filled = 0;
    ssize_t n = 0;
    while (filled < value.size() && (n = ::read(fd, value.data() + filled, value.size() - filled)) > 0) filled += static_cast<size_t>(n);
    if (n < 0) good = refused(what + " can not be read: " + std::strerror(errno) + ".");
    else if (filled > max) good = refused(what + " is too large.");
    else value.resize(filled);
  }
  ::close(fd);
  if (!good) {
    crypto::wipe(value);
    return Fail(std::move(good).error());
  }
  return value;
}

Result<Secret> check_value(std::string text, SecretPlace::Form form, const std::string& what) {
  if (form == SecretPlace::Form::kKey) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  }
  Secret value(std::move(text));
  if (value.empty()) return refused(what + " is empty.");
  if (form == SecretPlace::Form::kText) return value;
  for (const char c : value.reveal()) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      return refused(what + " holds a blank or a character that no key has.");
  }
  return value;
}

/// A name of a folder or file of kubelet's: no separator, not hidden behind `..`.
bool plain_name(std::string_view name) {
  if (name.empty() || name.size() > 253 || name.starts_with('.')) return false;
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; });
}

std::optional<std::string> real_path(const std::string& path) {
  std::array<char, PATH_MAX> buffer;
  if (::realpath(path.c_str(), buffer.data()) == nullptr) return std::nullopt;
  return std::string(buffer.data());
}

Result<std::string> read_mounted(const std::string& folder, const std::string& key, const std::string& what) {
  Result<std::string> bytes = refused(what + " is not mounted: there is no " + folder + "/" + key + ".");
  for (int i = 0; i < kRotationTries; ++i) {
    const auto root = real_path(folder);
    const auto file = real_path(folder + "/" + key);
    if (!root || !file) continue;
    if (!file->starts_with(*root + "/")) return refused(what + " leads out of its folder " + folder + ".");
    bytes = read_bytes(*file, Guard::kPlatform, false, kSecretBytesMax, what);
    if (bytes) return bytes;
  }
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const SecretPlace>> SecretPlace::make(const config::SecretRef& from, Form form, const TakeVariable& take,
                                                             std::string kubernetes_root) {
  std::shared_ptr<SecretPlace> place(new SecretPlace);
  place->form_ = form;
  if (!from.file.empty()) {
    place->file_ = from.file.resolved;
    return place;
  }
  if (from.kubernetes) {
    if (!plain_name(from.kubernetes->secret) || !plain_name(from.kubernetes->key))
      return refused("A Kubernetes Secret and its key are plain names without a leading dot.");
    place->kubernetes_folder_ = std::move(kubernetes_root) + "/" + from.kubernetes->secret;
    place->kubernetes_key_ = from.kubernetes->key;
    return place;
  }
  if (from.env.empty()) return refused("Key Vault holds API keys only; a private key comes from a file, a Kubernetes Secret or the environment.");
  place->variable_ = from.env;
  const std::string what = "The environment variable " + from.env;
  std::optional<std::string> value = take(from.env);
  if (!value) return refused(what + " is not set.");
  TRY(place->taken_, check_value(std::move(*value), form, what));
  return place;
}

Result<Secret> SecretPlace::read() const {
  if (!taken_.empty()) return taken_.clone();
  if (!kubernetes_folder_.empty()) {
    const std::string what = "The Kubernetes Secret file " + kubernetes_folder_ + "/" + kubernetes_key_;
    TRY(std::string bytes, read_mounted(kubernetes_folder_, kubernetes_key_, what));
    return check_value(std::move(bytes), form_, what);
  }
  const std::string what = "The secret file " + file_;
  TRY(std::string bytes, read_bytes(file_, Guard::kOwn, false, kSecretBytesMax, what));
  return check_value(std::move(bytes), form_, what);
}

Result<Secret> read_platform_file(const std::string& path) {
  const std::string what = "The token file " + path;
  TRY(std::string bytes, read_bytes(path, Guard::kPlatform, true, kSecretBytesMax, what));
  return check_value(std::move(bytes), SecretPlace::Form::kKey, what);
}

Result<std::string> read_public_file(const std::string& path) { return read_bytes(path, Guard::kPublic, true, kPublicBytesMax, "The file " + path); }

}  // namespace wye::workload
