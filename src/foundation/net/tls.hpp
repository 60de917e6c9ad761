// TLS as a Stream over a Stream: handshakes, certificate checks, records. The same code runs over sockets and simulated pipes.
// Source: RFC 8446, RFC 5246, RFC 6066 (SNI), RFC 9525 (names in certificates), RFC 9325 (recommendations).
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/net/stream.hpp"

namespace wye::net {

/// Whether a server asks clients for a certificate.
/// kRequest takes any chain, or none: who it is that shows it must be judged before anything is believed (Stream::peer_certificates).
/// kRequire ends handshakes without one, and where authorities are configured those with a chain that leads to none of them.
enum class ClientCertificates : uint8_t { kNone, kRequest, kRequire };

/// What a server shows: certificate chain and key, TLS 1.2 (ECDHE with AES-GCM or ChaCha20 only) and 1.3, groups X25519, P-256,
/// P-384; no renegotiation, compression, 0-RTT or resumption. Threads: immutable once made, shared by all loops.
/// Lifetime: outlives the handshakes that use it; streams already made keep what they need.
class TlsServerContext {
 public:
  struct Impl;
  explicit TlsServerContext(std::unique_ptr<Impl> impl);
  ~TlsServerContext();
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// What a client trusts. Always checks the chain, the purpose, the time and the name: SAN dNSName for a name, a wildcard is the leftmost
/// whole label; SAN iPAddress for a literal address. Threads and lifetime as TlsServerContext.
class TlsClientContext {
 public:
  struct Impl;
  explicit TlsClientContext(std::unique_ptr<Impl> impl);
  ~TlsClientContext();
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct TlsServerFiles {
  std::filesystem::path certificate_chain;  // PEM, leaf first
  std::filesystem::path key;                // PEM, no passphrase
  ClientCertificates clients = ClientCertificates::kNone;
  /// PEM: the authorities that clients are told of, and with kRequire their chains are verified against. Empty: any. Never the system's.
  std::filesystem::path client_ca{};
};
/// `clock` judges the validity of clients' chains and outlives the context; needed with kRequire and `client_ca` only.
/// Errors: kUsage naming the file and what is wrong with it (missing, not PEM, key of another certificate).
Result<std::unique_ptr<TlsServerContext>> make_tls_server(const TlsServerFiles& files, const Clock* clock = nullptr);

/// What a client shows to servers that ask for it.
struct TlsClientFiles {
  std::filesystem::path certificate_chain;  // PEM, leaf first; empty: nothing is shown
  std::filesystem::path key;                // PEM, no passphrase
};
/// `ca_file` (PEM) holds the roots; empty: those of the system. The environment is not read. `clock` judges validity and outlives the
/// context. Errors: kUsage naming the file and what is wrong with it.
Result<std::unique_ptr<TlsClientContext>> make_tls_client(const std::filesystem::path& ca_file, const Clock& clock, const TlsClientFiles& own = {});

/// Shakes hands as client over a connected stream; `server_name` is a DNS name, sent as SNI, or a literal address; it is matched
/// against the certificate.
/// Errors: kTimeout, kCancelled by `bound`; kIo with the reason in the detail: "tls: certificate has expired", "tls: hostname
/// mismatch", "tls: self-signed certificate", "tls: wrong version number", "tls: peer closed during the handshake", …
/// Both contexts need to live until the task has ended.
Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> inner, const TlsClientContext& context, std::string server_name,
                                                  Bound bound);
/// Likewise as server.
Task<Result<std::unique_ptr<Stream>>> tls_accept(std::unique_ptr<Stream> inner, const TlsServerContext& context, Bound bound);

// The stream they give:
// * EOF is the peer's close_notify. A connection that ends without it is truncated: kFailed, never kEof.
// * shutdown_send() sends close_notify; destroying the stream does not, so that an aborted message never looks complete.
// * A send that was given up (timeout, cancel) leaves a part of a record behind: the stream is good for nothing but destruction.
// * disturbed() lets session tickets pass; application bytes and a hang-up disturb.

}  // namespace wye::net
