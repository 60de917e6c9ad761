#include "app/instance_record.hpp"

#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/os/file.hpp"
#include "foundation/os/folder_lock.hpp"

namespace wye::app {

std::string to_json(const InstanceRecord& record) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().integer("pid", record.pid).string("version", record.version).string("started_at", rfc3339(record.started_at));
  const auto url = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) writer.string(name, value);
  };
  url("public_url", record.public_url);
  url("admin_url", record.admin_url);
  url("issuer_url", record.issuer_url);
  url("simulator_url", record.simulator_url);
  writer.end_object();
  out += '\n';
  return out;
}

std::optional<InstanceRecord> parse_instance_record(std::string_view text) {
  json::Document document;
  if (!document.parse_copy(text) || !document.root().is_object()) return std::nullopt;
  const json::Value root = document.root();
  const auto word = [&](std::string_view name) {
    const auto value = root.find(name);
    return value ? value->text() : std::string();
  };
  InstanceRecord record;
  const auto pid = root.find("pid") ? root.find("pid")->integer() : std::nullopt;
  const auto started = parse_rfc3339(word("started_at"));
  record.public_url = word("public_url");
  if (!pid || *pid <= 0 || *pid > INT32_MAX || !started || record.public_url.empty()) return std::nullopt;
  record.pid = static_cast<int>(*pid);
  record.started_at = *started;
  record.version = word("version");
  record.admin_url = word("admin_url");
  record.issuer_url = word("issuer_url");
  record.simulator_url = word("simulator_url");
  return record;
}

Result<InstanceRecord> find_instance(const DataFolder& data) {
  if (!os::FolderLock::holder(data.lock())) return Fail(public_error(ErrorCode::kNotFound, "No instance runs on " + data.root.string() + "."));
  const Result<std::string> text = os::read_file(data.instance(), 1_MiB);
  std::optional<InstanceRecord> record = text ? parse_instance_record(*text) : std::nullopt;
  if (!record) return Fail(public_error(ErrorCode::kCorrupt, "The instance on " + data.root.string() + " is starting or ending."));
  return std::move(*record);
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else out += c;
  }
  out += '\'';
  return out;
}

std::string export_lines(const InstanceRecord& record, const DataFolder& data, std::string_view key) {
  std::string out;
  const auto line = [&](std::string_view name, std::string_view value) {
    out += "export ";
    out += name;
    out += '=';
    out += shell_quoted(value);
    out += '\n';
  };
  line("OPENAI_BASE_URL", record.public_url + "/v1");
  if (!key.empty()) line("OPENAI_API_KEY", key);
  line("AZURE_OPENAI_ENDPOINT", record.public_url);
  if (!key.empty()) line("AZURE_OPENAI_API_KEY", key);
  line("WYE_ADMIN_URL", record.admin_url);
  line("WYE_DATA", data.root.string());
  return out;
}

}  // namespace wye::app
