#include "app/admin_client.hpp"

#include "app/instance_slot.hpp"
#include "app/loopback_call.hpp"
#include "app/token_file.hpp"
#include "app/web_call.hpp"

namespace wye::app {
namespace {

constexpr size_t kAnswerBytesMax = 64 << 20;
constexpr Nanos kAnswerTimeMax = std::chrono::seconds(45);

Fail nothing_answers(const std::string& where, std::string detail) {
  Error error = public_error(ErrorCode::kNotFound, "No instance answers on " + where + ".");
  error.detail = std::move(detail);
  return Fail(std::move(error));
}

}  // namespace

Result<std::optional<DataFolder>> local_folder(const AdminTarget& target, const Outside& outside) {
  if (!target.server.empty()) return std::optional<DataFolder>();
  const bool named = !target.data.empty() || !outside.environment("WYE_DATA").empty();
  if (!named && !outside.environment("WYE_ADMIN_URL").empty()) return std::optional<DataFolder>();
  TRY(DataFolder data, find_data_folder(target.data, outside.environment));
  return std::optional(std::move(data));
}

Result<std::filesystem::path> find_socket(const DataFolder& data, const std::string& instance) {
  const auto running = running_instances(data);
  for (const auto& [name, socket] : running) {
    if (name == instance || (instance.empty() && name == "up")) return socket;
  }
  if (!instance.empty()) return Fail(public_error(ErrorCode::kNotFound, "No instance " + instance + " runs on " + data.root.string() + "."));
  if (running.empty()) return Fail(public_error(ErrorCode::kNotFound, "No instance runs on " + data.root.string() + "."));
  if (running.size() == 1) return running.front().second;
  std::string names;
  for (const auto& [name, socket] : running) names += " " + name;
  return Fail(public_error(ErrorCode::kUsage, "Several instances run on " + data.root.string() + ": name one with --instance:" + names));
}

Result<AdminClient> AdminClient::find(const AdminTarget& target, const Outside& outside) {
  AdminClient client(outside.clock);
  TRY(const std::optional<DataFolder> data, local_folder(target, outside));
  if (data) {
    TRY(client.socket_, find_socket(*data, target.instance));
    return client;
  }
  client.server_ = target.server.empty() ? outside.environment("WYE_ADMIN_URL") : target.server;
  TRY(const WebUrl url, parse_web_url(client.server_));
  client.server_ = url.origin();
  client.ca_file_ = target.ca_file;
  if (std::string token = outside.environment("WYE_TOKEN"); !token.empty()) {
    client.token_ = Secret(std::move(token));
    return client;
  }
  Result<Secret> token = current_access_token(outside.environment, outside.clock);
  if (!token && token.error().code == ErrorCode::kNotFound)
    return Fail(public_error(ErrorCode::kUnauthenticated, "Nobody has signed in here: run `wye login`, or set WYE_TOKEN."));
  if (!token) return Fail(std::move(token).error());
  client.token_ = std::move(*token);
  return client;
}

Result<AdminReply> AdminClient::call(std::string_view method, const std::string& path, std::string_view body, std::string_view if_match) const {
  const std::string full = "/admin/v1/" + path;
  if (!socket_.empty()) {
    LoopbackCall call;
    call.target.local_path = socket_.string();
    call.method = method;
    call.path = full;
    call.body = body;
    call.if_match = if_match;
    call.timeout = kAnswerTimeMax;
    call.body_max = kAnswerBytesMax;
    Result<LoopbackAnswer> answer = loopback_call(clock_, call);
    if (!answer) return nothing_answers(socket_.string(), answer.error().detail);
    return AdminReply{answer->status, std::move(answer->body)};
  }
  const std::string url = server_ + full;
  WebCall call;
  call.url = url;
  call.method = method;
  call.body = body;
  call.bearer = token_.reveal();
  call.if_match = if_match;
  call.ca_file = ca_file_;
  call.timeout = kAnswerTimeMax;
  call.body_max = kAnswerBytesMax;
  Result<WebAnswer> answer = web_call(clock_, call);
  if (!answer && answer.error().code == ErrorCode::kClosed) {
    return Fail(public_error(ErrorCode::kNotFound,
                             answer.error().public_message.empty() ? "No instance answers on " + server_ + "." : answer.error().public_message));
  }
  if (!answer) return Fail(std::move(answer).error());
  return AdminReply{answer->status, std::move(answer->body)};
}

int report_reply(const AdminReply& reply) {
  json::Document document;
  std::string message = "The instance answered " + std::to_string(reply.status) + ".";
  std::string code;
  if (document.parse_copy(reply.body)) {
    const auto error = document.root().find("error");
    const auto text = error ? error->find("message") : std::nullopt;
    const auto word = error ? error->find("code") : std::nullopt;
    if (text) message = text->text();
    if (word) code = word->text();
  }
  ErrorCode kind = ErrorCode::kUpstreamFailed;
  if (reply.status == 401 || reply.status == 403) kind = ErrorCode::kForbidden;
  if (reply.status == 409) kind = ErrorCode::kConflict;
  if (reply.status == 400) kind = ErrorCode::kUsage;
  const int exit = report(public_error(kind, message));
  return code == "config_refused" ? int{kConfigRefused} : exit;
}

std::string encoded(std::string_view text) {
  FormText form;
  form.add("", text);
  return form.text().substr(1);  // behind the `=` of the empty name
}

}  // namespace wye::app
