// What the issuer decides: authorize, token, devicecode, and what the owner may ask for.
#include "foundation/json/writer.hpp"
#include "identity/issuer/client_proof.hpp"
#include "identity/issuer/documents.hpp"
#include "identity/issuer/issuer.hpp"
#include "identity/issuer/pages.hpp"

namespace wye::issuer {
namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
constexpr size_t kStateBytesMax = 2'048;
constexpr size_t kChallengeChars = 43;
constexpr std::string_view kScopeHelp = "Ask for api://22222222-2222-4222-8222-222222222222/.default.";

/// RFC 8252 §7.3: a loopback address with any port, or `localhost`, as Microsoft's libraries write it. No userinfo, no fragment.
bool is_loopback_redirect(std::string_view uri) {
  constexpr std::string_view kScheme = "http://";
  const bool plain =
      std::ranges::all_of(uri, [](char c) { return c > ' ' && c < 0x7F && c != '#' && c != '\\' && c != '@' && c != '"' && c != '<'; });
  if (!plain || uri.size() > 512 || !uri.starts_with(kScheme)) return false;
  uri.remove_prefix(kScheme.size());
  const std::string_view authority = uri.substr(0, uri.find_first_of("/?"));
  for (const std::string_view host : {"127.0.0.1", "[::1]", "localhost"}) {
    if (!authority.starts_with(host)) continue;
    const std::string_view port = authority.substr(host.size());
    if (port.empty()) return true;
    const std::string_view digits = port.substr(1);
    return port.front() == ':' && !digits.empty() && digits.size() <= 5 && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  }
  return false;
}

std::string redirect_to(std::string_view uri, std::string_view query) {
  std::string out(uri);
  out += uri.contains('?') ? '&' : '?';
  out += query;
  return out;
}

std::string token_document(const MadeToken& token, std::string_view scope, std::string_view id_token, std::string_view refresh_token) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().string("token_type", "Bearer").string("scope", scope);
  writer.integer("expires_in", token.expires_in.count()).integer("ext_expires_in", token.expires_in.count());
  writer.string("access_token", token.text);
  if (!refresh_token.empty()) writer.string("refresh_token", refresh_token);
  if (!id_token.empty()) writer.string("id_token", id_token);
  writer.end_object();
  return body;
}

std::string user_scope() { return std::string(kApiUri) + "/" + std::string(kUserScope); }

}  // namespace

std::optional<LaptopIssuer::Scopes> LaptopIssuer::read_scopes(std::string_view text) {
  Scopes out;
  for (const std::string& word : words_of(text)) {
    if (word == "openid") out.openid = true;
    else if (word == "offline_access") out.offline = true;
    else if (word == "profile" || word == "email") continue;
    else {
      std::string_view rest = word;
      if (rest.starts_with(kApiUri)) rest.remove_prefix(kApiUri.size());
      else if (rest.starts_with(kApiId)) rest.remove_prefix(kApiId.size());
      else return std::nullopt;
      if (rest == "/.default") out.is_default = true;
      else if (rest != "/" + std::string(kUserScope)) return std::nullopt;
      out.api = true;
    }
  }
  return out;
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::token(http::ServerCall& call) {
  const Result<Form> form = co_await read_form(call);
  if (!form) co_return oauth_error(400, "invalid_request", client_message(form.error()));
  const std::string_view grant = form->value("grant_type");
  if (grant == "client_credentials") co_return token_for_app(*form);
  if (form->value("client_id") != kCommandLineId)
    co_return oauth_error(400, "unauthorized_client", "The application is unknown, or may not use this grant.");
  if (grant == "authorization_code") co_return token_for_code(*form);
  if (grant == kDeviceGrant || grant == "device_code") co_return token_for_device(*form);
  if (grant == "refresh_token") co_return token_for_refresh(*form);
  co_return oauth_error(400, "unsupported_grant_type", "The grant type is not supported.");
}

LaptopIssuer::Reply LaptopIssuer::token_for_app(const Form& form) {
  if (form.has("client_secret"))
    return oauth_error(401, "invalid_client", "There are no client secrets here: sign a client assertion with secrets/laptop-app.pem.");
  if (form.value("client_id") != kAppId) return oauth_error(400, "unauthorized_client", "The application is unknown, or may not use this grant.");
  if (form.value("client_assertion_type") != kAssertionType) return oauth_error(401, "invalid_client", "A client assertion is wanted (RFC 7523).");
  const std::array audiences = {url_below(options_.authority, kTokenPath), issuer_v2(options_.authority)};
  if (const auto proven = check_assertion(form.value("client_assertion"), options_.app_key, {kAppId, audiences}, now()); !proven)
    return oauth_error(401, "invalid_client", client_message(proven.error()));
  const std::optional<Scopes> scopes = read_scopes(form.value("scope"));
  if (!scopes || !scopes->is_default) return oauth_error(400, "invalid_scope", kScopeHelp);
  TokenWish wish;
  wish.client = kAppId;
  wish.proof = ClientProof::kCertificate;
  const Result<MadeToken> made = make_access_token(*keys_, options_.authority, wish, now());
  if (!made) return oauth_error(500, "server_error", "The token could not be signed.");
  return Reply{.body = token_document(*made, std::string(kApiUri) + "/.default", {}, {})};
}

LaptopIssuer::Reply LaptopIssuer::token_for_user(const Consent& consent, std::string refresh_token) {
  TokenWish wish;
  wish.user = options_.directory.find(consent.login);
  wish.client = consent.client;
  if (wish.user == nullptr) return oauth_error(400, "invalid_grant", "The user is gone.");
  const Result<MadeToken> made = make_access_token(*keys_, options_.authority, wish, now());
  std::string id_token;
  if (made && consent.openid) {
    Result<std::string> signed_id = make_id_token(*keys_, options_.authority, *wish.user, consent.client, consent.nonce, now());
    if (!signed_id) return oauth_error(500, "server_error", "The token could not be signed.");
    id_token = std::move(*signed_id);
  }
  if (!made) return oauth_error(500, "server_error", "The token could not be signed.");
  return Reply{.body = token_document(*made, user_scope(), id_token, refresh_token)};
}

LaptopIssuer::Reply LaptopIssuer::token_for_code(const Form& form) {
  std::optional<CodeSignIn> one = sign_ins_.take_code(form.value("code"), now());
  if (!one || one->consent.client != form.value("client_id") || one->redirect_uri != form.value("redirect_uri"))
    return oauth_error(400, "invalid_grant", "The code is unknown, too old, used, or another request's.");
  if (!proves(form.value("code_verifier"), one->challenge)) return oauth_error(400, "invalid_grant", "The code verifier does not match.");
  return token_for_user(one->consent, one->consent.offline ? sign_ins_.add_refresh(one->consent, now()) : std::string());
}

LaptopIssuer::Reply LaptopIssuer::token_for_device(const Form& form) {
  Consent consent;
  switch (sign_ins_.poll_device(form.value("device_code"), form.value("client_id"), now(), consent)) {
    case DevicePoll::kPending: return oauth_error(400, "authorization_pending", "Nobody has typed the code yet.");
    case DevicePoll::kSlowDown: return oauth_error(400, "slow_down", "Ask less often.");
    case DevicePoll::kDeclined: return oauth_error(400, "authorization_declined", "The person said no.");
    case DevicePoll::kExpired: return oauth_error(400, "expired_token", "Nobody typed the code in time.");
    case DevicePoll::kUnknown: return oauth_error(400, "bad_verification_code", "The device code is unknown.");
    case DevicePoll::kDone: break;
  }
  return token_for_user(consent, consent.offline ? sign_ins_.add_refresh(consent, now()) : std::string());
}

LaptopIssuer::Reply LaptopIssuer::token_for_refresh(const Form& form) {
  const std::optional<Consent> consent = sign_ins_.take_refresh(form.value("refresh_token"), now());
  if (!consent || consent->client != form.value("client_id"))
    return oauth_error(400, "invalid_grant", "The refresh token is unknown, too old, or used.");
  return token_for_user(*consent, sign_ins_.renew_refresh(*consent, now()));
}

net::Task<LaptopIssuer::Reply> LaptopIssuer::device_code(http::ServerCall& call) {
  const Result<Form> form = co_await read_form(call);
  if (!form) co_return oauth_error(400, "invalid_request", client_message(form.error()));
  if (form->value("client_id") != kCommandLineId) co_return oauth_error(400, "unauthorized_client", "The application is unknown.");
  const std::optional<Scopes> scopes = read_scopes(form->value("scope"));
  if (!scopes || !scopes->api) co_return oauth_error(400, "invalid_scope", kScopeHelp);
  const SignIns::NewDevice made = sign_ins_.add_device({{}, std::string(kCommandLineId), scopes->openid, scopes->offline, {}}, now());
  const std::string uri = options_.authority + std::string(kDeviceLoginPath);
  std::string body;
  json::Writer writer(body);
  writer.begin_object().string("device_code", made.device_code).string("user_code", made.user_code).string("verification_uri", uri);
  writer.integer("expires_in", kDeviceLifetime.count()).integer("interval", kPollInterval.count());
  writer.string("message", "To sign in, open " + uri + " in a browser on this machine and type the code " + made.user_code + ".").end_object();
  co_return Reply{.body = std::move(body)};
}

LaptopIssuer::Reply LaptopIssuer::sign_in(const Form& form, bool decided) {
  const std::string_view redirect = form.value("redirect_uri");
  // What may be wrong about who asks is never told to the address that it names.
  if (form.value("client_id") != kCommandLineId || !is_loopback_redirect(redirect))
    return {400, message_page("This can not be", "The application is unknown, or waits at an address that is not this machine's."), kHtml, {}};
  const std::string_view state = form.value("state");
  const auto back = [&](std::string query) {
    if (!state.empty()) append_field(query, "state", state);
    return Reply{302, {}, kHtml, redirect_to(redirect, query)};
  };
  const auto fail = [&](std::string_view error, std::string_view description) {
    std::string query;
    append_field(query, "error", error);
    append_field(query, "error_description", description);
    return back(std::move(query));
  };
  if (state.size() > kStateBytesMax || form.value("nonce").size() > kStateBytesMax) return fail("invalid_request", "state and nonce are too long.");
  if (form.value("response_type") != "code") return fail("unsupported_response_type", "Only response_type=code is supported.");
  if (const std::string_view mode = form.value("response_mode"); !mode.empty() && mode != "query")
    return fail("invalid_request", "Only response_mode=query is supported.");
  if (form.value("code_challenge_method") != "S256" || form.value("code_challenge").size() != kChallengeChars)
    return fail("invalid_request", "A code challenge of method S256 is required.");
  const std::optional<Scopes> scopes = read_scopes(form.value("scope"));
  if (!scopes || !scopes->api) return fail("invalid_scope", kScopeHelp);
  const auto page = [&](int status, std::string_view complaint) {
    return Reply{status, sign_in_page(options_.directory, form, url_below({}, kAuthorizePath), complaint), kHtml, {}};
  };
  if (!decided) return page(200, {});
  if (form.value(kAnswerField) == "deny") return fail("access_denied", "The person said no.");
  if (!is_owner_key(form.value(kOwnerField))) return page(403, "That is not the key of the owner.");
  const User* user = options_.directory.find(form.value(kUserField));
  if (user == nullptr || form.value(kAnswerField) != "allow") return page(400, "Choose who you are.");
  CodeSignIn one{{user->login, std::string(kCommandLineId), scopes->openid, scopes->offline, std::string(form.value("nonce"))},
                 std::string(redirect),
                 std::string(form.value("code_challenge")),
                 WallTime{now().ns + Nanos(kCodeLifetime).count()}};
  std::string query;
  append_field(query, "code", sign_ins_.add_code(std::move(one)));
  return back(std::move(query));
}

LaptopIssuer::Reply LaptopIssuer::owner_wish(const Form& form) {
  constexpr std::array<std::string_view, 7> kKnown = {"user", "app", "v1", "overage", "wrong_audience", "expired", "cae"};
  for (const auto& [name, value] : form.all()) {
    if (std::ranges::find(kKnown, name) == kKnown.end()) return oauth_error(400, "invalid_request", "The field " + name + " is unknown.");
    if (name != "user" && value != "true") return oauth_error(400, "invalid_request", "The field " + name + " is `true` or absent.");
  }
  TokenWish wish;
  wish.v1 = form.has("v1");
  wish.overage = form.has("overage");
  wish.wrong_audience = form.has("wrong_audience");
  wish.expired = form.has("expired");
  wish.cae = form.has("cae");
  if (form.has("app")) {
    if (form.has("user") || wish.overage) return oauth_error(400, "invalid_request", "An application is no user and has no groups.");
    wish.client = kAppId;
    wish.proof = ClientProof::kCertificate;
  } else {
    wish.client = kCommandLineId;
    wish.user = form.has("user") ? options_.directory.find(form.value("user")) : &options_.directory.owner();
    if (wish.user == nullptr) return oauth_error(400, "invalid_request", "No user has that login; secrets/laptop-users.json lists them.");
  }
  const Result<MadeToken> made = make_access_token(*keys_, options_.authority, wish, now());
  if (!made) return oauth_error(500, "server_error", "The token could not be signed.");
  return Reply{.body = token_document(*made, wish.user != nullptr ? user_scope() : std::string(kApiUri) + "/.default", {}, {})};
}

}  // namespace wye::issuer
