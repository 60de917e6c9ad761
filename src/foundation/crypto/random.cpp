#include "foundation/crypto/random.hpp"

#include <sys/random.h>
#include <cerrno>
#include <cstdlib>

namespace wye::crypto {
namespace {
constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// The largest multiple of 62 in a byte: bytes above it are thrown away, so each digit is equally likely.
constexpr uint8_t kFair = 4 * 62;
}  // namespace

void random_bytes(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) std::abort();
    out = out.subspan(static_cast<size_t>(n));
  }
}

std::string random_bytes(size_t count) {
  std::string bytes(count, '\0');
  random_bytes(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
  return bytes;
}

std::string random_base62(size_t digits) {
  std::string text;
  text.reserve(digits);
  std::array<uint8_t, 64> pool;
  while (text.size() < digits) {
    random_bytes(pool);
    for (const uint8_t byte : pool) {
      if (byte < kFair && text.size() < digits) text += kDigits[byte % 62];
    }
  }
  pool.fill(0);
  return text;
}

std::array<uint64_t, 4> random_seed() {
  std::array<uint64_t, 4> seed;
  random_bytes(std::span(reinterpret_cast<uint8_t*>(seed.data()), sizeof(seed)));
  return seed;
}

}  // namespace wye::crypto
