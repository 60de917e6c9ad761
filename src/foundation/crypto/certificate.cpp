#include "foundation/crypto/certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace wye::crypto {

struct Certificate::Impl {
  struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  std::unique_ptr<X509, Free> x509;
  CertificateFacts facts;
};

namespace {

constexpr int kExtensionsMax = 64;
/// What fits a WallTime: 2262. RFC 5280 §4.1.2.5 writes "no end" as the year 9999.
constexpr int64_t kSecondsMax = INT64_MAX / 1'000'000'000;

struct NamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

Fail malformed(std::string_view what) {
  ERR_clear_error();
  return Fail(internal_error(ErrorCode::kInvalidRequest, "certificate: " + std::string(what)));
}

std::optional<WallTime> wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const int64_t seconds = timegm(&parts);
  return WallTime{std::clamp<int64_t>(seconds, 0, kSecondsMax) * 1'000'000'000};
}

/// RFC 5280 §4.2: at most one of a kind.
bool extensions_are_single(const X509* certificate) {
  const int count = X509_get_ext_count(certificate);
  if (count > kExtensionsMax) return false;
  for (int i = 0; i < count; ++i) {
    if (X509_get_ext_by_OBJ(certificate, X509_EXTENSION_get_object(X509_get_ext(certificate, i)), i) >= 0) return false;
  }
  return true;
}

/// Printable ASCII without blanks: a name with a NUL, a line end or a look-alike names nobody.
std::optional<std::string> plain_text(const ASN1_IA5STRING* text) {
  const int size = ASN1_STRING_length(text);
  if (size <= 0 || static_cast<size_t>(size) > kAlternativeNameBytesMax) return std::nullopt;
  std::string out(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(size));
  if (!std::ranges::all_of(out, [](char c) { return c > ' ' && c < 0x7f; })) return std::nullopt;
  return out;
}

Result<void> read_names(const X509* certificate, CertificateFacts& facts) {
  int found = 0;
  const std::unique_ptr<GENERAL_NAMES, NamesFree> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, nullptr)));
  if (names == nullptr) {
    if (found == -1) return {};
    return malformed("alternative names");
  }
  const int count = sk_GENERAL_NAME_num(names.get());
  if (count < 0 || static_cast<size_t>(count) > kAlternativeNamesMax) return malformed("too many alternative names");
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_URI) continue;
    std::optional<std::string> text = plain_text(name->d.ia5);
    if (!text) return malformed("alternative name");
    (name->type == GEN_DNS ? facts.dns_names : facts.uris).push_back(std::move(*text));
  }
  return {};
}

void read_usage(X509* certificate, CertificateFacts& facts) {
  const uint32_t usage = X509_get_key_usage(certificate);
  if (usage != UINT32_MAX) {
    constexpr std::array<std::pair<uint32_t, uint16_t>, 5> kBits = {{{KU_DIGITAL_SIGNATURE, kDigitalSignature},
                                                                     {KU_KEY_ENCIPHERMENT, kKeyEncipherment},
                                                                     {KU_KEY_AGREEMENT, kKeyAgreement},
                                                                     {KU_KEY_CERT_SIGN, kKeyCertSign},
                                                                     {KU_CRL_SIGN, kCrlSign}}};
    uint16_t bits = 0;
    for (const auto& [theirs, ours] : kBits) {
      if ((usage & theirs) != 0) bits |= ours;
    }
    facts.key_usage = bits;
    const int at = X509_get_ext_by_NID(certificate, NID_key_usage, -1);
    facts.key_usage_critical = at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) != 0;
  }
  const uint32_t purposes = X509_get_extended_key_usage(certificate);
  facts.purposes_named = purposes != UINT32_MAX;
  facts.for_clients = facts.purposes_named && (purposes & XKU_SSL_CLIENT) != 0;
  facts.for_servers = facts.purposes_named && (purposes & XKU_SSL_SERVER) != 0;
}

/// A kept BIO over memory; PEM_read_bio tells its end as an error.
struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using MemoryBio = std::unique_ptr<BIO, BioFree>;

/// Calls `take` with the DER of each PEM block of that name. False where the text is broken.
template <class Take>
Result<void> each_block(std::string_view pem, std::string_view wanted, Take&& take) {
  ERR_clear_error();
  if (pem.size() > INT_MAX) return malformed("PEM is too long");
  const MemoryBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* bytes = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &bytes, &size) != 1) {
      if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) return malformed("broken PEM");
      ERR_clear_error();
      return {};
    }
    const bool mine = wanted == name;
    Result<void> taken;
    if (mine) taken = take(std::string_view(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)));
    OPENSSL_free(name);
    OPENSSL_free(header);
    // Keys may stand in the same file.
    OPENSSL_clear_free(bytes, static_cast<size_t>(size));
    CHECK_OK(std::move(taken));
  }
}

}  // namespace

Result<Certificate> Certificate::from_der(std::string_view der) {
  ERR_clear_error();
  if (der.empty() || der.size() > kCertificateBytesMax) return malformed("size");
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  auto impl = std::make_shared<Impl>();
  impl->x509.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  X509* certificate = impl->x509.get();
  if (certificate == nullptr) return malformed("not DER");
  if (at != reinterpret_cast<const unsigned char*>(der.data()) + der.size()) return malformed("bytes behind it");
  if (!extensions_are_single(certificate)) return malformed("extensions");
  // Also fills what OpenSSL remembers of the extensions.
  const uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_INVALID) != 0) return malformed("extensions");
  CertificateFacts& facts = impl->facts;
  facts.fingerprint = sha256(der);
  const std::optional<WallTime> from = wall_time(X509_get0_notBefore(certificate));
  const std::optional<WallTime> to = wall_time(X509_get0_notAfter(certificate));
  if (!from || !to) return malformed("validity");
  facts.not_before = *from;
  facts.not_after = *to;
  facts.authority = (flags & EXFLAG_CA) != 0;
  CHECK_OK(read_names(certificate, facts));
  read_usage(certificate, facts);
  ERR_clear_error();
  return Certificate(std::move(impl));
}

const CertificateFacts& Certificate::facts() const { return impl_->facts; }

Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem) {
  std::vector<Certificate> all;
  CHECK_OK(each_block(pem, PEM_STRING_X509, [&](std::string_view der) -> Result<void> {
    if (all.size() == kRootsMax) return malformed("too many in one text");
    TRY(Certificate one, Certificate::from_der(der));
    all.push_back(std::move(one));
    return {};
  }));
  if (all.empty()) return malformed("none in the text");
  return all;
}

std::string_view to_string(PathFault fault) {
  constexpr std::array<std::string_view, 10> kNames = {"untrusted", "expired", "not_yet_valid", "purpose", "constraints",
                                                       "authority", "weak",    "too_long",      "revoked", "revocation_unknown"};
  return kNames[static_cast<size_t>(fault)];
}

struct RootSet::Impl {
  struct Free {
    void operator()(X509_STORE* one) const { X509_STORE_free(one); }
    void operator()(X509_CRL* one) const { X509_CRL_free(one); }
  };
  std::unique_ptr<X509_STORE, Free> store;
  std::vector<std::unique_ptr<X509_CRL, Free>> lists;
  size_t roots = 0;
};

namespace {

struct ContextFree {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
/// The stack alone: its certificates are not counted in it.
struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

PathFault fault_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return PathFault::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return PathFault::kNotYetValid;
    case X509_V_ERR_INVALID_PURPOSE: return PathFault::kPurpose;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN: return PathFault::kAuthority;
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
    case X509_V_ERR_INVALID_EXTENSION: return PathFault::kConstraints;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG: return PathFault::kTooLong;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK: return PathFault::kWeak;
    case X509_V_ERR_CERT_REVOKED: return PathFault::kRevoked;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return PathFault::kRevocationUnknown;
    default: return PathFault::kUntrusted;
  }
}

/// A CRL is a must for whoever signed the leaf, and used for the others where there is one.
int judge(int good, X509_STORE_CTX* context) {
  if (good == 1) return 1;
  if (X509_STORE_CTX_get_error(context) == X509_V_ERR_UNABLE_TO_GET_CRL && X509_STORE_CTX_get_error_depth(context) > 0) {
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  return 0;
}

/// Until when the CRL of this issuer is in date: of several the newest counts, as it does in the verification. Absent: there is none.
std::optional<WallTime> list_ends(const RootSet::Impl& impl, const X509* certificate) {
  std::optional<WallTime> end;
  for (const auto& list : impl.lists) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(list.get()), X509_get_issuer_name(certificate)) != 0) continue;
    const std::optional<WallTime> next = wall_time(X509_CRL_get0_nextUpdate(list.get()));
    if (next && (!end || *next > *end)) end = next;
  }
  return end;
}

std::expected<ValidPath, PathFault> path_of(const RootSet::Impl& impl, STACK_OF(X509) * chain) {
  ValidPath path{.from = {}, .until = {INT64_MAX}, .root = {}};
  const int count = sk_X509_num(chain);
  if (count <= 0) return std::unexpected(PathFault::kUntrusted);
  if (static_cast<size_t>(count) > kPathMax) return std::unexpected(PathFault::kTooLong);
  for (int i = 0; i < count; ++i) {
    X509* one = sk_X509_value(chain, i);
    // OpenSSL also takes signers without basicConstraints whose keyUsage says keyCertSign.
    if (i > 0 && (X509_get_extension_flags(one) & EXFLAG_CA) == 0) return std::unexpected(PathFault::kAuthority);
    const std::optional<WallTime> from = wall_time(X509_get0_notBefore(one));
    const std::optional<WallTime> to = wall_time(X509_get0_notAfter(one));
    if (!from || !to) return std::unexpected(PathFault::kUntrusted);
    path.from = std::max(path.from, *from);
    path.until = std::min(path.until, *to);
    if (const auto list = list_ends(impl, one)) path.until = std::min(path.until, *list);
  }
  unsigned int size = 0;
  if (X509_digest(sk_X509_value(chain, count - 1), EVP_sha256(), path.root.data(), &size) != 1) return std::unexpected(PathFault::kUntrusted);
  return path;
}

}  // namespace

RootSet::RootSet() : impl_(std::make_shared<Impl>()) {}

size_t RootSet::size() const { return impl_->roots; }
bool RootSet::checks_revocation() const { return !impl_->lists.empty(); }

namespace {

Result<std::shared_ptr<RootSet::Impl>> make_store(std::span<const Certificate> roots) {
  ERR_clear_error();
  if (roots.size() > kRootsMax) return malformed("too many roots");
  auto impl = std::make_shared<RootSet::Impl>();
  impl->store.reset(X509_STORE_new());
  if (impl->store == nullptr) return malformed("no memory");
  for (const Certificate& root : roots) {
    if (!root.facts().authority) return malformed("a root that is no authority (basicConstraints cA)");
    if (X509_STORE_add_cert(impl->store.get(), root.impl().x509.get()) != 1) return malformed("a root that can not be used");
  }
  impl->roots = roots.size();
  ERR_clear_error();
  return impl;
}

}  // namespace

Result<RootSet> RootSet::make(std::span<const Certificate> roots) {
  TRY(std::shared_ptr<Impl> impl, make_store(roots));
  return RootSet(std::move(impl));
}

Result<RootSet> RootSet::make(std::span<const Certificate> roots, std::string_view crls) {
  TRY(std::shared_ptr<Impl> impl, make_store(roots));
  CHECK_OK(each_block(crls, PEM_STRING_X509_CRL, [&](std::string_view der) -> Result<void> {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const unsigned char* end = at + der.size();
    std::unique_ptr<X509_CRL, Impl::Free> list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
    if (list == nullptr || at != end) return malformed("a CRL that is none");
    if (!wall_time(X509_CRL_get0_lastUpdate(list.get())) || !wall_time(X509_CRL_get0_nextUpdate(list.get())))
      return malformed("a CRL without nextUpdate");
    if (impl->lists.size() == kRootsMax || X509_STORE_add_crl(impl->store.get(), list.get()) != 1) return malformed("a CRL that can not be used");
    impl->lists.push_back(std::move(list));
    return {};
  }));
  if (impl->lists.empty()) return malformed("no CRL in the text");
  return RootSet(std::move(impl));
}

std::expected<ValidPath, PathFault> RootSet::verify(const Certificate& leaf, std::span<const Certificate> presented, PathPurpose purpose,
                                                    WallTime at) const {
  if (impl_->roots == 0) return std::unexpected(PathFault::kUntrusted);
  if (presented.size() > kPresentedMax) return std::unexpected(PathFault::kTooLong);
  ERR_clear_error();
  const std::unique_ptr<X509_STORE_CTX, ContextFree> context(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509), StackFree> others(sk_X509_new_null());
  if (context == nullptr || others == nullptr) return std::unexpected(PathFault::kUntrusted);
  for (const Certificate& one : presented) {
    if (sk_X509_push(others.get(), one.impl().x509.get()) <= 0) return std::unexpected(PathFault::kUntrusted);
  }
  X509_STORE_CTX* c = context.get();
  if (X509_STORE_CTX_init(c, impl_->store.get(), leaf.impl().x509.get(), others.get()) != 1) return std::unexpected(PathFault::kUntrusted);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(c);
  X509_VERIFY_PARAM_set_time(rules, at.seconds());
  X509_VERIFY_PARAM_set_depth(rules, kPathMax - 2);  // between leaf and root
  X509_VERIFY_PARAM_set_auth_level(rules, 2);        // 112 bit: RSA from 2,048 bit, no SHA-1
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;
  if (checks_revocation()) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  X509_VERIFY_PARAM_set_flags(rules, flags);
  X509_VERIFY_PARAM_set_purpose(rules, purpose == PathPurpose::kClient ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER);
  X509_STORE_CTX_set_verify_cb(c, judge);
  const int verdict = X509_verify_cert(c);
  const int error = X509_STORE_CTX_get_error(c);
  ERR_clear_error();
  if (verdict != 1) return std::unexpected(fault_of(error));
  return path_of(*impl_, X509_STORE_CTX_get0_chain(c));
}

}  // namespace wye::crypto
