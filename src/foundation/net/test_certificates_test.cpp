#include "foundation/net/test_certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace wye::net {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make(const CertificateSpec& spec, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, bool authority, long serial) {
  Certificate certificate(X509_new());
  X509* c = certificate.get();
  X509_set_version(c, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(c), serial);
  ASN1_TIME_set(X509_getm_notBefore(c), spec.not_before_s);
  ASN1_TIME_set(X509_getm_notAfter(c), spec.not_after_s);
  X509_set_pubkey(c, key);
  X509_NAME* name = X509_get_subject_name(c);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(c, issuer == nullptr ? name : X509_get_subject_name(issuer));
  extend(c, issuer == nullptr ? c : issuer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!authority) extend(c, issuer == nullptr ? c : issuer, NID_ext_key_usage, spec.for_clients ? "clientAuth" : "serverAuth");
  std::string names;
  for (const std::string& n : spec.names) names += (names.empty() ? "" : ",") + std::string(parse_address(n, 0) ? "IP:" : "DNS:") + n;
  if (!names.empty()) extend(c, issuer == nullptr ? c : issuer, NID_subject_alt_name, names);
  X509_sign(c, issuer_key, EVP_sha256());
  return certificate;
}

template <class Write>
void to_file(const std::filesystem::path& path, Write write) {
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr) << path;
  EXPECT_EQ(write(file), 1);
  std::fclose(file);
}

}  // namespace

struct TestAuthority::Keys {
  Key key;
  Certificate certificate;
};

TestAuthority::TestAuthority() : keys_(std::make_unique<Keys>()) {
  static std::atomic<int> count{0};
  folder_ = std::filesystem::path(testing::TempDir()) / ("wye-certificates-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
  std::filesystem::create_directories(folder_);
  root_ = folder_ / "root.pem";
  keys_->key.reset(EVP_EC_gen("P-256"));
  keys_->certificate = make({.names = {}, .common_name = "root"}, keys_->key.get(), nullptr, keys_->key.get(), true, serial_++);
  to_file(root_, [this](FILE* f) { return PEM_write_X509(f, keys_->certificate.get()); });
}

TestAuthority::~TestAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

TlsServerFiles TestAuthority::issue(const CertificateSpec& spec) {
  const std::string base = "leaf-" + std::to_string(serial_);
  TlsServerFiles files{folder_ / (base + ".pem"), folder_ / (base + ".key")};
  const Key key(EVP_EC_gen("P-256"));
  const bool own = spec.self_signed;
  const Certificate leaf = make(spec, key.get(), own ? nullptr : keys_->certificate.get(), own ? key.get() : keys_->key.get(), false, serial_++);
  to_file(files.certificate_chain, [&](FILE* f) { return PEM_write_X509(f, leaf.get()); });
  to_file(files.key, [&](FILE* f) { return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return files;
}

TlsPairContexts::TlsPairContexts(const Clock& clock, CertificateSpec spec) {
  auto made_server = make_tls_server(authority.issue(spec));
  auto made_client = make_tls_client(authority.root(), clock);
  EXPECT_TRUE(made_server) << made_server.error().detail;
  EXPECT_TRUE(made_client) << made_client.error().detail;
  server = std::move(*made_server);
  client = std::move(*made_client);
}

}  // namespace wye::net
