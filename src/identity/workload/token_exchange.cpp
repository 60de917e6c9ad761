#include "identity/workload/token_exchange.hpp"

#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/json/writer.hpp"

namespace wye::workload {
namespace {

constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr size_t kJtiDigits = 24;  // 142 bit

Fault of_error(const Error& error) { return retryable("token.assertion: " + (error.public_message.empty() ? error.detail : error.public_message)); }

net::Task<FetchResult> exchange(const ExchangeSpec& spec, FetchContext context, Secret assertion, net::Bound bound) {
  FetchCall call;
  call.post = true;
  call.url = spec.token_url;
  call.tls = spec.trust.get();
  call.body = exchange_form(spec, assertion.reveal());
  co_return co_await fetch_token(context, std::move(call), bound);
}

class Federated final : public TokenSource {
 public:
  Federated(ExchangeSpec spec, std::string file) : spec_(std::move(spec)), file_(std::move(file)) {}
  net::Task<FetchResult> fetch(FetchContext context, net::Bound bound) override {
    Result<Secret> assertion = read_platform_file(file_);
    if (!assertion) co_return std::unexpected(of_error(assertion.error()));
    co_return co_await exchange(spec_, context, std::move(*assertion), bound);
  }
  std::string place() const override { return spec_.token_url.origin() + spec_.token_url.target; }

 private:
  const ExchangeSpec spec_;
  const std::string file_;
};

struct SigningKey {
  crypto::PrivateKey key;
  std::string thumbprint;  // empty: no certificate
};

Result<SigningKey> read_key(const SecretPlace& place, const std::string& certificate_file) {
  TRY(const Secret pem, place.read());
  Result<crypto::PrivateKey> key = crypto::PrivateKey::from_pem(pem);
  if (!key) return Fail(public_error(ErrorCode::kUsage, "The private key is none that can be used: " + key.error().detail));
  if (certificate_file.empty()) return SigningKey{std::move(*key), {}};
  TRY(const std::string chain, read_public_file(certificate_file));
  Result<std::string> der = first_certificate_der(chain);
  if (!der) return Fail(public_error(ErrorCode::kUsage, "The file " + certificate_file + " holds no certificate in PEM."));
  if (key->public_key().kind() != crypto::KeyKind::kRsa) return Fail(public_error(ErrorCode::kUsage, "Entra takes certificates with RSA keys only."));
  if (!crypto::belongs_to(*key, *der)) return Fail(public_error(ErrorCode::kUsage, "The private key is not that of the certificate."));
  return SigningKey{std::move(*key), crypto::to_base64url(crypto::as_text(crypto::sha256(*der)))};
}

class KeyExchange final : public TokenSource {
 public:
  KeyExchange(ExchangeSpec spec, std::shared_ptr<const SecretPlace> key, std::string certificate_file)
      : spec_(std::move(spec)),
        key_(std::move(key)),
        certificate_file_(std::move(certificate_file)) {}
  net::Task<FetchResult> fetch(FetchContext context, net::Bound bound) override {
    const Result<SigningKey> key = read_key(*key_, certificate_file_);
    if (!key) co_return std::unexpected(of_error(key.error()));
    const auto algorithm = key->thumbprint.empty() ? key->key.default_algorithm() : crypto::SignatureAlgorithm::kPs256;
    Result<Secret> assertion = sign_client_assertion(key->key, algorithm, spec_.client_id, spec_.token_url.origin() + spec_.token_url.target,
                                                     key->thumbprint, context.clock.wall(), crypto::random_base62(kJtiDigits));
    if (!assertion) co_return std::unexpected(of_error(assertion.error()));
    co_return co_await exchange(spec_, context, std::move(*assertion), bound);
  }
  std::string place() const override { return spec_.token_url.origin() + spec_.token_url.target; }

 private:
  const ExchangeSpec spec_;
  const std::shared_ptr<const SecretPlace> key_;
  const std::string certificate_file_;
};

}  // namespace

Result<Url> entra_token_url(std::string_view authority, std::string_view tenant) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  if (tenant.empty() || tenant.starts_with('.') || !std::ranges::all_of(tenant, plain))
    return Fail(public_error(ErrorCode::kUsage, "A tenant is a GUID or a domain name."));
  if (authority.ends_with('/')) authority.remove_suffix(1);
  return parse_url(std::string(authority) + "/" + std::string(tenant) + "/oauth2/v2.0/token");
}

Secret exchange_form(const ExchangeSpec& spec, std::string_view assertion) {
  std::string form;
  form.reserve(512 + 3 * (spec.client_id.size() + spec.scope.size() + assertion.size()));  // no copy is left behind by growing
  add_parameter(form, "grant_type", "client_credentials");
  add_parameter(form, "client_id", spec.client_id);
  if (!spec.scope.empty()) add_parameter(form, "scope", spec.scope);
  add_parameter(form, "client_assertion_type", kAssertionType);
  add_parameter(form, "client_assertion", assertion);
  return Secret(std::move(form));
}

Result<Secret> sign_client_assertion(const crypto::PrivateKey& key, crypto::SignatureAlgorithm algorithm, std::string_view client_id,
                                     std::string_view audience, std::string_view x5t_s256, WallTime now, std::string_view jti) {
  std::string members = R"("typ":"JWT")";
  if (!x5t_s256.empty()) members += R"(,"x5t#S256":")" + std::string(x5t_s256) + "\"";
  std::string claims;
  json::Writer writer(claims);
  const int64_t at = now.seconds();
  const int64_t end = at + std::chrono::duration_cast<std::chrono::seconds>(kAssertionLife).count();
  writer.begin_object().string("aud", audience).string("iss", client_id).string("sub", client_id).string("jti", jti);
  writer.integer("iat", at).integer("nbf", at).integer("exp", end).end_object();
  TRY(std::string jws, crypto::sign_jws(key, algorithm, members, claims));
  return Secret(std::move(jws));
}

Result<std::string> first_certificate_der(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const size_t begin = pem.find(kBegin);
  const size_t end = begin == std::string_view::npos ? begin : pem.find(kEnd, begin);
  if (end == std::string_view::npos) return Fail(public_error(ErrorCode::kUsage, "no certificate in PEM"));
  std::string base64;
  for (const char c : pem.substr(begin + kBegin.size(), end - begin - kBegin.size())) {
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') base64 += c;
  }
  std::optional<std::string> der = crypto::from_base64(base64);
  if (!der || der->empty()) return Fail(public_error(ErrorCode::kUsage, "no certificate in PEM"));
  return std::move(*der);
}

std::unique_ptr<TokenSource> make_federated(ExchangeSpec spec, std::string file) {
  return std::make_unique<Federated>(std::move(spec), std::move(file));
}

std::unique_ptr<TokenSource> make_key_exchange(ExchangeSpec spec, std::shared_ptr<const SecretPlace> key, std::string certificate_file) {
  return std::make_unique<KeyExchange>(std::move(spec), std::move(key), std::move(certificate_file));
}

Result<void> check_key(const SecretPlace& key, const std::string& certificate_file) {
  TRY(const SigningKey read, read_key(key, certificate_file));
  static_cast<void>(read);
  return {};
}

}  // namespace wye::workload
