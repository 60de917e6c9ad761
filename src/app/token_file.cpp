#include "app/token_file.hpp"

#include <sys/stat.h>

#include "app/web_call.hpp"
#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr Bytes kFileMax = 256_KiB;

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->text() : std::string();
}

/// Errors: kUnauthenticated where the issuer says no, kCorrupt where its answer means nothing.
Result<void> renew(StoredLogin& login, const Clock& clock) {
  FormText form;
  form.add("grant_type", "refresh_token").add("client_id", login.client_id).add("refresh_token", login.refresh_token.reveal());
  if (!login.scope.empty()) form.add("scope", login.scope);
  WebCall call;
  call.url = login.token_endpoint;
  call.method = "POST";
  call.content_type = "application/x-www-form-urlencoded";
  call.body = form.text();
  call.ca_file = login.ca_file;
  TRY(const WebAnswer answer, web_call(clock, call));
  json::Document document;
  const bool parsed = document.parse(answer.body, {.bytes_max = kFileMax, .depth_max = 8}) && document.root().is_object();
  if (answer.status >= 500) return Fail(public_error(ErrorCode::kClosed, "The issuer answers " + std::to_string(answer.status) + "."));
  if (answer.status != 200 || !parsed) {
    const std::string code = parsed ? text_of(document.root(), "error") : std::string();
    return Fail(public_error(ErrorCode::kUnauthenticated, "The sign-in can not be renewed" + (code.empty() ? "" : " (" + code + ")") + "."));
  }
  const auto seconds = document.root().find("expires_in") ? document.root().find("expires_in")->integer() : std::nullopt;
  std::string token = text_of(document.root(), "access_token");
  if (token.empty() || !seconds || *seconds <= 0 || *seconds > 7 * 86'400)
    return Fail(public_error(ErrorCode::kCorrupt, "The issuer's answer has no token."));
  login.access_token = Secret(std::move(token));
  login.expires_at = WallTime{clock.wall().ns + Nanos(std::chrono::seconds(*seconds)).count()};
  // RFC 6749 §6: a new one replaces the old, else the old one stays good.
  if (std::string fresh = text_of(document.root(), "refresh_token"); !fresh.empty()) login.refresh_token = Secret(std::move(fresh));
  return {};
}

}  // namespace

Result<std::filesystem::path> token_file_path(const Environment& environment) {
  if (const std::string xdg = environment("XDG_CONFIG_HOME"); !xdg.empty()) return std::filesystem::path(xdg) / "wye/login.json";
  if (const std::string home = environment("HOME"); !home.empty()) return std::filesystem::path(home) / ".config/wye/login.json";
  return Fail(public_error(ErrorCode::kUsage, "No place for the token file: set HOME or XDG_CONFIG_HOME."));
}

Result<StoredLogin> load_login(const std::filesystem::path& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & 0077) != 0)
    return Fail(public_error(ErrorCode::kForbidden, path.string() + " may be read by others: remove it and sign in again."));
  Result<std::string> text = os::read_file(path, kFileMax);
  if (!text && text.error().code == ErrorCode::kNotFound) return Fail(public_error(ErrorCode::kNotFound, "Nobody has signed in here."));
  if (!text) return Fail(std::move(text).error());
  const Secret kept(std::move(*text));  // wiped when it goes
  json::Document document;
  if (!document.parse(kept.reveal()) || !document.root().is_object())
    return Fail(public_error(ErrorCode::kCorrupt, path.string() + " is damaged: remove it and sign in again."));
  const json::Value root = document.root();
  StoredLogin login;
  login.issuer = text_of(root, "issuer");
  login.client_id = text_of(root, "client_id");
  login.scope = text_of(root, "scope");
  login.token_endpoint = text_of(root, "token_endpoint");
  login.ca_file = text_of(root, "ca_file");
  login.access_token = Secret(text_of(root, "access_token"));
  login.refresh_token = Secret(text_of(root, "refresh_token"));
  const auto expires = parse_rfc3339(text_of(root, "expires_at"));
  if (login.issuer.empty() || login.access_token.empty() || !expires)
    return Fail(public_error(ErrorCode::kCorrupt, path.string() + " is damaged: remove it and sign in again."));
  login.expires_at = *expires;
  return login;
}

Result<void> save_login(const std::filesystem::path& path, const StoredLogin& login) {
  std::string text;
  text.reserve(kFileMax.n);  // one block, so that what is wiped below is all there was
  json::Writer writer(text);
  writer.begin_object().string("issuer", login.issuer).string("client_id", login.client_id).string("scope", login.scope);
  writer.string("token_endpoint", login.token_endpoint).string("ca_file", login.ca_file.string());
  writer.string("expires_at", rfc3339(login.expires_at)).string("access_token", login.access_token.reveal());
  if (!login.refresh_token.empty()) writer.string("refresh_token", login.refresh_token.reveal());
  writer.end_object();
  text += '\n';
  const Secret kept(std::move(text));
  CHECK_OK(os::make_private_folder(path.parent_path()));
  return os::write_file_atomic(path, kept.reveal());
}

Result<Secret> current_access_token(const Environment& environment, const Clock& clock) {
  TRY(const std::filesystem::path path, token_file_path(environment));
  TRY(StoredLogin login, load_login(path));
  if (login.expires_at > WallTime{clock.wall().ns + Nanos(kTokenReserve).count()}) return std::move(login.access_token);
  if (login.refresh_token.empty() || login.token_endpoint.empty())
    return Fail(public_error(ErrorCode::kUnauthenticated, "The sign-in has ended: run `wye login` again."));
  CHECK_OK(renew(login, clock));
  CHECK_OK(save_login(path, login));
  return std::move(login.access_token);
}

}  // namespace wye::app
