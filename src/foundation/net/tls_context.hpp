// What the contexts hold. Private to foundation/net; OpenSSL's types are only named here.
#pragma once

#include "foundation/net/tls.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace wye::net {

struct SslContextFree {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, SslContextFree>;

struct TlsServerContext::Impl {
  SslContext context;
  const Clock* clock;  // null: no client's chain is verified
};
struct TlsClientContext::Impl {
  SslContext context;
  const Clock& clock;
};

/// The reason of this thread's first OpenSSL error (later ones tell who passed it on); empties its queue.
std::string take_ssl_reason();

/// Before a client's handshake: whom to expect, by name or by address, and what time it is. False where the name is no good.
bool expect_server(ssl_st* ssl, const std::string& name, const std::optional<Endpoint>& address, WallTime now);
/// After a server's handshake: the chain that the client showed, DER, leaf first.
std::vector<std::string> certificates_of_client(ssl_st* ssl);

}  // namespace wye::net
