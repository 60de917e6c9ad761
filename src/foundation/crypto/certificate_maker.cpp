#include "foundation/crypto/certificate_maker.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "foundation/crypto/random.hpp"

namespace wye::crypto {
namespace {

constexpr size_t kCommonNameBytesMax = 64;  // ub-common-name of RFC 5280
constexpr size_t kSerialBytes = 16;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(X509_REVOKED* entry) const { X509_REVOKED_free(entry); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(GENERAL_NAME* name) const { GENERAL_NAME_free(name); }
  void operator()(NAME_CONSTRAINTS* constraints) const { NAME_CONSTRAINTS_free(constraints); }
  void operator()(GENERAL_SUBTREE* subtree) const { GENERAL_SUBTREE_free(subtree); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(ASN1_TIME* time) const { ASN1_TIME_free(time); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Fail unusable(std::string_view what) {
  ERR_clear_error();
  return Fail(internal_error(ErrorCode::kUsage, "certificate: " + std::string(what)));
}

bool is_name_text(std::string_view text) {
  return !text.empty() && text.size() <= kAlternativeNameBytesMax && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

/// Built by hand: text that OpenSSL parses (`DNS:a,URI:b`) would let one name smuggle another in.
Owned<GENERAL_NAME> text_name(int type, std::string_view text) {
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  Owned<GENERAL_NAME> name(GENERAL_NAME_new());
  if (value == nullptr || name == nullptr || ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
    ASN1_IA5STRING_free(value);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), type, value);
  return name;
}

Owned<GENERAL_NAME> address_name(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  int size = 0;
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) size = 4;
  else if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) size = 16;
  ASN1_OCTET_STRING* value = size == 0 ? nullptr : ASN1_OCTET_STRING_new();
  Owned<GENERAL_NAME> name(GENERAL_NAME_new());
  if (value == nullptr || name == nullptr || ASN1_OCTET_STRING_set(value, bytes.data(), size) != 1) {
    ASN1_OCTET_STRING_free(value);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD, value);
  return name;
}

Result<void> add_names(X509* certificate, const CertificateSpec& spec) {
  const Owned<GENERAL_NAMES> names(GENERAL_NAMES_new());
  const auto add = [&](Owned<GENERAL_NAME> name) { return name != nullptr && sk_GENERAL_NAME_push(names.get(), name.release()) > 0; };
  for (const std::string& name : spec.dns_names) {
    if (!is_name_text(name) || !add(text_name(GEN_DNS, name))) return unusable("a DNS name that is none: " + name);
  }
  for (const std::string& address : spec.addresses) {
    if (!add(address_name(address))) return unusable("an address that is none: " + address);
  }
  for (const std::string& uri : spec.uris) {
    if (!is_name_text(uri) || !add(text_name(GEN_URI, uri))) return unusable("a URI that is none: " + uri);
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) return {};
  // RFC 5280 §4.2.1.6: critical where the subject is empty.
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), spec.common_name.empty() ? 1 : 0, X509V3_ADD_DEFAULT) != 1)
    return unusable("alternative names");
  return {};
}

Result<void> add_subtrees(const std::vector<std::string>& texts, STACK_OF(GENERAL_SUBTREE) * *into) {
  for (const std::string& text : texts) {
    const int type = text.starts_with("dns:") ? GEN_DNS : text.starts_with("uri:") ? GEN_URI : -1;
    Owned<GENERAL_SUBTREE> subtree(GENERAL_SUBTREE_new());
    Owned<GENERAL_NAME> base = type < 0 || !is_name_text(text) || text.size() < 5 ? nullptr : text_name(type, std::string_view(text).substr(4));
    if (*into == nullptr) *into = sk_GENERAL_SUBTREE_new_null();
    if (base == nullptr || subtree == nullptr || *into == nullptr) return unusable("a name constraint that is none: " + text);
    GENERAL_NAME_free(subtree->base);
    subtree->base = base.release();
    if (sk_GENERAL_SUBTREE_push(*into, subtree.get()) <= 0) return unusable("name constraints");
    subtree.release();
  }
  return {};
}

Result<void> add_constraints(X509* certificate, const CertificateSpec& spec) {
  if (spec.permitted.empty() && spec.excluded.empty()) return {};
  const Owned<NAME_CONSTRAINTS> constraints(NAME_CONSTRAINTS_new());
  CHECK_OK(add_subtrees(spec.permitted, &constraints->permittedSubtrees));
  CHECK_OK(add_subtrees(spec.excluded, &constraints->excludedSubtrees));
  if (X509_add1_ext_i2d(certificate, NID_name_constraints, constraints.get(), 1, X509V3_ADD_DEFAULT) != 1) return unusable("name constraints");
  return {};
}

/// Only for texts of this file.
bool add_text(X509* certificate, X509* issuer, int kind, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, text.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string usage_text(uint16_t usage) {
  constexpr std::array<std::pair<uint16_t, std::string_view>, 5> kWords = {{{kDigitalSignature, "digitalSignature"},
                                                                            {kKeyEncipherment, "keyEncipherment"},
                                                                            {kKeyAgreement, "keyAgreement"},
                                                                            {kKeyCertSign, "keyCertSign"},
                                                                            {kCrlSign, "cRLSign"}}};
  std::string text = "critical";
  for (const auto& [bit, word] : kWords) {
    if ((usage & bit) != 0) text.append(",").append(word);
  }
  return text;
}

Result<void> add_extensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  std::string basic = spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (spec.authority && spec.path_length) basic += ",pathlen:" + std::to_string(*spec.path_length);
  const uint16_t usage = spec.key_usage.value_or(spec.authority ? kKeyCertSign | kCrlSign : kDigitalSignature);
  const std::string purposes =
      std::string(spec.for_servers ? "serverAuth" : "") + (spec.for_servers && spec.for_clients ? "," : "") + (spec.for_clients ? "clientAuth" : "");
  bool good = add_text(certificate, issuer, NID_basic_constraints, basic) && add_text(certificate, issuer, NID_subject_key_identifier, "hash");
  if (issuer != certificate) good = good && add_text(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  if (usage != 0) good = good && add_text(certificate, issuer, NID_key_usage, usage_text(usage));
  if (!purposes.empty()) good = good && add_text(certificate, issuer, NID_ext_key_usage, purposes);
  if (!good) return unusable("extensions");
  CHECK_OK(add_names(certificate, spec));
  return add_constraints(certificate, spec);
}

bool set_serial(X509* certificate) {
  std::string bytes = random_bytes(kSerialBytes);
  bytes[0] = static_cast<char>((bytes[0] & 0x7f) | 0x40);  // positive, always of the same length
  const Owned<BIGNUM> number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
  return number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

/// `issuer` null: self-signed.
Result<Owned<X509>> make_certificate(const CertificateSpec& spec, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  ERR_clear_error();
  if (spec.not_after <= spec.not_before) return unusable("the validity is empty");
  if (spec.common_name.size() > kCommonNameBytesMax) return unusable("the common name is too long");
  Owned<X509> made(X509_new());
  X509* c = made.get();
  if (c == nullptr || X509_set_version(c, X509_VERSION_3) != 1 || !set_serial(c) || X509_set_pubkey(c, key) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(c), spec.not_before.seconds()) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(c), spec.not_after.seconds()) == nullptr)
    return unusable("can not be made");
  X509_NAME* name = X509_get_subject_name(c);
  const auto* text = reinterpret_cast<const unsigned char*>(spec.common_name.data());
  if (!spec.common_name.empty() &&
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, static_cast<int>(spec.common_name.size()), -1, 0) != 1)
    return unusable("the common name is no UTF-8");
  if (X509_set_issuer_name(c, issuer == nullptr ? name : X509_get_subject_name(issuer)) != 1) return unusable("can not be made");
  CHECK_OK(add_extensions(c, issuer == nullptr ? c : issuer, spec));
  if (X509_sign(c, issuer_key, EVP_sha256()) == 0) return unusable("can not be signed");
  return made;
}

template <class Write>
std::string pem_text(Write&& write) {
  const Owned<BIO> bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr || write(bio.get()) != 1) return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}
std::string pem_of(X509* certificate) {
  return pem_text([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}
Secret pem_of(EVP_PKEY* key) {
  return Secret(pem_text([&](BIO* bio) { return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); }));
}

Owned<X509> read_certificate(std::string_view pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

/// Without it OpenSSL would ask for the passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

struct CertificateAuthority::Impl {
  Owned<X509> certificate;
  Owned<EVP_PKEY> key;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

Result<CertificateAuthority> CertificateAuthority::make(CertificateSpec spec) {
  spec.authority = true;
  auto impl = std::make_unique<Impl>();
  impl->key.reset(EVP_EC_gen("P-256"));
  if (impl->key == nullptr) return unusable("no key");
  TRY(impl->certificate, make_certificate(spec, impl->key.get(), nullptr, impl->key.get()));
  return CertificateAuthority(std::move(impl));
}

Result<CertificateAuthority> CertificateAuthority::load(std::string_view certificate_pem, const Secret& key_pem) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->certificate = read_certificate(certificate_pem);
  if (impl->certificate == nullptr) return unusable("the authority's certificate is no PEM");
  const std::string_view key = key_pem.reveal();
  const Owned<BIO> bio(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  impl->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (impl->key == nullptr) return unusable("the authority's key is no PEM");
  if (X509_check_private_key(impl->certificate.get(), impl->key.get()) != 1) return unusable("the authority's key is one of another certificate");
  if (X509_check_ca(impl->certificate.get()) != 1) return unusable("not an authority");
  return CertificateAuthority(std::move(impl));
}

Result<MadeCertificate> CertificateAuthority::issue(const CertificateSpec& spec) const {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (key == nullptr) return unusable("no key");
  TRY(const Owned<X509> made, make_certificate(spec, key.get(), impl_->certificate.get(), impl_->key.get()));
  return MadeCertificate{pem_of(made.get()), pem_of(key.get())};
}

Result<CertificateAuthority> CertificateAuthority::issue_authority(const CertificateSpec& spec) const {
  auto below = std::make_unique<Impl>();
  below->key.reset(EVP_EC_gen("P-256"));
  if (below->key == nullptr) return unusable("no key");
  TRY(below->certificate, make_certificate(spec, below->key.get(), impl_->certificate.get(), impl_->key.get()));
  return CertificateAuthority(std::move(below));
}

Result<std::string> CertificateAuthority::revocation_list(std::span<const std::string> revoked_pems, WallTime this_update,
                                                          WallTime next_update) const {
  ERR_clear_error();
  const Owned<X509_CRL> list(X509_CRL_new());
  const Owned<ASN1_TIME> from(ASN1_TIME_set(nullptr, this_update.seconds()));
  const Owned<ASN1_TIME> to(ASN1_TIME_set(nullptr, next_update.seconds()));
  if (list == nullptr || X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(impl_->certificate.get())) != 1 ||
      X509_CRL_set1_lastUpdate(list.get(), from.get()) != 1 || X509_CRL_set1_nextUpdate(list.get(), to.get()) != 1)
    return unusable("a revocation list can not be made");
  for (const std::string& pem : revoked_pems) {
    const Owned<X509> certificate = read_certificate(pem);
    if (certificate == nullptr) return unusable("what is revoked is no certificate");
    Owned<X509_REVOKED> entry(X509_REVOKED_new());
    if (entry == nullptr || X509_REVOKED_set_serialNumber(entry.get(), X509_get_serialNumber(certificate.get())) != 1 ||
        X509_REVOKED_set_revocationDate(entry.get(), from.get()) != 1 || X509_CRL_add0_revoked(list.get(), entry.get()) != 1)
      return unusable("a revocation list can not be made");
    entry.release();
  }
  if (X509_CRL_sort(list.get()) != 1 || X509_CRL_sign(list.get(), impl_->key.get(), EVP_sha256()) == 0)
    return unusable("a revocation list can not be signed");
  return pem_text([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list.get()); });
}

std::string CertificateAuthority::certificate_pem() const { return pem_of(impl_->certificate.get()); }
Secret CertificateAuthority::key_pem() const { return pem_of(impl_->key.get()); }

}  // namespace wye::crypto
