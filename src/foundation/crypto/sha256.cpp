// The low-level SHA-256 of OpenSSL is deprecated in 3.0 and still the quickest: EVP fetches or at least looks up the algorithm at
// each use, which costs as much as the hash of a key. This is the only file that may call it.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "foundation/crypto/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace wye::crypto {
namespace {

static_assert(sizeof(SHA256_CTX) <= 112 && alignof(SHA256_CTX) <= 8);

SHA256_CTX* context(std::array<std::byte, 112>& state) { return reinterpret_cast<SHA256_CTX*>(state.data()); }

constexpr size_t kBlock = 64;

std::array<char, kBlock> padded_key(std::string_view key) {
  std::array<char, kBlock> block{};
  if (key.size() > kBlock) {
    const Digest digest = sha256(key);
    std::memcpy(block.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  return block;
}

}  // namespace

Sha256::Sha256() { SHA256_Init(context(state_)); }

Sha256& Sha256::update(std::string_view bytes) {
  SHA256_Update(context(state_), bytes.data(), bytes.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  SHA256_Final(digest.data(), context(state_));
  SHA256_Init(context(state_));
  return digest;
}

Digest sha256(std::string_view bytes) {
  Digest digest;
  SHA256_CTX ctx;
  SHA256_Init(&ctx);
  SHA256_Update(&ctx, bytes.data(), bytes.size());
  SHA256_Final(digest.data(), &ctx);
  return digest;
}

HmacKey::HmacKey(std::string_view key) {
  std::array<char, kBlock> block = padded_key(key);
  for (char& c : block) c = static_cast<char>(c ^ 0x36);
  inner_.update({block.data(), block.size()});
  for (char& c : block) c = static_cast<char>(c ^ 0x36 ^ 0x5c);
  outer_.update({block.data(), block.size()});
  wipe(block);
}

HmacKey::~HmacKey() {
  OPENSSL_cleanse(inner_.state_.data(), inner_.state_.size());
  OPENSSL_cleanse(outer_.state_.data(), outer_.state_.size());
}

Digest HmacKey::mac(std::string_view bytes) const {
  Digest digest;
  Sha256 running = inner_;
  SHA256_Update(context(running.state_), bytes.data(), bytes.size());
  SHA256_Final(digest.data(), context(running.state_));
  running = outer_;
  SHA256_Update(context(running.state_), digest.data(), digest.size());
  SHA256_Final(digest.data(), context(running.state_));
  OPENSSL_cleanse(running.state_.data(), running.state_.size());
  return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) { return HmacKey(key).mac(bytes); }

bool equal_constant_time(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

bool equal_constant_time(const Digest& a, const Digest& b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

void wipe(std::span<char> bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace wye::crypto
