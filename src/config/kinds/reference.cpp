#include "config/kinds/field_tree.hpp"

namespace wye::config {
namespace {

constexpr std::string_view kHead =
    "<!-- Generated from src/config/kinds; a test compares them. Write it anew with `tools/wye-dev reference`. -->\n"
    "# Resources\n\n"
    "A configuration is a folder of YAML documents with `apiVersion: wye.dev/v1alpha1`, `kind`, `metadata` (`name`, `labels`,\n"
    "`annotations`) and `spec`. Several documents may stand in one file, folders are read with all below them. Anchors, aliases, tags\n"
    "and merge keys are refused; so is every unknown key. Durations are written `250ms 30s 5m 1h 7d`, sizes `64KiB 32MiB 4GiB`.\n"
    "Data classes: `public < internal < confidential < restricted`. Paths are absolute or relative to the file that holds them.\n";

void append_cell(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
}

std::string_view shape_text(Shape shape) {
  switch (shape) {
    case Shape::kBoolean: return "boolean";
    case Shape::kInteger: return "integer";
    case Shape::kDuration: return "duration";
    case Shape::kSize: return "size";
    case Shape::kText: return "text";
    case Shape::kPath: return "path";
    case Shape::kChoice: return "choice";
    case Shape::kTime: return "RFC 3339 time";
    case Shape::kTextLists: return "lists of texts by name";
    case Shape::kObject: return "object";
  }
  return "";
}

std::string bound_text(const FieldNode& node, int64_t value) {
  if (node.list) return std::to_string(value);
  if (node.shape == Shape::kDuration) return format_duration(Nanos(value));
  if (node.shape == Shape::kSize) return format_bytes(Bytes{static_cast<uint64_t>(value)});
  return std::to_string(value);
}

std::string range_text(const FieldNode& node) {
  const bool bounded = node.rule.max != INT64_MAX;
  if (node.shape == Shape::kText && !node.list) return bounded ? "at most " + std::to_string(node.rule.max) + " characters" : "";
  const std::string unit = node.list ? " items" : "";
  if (bounded) return bound_text(node, node.rule.min) + " to " + bound_text(node, node.rule.max) + unit;
  return node.rule.min != 0 ? "at least " + bound_text(node, node.rule.min) + unit : "";
}

void append_type(std::string& out, const FieldNode& node) {
  if (node.list) out += "list of ";
  if (node.shape == Shape::kChoice) {
    bool first = true;
    for (const EnumName& name : node.names) {
      if (!name.available) continue;
      out += first ? "`" : " `";
      first = false;
      append_cell(out, name.text);
      out += '`';
    }
    if (node.any) out += " or `*`";
  } else {
    out += shape_text(node.shape);
  }
  if (!node.rule.refers.empty()) out += " (a " + std::string(node.rule.refers) + ")";
  if (const std::string range = range_text(node); !range.empty()) out += ", " + range;
}

void append_rows(std::string& out, const FieldNode& node, const std::string& prefix) {
  for (const FieldNode& child : node.children) {
    if (child.refused) continue;
    const std::string path = prefix + std::string(child.name);
    out += "| `" + path + "` | ";
    append_type(out, child);
    out += " | ";
    if (child.rule.required) {
      out += "required";
    } else if (!child.default_json.empty()) {
      out += "`";
      append_cell(out, child.default_json);
      out += "`";
    } else {
      append_cell(out, child.rule.absent);
    }
    out += " | ";
    append_cell(out, child.rule.text);
    out += " |\n";
    append_rows(out, child, path + (child.list ? "[]." : "."));
  }
}

void append_refused(std::string& out, const FieldNode& node, const std::string& prefix) {
  for (const FieldNode& child : node.children) {
    const std::string path = prefix + std::string(child.name);
    if (child.refused) out += " `" + path + "`";
    for (const EnumName& name : child.names) {
      if (!name.available) out += " `" + path + ": " + std::string(name.text) + "`";
    }
    append_refused(out, child, path + (child.list ? "[]." : "."));
  }
}

}  // namespace

std::string reference_markdown() {
  std::string out(kHead);
  for (const std::string_view kind : kKinds) {
    const FieldNode spec = field_tree(kind);
    out += "\n## " + std::string(kind) + "\n";
    out += spec.rule.text;
    out += "\n\n| field of `spec` | type | default | what it does |\n|---|---|---|---|\n";
    append_rows(out, spec, "");
    std::string refused;
    append_refused(refused, spec, "");
    if (!refused.empty()) out += "\nKnown by name and not available in this build:" + refused + ".\n";
  }
  out += "\n## Other kinds\nKnown by name and not available in this build:";
  for (const std::string_view kind : kRefusedKinds) out += " `" + std::string(kind) + "`";
  out += ".\n";
  return out;
}

}  // namespace wye::config
