#include "foundation/crypto/private_key.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/openssl_key.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace wye::crypto {

struct PrivateKey::Material {
  EvpKey key;
  PublicKey half;
};

namespace {

using Memory = OpensslPtr<BIO, BIO_free_all>;
using EcdsaSignature = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;

Fail refuse(ErrorCode code, std::string_view why) { return Fail(internal_error(code, std::string(why))); }

/// Says that there is no passphrase, so that OpenSSL does not ask for one on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

/// The public half, through every check of its kind.
Result<PublicKey> public_half(EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key, &bytes);
  if (size <= 0) return refuse(ErrorCode::kCorrupt, "key.malformed: a private key without its public half");
  const std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return PublicKey::from_spki_der(der);
}

/// r||s out of the DER that OpenSSL writes.
Result<std::string> raw_ecdsa(std::string_view der, size_t coordinate) {
  const unsigned char* next = bytes_of(der);
  const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der.size())));
  std::string raw(2 * coordinate, '\0');
  const int width = static_cast<int>(coordinate);
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes_of(raw), width) != width ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes_of(raw) + coordinate, width) != width) {
    return refuse(ErrorCode::kInternal, "an ECDSA signature could not be read");
  }
  return raw;
}

}  // namespace

Result<PrivateKey> PrivateKey::adopt(void* evp_key) {
  EvpKey key(static_cast<EVP_PKEY*>(evp_key));
  if (!key) return refuse(ErrorCode::kInternal, "no key was generated");
  TRY(PublicKey half, public_half(key.get()));
  return PrivateKey(std::make_shared<const Material>(std::move(key), std::move(half)));
}

Result<PrivateKey> PrivateKey::generate_rsa(uint32_t bits) {
  if (bits < kRsaBitsMin || bits > kRsaBitsMax || bits % 8 != 0) return refuse(ErrorCode::kUsage, "an RSA key has 2,048-8,192 bit, in steps of 8");
  const ErrorQueueGuard guard;
  return adopt(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(bits)));
}

Result<PrivateKey> PrivateKey::generate_ec(EcCurve curve) {
  const ErrorQueueGuard guard;
  return adopt(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group_name(curve)));
}

Result<PrivateKey> PrivateKey::generate_ed25519() {
  const ErrorQueueGuard guard;
  return adopt(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

Result<PrivateKey> PrivateKey::from_pem(const Secret& pem) {
  const std::string_view text = pem.reveal();
  if (text.empty() || text.size() > kPrivateKeyPemBytesMax) return refuse(ErrorCode::kCorrupt, "key.malformed: PEM of a strange size");
  const ErrorQueueGuard guard;
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  EVP_PKEY* key = memory ? PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr) : nullptr;
  if (key == nullptr) return refuse(ErrorCode::kCorrupt, "key.malformed: no readable private key in the PEM text (encrypted keys are not read)");
  return adopt(key);
}

Result<std::string> PrivateKey::sign(SignatureAlgorithm algorithm, std::string_view message) const {
  const KeyKind kind = public_key().kind();
  if (!fits(kind, algorithm)) return refuse(ErrorCode::kUsage, "the key does not sign with " + std::string(to_string(algorithm)));
  const ErrorQueueGuard guard;
  const EvpHashContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by the other
  const char* hash = kind == KeyKind::kEd25519 ? nullptr : EVP_MD_get0_name(hash_of(algorithm));
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(material_->key.get()));
  std::string signature(size, '\0');
  if (!context || EVP_DigestSignInit_ex(context.get(), &parameters, hash, nullptr, nullptr, material_->key.get(), nullptr) != 1 ||
      !set_parameters(parameters, algorithm) || EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(message), message.size()) != 1) {
    return refuse(ErrorCode::kInternal, "signing failed");
  }
  signature.resize(size);
  if (const auto curve = curve_of(kind)) return raw_ecdsa(signature, coordinate_bytes(*curve));
  return signature;
}

const PublicKey& PrivateKey::public_key() const { return material_->half; }

Secret PrivateKey::to_pem() const {
  const ErrorQueueGuard guard;
  const Memory memory(BIO_new(BIO_s_mem()));  // OpenSSL wipes what it held when it goes
  if (!memory || PEM_write_bio_PKCS8PrivateKey(memory.get(), material_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) return Secret();
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return Secret(std::string(text, static_cast<size_t>(size)));
}

SignatureAlgorithm PrivateKey::default_algorithm() const {
  switch (public_key().kind()) {
    case KeyKind::kRsa: return SignatureAlgorithm::kRs256;
    case KeyKind::kP256: return SignatureAlgorithm::kEs256;
    case KeyKind::kP384: return SignatureAlgorithm::kEs384;
    case KeyKind::kP521: return SignatureAlgorithm::kEs512;
    case KeyKind::kEd25519: break;
  }
  return SignatureAlgorithm::kEdDsa;
}

bool belongs_to(const PrivateKey& key, std::string_view certificate_der) {
  const auto certified = PublicKey::from_certificate_der(certificate_der);
  return certified && *certified == key.public_key();
}

Result<std::string> sign_jws(const PrivateKey& key, SignatureAlgorithm algorithm, std::string_view header_members, std::string_view payload) {
  std::string header = R"({"alg":")" + std::string(to_string(algorithm)) + '"';
  if (!header_members.empty()) (header += ',') += header_members;
  header += '}';
  std::string jws = to_base64url(header) + '.' + to_base64url(payload);
  TRY(const std::string signature, key.sign(algorithm, jws));
  return jws + '.' + to_base64url(signature);
}

}  // namespace wye::crypto
