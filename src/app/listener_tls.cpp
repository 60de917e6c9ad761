#include "app/listener_tls.hpp"

#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr Bytes kTlsFileBytesMax = 1_MiB;

net::ClientCertificates mode_of(config::ClientCert clients) {
  switch (clients) {
    case config::ClientCert::kNone: return net::ClientCertificates::kNone;
    case config::ClientCert::kRequest: return net::ClientCertificates::kRequest;
    case config::ClientCert::kRequire: break;
  }
  return net::ClientCertificates::kRequire;
}

}  // namespace

Result<ListenerTls> ListenerTls::make(const config::TlsFiles& files, const Clock& clock) {
  ListenerTls made({.certificate_chain = files.cert_file.resolved,
                    .key = files.key_file.resolved,
                    .clients = mode_of(files.client_cert),
                    .client_ca = files.client_ca_file.resolved},
                   clock);
  // First: what changes while the files are read again is seen by the next look.
  made.seen_ = made.content();
  TRY(made.current_, net::make_tls_server(made.files_, made.clock_));
  return made;
}

crypto::Digest ListenerTls::content() const {
  crypto::Sha256 all;
  for (const std::filesystem::path* path : {&files_.certificate_chain, &files_.key, &files_.client_ca}) {
    if (path->empty()) continue;
    Result<std::string> text = os::read_file(*path, kTlsFileBytesMax);
    all.update(text ? crypto::as_text(crypto::sha256(*text)) : "unreadable");
    if (text) crypto::wipe(*text);
  }
  return all.finish();
}

ListenerTls::Look ListenerTls::look() {
  const crypto::Digest now = content();
  const bool same = now == seen_;
  if (same && (!failed_ || told_)) return {};
  seen_ = now;
  Result<std::unique_ptr<net::TlsServerContext>> made = net::make_tls_server(files_, clock_);
  if (made) {
    failed_ = told_ = false;
    current_ = std::move(*made);
    return {.changed = current_, .problem = {}};
  }
  failed_ = true;
  told_ = same;
  return {.changed = nullptr, .problem = same ? made.error().detail : std::string()};
}

}  // namespace wye::app
