#include "admin/answers.hpp"
#include "admin/body.hpp"
#include "admin/handlers.hpp"

namespace wye::admin {
namespace {

/// A whole number in a query; absent where the text is none.
std::optional<uint64_t> number_of(const std::string& text) {
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::string> required(const ApiRequest& request, std::string_view name) {
  std::string value = request.parameter(name).value_or("");
  if (value.empty()) return Fail(public_error(ErrorCode::kInvalidRequest, "The query names `" + std::string(name) + "`.", std::string(name)));
  return value;
}

}  // namespace

Result<ApiAnswer> explain_access(const ApiPorts& ports, ApiRequest& request) {
  TRY(const std::string subject, required(request, "as"));
  TRY(const std::string action, required(request, "do"));
  TRY(const std::string resource, required(request, "on"));
  TRY(std::string body, ports.access.explain(subject, action, resource));
  return ApiAnswer{.status = 200, .body = std::move(body)};
}

Result<ApiAnswer> who_can(const ApiPorts& ports, ApiRequest& request) {
  TRY(const std::string action, required(request, "do"));
  TRY(const std::string resource, required(request, "on"));
  TRY(std::string body, ports.access.who_can(action, resource));
  return ApiAnswer{.status = 200, .body = std::move(body)};
}

Result<ApiAnswer> read_audit(const ApiPorts& ports, ApiRequest& request) {
  audit::ReadFrom from;
  if (const auto after = request.parameter("after")) {
    const auto number = number_of(*after);
    if (!number) return Fail(public_error(ErrorCode::kInvalidRequest, "`after` is the number of a record.", "after"));
    from.after = *number;
  }
  if (const auto limit = request.parameter("limit"))
    from.limit = static_cast<uint32_t>(std::min<uint64_t>(number_of(*limit).value_or(0), UINT32_MAX));
  audit::AuditScope scope;
  scope.everything = request.caller.owner();
  if (!scope.everything) {
    const auto may = [&](std::string_view resource, std::string_view owner) {
      return ports.access.judge(request.caller, config::Action::kAuditRead, resource, owner, request.now).allowed;
    };
    for (const config::TenantEntry& tenant : ports.config.running()->tenants()) {
      if (may("admin:audit", tenant.name)) scope.tenants.push_back(tenant.name);
    }
    scope.instance = may("admin:instance", {});
  }
  TRY(const audit::RecordPage page, audit::read_records(ports.audit_file, from, scope));
  ApiAnswer answer;
  json::Writer writer(answer.body);
  writer.begin_object().begin_array("records");
  for (const std::string& line : page.lines) writer.raw(line);
  writer.end_array().unsigned_integer("next", page.next).boolean("more", page.more).end_object();
  return answer;
}

Result<ApiAnswer> verify_audit(const ApiPorts& ports, ApiRequest&) {
  // The head first: what is written meanwhile is behind it.
  TRY(const std::optional<audit::Head> head, ports.audit_head());
  TRY(const audit::Verdict verdict, audit::verify_file(ports.audit_file, head));
  ApiAnswer answer{.status = 200, .body = audit::to_json(verdict)};
  return answer;
}

Result<ApiAnswer> test_credential(const ApiPorts& ports, ApiRequest& request) {
  request.facts.push_back({"credential", request.parameters[0]});
  TRY(std::string body, ports.test_credential(request.parameters[0]));
  return ApiAnswer{.status = 200, .body = std::move(body)};
}

}  // namespace wye::admin
