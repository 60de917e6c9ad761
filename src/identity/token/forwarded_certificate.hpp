// The header `x-forwarded-client-cert` (XFCC) of a proxy that ended the client's TLS. Source: Envoy, "HTTP header manipulation".
// Never forwarded, and read only from a peer that the listener's `trustedProxies` name and whose own client certificate is accepted:
// whether that holds is the caller's to know. Threads: pure.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/crypto/digest.hpp"

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
/// Two header lines are two elements: the caller refuses them.
Result<ForwardedCertificate> parse_forwarded_certificate(std::string_view value);

}  // namespace wye::token
