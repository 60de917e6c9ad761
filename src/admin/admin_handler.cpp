#include "admin/admin_handler.hpp"

#include "admin/answers.hpp"
#include "admin/handlers.hpp"

namespace wye::admin {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kExposition = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kApi = "/admin/v1/";

bool is_local(const http::ServerCall& call) { return call.listener() == kLocalListener; }

std::string peer_text(const http::ServerCall& call) { return is_local(call) ? std::string("local") : net::address_text(call.peer()); }

audit::Record record_of(const ApiRequest& request, const ApiRoute* route) {
  audit::Record record;
  record.request_id = request.request_id;
  record.principal = request.caller.who();
  record.peer = request.caller.peer;
  record.listener = request.caller.listener;
  if (route != nullptr) {
    record.action = config::to_string(route->action);
    record.resource.push_back({"admin", std::string(route->resource.substr(6))});
  }
  return record;
}

void record_denial(const ApiPorts& ports, const ApiRequest& request, const ApiRoute* route, std::string reason, std::vector<std::string> rules,
                   int status) {
  audit::Record record = record_of(request, route);
  record.event = "authz.deny";
  record.decision = audit::Decision::kDeny;
  record.reason = std::move(reason);
  record.rules = std::move(rules);
  record.config = ports.config.running()->digest();
  record.status = status;
  ports.trail.record(std::move(record));
}

/// What became of an act that was allowed; where the handler itself found that the caller may not, a denial.
void record_act(const ApiPorts& ports, const ApiRequest& request, const ApiRoute& route, const Result<ApiAnswer>& answer) {
  const int status = answer ? answer->status : error_row(answer.error().code).status;
  const bool denied = !answer && (answer.error().code == ErrorCode::kForbidden || answer.error().detail == kHiddenKey);
  if (route.trace == Trace::kDenied && !denied) return;
  audit::Record record = record_of(request, &route);
  record.event = denied ? "authz.deny" : "admin.act";
  record.decision = denied ? audit::Decision::kDeny : audit::Decision::kAllow;
  if (denied) record.reason = answer.error().detail;
  for (const audit::Fact& fact : request.facts) record.resource.push_back(fact);
  record.config = ports.config.running()->digest();
  record.status = status;
  ports.trail.record(std::move(record));
}

Result<void> check_body_type(const http::Head& head) {
  const std::string_view type = head.value(http::Known::kContentType);
  const std::string_view media = type.substr(0, type.find(';'));
  const size_t end = media.find_last_not_of(" \t");
  const bool body = head.chunked || head.content_length.value_or(0) > 0;
  if (body && !http::equals_ignore_case(media.substr(0, end == std::string_view::npos ? 0 : end + 1), "application/json"))
    return Fail(internal_error(ErrorCode::kWrongType, "admin: content-type"));
  return {};
}

std::string if_match_of(const http::Head& head) {
  std::string_view value = head.value("if-match");
  if (value == "*") return {};
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return std::string(value);
}

}  // namespace

audit::Who Caller::who() const {
  if (!owner()) return audit::Who::of(*principal, tenant);
  audit::Who who;
  who.kind = "owner";
  return who;
}

std::optional<std::string> ApiRequest::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const size_t amp = rest.find('&');
    const std::string_view pair = rest.substr(0, amp);
    rest.remove_prefix(amp == std::string_view::npos ? rest.size() : amp + 1);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    const std::string_view raw = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    std::string out;
    for (size_t i = 0; i < raw.size(); ++i) {
      uint8_t byte = 0;
      const bool escaped = raw[i] == '%' && i + 2 < raw.size() && std::from_chars(&raw[i + 1], &raw[i + 1] + 2, byte, 16).ptr == &raw[i + 1] + 2;
      if (escaped) {
        out += static_cast<char>(byte);
        i += 2;
      } else {
        out += raw[i] == '+' ? ' ' : raw[i];
      }
    }
    return out;
  }
  return std::nullopt;
}

net::Task<void> AdminHandler::respond(http::ServerCall& call, int status, std::string_view type, std::string_view body) {
  // The open paths know one refusal of methods; the API names its own in its answers.
  const std::array<http::OutField, 2> fields = {http::OutField{"cache-control", "no-store"}, http::OutField{"allow", "GET, HEAD"}};
  const iovec piece = net::piece(body);
  co_await call.respond({status, type, std::span(fields).first(status == 405 ? 2 : 1)}, {&piece, 1});
}

net::Task<void> AdminHandler::respond_error(http::ServerCall& call, const Error& error) {
  const std::string body = error_body(error);
  const int status = error_row(error.code).status;
  const std::vector<std::string> challenges = status == 401 ? sources_.authentication.challenges(error) : std::vector<std::string>();
  const std::string nonce = status == 401 ? sources_.authentication.nonce(error) : std::string();
  const std::string retry = std::to_string(std::chrono::ceil<std::chrono::seconds>(error.retry_after).count());
  std::vector<http::OutField> fields = {{"cache-control", "no-store"}};
  for (const std::string& challenge : challenges) fields.push_back({"www-authenticate", challenge});
  if (!nonce.empty()) fields.push_back({"dpop-nonce", nonce});
  if (error.retry_after.count() > 0) fields.push_back({"retry-after", retry});
  const iovec piece = net::piece(body);
  co_await call.respond({status, kJson, fields}, {&piece, 1});
}

net::Task<void> AdminHandler::answer(http::ServerCall& call) {
  const std::string_view path = call.target().path();
  if (path.starts_with(kApi)) co_await answer_api(call);
  else co_await answer_open(call, path);
}

net::Task<void> AdminHandler::answer_open(http::ServerCall& call, std::string_view path) {
  const bool get = call.head().method == http::Method::kGet || call.head().method == http::Method::kHead;
  const bool probe = path == "/livez" || path == "/readyz";
  if (!probe && path != "/metrics") {
    co_await respond_error(call, internal_error(ErrorCode::kUnknownPath, "admin"));
  } else if (!get) {
    const std::string body = error_body(internal_error(ErrorCode::kWrongMethod, "admin"));
    co_await respond(call, 405, kJson, body);
  } else if (probe) {
    const Health health = path == "/livez" ? sources_.live() : sources_.ready();
    co_await respond(call, health.ok ? 200 : 503, kText, health.text);
  } else if (!call.peer().is_loopback() && !is_local(call)) {
    // Without login only where nobody else can listen.
    co_await respond_error(call, internal_error(ErrorCode::kForbidden, "admin"));
  } else {
    const std::string text = sources_.metrics.expose();
    co_await respond(call, 200, kExposition, text);
  }
}

net::Task<Result<Caller>> AdminHandler::find_caller(http::ServerCall& call) {
  Caller caller;
  caller.peer = peer_text(call);
  caller.listener = call.listener();
  if (is_local(call)) co_return caller;
  CO_TRY(caller.principal, co_await sources_.authentication.authenticate(call));
  co_return caller;
}

/// The route, where the caller may take it; what he may not is in the trail.
Result<const ApiRoute*> AdminHandler::permit(http::ServerCall& call, ApiRequest& request) {
  const ApiPorts& ports = *sources_.ports;
  const std::string_view path = call.target().path().substr(kApi.size());
  const http::Method method = call.head().method == http::Method::kHead ? http::Method::kGet : call.head().method;
  RouteMatch match = match_route(method, path);
  if (match.route == nullptr) return Fail(internal_error(match.other_method ? ErrorCode::kWrongMethod : ErrorCode::kUnknownPath, "admin"));
  request.parameters = std::move(match.parameters);
  if (request.caller.owner()) return match.route;
  // A browser shows a client certificate for whatever page asks: acts are for our own pages and for programs.
  const std::string_view site = call.head().value("sec-fetch-site");
  const bool other_page = site.empty() ? !call.head().value("origin").empty() : site != "same-origin" && site != "none";
  if (method != http::Method::kGet && other_page) {
    record_denial(ports, request, match.route, "admin.cross_site", {}, 403);
    return Fail(internal_error(ErrorCode::kForbidden, "admin.cross_site"));
  }
  Result<std::string> tenant = ports.access.tenant_of(*request.caller.principal, call.head().value("openai-project"));
  if (!tenant) {
    record_denial(ports, request, match.route, tenant.error().detail, {}, error_row(tenant.error().code).status);
    return Fail(std::move(tenant).error());
  }
  request.caller.tenant = std::move(*tenant);
  Verdict verdict = ports.access.judge(request.caller, match.route->action, match.route->resource, {}, request.now);
  if (verdict.allowed && match.route->owner_only) verdict = {false, {}, "admin.owner_only"};
  if (verdict.allowed) return match.route;
  record_denial(ports, request, match.route, verdict.reason.empty() ? "authz.deny" : verdict.reason, std::move(verdict.rules), 403);
  return Fail(internal_error(ErrorCode::kForbidden, "authz.deny"));
}

net::Task<Result<ApiAnswer>> AdminHandler::act(http::ServerCall& call, const ApiRoute& route, std::shared_ptr<ApiRequest> request) {
  const std::shared_ptr<const ApiPorts> ports = sources_.ports;
  CO_CHECK_OK(check_body_type(call.head()));
  CO_TRY(const std::span<char> body, co_await call.read_body(kAdminBodyMax));
  request->body.assign(body.data(), body.size());
  // An act without a trace is no act; reads may go on.
  if (route.method != http::Method::kGet && !route.owner_only && !ports->trail.healthy())
    co_return Fail(public_error(ErrorCode::kOverloaded, "The audit trail can not be written; nothing was done."));
  // The trail is told where the act happens: also when nobody waits for the answer any more.
  auto work = [ports, &route, request = std::move(request)]() -> Result<ApiAnswer> {
    Result<ApiAnswer> answer = route.handle(*ports, *request);
    record_act(*ports, *request, route, answer);
    return answer;
  };
  if (route.quick || sources_.offload == nullptr) co_return work();
  CO_TRY(Result<ApiAnswer> answer, co_await sources_.offload->run(sources_.loop, std::move(work), {sources_.loop.after(kActMax), nullptr}));
  co_return answer;
}

net::Task<void> AdminHandler::answer_api(http::ServerCall& call) {
  const ApiPorts& ports = *sources_.ports;
  auto request = std::make_shared<ApiRequest>();
  request->request_id = sources_.request_id();
  request->now = ports.clock.wall();
  request->query = call.target().query();
  request->if_match = if_match_of(call.head());
  Result<Caller> caller = co_await find_caller(call);
  if (!caller) {
    const std::string peer = peer_text(call);
    ports.trail.anonymous({.reason = caller.error().detail,
                           .request_id = request->request_id,
                           .action = "admin",
                           .peer = peer,
                           .listener = call.listener(),
                           .status = error_row(caller.error().code).status});
    co_await respond_error(call, caller.error());
    co_return;
  }
  request->caller = std::move(*caller);
  const Result<const ApiRoute*> route = permit(call, *request);
  if (!route) {
    co_await respond_error(call, route.error());
    co_return;
  }
  Result<ApiAnswer> answer = co_await act(call, **route, std::move(request));
  if (!answer) {
    co_await respond_error(call, answer.error());
    co_return;
  }
  const std::string etag = "\"" + answer->etag + "\"";
  const std::array<http::OutField, 2> fields = {http::OutField{"cache-control", "no-store"}, http::OutField{"etag", etag}};
  const iovec piece = net::piece(answer->body);
  co_await call.respond({answer->status, kJson, std::span(fields).first(answer->etag.empty() ? 1 : 2)}, {&piece, 1});
}

net::Task<void> AdminHandler::refuse(http::ServerCall& call, Error error) {
  const std::string body = error_body(error);
  co_await respond(call, error_row(error.code).status, kJson, body);
}

}  // namespace wye::admin
