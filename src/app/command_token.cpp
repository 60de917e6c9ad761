#include "app/commands.hpp"
#include "app/hardening.hpp"
#include "app/instance_record.hpp"
#include "app/laptop_issuer.hpp"
#include "app/local_admin.hpp"
#include "app/oauth_client.hpp"
#include "app/token_file.hpp"
#include "foundation/json/document.hpp"
#include "foundation/os/file.hpp"
#include "identity/issuer/directory.hpp"
#include "identity/issuer/documents.hpp"

namespace wye::app {
namespace {

constexpr Bytes kKeyFileMax = 64_KiB;

/// The laptop issuer of a running instance, as its owner sees it.
struct Laptop {
  std::string authority;
  std::filesystem::path ca_file;
  Secret owner_key;
  std::filesystem::path app_key;
};

Result<Laptop> find_laptop(const std::string& flag, const Outside& outside) {
  TRY(const DataFolder data, find_data_folder(flag, outside.environment));
  TRY(const InstanceRecord record, find_instance(data));
  if (record.issuer_url.empty()) return Fail(public_error(ErrorCode::kNotFound, "The instance on " + data.root.string() + " runs no issuer."));
  TRY(const WebUrl url, parse_web_url(record.issuer_url));
  TRY(Secret owner_key, read_owner_key(data));
  return Laptop{url.origin(), data.ca_file(), std::move(owner_key), data.laptop_app_key()};
}

Result<WebAnswer> ask(const Laptop& laptop, std::string_view path, const FormText& form, const Clock& clock) {
  const std::string url = issuer::url_below(laptop.authority, path);
  WebCall call;
  call.url = url;
  call.method = "POST";
  call.content_type = "application/x-www-form-urlencoded";
  call.body = form.text();
  call.bearer = laptop.owner_key.reveal();
  call.ca_file = laptop.ca_file;
  call.timeout = std::chrono::seconds(40);
  return web_call(clock, call);
}

std::string member_of(std::string_view json, std::string_view name) {
  json::Document document;
  if (!document.parse(json) || !document.root().is_object()) return {};
  const auto value = document.root().find(name);
  return value ? value->text() : std::string();
}

Error refused(const WebAnswer& answer) {
  const std::string why = member_of(answer.body, "error_description");
  const ErrorCode code = answer.status == 401 ? ErrorCode::kForbidden : answer.status == 400 ? ErrorCode::kUsage : ErrorCode::kUpstreamFailed;
  return public_error(code, why.empty() ? "The laptop issuer answered " + std::to_string(answer.status) + "." : why);
}

void print(std::string_view text) {
  const Secret line(std::string(text) + "\n");
  std::fwrite(line.reveal().data(), 1, line.reveal().size(), stdout);
  std::fflush(stdout);
}

int print_assertion(const Laptop& laptop, const Clock& clock) {
  Result<std::string> text = os::read_file(laptop.app_key, kKeyFileMax);
  if (!text) return report(text.error());
  const Secret pem(std::move(*text));
  const Result<Secret> made = make_assertion(pem, issuer::kAppId, issuer::url_below(laptop.authority, issuer::kTokenPath), clock.wall());
  if (!made) return report(made.error());
  print(made->reveal());
  return kDone;
}

int print_laptop_token(const TokenOptions& options, const Outside& outside) {
  const Result<Laptop> laptop = find_laptop(options.data, outside);
  if (!laptop) return report_unreachable(laptop.error());
  if (options.assertion) return print_assertion(*laptop, outside.clock);
  FormText form;
  const auto add = [&](std::string_view name, bool wanted) {
    if (wanted) form.add(name, "true");
  };
  if (!options.user.empty()) form.add("user", options.user);
  add("app", options.app);
  add("v1", options.v1);
  add("overage", options.overage);
  add("wrong_audience", options.wrong_audience);
  add("expired", options.expired);
  add("cae", options.cae);
  Result<WebAnswer> answer = ask(*laptop, issuer::kOwnerTokenPath, form, outside.clock);
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report(refused(*answer));
  const Secret body(std::move(answer->body));
  print(options.output == "json" ? body.reveal() : std::string_view(member_of(body.reveal(), "access_token")));
  return kDone;
}

}  // namespace

int run_token(const TokenOptions& options, const Outside& outside) {
  harden();
  if (options.wants_laptop()) return print_laptop_token(options, outside);
  const Result<Secret> token = current_access_token(outside.environment, outside.clock);
  if (!token && token.error().code == ErrorCode::kNotFound) return print_laptop_token(options, outside);
  if (!token) return report(token.error());
  if (options.output == "json") print(R"({"token_type":"Bearer","access_token":")" + std::string(token->reveal()) + "\"}");
  else print(token->reveal());
  return kDone;
}

int run_token_rotate(const InstanceOptions& options, const Outside& outside) {
  harden();
  const Result<Laptop> laptop = find_laptop(options.data, outside);
  if (!laptop) return report_unreachable(laptop.error());
  const Result<WebAnswer> answer = ask(*laptop, issuer::kOwnerRotatePath, {}, outside.clock);
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report(refused(*answer));
  print(member_of(answer->body, "kid"));
  std::fputs("That key signs from now on; what the one before has signed ends as soon as keys are read again.\n", stderr);
  return kDone;
}

}  // namespace wye::app
