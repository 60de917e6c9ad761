#include "foundation/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace wye::net {
namespace {

constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kTls13Ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

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

Result<std::unique_ptr<TlsServerContext>> make_tls_server(const TlsServerFiles& files) {
  TRY(SslContext context, make_context(TLS_server_method()));
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_chain.c_str()) != 1)
    return Fail(usage("tls certificate", files.certificate_chain));
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context.get()) != 1)
    return Fail(usage("tls key", files.key));
  return std::make_unique<TlsServerContext>(std::make_unique<TlsServerContext::Impl>(std::move(context)));
}

Result<std::unique_ptr<TlsClientContext>> make_tls_client(const std::filesystem::path& ca_file, const Clock& clock) {
  TRY(SslContext context, make_context(TLS_client_method()));
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

}  // namespace wye::net
