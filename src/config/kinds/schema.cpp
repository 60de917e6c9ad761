#include "config/kinds/field_tree.hpp"
#include "config/kinds/grammar.hpp"

namespace wye::config {
namespace {

void key(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  append_json_string(out, name);
  out += ':';
}
void text_member(std::string& out, std::string_view name, std::string_view value) {
  key(out, name);
  append_json_string(out, value);
}

void append_object(std::string& out, const FieldNode& node);

void append_bounds(std::string& out, const Rule& rule, std::string_view least, std::string_view most) {
  if (rule.min != 0) key(out, least), out += std::to_string(rule.min);
  if (rule.max != INT64_MAX) key(out, most), out += std::to_string(rule.max);
}

/// The members that say what one value (or one item of a list) looks like.
void append_value(std::string& out, const FieldNode& node) {
  switch (node.shape) {
    case Shape::kBoolean: return text_member(out, "type", "boolean");
    case Shape::kInteger:
      text_member(out, "type", "integer");
      key(out, "minimum");
      out += std::to_string(node.rule.min);
      if (node.rule.max != INT64_MAX) key(out, "maximum"), out += std::to_string(node.rule.max);
      return;
    case Shape::kDuration: text_member(out, "type", "string"); return text_member(out, "pattern", "^[0-9]+(ms|s|m|h|d)$");
    case Shape::kSize: text_member(out, "type", "string"); return text_member(out, "pattern", "^[0-9]+(B|KiB|MiB|GiB|TiB)$");
    case Shape::kPath: return text_member(out, "type", "string");
    case Shape::kText:
      text_member(out, "type", "string");
      if (!node.list && node.rule.max != INT64_MAX) key(out, "maxLength"), out += std::to_string(node.rule.max);
      if (const std::string_view pattern = grammar_pattern(node.rule.grammar); !pattern.empty()) text_member(out, "pattern", pattern);
      return;
    case Shape::kChoice:
      key(out, "enum");
      out += '[';
      for (const EnumName& name : node.names) {
        if (!name.available) continue;
        if (out.back() != '[') out += ',';
        append_json_string(out, name.text);
      }
      if (node.any) out += ",\"*\"";
      out += ']';
      return;
    case Shape::kTime: text_member(out, "type", "string"); return text_member(out, "format", "date-time");
    case Shape::kTextLists:
      text_member(out, "type", "object");
      key(out, "additionalProperties");
      out += R"({"type":"array","items":{"type":"string"},"minItems":1})";
      return;
    case Shape::kObject: return append_object(out, node);
  }
}

void append_field(std::string& out, const FieldNode& node) {
  out += '{';
  text_member(out, "description", node.rule.text);
  if (node.list) {
    text_member(out, "type", "array");
    append_bounds(out, node.rule, "minItems", "maxItems");
    key(out, "items");
    out += '{';
    append_value(out, node);
    out += '}';
  } else {
    append_value(out, node);
  }
  if (!node.default_json.empty()) key(out, "default"), out += node.default_json;
  out += '}';
}

void append_object(std::string& out, const FieldNode& node) {
  text_member(out, "type", "object");
  key(out, "additionalProperties");
  out += "false";
  key(out, "properties");
  out += '{';
  for (const FieldNode& child : node.children) {
    if (child.refused) continue;
    key(out, child.name);
    append_field(out, child);
  }
  out += '}';
  std::string required;
  for (const FieldNode& child : node.children) {
    if (!child.rule.required) continue;
    if (!required.empty()) required += ',';
    append_json_string(required, child.name);
  }
  if (!required.empty()) key(out, "required"), out += '[' + required + ']';
}

}  // namespace

std::string json_schema(std::string_view kind) {
  const FieldNode spec = field_tree(kind);
  if (spec.name.empty()) return {};
  std::string out = "{";
  text_member(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
  text_member(out, "title", spec.name);
  text_member(out, "description", spec.rule.text);
  text_member(out, "type", "object");
  key(out, "additionalProperties");
  out += R"(false,"required":["apiVersion","kind","metadata","spec"],"properties":{"apiVersion":{"const":")";
  out += kApiVersion;
  out += R"("},"kind":{"const":")";
  out += spec.name;
  out += R"("},"metadata":{"type":"object","additionalProperties":false,"required":["name"],"properties":{"name":{"type":"string","pattern":)";
  append_json_string(out, grammar_pattern(Grammar::kName));
  out += R"(},"labels":{"type":"object","additionalProperties":{"type":"string"}},)";
  out += R"("annotations":{"type":"object","additionalProperties":{"type":"string"}}}},"spec":{)";
  append_object(out, spec);
  out += "}}}";
  return out;
}

}  // namespace wye::config
