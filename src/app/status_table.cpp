#include "app/status_table.hpp"

#include "foundation/json/document.hpp"

namespace wye::app {
namespace {

std::string text_of(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->text() : std::string();
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

std::string painted(const std::string& state, size_t width, bool colour) {
  const std::string cell = padded(state, width);
  if (!colour) return cell;
  const char* paint = state == "ready" ? "\x1b[32m" : state == "starting" ? "\x1b[33m" : "\x1b[31m";
  return paint + cell + "\x1b[0m";
}

constexpr size_t kStateWidth = 13;

/// A column as wide as its widest cell.
size_t width_of(const std::optional<json::Value>& rows, std::string_view head) {
  size_t width = head.size();
  if (!rows) return width;
  for (const json::Value row : rows->elements()) width = std::max(width, text_of(row, "name").size());
  return width;
}

std::string joined(const std::optional<json::Value>& words) {
  std::string out;
  if (!words) return out;
  for (const json::Value word : words->elements()) out += (out.empty() ? "" : ",") + word.text();
  return out;
}

/// Ready with one ready target; broken with none that may become so.
std::string route_state(const std::optional<json::Value>& targets, const std::map<std::string, std::string>& states) {
  std::string state = "broken";
  if (!targets) return state;
  for (const json::Value target : targets->elements()) {
    const auto known = states.find(target.text());
    if (known == states.end()) continue;
    if (known->second == "ready") return "ready";
    if (known->second == "starting") state = "starting";
  }
  return state;
}

/// A row without blanks at its end.
void add_row(std::string& out, std::string row) {
  while (row.ends_with(' ')) row.pop_back();
  out += row + "\n";
}

}  // namespace

Result<std::string> status_table(std::string_view status_json, const InstanceRecord* record, bool colour) {
  json::Document document;
  if (!document.parse_copy(status_json) || !document.root().is_object())
    return Fail(public_error(ErrorCode::kCorrupt, "The instance answered what is no status."));
  const json::Value root = document.root();
  std::string out;
  if (record != nullptr) {
    out += "gateway    " + record->public_url + "/v1\nadmin      " + record->admin_url + "\n";
    if (!record->simulator_url.empty()) out += "simulator  " + record->simulator_url + "\n";
    out += "process    " + std::to_string(record->pid) + ", version " + record->version + ", since " + rfc3339(record->started_at) + "\n";
  }
  out += "state      " + text_of(root, "state") + "\nconfig     " + text_of(root, "config") + "\n";
  const auto targets = root.find("targets");
  std::map<std::string, std::string> states;
  size_t width = width_of(targets, "TARGET");
  out += "\n" + padded("TARGET", width) + padded("PATH", 7) + padded("STATE", kStateWidth) + "REASON\n";
  if (targets) {
    for (const json::Value target : targets->elements()) {
      const std::string name = text_of(target, "name");
      const std::string state = text_of(target, "state");
      states[name] = state;
      add_row(out, padded(name, width) + padded(text_of(target, "path"), 7) + painted(state, kStateWidth, colour) + text_of(target, "reason"));
    }
  }
  const auto routes = root.find("routes");
  width = width_of(routes, "ROUTE");
  out += "\n" + padded("ROUTE", width) + padded("STATE", kStateWidth) + padded("TARGETS", 24) + "OPERATIONS\n";
  if (routes) {
    for (const json::Value route : routes->elements()) {
      const std::string state = route_state(route.find("targets"), states);
      add_row(out, padded(text_of(route, "name"), width) + painted(state, kStateWidth, colour) + padded(joined(route.find("targets")), 24) +
                       joined(route.find("operations")));
    }
  }
  if (const std::string refused = text_of(root, "refused"); !refused.empty())
    out += "\nThe newest configuration is refused; the one above goes on:\n" + refused;
  return out;
}

}  // namespace wye::app
