#include "simulator/azure/key_ring.hpp"

#include "simulator/azure/small_file.hpp"

namespace wye::simulator {
namespace {

constexpr size_t kKeysMax = 8;
constexpr size_t kKeyMin = 8;
constexpr size_t kKeyMax = 512;

Fail wrong(std::string message) { return Fail(public_error(ErrorCode::kUsage, std::move(message))); }

/// This room stands on net and http alone, so it has no foundation/crypto.
bool equal_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference = difference | static_cast<unsigned>(static_cast<unsigned char>(a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace

Result<KeyRing> KeyRing::parse(std::string_view text) {
  KeyRing ring;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    if (line.size() < kKeyMin || line.size() > kKeyMax) return wrong("a key must have 8 to 512 characters");
    if (line.find_first_of(" \t") != std::string_view::npos) return wrong("a key must hold no blank");
    if (ring.keys_.size() == kKeysMax) return wrong("more than 8 keys");
    ring.keys_.emplace_back(std::string(line));
  }
  if (ring.keys_.empty()) return wrong("it holds no key");
  return ring;
}

Result<KeyRing> KeyRing::read(const std::filesystem::path& path) {
  std::optional<std::string> text = read_small_file(path);
  if (!text) return wrong("--key-file " + path.string() + ": can not be read");
  Result<KeyRing> ring = parse(*text);
  if (!ring) ring.error().public_message = "--key-file " + path.string() + ": " + ring.error().public_message;
  return ring;
}

bool KeyRing::accepts(const http::Head& head) const {
  if (head.has(http::Known::kApiKey)) return holds(head.value(http::Known::kApiKey));
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = head.value(http::Known::kAuthorization);
  if (authorization.size() <= kBearer.size() || !http::equals_ignore_case(authorization.substr(0, kBearer.size()), kBearer)) return false;
  return holds(authorization.substr(kBearer.size()));
}

bool KeyRing::holds(std::string_view key) const {
  bool found = false;
  for (const Secret& known : keys_) found = equal_constant_time(known.reveal(), key) || found;
  return found;
}

}  // namespace wye::simulator
