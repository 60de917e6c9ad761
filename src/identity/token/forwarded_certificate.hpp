// The header `x-forwarded-client-cert` (XFCC) of a proxy that ended the client's TLS. Source: Envoy, "HTTP header manipulation".
// Never forwarded, and read only from a peer that the listener's `trustedProxies` name and whose own client certificate is accepted:
// whether that holds is the caller's to know. Threads: pure.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/http/head.hpp"

namespace wye::token {

inline constexpr size_t kForwardedCertificateBytesMax = 16 << 10;

/// What is read of the client's certificate.
struct ForwardedCertificate {
  crypto::Digest fingerprint{};  // `Hash`: SHA-256 of the leaf, in hex there
  std::string uri{};             // `URI`; empty: the certificate has none
};

/// Exactly one element: `key=value` pairs with `;` between, each key once, values in double quotes or without. Hash must be there and is 64
/// hex digits; URI at most once; By, Subject, Cert, Chain and DNS are passed over. A second element, another key, a broken quote, white
/// space outside of quotes: kInvalidRequest `The client certificate header is not valid.`, detail `auth.forwarded_certificate`.
Result<ForwardedCertificate> parse_forwarded_certificate(std::string_view value);

/// What of a request stands for its client's certificate.
struct ClientCertificate {
  std::span<const std::string> chain{};               // of the connection; that of the proxy where `forwarded` is there
  std::optional<ForwardedCertificate> forwarded{};
};

/// `from_trusted_proxy`: the peer's address is one of the listener's `trustedProxies`. From everybody else, and from a proxy that showed no
/// certificate, the header is as if it were not there. A proxy speaks for others: without the header its request has no client
/// certificate at all, so that its own is nobody's credential.
/// Errors: those of parse_forwarded_certificate; more than one line of the header too.
Result<ClientCertificate> client_certificate_of(const http::Head& head, std::span<const std::string> chain, bool from_trusted_proxy);

}  // namespace wye::token
