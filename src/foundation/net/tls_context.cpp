#include "foundation/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace wye::net {
namespace {

constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kTls13Ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kClientPathDepth = 3;               // between leaf and root
constexpr long kClientChainBytesMax = 64 << 10;  // of a client's certificates together

/// Without it OpenSSL would ask for the passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

Error usage(std::string_view what, const std::filesystem::path& file) {
  std::string reason = take_ssl_reason();
  std::error_code ignored;
  if (!file.empty() && !std::filesystem::exists(file, ignored)) reason = "no such file";
  return internal_error(ErrorCode::kUsage, std::string(what) + " " + file.string() + ": " + reason);
}

Result<SslContext> make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(method));
  if (context == nullptr) return Fail(usage("tls context", {}));
  SSL_CTX* c = context.get();
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);  // idle connections hold none
  SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN);    // what the file holds is shown, nothing from the roots
  SSL_CTX_set_read_ahead(c, 1);
  SSL_CTX_set_security_level(c, 2);
  SSL_CTX_set_default_passwd_cb(c, no_passphrase);
  if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1 || SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(c, kTls12Ciphers) != 1 || SSL_CTX_set_ciphersuites(c, kTls13Ciphers) != 1 || SSL_CTX_set1_groups_list(c, kGroups) != 1)
    return Fail(usage("tls context", {}));
  return context;
}

}  // namespace

void SslContextFree::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

std::string take_ssl_reason() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text != nullptr ? text : "unknown reason";
}

TlsServerContext::TlsServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServerContext::~TlsServerContext() = default;
TlsClientContext::TlsClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClientContext::~TlsClientContext() = default;

namespace {

Result<void> show_certificate(SSL_CTX* context, const std::filesystem::path& chain, const std::filesystem::path& key) {
  if (SSL_CTX_use_certificate_chain_file(context, chain.c_str()) != 1) return Fail(usage("tls certificate", chain));
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1)
    return Fail(usage("tls key", key));
  return {};
}

/// Takes every chain: that its owner holds the leaf's key is proven elsewhere in the handshake.
int take_any_chain(X509_STORE_CTX* chain, void*) {
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

/// Gives whether chains are verified here.
Result<bool> ask_for_certificates(SSL_CTX* context, const TlsServerFiles& files) {
  if (files.clients == ClientCertificates::kNone) return false;
  const bool required = files.clients == ClientCertificates::kRequire;
  const bool verified = required && !files.client_ca.empty();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  SSL_CTX_set_verify_depth(context, kClientPathDepth);
  SSL_CTX_set_max_cert_list(context, kClientChainBytesMax);
  if (!verified) SSL_CTX_set_cert_verify_callback(context, take_any_chain, nullptr);
  if (files.client_ca.empty()) return false;
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_ca.c_str());
  if (names == nullptr) return Fail(usage("tls client authorities", files.client_ca));
  SSL_CTX_set_client_CA_list(context, names);
  if (verified && SSL_CTX_load_verify_file(context, files.client_ca.c_str()) != 1) return Fail(usage("tls client authorities", files.client_ca));
  // A configured intermediate authority is trusted for itself.
  if (verified) X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return verified;
}

}  // namespace

Result<std::unique_ptr<TlsServerContext>> make_tls_server(const TlsServerFiles& files, const Clock* clock) {
  TRY(SslContext context, make_context(TLS_server_method()));
  CHECK_OK(show_certificate(context.get(), files.certificate_chain, files.key));
  TRY(const bool verifies, ask_for_certificates(context.get(), files));
  if (verifies && clock == nullptr) return Fail(internal_error(ErrorCode::kUsage, "tls: client certificates can not be verified without a clock"));
  return std::make_unique<TlsServerContext>(std::make_unique<TlsServerContext::Impl>(std::move(context), verifies ? clock : nullptr));
}

Result<std::unique_ptr<TlsClientContext>> make_tls_client(const std::filesystem::path& ca_file, const Clock& clock, const TlsClientFiles& own) {
  TRY(SslContext context, make_context(TLS_client_method()));
  if (!own.certificate_chain.empty()) CHECK_OK(show_certificate(context.get(), own.certificate_chain, own.key));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) return Fail(usage("tls roots", ca_file));
  } else {
    // By path: SSL_CTX_set_default_verify_paths would read SSL_CERT_FILE and SSL_CERT_DIR.
    std::error_code ignored;
    const std::filesystem::path file = X509_get_default_cert_file();
    const std::filesystem::path folder = X509_get_default_cert_dir();
    const bool has_file = std::filesystem::exists(file, ignored) && SSL_CTX_load_verify_file(context.get(), file.c_str()) == 1;
    const bool has_folder = std::filesystem::exists(folder, ignored) && SSL_CTX_load_verify_dir(context.get(), folder.c_str()) == 1;
    if (!has_file && !has_folder) return Fail(usage("tls roots of the system", folder));
  }
  return std::make_unique<TlsClientContext>(std::make_unique<TlsClientContext::Impl>(std::move(context), clock));
}

bool expect_server(ssl_st* ssl, const std::string& name, const std::optional<Endpoint>& address, WallTime now) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set_time(rules, now.seconds());
  // RFC 6066 §3: literal addresses are no server names; RFC 9525 §6.2: they match iPAddress alone.
  if (address) return X509_VERIFY_PARAM_set1_ip(rules, address->address.data(), address->v6 ? 16 : 4) == 1;
  return SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

std::vector<std::string> certificates_of_client(ssl_st* ssl) {
  std::vector<std::string> chain;
  const auto add = [&](const X509* certificate) {
    const int size = i2d_X509(certificate, nullptr);
    std::string der(static_cast<size_t>(std::max(size, 0)), '\0');
    auto* at = reinterpret_cast<unsigned char*>(der.data());
    if (size <= 0 || i2d_X509(certificate, &at) != size) return false;
    chain.push_back(std::move(der));
    return true;
  };
  const X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) return {};
  // On the server's side the stack begins behind the leaf.
  const STACK_OF(X509)* rest = SSL_get_peer_cert_chain(ssl);
  bool whole = add(leaf);
  for (int i = 0; whole && rest != nullptr && i < sk_X509_num(rest); ++i) whole = add(sk_X509_value(rest, i));
  return whole ? std::move(chain) : std::vector<std::string>();
}

}  // namespace wye::net
