#include "identity/issuer/issuer.hpp"

#include "foundation/json/writer.hpp"
#include "identity/issuer/documents.hpp"
#include "identity/issuer/pages.hpp"

namespace wye::issuer {
namespace {

constexpr Nanos kRotateMax = std::chrono::seconds(30);
constexpr size_t kHeadFieldsMax = 8;
/// No script and no frame; a form may lead to the loopback address where a program waits for its code.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http://127.0.0.1:* http://[::1]:* http://localhost:*; "
    "frame-ancestors 'none'; base-uri 'none'";

}  // namespace

LaptopIssuer::LaptopIssuer(const IssuerParts& parts, IssuerOptions options, SigningKeys keys)
    : parts_(parts),
      options_(std::move(options)),
      keys_(std::make_shared<const SigningKeys>(std::move(keys))) {}

std::span<const LaptopIssuer::Place> LaptopIssuer::places() {
  using http::Method::kGet;
  using http::Method::kPost;
  static constexpr std::array kPlaces = {
      Place{kDiscoveryV2, kGet, &LaptopIssuer::discovery_v2},
      Place{kDiscoveryV1, kGet, &LaptopIssuer::discovery_v1},
      Place{kKeysPath, kGet, &LaptopIssuer::keys_v2},
      Place{kKeysPathV1, kGet, &LaptopIssuer::keys_v1},
      Place{kTokenPath, kPost, &LaptopIssuer::token},
      Place{kDeviceCodePath, kPost, &LaptopIssuer::device_code},
      Place{kAuthorizePath, kGet, &LaptopIssuer::authorize},
      Place{kAuthorizePath, kPost, &LaptopIssuer::authorize_decided},
      Place{kDeviceLoginPath, kGet, &LaptopIssuer::device_login},
      Place{kDeviceLoginPath, kPost, &LaptopIssuer::device_decided},
      Place{kOwnerTokenPath, kPost, &LaptopIssuer::owner_token},
      Place{kOwnerRotatePath, kPost, &LaptopIssuer::owner_rotate},
  };
  return kPlaces;
}

net::Task<void> LaptopIssuer::answer(http::ServerCall& call) {
  if (!is_local_host(call)) co_return co_await send(call, oauth_error(421, "invalid_request", "The Host header names no loopback address."));
  std::string_view path = call.target().path();
  const std::string tenant = "/" + std::string(kTenantId);
  if (path != kDeviceLoginPath) {
    if (!path.starts_with(tenant)) co_return co_await send(call, oauth_error(404, "invalid_request", "Unknown tenant or path."));
    path.remove_prefix(tenant.size());
  }
  bool known = false;
  for (const Place& place : places()) {
    if (place.path != path) continue;
    known = true;
    if (place.method != call.head().method) continue;
    Reply reply = co_await (this->*place.answer)(call);
    co_return co_await send(call, std::move(reply));
  }
  co_await send(call, known ? oauth_error(405, "invalid_request", "Another method is wanted here.")
                            : oauth_error(404, "invalid_request", "Unknown tenant or path."));
}

net::Task<void> LaptopIssuer::refuse(http::ServerCall& call, Error error) {
  co_await send(call, oauth_error(error_row(error.code).status, "invalid_request", client_message(error)));
}

net::Task<void> LaptopIssuer::send(http::ServerCall& call, Reply reply) {
  std::array<http::OutField, kHeadFieldsMax> fields;
  size_t count = 0;
  const auto add = [&](std::string_view name, std::string_view value) { fields[count++] = {name, value}; };
  add("cache-control", "no-store");
  add("x-content-type-options", "nosniff");
  if (!reply.location.empty()) add("location", reply.location);
  if (reply.type.starts_with("text/html")) {
    add("content-security-policy", kPagePolicy);
    add("x-frame-options", "DENY");
    add("referrer-policy", "no-referrer");
  }
  const iovec piece = net::piece(reply.body);
  co_await call.respond({reply.status, reply.type, std::span(fields).first(count)}, {&piece, 1});
}

bool LaptopIssuer::is_local_host(http::ServerCall& call) const {
  const std::string_view host = call.head().value(http::Known::kHost);
  const std::string port = ":" + std::to_string(options_.port);
  return std::ranges::any_of(std::array<std::string_view, 3>{"127.0.0.1", "localhost", "[::1]"},
                             [&](std::string_view name) { return host == std::string(name) + port; });
}

bool LaptopIssuer::is_owner_key(std::string_view text) const { return crypto::equal_constant_time(crypto::sha256(text), options_.owner_key); }

bool LaptopIssuer::owner_asks(http::ServerCall& call) const {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view value = call.head().value(http::Known::kAuthorization);
  return value.starts_with(kBearer) && is_owner_key(value.substr(kBearer.size()));
}

LaptopIssuer::Reply LaptopIssuer::oauth_error(int status, std::string_view error, std::string_view description) {
  return {status, error_document(error, description), "application/json", {}};
}

LaptopIssuer::Reply LaptopIssuer::owner_only() {
  return oauth_error(401, "invalid_client", "This is for the owner of the data folder, who proves it with secrets/laptop-owner.key.");
}

net::Task<Result<Form>> LaptopIssuer::read_form(http::ServerCall& call) {
  const std::string_view type = call.head().value(http::Known::kContentType);
  if (!http::equals_ignore_case(type.substr(0, type.find(';')), "application/x-www-form-urlencoded"))
    co_return Fail(public_error(ErrorCode::kWrongType, "A form is wanted (application/x-www-form-urlencoded)."));
  CO_TRY(const std::span<char> body, co_await call.read_body(kFormBytesMax));
  co_return Form::parse({body.data(), body.size()});
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::discovery_v1(http::ServerCall&) {
  co_return Reply{.body = discovery_document(options_.authority, true)};
}
net::Task<LaptopIssuer::Reply> LaptopIssuer::discovery_v2(http::ServerCall&) {
  co_return Reply{.body = discovery_document(options_.authority, false)};
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::keys_v1(http::ServerCall&) { co_return Reply{.body = keys_->key_set({})}; }
net::Task<LaptopIssuer::Reply> LaptopIssuer::keys_v2(http::ServerCall&) {
  co_return Reply{.body = keys_->key_set(options_.authority + "/{tenantid}/v2.0")};
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::authorize(http::ServerCall& call) {
  const Result<Form> form = Form::parse(call.target().query());
  co_return form ? sign_in(*form, false) : oauth_error(400, "invalid_request", client_message(form.error()));
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::authorize_decided(http::ServerCall& call) {
  const Result<Form> form = co_await read_form(call);
  co_return form ? sign_in(*form, true) : oauth_error(400, "invalid_request", client_message(form.error()));
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::device_login(http::ServerCall& call) {
  const Result<Form> form = Form::parse(call.target().query());
  if (!form) co_return oauth_error(400, "invalid_request", client_message(form.error()));
  co_return Reply{.body = device_page(options_.directory, form->value(kUserCodeField), kDeviceLoginPath, {}), .type = "text/html; charset=utf-8"};
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::device_decided(http::ServerCall& call) {
  const Result<Form> form = co_await read_form(call);
  if (!form) co_return oauth_error(400, "invalid_request", client_message(form.error()));
  const auto page = [](int status, std::string body) { return Reply{status, std::move(body), "text/html; charset=utf-8", {}}; };
  const std::string_view code = form->value(kUserCodeField);
  if (!is_owner_key(form->value(kOwnerField)))
    co_return page(403, device_page(options_.directory, code, kDeviceLoginPath, "That is not the key of the owner."));
  DeviceSignIn* device = sign_ins_.find_device(code, now());
  if (device == nullptr) co_return page(404, device_page(options_.directory, code, kDeviceLoginPath, "No program waits with that code."));
  const User* user = options_.directory.find(form->value(kUserField));
  if (form->value(kAnswerField) != "allow" || user == nullptr) {
    device->declined = true;
    co_return page(200, message_page("Denied", "The program gets no token."));
  }
  device->consent.login = user->login;
  co_return page(200, message_page("Signed in", "The program has its token in a moment. You may close this page."));
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::owner_token(http::ServerCall& call) {
  if (!owner_asks(call)) co_return owner_only();
  const Result<Form> form = co_await read_form(call);
  co_return form ? owner_wish(*form) : oauth_error(400, "invalid_request", client_message(form.error()));
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::owner_rotate(http::ServerCall& call) {
  if (!owner_asks(call)) co_return owner_only();
  if (rotating_) co_return oauth_error(409, "invalid_request", "A rotation is under way.");
  rotating_ = true;
  // Owns what it touches: the pool's thread may outlive the wait.
  const auto rotate = [before = keys_, keep = options_.keep_keys]() -> std::shared_ptr<const SigningKeys> {
    Result<SigningKeys> fresh = before->rotated();
    if (!fresh || (keep && !keep(fresh->to_text()))) return nullptr;
    return std::make_shared<const SigningKeys>(std::move(*fresh));
  };
  Result<std::shared_ptr<const SigningKeys>> made = co_await parts_.offload.run(parts_.loop, rotate, {parts_.loop.after(kRotateMax), nullptr});
  rotating_ = false;
  if (!made || *made == nullptr) co_return oauth_error(500, "server_error", "The keys could not be made or written down; the old ones stay.");
  keys_ = std::move(*made);
  std::string body;
  json::Writer(body).begin_object().string("kid", keys_->kid()).end_object();
  co_return Reply{.body = std::move(body)};
}

}  // namespace wye::issuer
