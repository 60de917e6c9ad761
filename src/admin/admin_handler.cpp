#include "admin/admin_handler.hpp"

#include "foundation/base/json_line.hpp"

namespace wye::admin {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kExposition = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kApi = "/admin/v1/";

std::string error_body(const Error& error) {
  const ErrorRow& row = error_row(error.code);
  std::string out = R"({"error":{"message":)";
  append_json_string(out, client_message(error));
  out += R"(,"type":)";
  append_json_string(out, row.type);
  out += R"(,"param":null,"code":)";
  if (row.code.empty()) out += "null";
  else append_json_string(out, row.code);
  out += "}}";
  return out;
}

}  // namespace

net::Task<void> AdminHandler::respond(http::ServerCall& call, int status, std::string_view type, std::string_view body) {
  // The open paths know one refusal of methods; the API names its own in its answers.
  const std::array<http::OutField, 2> fields = {http::OutField{"cache-control", "no-store"}, http::OutField{"allow", "GET, HEAD"}};
  const iovec piece = net::piece(body);
  co_await call.respond({status, type, std::span(fields).first(status == 405 ? 2 : 1)}, {&piece, 1});
}

net::Task<void> AdminHandler::respond_error(http::ServerCall& call, ErrorCode code) {
  const Error error = internal_error(code, "admin");
  const std::string body = error_body(error);
  co_await respond(call, error_row(code).status, kJson, body);
}

net::Task<void> AdminHandler::answer(http::ServerCall& call) {
  const std::string_view path = call.target().path();
  if (path.starts_with(kApi)) {
    co_await answer_api(call);
    co_return;
  }
  const bool get = call.head().method == http::Method::kGet || call.head().method == http::Method::kHead;
  const bool probe = path == "/livez" || path == "/readyz";
  if (!probe && path != "/metrics") {
    co_await respond_error(call, ErrorCode::kUnknownPath);
  } else if (!get) {
    co_await respond_error(call, ErrorCode::kWrongMethod);
  } else if (probe) {
    const Health health = path == "/livez" ? sources_.live() : sources_.ready();
    co_await respond(call, health.ok ? 200 : 503, kText, health.text);
  } else if (!call.peer().is_loopback() && call.listener() != kLocalListener) {
    // Without login only where nobody else can listen.
    co_await respond_error(call, ErrorCode::kForbidden);
  } else {
    const std::string text = sources_.metrics.expose();
    co_await respond(call, 200, kExposition, text);
  }
}

net::Task<void> AdminHandler::answer_api(http::ServerCall& call) {
  if (call.listener() != kLocalListener) {
    co_await respond_error(call, ErrorCode::kUnknownPath);
    co_return;
  }
  const Result<std::span<char>> body = co_await call.read_body(kAdminBodyMax);
  if (!body) {
    co_await refuse(call, Error(body.error()));
    co_return;
  }
  const std::string_view path = call.target().path().substr(kApi.size());
  const ApiAnswer answer = sources_.api(call.head().method, path, call.target().query(), {body->data(), body->size()});
  co_await respond(call, answer.status, kJson, answer.body);
}

net::Task<void> AdminHandler::refuse(http::ServerCall& call, Error error) {
  const std::string body = error_body(error);
  co_await respond(call, error_row(error.code).status, kJson, body);
}

}  // namespace wye::admin
