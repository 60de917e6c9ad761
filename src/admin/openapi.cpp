#include "admin/api.hpp"
#include "foundation/json/writer.hpp"

namespace wye::admin {
namespace {

struct Schema {
  std::string_view name;
  std::string_view json;
};
constexpr std::string_view kFile = R"({"type":"object","required":["name","text"],"additionalProperties":false,
"properties":{"name":{"type":"string","maxLength":255},"text":{"type":"string"}}})";
/// The bodies that the table names.
constexpr std::array kBodies = {
    Schema{"Files", R"({"type":"object","required":["files"],"additionalProperties":false,"properties":{
"files":{"type":"array","minItems":1,"maxItems":1000,"items":{"$ref":"#/components/schemas/File"}}}})"},
    Schema{"Apply", R"({"type":"object","required":["files"],"additionalProperties":false,"properties":{
"files":{"type":"array","minItems":1,"maxItems":1000,"items":{"$ref":"#/components/schemas/File"}},
"acceptWidening":{"type":"boolean","default":false}}})"},
    Schema{"Rollback", R"({"type":"object","additionalProperties":false,"properties":{
"digest":{"type":"string"},"acceptWidening":{"type":"boolean","default":false}}})"},
    Schema{"NewKey", R"({"type":"object","additionalProperties":false,"properties":{"tenant":{"type":"string"},
"routes":{"type":"array","items":{"type":"string"}},"owner":{"type":"string"},"expires":{"type":"string","default":"90d"}}})"},
    Schema{"Rotate", R"({"type":"object","additionalProperties":false,"properties":{"grace":{"type":"string","default":"7d"}}})"},
};
constexpr std::string_view kError = R"({"type":"object","required":["error"],"properties":{"error":{"type":"object",
"required":["message","type","param","code"],"properties":{"message":{"type":"string"},"type":{"type":"string"},
"param":{"type":["string","null"]},"code":{"type":["string","null"]}}}}})";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// `getKeysByIdRotate` of GET keys/{id}/rotate: one name for each route.
std::string operation_id(const ApiRoute& route) {
  std::string out = lower(http::to_string(route.method));
  bool up = true;
  for (const char c : route.pattern) {
    if (c == '{') out += "By";
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (word) out += up && c >= 'a' ? static_cast<char>(c - 32) : c;
    up = !word;
  }
  return out;
}

void write_path_parameters(json::Writer& writer, std::string_view pattern) {
  writer.begin_array("parameters");
  for (size_t open = pattern.find('{'); open != std::string_view::npos; open = pattern.find('{', open + 1)) {
    writer.begin_object().string("name", pattern.substr(open + 1, pattern.find('}', open) - open - 1)).string("in", "path").boolean("required", true);
    writer.raw("schema", R"({"type":"string"})").end_object();
  }
  writer.end_array();
}

void write_answers(json::Writer& writer, const ApiRoute& route) {
  const auto answer = [&](std::string_view status, std::string_view text, bool error) {
    writer.begin_object(status).string("description", text).begin_object("content").begin_object("application/json");
    writer.raw("schema", error ? R"({"$ref":"#/components/schemas/Error"})" : R"({"type":"object"})").end_object().end_object().end_object();
  };
  writer.begin_object("responses");
  answer("2XX", "Done.", false);
  answer("400", "The request is not valid.", true);
  answer("401", "Nobody, or nobody who can prove it; WWW-Authenticate says how to.", true);
  answer("403", "The caller may not do this: " + std::string(config::to_string(route.action)) + " on " + std::string(route.resource) + ".", true);
  if (route.pattern.find('{') != std::string_view::npos) answer("404", "It does not exist, or is not the caller's to see.", true);
  if (route.pattern.starts_with("config/")) answer("409", "The configuration changed, widens access or is fixed from outside.", true);
  writer.end_object();
}

void write_operation(json::Writer& writer, const ApiRoute& route) {
  writer.begin_object(lower(http::to_string(route.method))).string("operationId", operation_id(route)).string("summary", route.summary);
  writer.string("x-wye-action", config::to_string(route.action)).string("x-wye-resource", route.resource);
  if (route.owner_only) writer.boolean("x-wye-owner-only", true);
  write_path_parameters(writer, route.pattern);
  if (!route.body.empty()) {
    writer.begin_object("requestBody").begin_object("content").begin_object("application/json").begin_object("schema");
    writer.string("$ref", "#/components/schemas/" + std::string(route.body)).end_object().end_object().end_object().end_object();
  }
  write_answers(writer, route);
  writer.end_object();
}

}  // namespace

std::string openapi_document() {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().string("openapi", "3.1.0");
  writer.begin_object("info").string("title", "Wye admin API").string("version", "v1").end_object();
  writer.begin_array("servers").raw(R"({"url":"/admin/v1"})").end_array();
  writer.begin_array("security").raw(R"({"bearer":[]})").end_array();
  writer.begin_object("paths");
  std::vector<std::string_view> done;
  for (const ApiRoute& route : api_routes()) {
    if (std::ranges::find(done, route.pattern) != done.end()) continue;
    done.push_back(route.pattern);
    writer.begin_object("/" + std::string(route.pattern));
    for (const ApiRoute& same : api_routes()) {
      if (same.pattern == route.pattern) write_operation(writer, same);
    }
    writer.end_object();
  }
  writer.end_object();
  writer.begin_object("components").begin_object("securitySchemes").raw("bearer", R"({"type":"http","scheme":"bearer"})").end_object();
  writer.begin_object("schemas").raw("File", kFile).raw("Error", kError);
  for (const Schema& schema : kBodies) writer.raw(schema.name, schema.json);
  writer.end_object().end_object().end_object();
  return out;
}

}  // namespace wye::admin
