// What the contexts hold. Private to foundation/net; OpenSSL's types are only named here.
#pragma once

#include "foundation/net/tls.hpp"

struct ssl_ctx_st;

namespace wye::net {

struct SslContextFree {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, SslContextFree>;

struct TlsServerContext::Impl {
  SslContext context;
};
struct TlsClientContext::Impl {
  SslContext context;
  const Clock& clock;
};

/// The reason of this thread's first OpenSSL error (later ones tell who passed it on); empties its queue.
std::string take_ssl_reason();

}  // namespace wye::net
