// What both kinds of keys need from OpenSSL. Private to this room.
#pragma once

#include "foundation/crypto/public_key.hpp"

struct evp_md_st;
struct evp_md_ctx_st;
struct evp_pkey_st;
struct evp_pkey_ctx_st;

namespace wye::crypto {

/// Frees an OpenSSL object with its own function.
template <auto kFree>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <class T, auto kFree>
using OpensslPtr = std::unique_ptr<T, OpensslFree<kFree>>;

struct EvpFree {
  void operator()(evp_md_st* hash) const;
  void operator()(evp_md_ctx_st* context) const;
  void operator()(evp_pkey_st* key) const;
  void operator()(evp_pkey_ctx_st* context) const;
};
using EvpHash = std::unique_ptr<evp_md_st, EvpFree>;
using EvpHashContext = std::unique_ptr<evp_md_ctx_st, EvpFree>;
using EvpKey = std::unique_ptr<evp_pkey_st, EvpFree>;
using EvpKeyContext = std::unique_ptr<evp_pkey_ctx_st, EvpFree>;

/// OpenSSL's queue of errors is of the thread: what is left in it would be read by the next user, perhaps a TLS connection.
struct ErrorQueueGuard {
  ErrorQueueGuard() = default;
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
  ~ErrorQueueGuard();
};

/// The hash of an algorithm: 32, 48 or 64 bytes; 0 for EdDSA, which takes the message whole.
size_t hash_bytes(SignatureAlgorithm algorithm);
/// The OpenSSL constant of that hash; null for EdDSA.
const evp_md_st* hash_of(SignatureAlgorithm algorithm);
constexpr bool is_pss(SignatureAlgorithm algorithm) {
  return algorithm == SignatureAlgorithm::kPs256 || algorithm == SignatureAlgorithm::kPs384 || algorithm == SignatureAlgorithm::kPs512;
}
constexpr std::optional<EcCurve> curve_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::kP256: return EcCurve::kP256;
    case KeyKind::kP384: return EcCurve::kP384;
    case KeyKind::kP521: return EcCurve::kP521;
    case KeyKind::kRsa:
    case KeyKind::kEd25519: break;
  }
  return std::nullopt;
}
/// OpenSSL's name of the group.
const char* group_name(EcCurve curve);
/// Padding, hash and salt of an RSA algorithm; nothing to set for curves.
bool set_parameters(evp_pkey_ctx_st* context, SignatureAlgorithm algorithm);

inline const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
inline unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// The key and, for each algorithm, contexts that are ready to verify: making one fetches algorithms by name, which costs as much as
/// a fifth of an RSA verification. A caller takes one out of its slot, uses it alone and puts it back.
struct PublicKey::Material {
  EvpKey key;
  KeyKind kind{};
  uint32_t bits = 0;
  size_t signature_bytes = 0;
  std::string jwk;
  Digest thumbprint{};
  EvpHash sha384;  // fetched once, where an algorithm of the key uses it
  EvpHash sha512;
  EvpHashContext ed25519_ready;   // copied for each use

  Material() = default;
  Material(const Material&) = delete;
  Material& operator=(const Material&) = delete;
  ~Material();
  evp_pkey_ctx_st* take(SignatureAlgorithm algorithm) const;
  void give_back(SignatureAlgorithm algorithm, evp_pkey_ctx_st* context) const;
  bool verify_hash(SignatureAlgorithm algorithm, std::string_view hash, std::string_view signature) const;
  bool verify_ed25519(std::string_view message, std::string_view signature) const;

  static constexpr size_t kReady = 2;  // contexts kept for an algorithm; more threads at once than this make their own
  mutable std::array<std::array<std::atomic<evp_pkey_ctx_st*>, kReady>, kPublicKeyAlgorithms> ready{};
};

}  // namespace wye::crypto
