#include "app/oauth_client.hpp"

#include <poll.h>

#include "app/loopback_redirect.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr std::string_view kDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
constexpr size_t kSecretBytes = 32;
constexpr Bytes kFileMax = 64_KiB;
constexpr json::Limits kAnswerLimits{.bytes_max = 1_MiB, .depth_max = 16};

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->text() : std::string();
}

Result<WebAnswer> post(const SignIn& sign_in, std::string_view url, const FormText& form) {
  WebCall call;
  call.url = url;
  call.method = "POST";
  call.content_type = kForm;
  call.body = form.text();
  call.ca_file = sign_in.ca_file;
  return web_call(sign_in.clock, call);
}

void wait(std::chrono::seconds duration) {
  ::poll(nullptr, 0, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()));
}

/// A word of an issuer that may stand in a terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 300)) out += static_cast<unsigned char>(c) < ' ' || c == 0x7F ? ' ' : c;
  return out;
}

Error refused(std::string_view code, std::string_view description) {
  std::string text = "The issuer refuses";
  if (!code.empty()) text += " (" + printable(code) + ")";
  if (!description.empty()) text += ": " + printable(description);
  else text += ".";
  return public_error(ErrorCode::kUnauthenticated, std::move(text));
}

Result<Secret> read_file(const std::filesystem::path& path) {
  Result<std::string> text = os::read_file(path, kFileMax);
  if (!text) return Fail(public_error(ErrorCode::kUsage, text.error().detail.empty() ? path.string() + " can not be read" : text.error().detail));
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return Secret(std::move(*text));
}

/// DER of the first certificate of a PEM text; empty where there is none.
std::string certificate_of(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  const size_t begin = pem.find(kBegin);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = pem.substr(begin + kBegin.size());
  std::string base64;
  for (const char c : rest.substr(0, rest.find('-'))) {
    if (c != '\n' && c != '\r') base64 += c;
  }
  return crypto::from_base64(base64).value_or(std::string());
}

struct DeviceAnswer {
  std::string device_code;
  std::string message;
  std::chrono::seconds interval = kDeviceInterval;
  std::chrono::seconds expires_in{};
};

Result<DeviceAnswer> begin_device(const SignIn& sign_in, const IssuerFacts& facts) {
  FormText form;
  form.add("client_id", sign_in.client_id).add("scope", sign_in.scope);
  TRY(const WebAnswer answer, post(sign_in, facts.device_endpoint, form));
  json::Document document;
  if (!document.parse(answer.body, kAnswerLimits) || !document.root().is_object())
    return Fail(public_error(ErrorCode::kCorrupt, "The issuer's answer is no JSON object (status " + std::to_string(answer.status) + ")."));
  const json::Value root = document.root();
  if (answer.status != 200) return Fail(refused(text_of(root, "error"), text_of(root, "error_description")));
  DeviceAnswer out;
  out.device_code = text_of(root, "device_code");
  const std::string uri = text_of(root, "verification_uri");
  const std::string code = text_of(root, "user_code");
  const auto seconds = [&](std::string_view name) { return root.find(name) ? root.find(name)->integer() : std::nullopt; };
  if (out.device_code.empty() || uri.empty() || code.empty())
    return Fail(public_error(ErrorCode::kCorrupt, "The issuer's answer has no code to type."));
  out.message = "To sign in, open " + printable(uri) + " and type the code " + printable(code) + ".";
  out.interval = std::clamp(std::chrono::seconds(seconds("interval").value_or(kDeviceInterval.count())), std::chrono::seconds(1), kDeviceIntervalMax);
  out.expires_in = std::clamp(std::chrono::seconds(seconds("expires_in").value_or(0)), std::chrono::seconds(1), std::chrono::seconds(kSignInMax));
  return out;
}

}  // namespace

Result<IssuerFacts> discover(const SignIn& sign_in, std::string_view issuer) {
  TRY(const WebUrl own, parse_web_url(issuer));
  const std::string url = std::string(issuer) + (issuer.ends_with('/') ? "" : "/") + ".well-known/openid-configuration";
  WebCall call;
  call.url = url;
  call.ca_file = sign_in.ca_file;
  TRY(const WebAnswer answer, web_call(sign_in.clock, call));
  json::Document document;
  if (answer.status != 200 || !document.parse(answer.body, kAnswerLimits) || !document.root().is_object())
    return Fail(public_error(ErrorCode::kCorrupt, url + " is no discovery document (status " + std::to_string(answer.status) + ")."));
  const json::Value root = document.root();
  if (text_of(root, "issuer") != issuer)
    return Fail(
        public_error(ErrorCode::kCorrupt, "That issuer calls itself " + printable(text_of(root, "issuer")) + ", not " + std::string(issuer) + "."));
  IssuerFacts facts{std::string(issuer), text_of(root, "token_endpoint"), text_of(root, "device_authorization_endpoint"),
                    text_of(root, "authorization_endpoint")};
  for (const std::string* endpoint : {&facts.token_endpoint, &facts.device_endpoint, &facts.authorization_endpoint}) {
    if (endpoint->empty()) continue;
    TRY(const WebUrl where, parse_web_url(*endpoint));
    if (own.tls && !where.tls)
      return Fail(public_error(ErrorCode::kCorrupt, "The issuer names an endpoint without TLS: " + printable(*endpoint) + "."));
  }
  if (facts.token_endpoint.empty()) return Fail(public_error(ErrorCode::kCorrupt, "The issuer names no token endpoint."));
  return facts;
}

std::string error_code_of(const WebAnswer& answer) {
  json::Document document;
  return document.parse(answer.body, kAnswerLimits) && document.root().is_object() ? text_of(document.root(), "error") : std::string();
}

Result<TokenAnswer> read_token_answer(const WebAnswer& answer) {
  constexpr int64_t kWeek = 7 * 86'400;
  json::Document document;
  const bool parsed = document.parse(answer.body, kAnswerLimits) && document.root().is_object();
  if (answer.status >= 500) return Fail(public_error(ErrorCode::kClosed, "The issuer answers " + std::to_string(answer.status) + "."));
  if (answer.status != 200)
    return Fail(parsed ? refused(text_of(document.root(), "error"), text_of(document.root(), "error_description"))
                       : refused("status " + std::to_string(answer.status), {}));
  const auto seconds = parsed && document.root().find("expires_in") ? document.root().find("expires_in")->integer() : std::nullopt;
  std::string token = parsed ? text_of(document.root(), "access_token") : std::string();
  if (token.empty() || !seconds || *seconds <= 0 || *seconds > kWeek)
    return Fail(public_error(ErrorCode::kCorrupt, "The issuer's answer has no token."));
  return TokenAnswer{Secret(std::move(token)), Secret(text_of(document.root(), "refresh_token")), std::chrono::seconds(*seconds)};
}

std::optional<std::chrono::seconds> next_interval(std::string_view error_code, std::chrono::seconds interval) {
  constexpr std::chrono::seconds kSlowDown{5};
  if (error_code == "authorization_pending") return interval;
  if (error_code == "slow_down") return std::min(interval + kSlowDown, kDeviceIntervalMax);
  return std::nullopt;
}

Result<TokenAnswer> sign_in_by_device(const SignIn& sign_in, const IssuerFacts& facts) {
  if (facts.device_endpoint.empty()) return Fail(public_error(ErrorCode::kUsage, "That issuer has no device flow; try --browser."));
  TRY(const DeviceAnswer device, begin_device(sign_in, facts));
  sign_in.tell(device.message);
  const MonoTime end = sign_in.clock.mono() + Nanos(device.expires_in);
  FormText form;
  form.add("grant_type", kDeviceGrant).add("client_id", sign_in.client_id).add("device_code", device.device_code);
  std::chrono::seconds interval = device.interval;
  for (;;) {
    wait(interval);
    if (sign_in.clock.mono() >= end) return Fail(public_error(ErrorCode::kUnauthenticated, "Nobody typed the code in time."));
    const Result<WebAnswer> answer = post(sign_in, facts.token_endpoint, form);
    if (!answer) {
      // RFC 8628 §3.5: an issuer that is not there is asked less and less often.
      if (answer.error().code == ErrorCode::kUsage) return Fail(Error(answer.error()));
      interval = std::min(interval * 2, kDeviceIntervalMax);
      continue;
    }
    if (answer->status == 200) return read_token_answer(*answer);
    const std::string code = error_code_of(*answer);
    const auto next = next_interval(code, interval);
    if (next) {
      interval = *next;
      continue;
    }
    if (code == "authorization_declined" || code == "access_denied")
      return Fail(public_error(ErrorCode::kUnauthenticated, "The sign-in was declined."));
    if (code == "expired_token" || code == "bad_verification_code")
      return Fail(public_error(ErrorCode::kUnauthenticated, "The code is no longer valid: run `wye login` again."));
    return read_token_answer(*answer);
  }
}

Result<TokenAnswer> sign_in_by_browser(const SignIn& sign_in, const IssuerFacts& facts) {
  if (facts.authorization_endpoint.empty()) return Fail(public_error(ErrorCode::kUsage, "That issuer has no sign-in in a browser."));
  TRY(const std::unique_ptr<LoopbackRedirect> redirect, LoopbackRedirect::open(sign_in.clock));
  const std::string verifier = crypto::to_base64url(crypto::random_bytes(kSecretBytes));
  const std::string state = crypto::to_base64url(crypto::random_bytes(kSecretBytes));
  FormText query;
  query.add("response_type", "code").add("client_id", sign_in.client_id).add("redirect_uri", redirect->uri()).add("scope", sign_in.scope);
  query.add("state", state)
      .add("code_challenge", crypto::to_base64url(crypto::as_text(crypto::sha256(verifier))))
      .add("code_challenge_method", "S256");
  sign_in.tell("To sign in, open this address in a browser on this machine:\n  " + facts.authorization_endpoint +
               (facts.authorization_endpoint.contains('?') ? "&" : "?") + query.text());
  TRY(const RedirectAnswer answer, redirect->wait(state, kSignInMax));
  if (!answer.issuer.empty() && answer.issuer != facts.issuer)
    return Fail(public_error(ErrorCode::kUnauthenticated, "The answer comes from another issuer."));
  if (!answer.error.empty()) return Fail(refused(answer.error, answer.error_description));
  FormText form;
  form.add("grant_type", "authorization_code").add("client_id", sign_in.client_id).add("code", answer.code);
  form.add("redirect_uri", redirect->uri()).add("code_verifier", verifier);
  TRY(const WebAnswer token, post(sign_in, facts.token_endpoint, form));
  return read_token_answer(token);
}

Result<Secret> make_assertion(const Secret& pem, std::string_view client_id, std::string_view audience, WallTime now) {
  Result<crypto::PrivateKey> key = crypto::PrivateKey::from_pem(pem);
  if (!key) return Fail(public_error(ErrorCode::kUsage, "The key file holds no private key that can be used (PEM, without a passphrase)."));
  std::string header = R"("typ":"JWT")";
  // Issuers that know a certificate find it by its thumbprint. A kid would have to be the one that the key was registered with.
  if (const std::string der = certificate_of(pem.reveal()); !der.empty())
    header += R"(,"x5t#S256":")" + crypto::to_base64url(crypto::as_text(crypto::sha256(der))) + '"';
  std::string payload;
  json::Writer writer(payload);
  writer.begin_object().string("iss", client_id).string("sub", client_id).string("aud", audience);
  writer.string("jti", crypto::to_base64url(crypto::random_bytes(kSecretBytes))).integer("iat", now.seconds()).integer("nbf", now.seconds());
  writer.integer("exp", now.seconds() + kAssertionLifetime.count()).end_object();
  TRY(std::string text, crypto::sign_jws(*key, key->default_algorithm(), header, payload));
  return Secret(std::move(text));
}

Result<TokenAnswer> sign_in_as_program(const SignIn& sign_in, const IssuerFacts& facts, const ProgramProof& proof) {
  FormText form;
  form.add("grant_type", "client_credentials").add("client_id", sign_in.client_id).add("scope", sign_in.scope);
  if (!proof.secret_file.empty()) {
    TRY(const Secret secret, read_file(proof.secret_file));
    form.add("client_secret", secret.reveal());
  } else {
    Secret assertion;
    if (!proof.key_file.empty()) {
      TRY(const Secret pem, read_file(proof.key_file));
      TRY(assertion, make_assertion(pem, sign_in.client_id, facts.token_endpoint, sign_in.clock.wall()));
    } else {
      TRY(assertion, read_file(proof.assertion_file));
    }
    form.add("client_assertion_type", kAssertionType).add("client_assertion", assertion.reveal());
  }
  TRY(const WebAnswer answer, post(sign_in, facts.token_endpoint, form));
  return read_token_answer(answer);
}

}  // namespace wye::app
