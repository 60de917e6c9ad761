#include "app/admin_client.hpp"
#include "app/instance_slot.hpp"
#include "app/local_admin.hpp"
#include "foundation/store/sqlite_table.hpp"
#include "identity/audit/trail.hpp"
#include "identity/audit/verify.hpp"

namespace wye::app {
namespace {

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? (value->is_string() ? value->text() : std::string(value->raw())) : std::string();
}

/// One chain, in a line; a second one where it is broken.
std::string verdict_text(const std::string& chain, json::Value verdict) {
  std::string out = chain + ": ";
  if (const auto broken = verdict.find("broken")) {
    return out + "broken at line " + text_of(*broken, "line") + ", seq " + text_of(*broken, "seq") + ": " + text_of(*broken, "what") + "\n";
  }
  out += "whole, " + text_of(verdict, "records") + " records";
  if (const std::string unsealed = text_of(verdict, "unsealed"); unsealed != "0") out += ", the last " + unsealed + " not yet sealed";
  if (const std::string torn = text_of(verdict, "tornBytes"); torn != "0") out += ", " + torn + " bytes of an unfinished line";
  return out + "\n";
}

int tell_verdict(const std::string& chain, const std::string& json, const std::string& output) {
  json::Document document;
  if (const auto parsed = document.parse(json); !parsed) return report(parsed.error());
  if (output == "json") std::fputs((json + "\n").c_str(), stdout);
  else std::fputs(verdict_text(chain, document.root()).c_str(), stdout);
  return text_of(document.root(), "whole") == "true" ? kDone : kFailed;
}

/// Every chain of a folder, whether its process runs or not.
int verify_folder(const DataFolder& data, const std::string& output) {
  Result<std::unique_ptr<store::SqliteTable>> heads = store::SqliteTable::open(data.state());
  if (!heads) return report(heads.error());
  auto files = audit_files(data);
  // A chain whose file is gone is still known by its head.
  const Result<store::Page> known = (*heads)->list(audit::kHeadCollection, {.prefix = {}, .after = {}, .limit = store::kPageMax});
  if (!known) return report(known.error());
  for (const store::Record& record : known->records) {
    const auto same = [&](const auto& file) { return file.first == record.key; };
    if (std::ranges::none_of(files, same)) files.emplace_back(record.key, data.logs() / (record.key + ".jsonl"));
  }
  if (files.empty()) return report(public_error(ErrorCode::kNotFound, "There is no audit trail in " + data.root.string() + "."));
  int exit = kDone;
  for (const auto& [chain, path] : files) {
    // The head first: what is written meanwhile is behind it.
    const Result<std::optional<audit::Head>> head = audit::stored_head(**heads, chain);
    if (!head) return report(head.error());
    const Result<audit::Verdict> verdict = audit::verify_file(path, *head);
    if (!verdict) return report(verdict.error());
    exit = std::max(exit, tell_verdict(chain, audit::to_json(*verdict), output));
  }
  return exit;
}

}  // namespace

int run_audit_verify(const AuditOptions& options, const Outside& outside) {
  const Result<std::optional<DataFolder>> data = local_folder(options.target, outside);
  if (!data) return report(data.error());
  if (*data) {
    std::error_code error;
    if (!std::filesystem::exists((*data)->state(), error))
      return report(public_error(ErrorCode::kNotFound, "There is no audit trail in " + (*data)->root.string() + "."));
    return verify_folder(**data, options.output);
  }
  const Result<AdminClient> client = AdminClient::find(options.target, outside);
  if (!client) return report_unreachable(client.error());
  const Result<AdminReply> reply = client->call("GET", "audit/verify");
  if (!reply) return report_unreachable(reply.error());
  if (reply->status != 200) return report_reply(*reply);
  return tell_verdict("audit", reply->body, options.output);
}

int run_access(const AccessOptions& options, const Outside& outside) {
  const Result<AdminClient> client = AdminClient::find(options.target, outside);
  if (!client) return report_unreachable(client.error());
  std::string path = options.who_can ? "access/who-can?" : "access/explain?as=" + encoded(options.subject) + "&";
  path += "do=" + encoded(options.action) + "&on=" + encoded(options.resource);
  const Result<AdminReply> reply = client->call("GET", path);
  if (!reply) return report_unreachable(reply.error());
  if (reply->status != 200) return report_reply(*reply);
  if (options.output == "json") {
    std::fputs((reply->body + "\n").c_str(), stdout);
    return kDone;
  }
  json::Document document;
  if (const auto parsed = document.parse(reply->body); !parsed) return report(parsed.error());
  const auto text = document.root().find("text");
  std::fputs((text ? text->text() : reply->body + "\n").c_str(), stdout);
  return kDone;
}

}  // namespace wye::app
