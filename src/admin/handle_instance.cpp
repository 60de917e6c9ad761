#include "admin/answers.hpp"
#include "admin/handlers.hpp"
#include "foundation/json/document.hpp"

namespace wye::admin {

Result<ApiAnswer> get_status(const ApiPorts& ports, ApiRequest&) { return ApiAnswer{.status = 200, .body = ports.status()}; }

Result<ApiAnswer> get_targets(const ApiPorts& ports, ApiRequest&) {
  const std::string status = ports.status();
  json::Document document;
  CHECK_OK(document.parse(status));
  ApiAnswer answer;
  json::Writer writer(answer.body);
  const auto targets = document.root().find("targets");
  writer.begin_object().raw("targets", targets ? targets->raw() : "[]").end_object();
  return answer;
}

Result<ApiAnswer> stop_instance(const ApiPorts& ports, ApiRequest&) {
  ports.stop();
  return ApiAnswer{.status = 200, .body = R"({"stopping":true})"};
}

Result<ApiAnswer> get_openapi(const ApiPorts&, ApiRequest&) { return ApiAnswer{.status = 200, .body = openapi_document()}; }

}  // namespace wye::admin
