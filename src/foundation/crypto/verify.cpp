// Verification with a PublicKey. The message is hashed here, by the quickest way there is, and OpenSSL gets the hash: a context that
// was prepared once verifies any number of hashes, while EVP_DigestVerify wants to be initialised, and fetches, for each message.
#include "foundation/crypto/openssl_key.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

namespace wye::crypto {
namespace {

constexpr size_t kHashBytesMax = 64;

/// Appends an INTEGER of DER that means the big-endian number.
size_t append_integer(std::span<uint8_t> out, size_t at, std::string_view number) {
  while (number.size() > 1 && number.front() == 0) number.remove_prefix(1);
  const bool pad = (static_cast<uint8_t>(number.front()) & 0x80) != 0;
  out[at++] = 0x02;
  out[at++] = static_cast<uint8_t>(number.size() + (pad ? 1 : 0));
  if (pad) out[at++] = 0;
  std::memcpy(&out[at], number.data(), number.size());
  return at + number.size();
}

/// An ECDSA signature of DER, up to 3 + 2 * 69 bytes.
struct EcdsaDer {
  std::array<uint8_t, 144> bytes;
  size_t begin = 3;
  size_t end = 3;
};
void make_ecdsa_der(EcdsaDer& der, std::string_view raw) {
  der.end = append_integer(der.bytes, der.begin, raw.substr(0, raw.size() / 2));
  der.end = append_integer(der.bytes, der.end, raw.substr(raw.size() / 2));
  const size_t size = der.end - 3;
  if (size >= 0x80) {
    der.bytes[--der.begin] = static_cast<uint8_t>(size);
    der.bytes[--der.begin] = 0x81;
  } else {
    der.bytes[--der.begin] = static_cast<uint8_t>(size);
  }
  der.bytes[--der.begin] = 0x30;
}

std::array<int, 6> constexpr kPaddings = {RSA_PKCS1_PADDING,     RSA_PKCS1_PADDING,     RSA_PKCS1_PADDING,
                                          RSA_PKCS1_PSS_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PKCS1_PSS_PADDING};

}  // namespace

void EvpFree::operator()(EVP_MD* hash) const { EVP_MD_free(hash); }
void EvpFree::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
void EvpFree::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
void EvpFree::operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }

ErrorQueueGuard::~ErrorQueueGuard() { ERR_clear_error(); }

bool fits(KeyKind kind, SignatureAlgorithm algorithm) {
  switch (kind) {
    case KeyKind::kRsa: return algorithm <= SignatureAlgorithm::kPs512;
    case KeyKind::kP256: return algorithm == SignatureAlgorithm::kEs256;
    case KeyKind::kP384: return algorithm == SignatureAlgorithm::kEs384;
    case KeyKind::kP521: return algorithm == SignatureAlgorithm::kEs512;
    case KeyKind::kEd25519: return algorithm == SignatureAlgorithm::kEdDsa;
  }
  return false;
}

size_t hash_bytes(SignatureAlgorithm algorithm) {
  if (algorithm == SignatureAlgorithm::kEdDsa) return 0;
  // RS, PS, ES and HS come in threes of 256, 384, 512; EdDSA stands before HS.
  const size_t index = static_cast<size_t>(algorithm) - (is_mac(algorithm) ? 1 : 0);
  return 32 + index % 3 * 16;
}

const EVP_MD* hash_of(SignatureAlgorithm algorithm) {
  switch (hash_bytes(algorithm)) {
    case 32: return EVP_sha256();
    case 48: return EVP_sha384();
    case 64: return EVP_sha512();
    default: return nullptr;
  }
}

bool set_parameters(EVP_PKEY_CTX* context, SignatureAlgorithm algorithm) {
  if (algorithm > SignatureAlgorithm::kPs512) return true;
  if (EVP_PKEY_CTX_set_rsa_padding(context, kPaddings[static_cast<size_t>(algorithm)]) != 1) return false;
  if (EVP_PKEY_CTX_set_signature_md(context, hash_of(algorithm)) != 1) return false;
  return !is_pss(algorithm) ||
         (EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash_of(algorithm)) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

PublicKey::Material::~Material() {
  for (auto& slots : ready) {
    for (auto& slot : slots) EVP_PKEY_CTX_free(slot.load());
  }
}

EVP_PKEY_CTX* PublicKey::Material::take(SignatureAlgorithm algorithm) const {
  for (auto& slot : ready[static_cast<size_t>(algorithm)]) {
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    if (EVP_PKEY_CTX* context = slot.exchange(nullptr, std::memory_order_acquire)) return context;
  }
  EvpKeyContext made(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!made || EVP_PKEY_verify_init(made.get()) != 1 || !set_parameters(made.get(), algorithm)) return nullptr;
  return made.release();
}

void PublicKey::Material::give_back(SignatureAlgorithm algorithm, EVP_PKEY_CTX* context) const {
  for (auto& slot : ready[static_cast<size_t>(algorithm)]) {
    EVP_PKEY_CTX* empty = nullptr;
    if (slot.compare_exchange_strong(empty, context, std::memory_order_release, std::memory_order_relaxed)) return;
  }
  EVP_PKEY_CTX_free(context);
}

bool PublicKey::Material::verify_hash(SignatureAlgorithm algorithm, std::string_view hash, std::string_view signature) const {
  EVP_PKEY_CTX* context = take(algorithm);
  if (context == nullptr) return false;
  int good = 0;
  if (kind == KeyKind::kRsa) {
    good = EVP_PKEY_verify(context, bytes_of(signature), signature.size(), bytes_of(hash), hash.size());
  } else {
    EcdsaDer der;
    make_ecdsa_der(der, signature);
    good = EVP_PKEY_verify(context, &der.bytes[der.begin], der.end - der.begin, bytes_of(hash), hash.size());
  }
  give_back(algorithm, context);
  return good == 1;
}

bool PublicKey::Material::verify_ed25519(std::string_view message, std::string_view signature) const {
  const EvpHashContext context(EVP_MD_CTX_new());
  return context && EVP_MD_CTX_copy_ex(context.get(), ed25519_ready.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
}

bool PublicKey::verify(SignatureAlgorithm algorithm, std::string_view message, std::string_view signature) const {
  const Material& material = *material_;
  if (!fits(material.kind, algorithm) || signature.size() != material.signature_bytes) return false;
  const ErrorQueueGuard guard;
  if (material.kind == KeyKind::kEd25519) return material.verify_ed25519(message, signature);
  const size_t size = hash_bytes(algorithm);
  if (size == 32) return material.verify_hash(algorithm, as_text(sha256(message)), signature);
  std::array<unsigned char, kHashBytesMax> hash;
  const EVP_MD* fetched = size == 48 ? material.sha384.get() : material.sha512.get();
  if (fetched == nullptr || EVP_Digest(message.data(), message.size(), hash.data(), nullptr, fetched, nullptr) != 1) return false;
  return material.verify_hash(algorithm, {reinterpret_cast<const char*>(hash.data()), size}, signature);
}

bool verify_mac(SignatureAlgorithm algorithm, std::string_view secret, std::string_view message, std::string_view tag) {
  if (!is_mac(algorithm) || secret.size() < hash_bytes(algorithm) || tag.size() != hash_bytes(algorithm)) return false;
  const ErrorQueueGuard guard;
  std::array<unsigned char, kHashBytesMax> mac{};
  unsigned int size = 0;
  const unsigned char* done =
      HMAC(hash_of(algorithm), secret.data(), static_cast<int>(secret.size()), bytes_of(message), message.size(), mac.data(), &size);
  return done != nullptr && equal_constant_time({reinterpret_cast<const char*>(mac.data()), size}, tag);
}

}  // namespace wye::crypto
