#include "admin/answers.hpp"
#include "admin/body.hpp"
#include "admin/handlers.hpp"

namespace wye::admin {
namespace {

constexpr uint32_t kPage = 200;

/// A key of another tenant and one that is not there: the same answer, byte for byte.
Fail no_such_key() { return Fail(internal_error(ErrorCode::kNotFound, "key")); }

/// The owner of the process has all keys, everybody else those of Tenants for which he holds the action.
bool may(const ApiPorts& ports, const ApiRequest& request, config::Action action, std::string_view tenant) {
  return request.caller.owner() || ports.access.judge(request.caller, action, "admin:keys", tenant, request.now).allowed;
}

Result<token::KeyRecord> find_key(const ApiPorts& ports, const ApiRequest& request, config::Action action) {
  const std::optional<token::KeyId> id = token::parse_key_id(request.parameters[0]);
  if (!id) return no_such_key();
  Result<token::KeyRecord> record = ports.keys.find(*id);
  if (!record && record.error().code == ErrorCode::kNotFound) return no_such_key();
  if (!record) return record;
  if (!may(ports, request, action, record->tenant)) return Fail(internal_error(ErrorCode::kNotFound, std::string(kHiddenKey)));
  return record;
}

/// A key may reach what its maker reaches, no further: every Route that it names, and of a caller who is a key himself, the patterns too.
Result<void> check_scopes(const ApiPorts& ports, const ApiRequest& request, const std::vector<std::string>& routes) {
  const Caller& caller = request.caller;
  if (caller.owner()) return {};
  const config::SnapshotPtr running = ports.config.running();
  for (const std::string& pattern : routes) {
    bool any = false;
    bool all = true;
    for (const config::RouteEntry& route : running->routes()) {
      if (!token::route_matches(pattern, route.name)) continue;
      any = true;
      all = all && ports.access.may_use_route(caller, route.name, request.now);
    }
    // A pattern that matches nothing yet would reach Routes to come.
    if (!any || !all) return Fail(Error{.code = ErrorCode::kForbidden, .public_message = {}, .detail = "keys.scope", .param = {}, .retry_after = {}});
  }
  return {};
}

ApiAnswer issued_answer(const token::IssuedKey& issued, WallTime now) {
  ApiAnswer answer{.status = 201};
  json::Writer writer(answer.body);
  writer.begin_object().string("key", issued.text.reveal()).key("record");
  write_key(writer, issued.record, now);
  writer.end_object();
  return answer;
}

Result<std::chrono::nanoseconds> read_duration(Body& body, std::string_view name, std::string otherwise) {
  const std::string text = body.text(name, std::move(otherwise));
  const std::optional<Nanos> duration = parse_duration(text);
  if (!duration) return Fail(public_error(ErrorCode::kInvalidRequest, "A duration is written as 90d or 12h.", std::string(name)));
  return *duration;
}

}  // namespace

Result<ApiAnswer> list_keys(const ApiPorts& ports, ApiRequest& request) {
  const std::string tenant = request.parameter("tenant").value_or(request.caller.tenant);
  std::string at = request.parameter("after").value_or("");
  std::string last;  // a key that is shown: the place of one that is not would tell of it
  ApiAnswer answer;
  json::Writer writer(answer.body);
  writer.begin_object().begin_array("keys");
  size_t shown = 0;
  bool more = true;
  while (more && shown < kPage) {
    TRY(const token::KeyPage page, ports.keys.list(tenant, at, kPage));
    for (const token::KeyRecord& record : page.records) {
      if (shown == kPage || !may(ports, request, config::Action::kKeysList, record.tenant)) continue;
      write_key(writer, record, request.now);
      last = record.id.text();
      ++shown;
    }
    at = page.after;
    more = page.more;
  }
  writer.end_array().string("after", last).boolean("more", shown == kPage).end_object();
  return answer;
}

Result<ApiAnswer> create_key(const ApiPorts& ports, ApiRequest& request) {
  TRY(Body body, Body::parse(request.body));
  token::NewKey wanted;
  wanted.tenant = body.text("tenant", request.caller.tenant);
  if (std::vector<std::string> routes = body.texts("routes"); !routes.empty()) wanted.routes = std::move(routes);
  wanted.owner = body.text("owner");
  TRY(wanted.lifetime, read_duration(body, "expires", "90d"));
  CHECK_OK(body.finish());
  const Caller& caller = request.caller;
  request.facts.push_back({"tenant", wanted.tenant});
  if (!may(ports, request, config::Action::kKeysCreate, wanted.tenant))
    return Fail(Error{.code = ErrorCode::kForbidden, .public_message = {}, .detail = "keys.tenant", .param = {}, .retry_after = {}});
  if (ports.config.running()->find_tenant(wanted.tenant) == nullptr)
    return Fail(public_error(ErrorCode::kInvalidRequest, "There is no such Tenant.", "tenant"));
  CHECK_OK(check_scopes(ports, request, wanted.routes));
  wanted.created_by = caller.owner() ? "owner" : std::string(caller.principal->subject());
  if (wanted.created_by.size() > token::kKeyTextBytesMax) wanted.created_by.resize(token::kKeyTextBytesMax);
  TRY(const token::IssuedKey issued, ports.keys.create(wanted, request.now));
  request.facts.push_back({"key", std::string(issued.record.id.text())});
  return issued_answer(issued, request.now);
}

Result<ApiAnswer> get_key(const ApiPorts& ports, ApiRequest& request) {
  TRY(const token::KeyRecord record, find_key(ports, request, config::Action::kKeysList));
  ApiAnswer answer;
  json::Writer writer(answer.body);
  write_key(writer, record, request.now);
  return answer;
}

Result<ApiAnswer> rotate_key(const ApiPorts& ports, ApiRequest& request) {
  TRY(Body body, Body::parse(request.body.empty() ? "{}" : request.body));
  TRY(const std::chrono::nanoseconds grace, read_duration(body, "grace", "7d"));
  CHECK_OK(body.finish());
  TRY(const token::KeyRecord record, find_key(ports, request, config::Action::kKeysRotate));
  request.facts.push_back({"key", std::string(record.id.text())});
  request.facts.push_back({"tenant", record.tenant});
  CHECK_OK(check_scopes(ports, request, record.routes));
  TRY(const token::IssuedKey issued, ports.keys.rotate(record.id, grace, request.now));
  request.facts.push_back({"new_key", std::string(issued.record.id.text())});
  return issued_answer(issued, request.now);
}

Result<ApiAnswer> revoke_key(const ApiPorts& ports, ApiRequest& request) {
  TRY(const token::KeyRecord record, find_key(ports, request, config::Action::kKeysRevoke));
  request.facts.push_back({"key", std::string(record.id.text())});
  request.facts.push_back({"tenant", record.tenant});
  CHECK_OK(ports.keys.revoke(record.id, request.now));
  return ApiAnswer{.status = 200, .body = R"({"revoked":true})"};
}

}  // namespace wye::admin
