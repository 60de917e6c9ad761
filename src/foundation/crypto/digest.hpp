// SHA-256, HMAC-SHA-256 and the comparison of secrets.
// Sources: FIPS 180-4 (SHA-256), RFC 2104 (HMAC). Nothing here allocates, fetches an algorithm or fails, unless it says so.
// Threads: free functions from any thread; an object belongs to one owner, const members may be called from many.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::crypto {

/// The 32 bytes of a SHA-256 or an HMAC-SHA-256.
using Digest = std::array<uint8_t, 32>;

/// The SHA-256 of `bytes`: about 60 ns for one block where the CPU has SHA instructions.
Digest sha256(std::string_view bytes);

/// SHA-256 of what arrives in pieces. A copy continues from the same state.
class Sha256 {
 public:
  Sha256();
  Sha256& update(std::string_view bytes);
  /// The digest of everything so far; this object then starts again from nothing.
  Digest finish();

 private:
  friend class HmacKey;
  alignas(8) std::array<std::byte, 112> state_{};
};

/// An HMAC-SHA-256 key with both pads absorbed: one use on a short text costs three SHA-256 blocks. Wiped when it goes.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key);
  HmacKey(const HmacKey&) = default;
  HmacKey& operator=(const HmacKey&) = default;
  ~HmacKey();
  /// Threads: any number at once.
  Digest mac(std::string_view bytes) const;

 private:
  Sha256 inner_;
  Sha256 outer_;
};

/// HMAC-SHA-256 for one use; for many uses of one key make an HmacKey.
Digest hmac_sha256(std::string_view key, std::string_view bytes);

/// Compares without telling by its duration where the difference is. Different lengths differ at once.
bool equal_constant_time(std::string_view a, std::string_view b);
bool equal_constant_time(const Digest& a, const Digest& b);

/// Overwrites memory in a way that the compiler keeps.
void wipe(std::span<char> bytes);
void wipe(std::string& text);

/// The 32 bytes as text to hash or store; the view lives as long as the digest.
inline std::string_view as_text(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

/// `sha256:` and 64 lower-case hex digits: how configuration, logs and files name content.
std::string digest_text(const Digest& digest);
/// Reads exactly that form; absent on anything else, also on upper case.
std::optional<Digest> parse_digest_text(std::string_view text);

/// What sha256_file found.
struct FileDigest {
  Digest digest;
  uint64_t bytes = 0;
};
/// The SHA-256 of a regular file, read through one buffer of 1 MiB. Blocking: call it off the loop.
/// `progress` gets the bytes done so far after each piece; when it returns false the call ends with kCancelled.
/// Errors: kNotFound (no such file), kIo (anything else; the detail has path and reason).
Result<FileDigest> sha256_file(const std::filesystem::path& path, const std::function<bool(uint64_t done)>& progress = {});

}  // namespace wye::crypto
