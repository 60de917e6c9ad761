#include "app/yaml_text.hpp"

namespace wye::app {
namespace {

bool is_plain(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto inside = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/'; };
  if (text.empty() || !letter(text.front()) || !std::ranges::all_of(text, inside)) return false;
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c | 0x20);
  // Words that some reader of YAML takes for a boolean or nothing.
  constexpr std::array<std::string_view, 9> kWords = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  return std::ranges::find(kWords, lower) == kWords.end();
}

void append_text(std::string& out, std::string_view text, std::string_view raw) { out += is_plain(text) ? text : raw; }

void append(std::string& out, json::Value value, size_t indent);

void append_members(std::string& out, json::Value object, size_t indent, bool first_in_place) {
  bool first = first_in_place;
  for (const json::Member member : object.members()) {
    if (!first) out.append(indent, ' ');
    first = false;
    const std::string name = member.name();
    append_text(out, name, "\"" + std::string(member.name_raw()) + "\"");
    out += ':';
    const json::Value value = member.value();
    const bool block = (value.is_object() || value.is_array()) && value.size() > 0;
    out += block ? '\n' : ' ';
    append(out, value, block ? indent + 2 : indent);
  }
}

void append(std::string& out, json::Value value, size_t indent) {
  if (value.is_string()) {
    append_text(out, value.text(), value.raw());
    out += '\n';
  } else if (value.is_object() && value.size() > 0) {
    append_members(out, value, indent, false);
  } else if (value.is_array() && value.size() > 0) {
    for (const json::Value element : value.elements()) {
      out.append(indent, ' ');
      out += "- ";
      const bool map = element.is_object() && element.size() > 0;
      const bool list = element.is_array() && element.size() > 0;
      if (map) append_members(out, element, indent + 2, true);
      else if (list) out += std::string(element.raw()) + '\n';  // a list in a list: in one line
      else append(out, element, indent);
    }
  } else {
    out += value.raw();
    out += '\n';
  }
}

}  // namespace

std::string to_yaml(json::Value value) {
  std::string out;
  append(out, value, 0);
  return out;
}

}  // namespace wye::app
