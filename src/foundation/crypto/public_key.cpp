#include "foundation/crypto/public_key.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/openssl_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

namespace wye::crypto {
namespace {

using BigNumber = OpensslPtr<BIGNUM, BN_free>;
using ParameterBuilder = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Parameters = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using Certificate = OpensslPtr<X509, X509_free>;
using DerText = OpensslPtr<unsigned char, [](unsigned char* bytes) { OPENSSL_free(bytes); }>;

struct CurveFacts {
  std::string_view name;
  const char* group;
  size_t coordinate;
  uint32_t bits;
  KeyKind kind;
};
constexpr std::array<CurveFacts, 3> kCurves = {{{"P-256", "prime256v1", 32, 256, KeyKind::kP256},
                                                {"P-384", "secp384r1", 48, 384, KeyKind::kP384},
                                                {"P-521", "secp521r1", 66, 521, KeyKind::kP521}}};
const CurveFacts& facts(EcCurve curve) { return kCurves[static_cast<size_t>(curve)]; }

Fail refuse(std::string_view reason, std::string_view why) {
  return Fail(internal_error(ErrorCode::kCorrupt, std::string(reason) + ": " + std::string(why)));
}

BigNumber big_number(std::string_view bytes) { return BigNumber(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr)); }

/// The public key of these parameters, or null.
EvpKey make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const EvpKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return EvpKey(key);
}

/// What is wrong with an RSA key; empty: nothing.
std::pair<std::string_view, std::string_view> rsa_fault(std::string_view n, std::string_view e) {
  if (n.empty() || e.empty() || n.front() == 0 || e.front() == 0) return {kKeyMalformed, "an empty number, or one with zero bytes in front"};
  const size_t bits = n.size() * 8 - static_cast<size_t>(std::countl_zero(static_cast<uint8_t>(n.front())));
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) return {kKeySize, "RSA modulus outside 2,048-8,192 bit"};
  if ((n.back() & 1) == 0) return {kKeyMalformed, "even RSA modulus"};
  if (e.size() > 4) return {kKeySize, "RSA exponent of 2^32 or more"};
  uint64_t exponent = 0;
  for (const char byte : e) exponent = exponent << 8 | static_cast<uint8_t>(byte);
  if (exponent < kRsaExponentMin || (exponent & 1) == 0) return {kKeySize, "RSA exponent below 65,537 or even"};
  if (has_roca_fingerprint(n)) return {kKeyRoca, "RSA modulus of a defective generator, CVE-2017-15361"};
  return {};
}

EvpHash fetch(const char* name) { return EvpHash(EVP_MD_fetch(nullptr, name, nullptr)); }

/// A number of a key as bytes without zeros in front.
std::string number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  const BigNumber owner(number);
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, bytes_of(bytes));
  return bytes;
}

std::string coordinate_of(const EVP_PKEY* key, const char* name, size_t size) {
  std::string bytes = number_of(key, name);
  if (bytes.size() < size) bytes.insert(0, size - bytes.size(), '\0');
  return bytes;
}

Result<PublicKey> from_ec_key(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1) return refuse(kKeyKindUnknown, "a curve without a name");
  int is_explicit = 0;
  if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) != 1 || is_explicit != 0) {
    return refuse(kKeyKindUnknown, "a curve with explicit parameters");
  }
  for (const CurveFacts& one : kCurves) {
    if (std::string_view(group.data()) != one.group) continue;
    const auto curve = static_cast<EcCurve>(&one - kCurves.data());
    return PublicKey::from_ec(curve, coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_X, one.coordinate),
                              coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, one.coordinate));
  }
  return refuse(kKeyKindUnknown, "an unknown curve");
}

Result<PublicKey> from_evp(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return PublicKey::from_rsa(number_of(key, OSSL_PKEY_PARAM_RSA_N), number_of(key, OSSL_PKEY_PARAM_RSA_E));
    case EVP_PKEY_EC: return from_ec_key(key);
    case EVP_PKEY_ED25519: {
      std::string x(32, '\0');
      size_t size = x.size();
      if (EVP_PKEY_get_raw_public_key(key, bytes_of(x), &size) != 1) return refuse(kKeyMalformed, "Ed25519");
      return PublicKey::from_ed25519(x);
    }
    default: return refuse(kKeyKindUnknown, "neither RSA nor EC nor Ed25519");
  }
}

}  // namespace

std::string_view to_string(EcCurve curve) { return facts(curve).name; }
const char* group_name(EcCurve curve) { return facts(curve).group; }
size_t coordinate_bytes(EcCurve curve) { return facts(curve).coordinate; }

std::optional<EcCurve> parse_ec_curve(std::string_view name) {
  for (size_t i = 0; i < kCurves.size(); ++i) {
    if (kCurves[i].name == name) return static_cast<EcCurve>(i);
  }
  return std::nullopt;
}

Result<PublicKey> PublicKey::from_rsa(std::string_view n, std::string_view e) {
  if (const auto [reason, why] = rsa_fault(n, e); !reason.empty()) return refuse(reason, why);
  const ErrorQueueGuard guard;
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  const BigNumber modulus = big_number(n);
  const BigNumber exponent = big_number(e);
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return refuse(kKeyMalformed, "RSA");
  }
  auto material = std::make_shared<Material>();
  material->key = make_key("RSA", builder.get());
  if (!material->key) return refuse(kKeyMalformed, "RSA");
  material->kind = KeyKind::kRsa;
  material->bits = static_cast<uint32_t>(BN_num_bits(modulus.get()));
  material->signature_bytes = n.size();
  material->sha384 = fetch("SHA384");
  material->sha512 = fetch("SHA512");
  material->jwk = R"({"e":")" + to_base64url(e) + R"(","kty":"RSA","n":")" + to_base64url(n) + R"("})";
  material->thumbprint = sha256(material->jwk);
  return PublicKey(std::move(material));
}

Result<PublicKey> PublicKey::from_ec(EcCurve curve, std::string_view x, std::string_view y) {
  const CurveFacts& one = facts(curve);
  if (x.size() != one.coordinate || y.size() != one.coordinate) return refuse(kKeyMalformed, "EC coordinate of another length");
  const ErrorQueueGuard guard;
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  const std::string point = "\x04" + std::string(x) + std::string(y);
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, one.group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return refuse(kKeyMalformed, "EC");
  }
  auto material = std::make_shared<Material>();
  material->key = make_key("EC", builder.get());
  const EvpKeyContext check(material->key ? EVP_PKEY_CTX_new_from_pkey(nullptr, material->key.get(), nullptr) : nullptr);
  if (!check || EVP_PKEY_public_check_quick(check.get()) != 1) return refuse(kKeyMalformed, "EC point not on its curve");
  material->kind = one.kind;
  material->bits = one.bits;
  material->signature_bytes = 2 * one.coordinate;
  if (curve == EcCurve::kP384) material->sha384 = fetch("SHA384");
  if (curve == EcCurve::kP521) material->sha512 = fetch("SHA512");
  material->jwk = R"({"crv":")" + std::string(one.name) + R"(","kty":"EC","x":")" + to_base64url(x) + R"(","y":")" + to_base64url(y) + R"("})";
  material->thumbprint = sha256(material->jwk);
  return PublicKey(std::move(material));
}

Result<PublicKey> PublicKey::from_ed25519(std::string_view x) {
  if (x.size() != 32) return refuse(kKeyMalformed, "Ed25519 key of another length than 32");
  const ErrorQueueGuard guard;
  auto material = std::make_shared<Material>();
  material->key = EvpKey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(x), x.size()));
  material->ed25519_ready = EvpHashContext(EVP_MD_CTX_new());
  if (!material->key ||
      EVP_DigestVerifyInit_ex(material->ed25519_ready.get(), nullptr, nullptr, nullptr, nullptr, material->key.get(), nullptr) != 1) {
    return refuse(kKeyMalformed, "Ed25519");
  }
  material->kind = KeyKind::kEd25519;
  material->bits = 256;
  material->signature_bytes = 64;
  material->jwk = R"({"crv":"Ed25519","kty":"OKP","x":")" + to_base64url(x) + R"("})";
  material->thumbprint = sha256(material->jwk);
  return PublicKey(std::move(material));
}

Result<PublicKey> PublicKey::from_spki_der(std::string_view der) {
  if (der.empty() || der.size() > kPublicKeyDerBytesMax) return refuse(kKeyMalformed, "SPKI of a strange size");
  const ErrorQueueGuard guard;
  const unsigned char* next = bytes_of(der);
  const EvpKey key(d2i_PUBKEY(nullptr, &next, static_cast<long>(der.size())));
  if (!key || next != bytes_of(der) + der.size()) return refuse(kKeyMalformed, "not one SPKI");
  return from_evp(key.get());
}

Result<PublicKey> PublicKey::from_certificate_der(std::string_view der) {
  if (der.empty() || der.size() > kPublicKeyDerBytesMax) return refuse(kKeyMalformed, "certificate of a strange size");
  const ErrorQueueGuard guard;
  const unsigned char* next = bytes_of(der);
  const Certificate certificate(d2i_X509(nullptr, &next, static_cast<long>(der.size())));
  if (!certificate || next != bytes_of(der) + der.size()) return refuse(kKeyMalformed, "not one certificate");
  const EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  if (key == nullptr) return refuse(kKeyKindUnknown, "a certificate with an unreadable key");
  return from_evp(key);
}

KeyKind PublicKey::kind() const { return material_->kind; }
uint32_t PublicKey::bits() const { return material_->bits; }
size_t PublicKey::signature_bytes() const { return material_->signature_bytes; }
std::string_view PublicKey::jwk() const { return material_->jwk; }
const Digest& PublicKey::thumbprint() const { return material_->thumbprint; }

std::string PublicKey::spki_der() const {
  const ErrorQueueGuard guard;
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(material_->key.get(), &bytes);
  const DerText owner(bytes);
  return size > 0 ? std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)) : std::string();
}

}  // namespace wye::crypto
