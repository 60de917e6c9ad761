// Signing in: what a command asks of an issuer, and what comes back.
// Sources: OpenID Connect Discovery 1.0 §4, RFC 6749, RFC 7523 (client assertions), RFC 7636 (PKCE), RFC 8252 (native apps), RFC 8628
// (devices), RFC 9207 (iss of an answer).
// Threads: those of a command; blocking.
#pragma once

#include "app/web_call.hpp"

namespace wye::app {

/// Where an issuer answers. Every endpoint is https, or loopback as the issuer itself is.
struct IssuerFacts {
  std::string issuer;
  std::string token_endpoint;
  std::string device_endpoint;         // empty: no device flow
  std::string authorization_endpoint;  // empty: no sign-in in a browser
};

/// Who asks whom for what.
struct SignIn {
  const Clock& clock;
  std::string client_id;
  std::string scope;
  std::filesystem::path ca_file;
  /// Told what the person has to do.
  std::function<void(const std::string&)> tell;
};

struct TokenAnswer {
  Secret access_token;
  Secret refresh_token;  // empty: none
  std::chrono::seconds expires_in{};
};

inline constexpr std::chrono::seconds kDeviceInterval{5};  // RFC 8628 §3.2: where the issuer names none
inline constexpr std::chrono::seconds kDeviceIntervalMax{60};
inline constexpr std::chrono::minutes kSignInMax{15};
inline constexpr std::chrono::seconds kAssertionLifetime = std::chrono::minutes(5);

/// Reads the discovery document; its `issuer` is `issuer`, byte for byte. Errors: kUsage, kCorrupt, kClosed, kTimeout.
Result<IssuerFacts> discover(const SignIn& sign_in, std::string_view issuer);

/// With a code that the person types elsewhere. Errors: kUnauthenticated (declined, expired, refused), kTimeout, kClosed, kCorrupt.
Result<TokenAnswer> sign_in_by_device(const SignIn& sign_in, const IssuerFacts& facts);
/// In a browser on this machine, which comes back to a port of ours. Errors: the same.
Result<TokenAnswer> sign_in_by_browser(const SignIn& sign_in, const IssuerFacts& facts);

/// How a program proves who it is; exactly one is set.
struct ProgramProof {
  std::filesystem::path key_file{};        // PEM: a private key, and its certificate where the issuer knows it by that
  std::filesystem::path assertion_file{};  // a token of another issuer (workload identity), read now
  std::filesystem::path secret_file{};     // a shared secret
};
/// client_credentials. Errors: kUsage (the files), kUnauthenticated, kTimeout, kClosed, kCorrupt.
Result<TokenAnswer> sign_in_as_program(const SignIn& sign_in, const IssuerFacts& facts, const ProgramProof& proof);

/// RFC 7523 §3: signed with the key in `pem`, for `audience`, alive for five minutes. Errors: kUsage.
Result<Secret> make_assertion(const Secret& pem, std::string_view client_id, std::string_view audience, WallTime now);

/// What the answer of a token endpoint means. Errors: kUnauthenticated with the issuer's error code, kCorrupt, kClosed (5xx).
Result<TokenAnswer> read_token_answer(const WebAnswer& answer);
/// The `error` member of such an answer; empty where there is none.
std::string error_code_of(const WebAnswer& answer);

/// One wait between two polls: RFC 8628 §3.5. Absent: stop, the code says why.
std::optional<std::chrono::seconds> next_interval(std::string_view error_code, std::chrono::seconds interval);

}  // namespace wye::app
