// Who calls, from everything that a request shows: an API key, a token of an issuer, a client certificate, a proof of possession.
//
//   auto found = authenticator.try_authenticate(shown, now);          // keys and tokens seen before: no wait, no coroutine frame
//   if (!found) found = co_await authenticator.authenticate(shown, now);
//
// Order: the credential of the headers decides, a certificate alone counts only where there is none. A token that is bound to a
// sender (`cnf`) is good only with the proof, in every mode; a Gateway that requires proof takes no other token.
// Sources: RFC 6750 §2.1, RFC 8705 §3, RFC 9449 §7.
#pragma once

#include "identity/token/certificate.hpp"
#include "identity/token/challenge.hpp"
#include "identity/token/credential.hpp"
#include "identity/token/dpop.hpp"
#include "identity/token/key_index.hpp"
#include "identity/token/token_reader.hpp"

namespace wye::token {

/// What a Gateway accepts (`Gateway.auth`), made when its configuration is.
struct AuthRules {
  bool api_keys = true;
  std::vector<IssuerRulesPtr> issuers{};
  ProofMode proof = ProofMode::kAccept;
  const DpopNonces* nonces = nullptr;  // null: no server nonce is asked for; outlives the rules
};
using AuthRulesPtr = std::shared_ptr<const AuthRules>;

/// What a request shows. Views and pointers live until the answer of the call they are given to.
struct ShownCredentials {
  CredentialHeaders headers{};
  std::span<const std::string_view> dpop{};  // the value of each `DPoP` line
  std::string_view method{};
  std::string_view scheme = "https";         // of the listener
  std::string_view authority{};              // host[:port] that the Gateway accepted the request for
  std::string_view path{};                   // decoded
  std::span<const std::string> chain{};      // DER of the client's certificates, leaf first; empty: none
  std::unique_ptr<http::ConnectionNote>* note = nullptr;  // of the connection; required with `chain`
  const ForwardedCertificate* forwarded = nullptr;        // of a trusted proxy, whose own chain is above; null: none
};

/// One a worker. Threads: its own. Must go after every PrincipalRef it gave.
class Authenticator {
 public:
  /// All of it outlives it. `replays` is shared by all workers.
  struct Parts {
    net::Loop& loop;
    const Clock& clock;
    const KeyIndex& keys;
    KeySets& key_sets;
    const CertificateTrust& certificates;
    ReplayStore& replays;
    size_t cache_bytes = kVerifiedTokensBytes;  // this worker's share
  };
  explicit Authenticator(const Parts& parts);

  /// A new configuration; cheap where it is the one it has.
  void take(AuthRulesPtr rules);

  /// Absent: it has to wait for keys; then `authenticate`. Errors: kUnauthenticated, kInvalidRequest (two credentials), kAuthUnavailable
  /// (retry in 5 s); the detail is the reason for the log (`auth.* key.* jws.* claims.* dpop.* certificate.* issuer.*`).
  std::optional<Result<PrincipalRef>> try_authenticate(const ShownCredentials& shown, WallTime now);
  /// The same with the wait, at most kKeyWaitMax.
  net::Task<Result<PrincipalRef>> authenticate(ShownCredentials shown, WallTime now);

  const TokenCounts& counts() const { return tokens_.counts(); }

 private:
  struct Presented;
  Result<Presented> presented(const ShownCredentials& shown) const;
  Result<PrincipalRef> by_key(std::string_view key, WallTime now);
  Result<PrincipalRef> by_certificate(const ShownCredentials& shown, WallTime now);
  Result<PrincipalRef> prove(VerifiedToken token, const Presented& presented, const ShownCredentials& shown, WallTime now);
  Result<void> prove_certificate(const Confirmation& confirmation, const ShownCredentials& shown, WallTime now);
  Result<void> prove_key(const Confirmation& confirmation, std::string_view token, const ShownCredentials& shown, WallTime now);

  Parts parts_;
  KeyReader keys_;
  TokenReader tokens_;
  CertificateReader certificates_;
  AuthRulesPtr rules_;
  bool takes_tokens_ = false;
  bool takes_certificates_ = false;
};

}  // namespace wye::token
