// Tokens for an assertion: client credentials where a signed text stands in for a secret.
// Source: RFC 6749 §4.4, RFC 7521 §4.2, RFC 7523 §2.2 and §3 (JWT as client authentication); Microsoft Learn, "OAuth 2.0 client
// credentials flow" (federated credential, certificate), "Microsoft identity platform application authentication certificate credentials"
// (PS256, x5t#S256), "Use Microsoft Entra Workload ID with AKS" (the file and the variables).
#pragma once

#include "foundation/crypto/private_key.hpp"
#include "identity/workload/secret_place.hpp"
#include "identity/workload/token_source.hpp"

namespace wye::workload {

/// An assertion of our own lives so long: at most 5 min.
inline constexpr Nanos kAssertionLife = std::chrono::minutes(4);

/// Where and for whom.
struct ExchangeSpec {
  Url token_url;
  std::shared_ptr<const net::TlsClientContext> trust;  // null for http on loopback
  std::string client_id;
  std::string scope;
};

/// `{authority}/{tenant}/oauth2/v2.0/token`; an authority may end in `/`. Errors: kUsage (no URL; a tenant outside `[A-Za-z0-9.-]`).
Result<Url> entra_token_url(std::string_view authority, std::string_view tenant);

/// The form of the exchange, in the documented order.
Secret exchange_form(const ExchangeSpec& spec, std::string_view assertion);

/// An assertion that `client_id` makes about itself for `audience`: iss = sub = client id, jti, iat, nbf, exp.
/// `x5t_s256`: base64url SHA-256 of the certificate, for the header; empty: none.
Result<Secret> sign_client_assertion(const crypto::PrivateKey& key, crypto::SignatureAlgorithm algorithm, std::string_view client_id,
                                     std::string_view audience, std::string_view x5t_s256, WallTime now, std::string_view jti);

/// The DER of the first certificate of a PEM text. Errors: kUsage.
Result<std::string> first_certificate_der(std::string_view pem);

/// The assertion is what stands in `file` at each exchange: kubelet writes it anew long before it ends.
std::unique_ptr<TokenSource> make_federated(ExchangeSpec spec, std::string file);

/// The assertion is signed with the key at `key`, read at each exchange. With `certificate_file` (PEM, leaf first) its thumbprint goes along
/// and the algorithm is PS256, as Entra asks; without, RS256 or what the curve says.
std::unique_ptr<TokenSource> make_key_exchange(ExchangeSpec spec, std::shared_ptr<const SecretPlace> key, std::string certificate_file);

/// Whether that key and certificate can be read and belong together. Errors: kUsage.
Result<void> check_key(const SecretPlace& key, const std::string& certificate_file);

}  // namespace wye::workload
