#include "app/admin_client.hpp"
#include "app/config_folder.hpp"
#include "app/local_admin.hpp"
#include "app/yaml_text.hpp"
#include "foundation/json/writer.hpp"

namespace wye::app {
namespace {

constexpr int kWouldChange = 10;

/// The documents of a folder of ours. Errors: kUsage, with the findings told.
Result<admin::ConfigFiles> read_documents(const std::filesystem::path& folder) {
  ConfigTexts texts = ConfigFolder({folder}).read();
  if (!config::has_errors(texts.findings)) return std::move(texts.files);
  std::fputs(config::to_text(texts.findings).c_str(), stderr);
  return Fail(public_error(ErrorCode::kUsage, "The documents can not be read."));
}

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? (value->is_string() ? value->text() : std::string(value->raw())) : std::string();
}

/// Findings as `wye check` prints them.
void tell_findings(json::Value answer) {
  config::Diagnostics findings;
  if (const auto list = answer.find("findings")) {
    for (const json::Value item : list->elements()) {
      config::Diagnostic finding;
      finding.severity = text_of(item, "severity") == "warning" ? config::Severity::kWarning : config::Severity::kError;
      finding.file = text_of(item, "file");
      if (const auto line = item.find("line")) finding.at.line = static_cast<uint32_t>(line->integer().value_or(0));
      if (const auto column = item.find("column")) finding.at.column = static_cast<uint32_t>(column->integer().value_or(0));
      finding.path = text_of(item, "path");
      finding.what = text_of(item, "what");
      finding.help = text_of(item, "help");
      findings.push_back(std::move(finding));
    }
  }
  std::fputs(config::to_text(findings).c_str(), stderr);
}

void tell_gains(json::Value answer) {
  const auto gains = answer.find("gains");
  if (!gains) return;
  for (const json::Value gain : gains->elements()) std::fputs(("gains: " + gain.text() + "\n").c_str(), stdout);
}

/// `+ Route/x`, `- Route/y`, `~ Route/z` with a line for each field.
std::string changes_text(json::Value answer) {
  std::string out;
  const auto changes = answer.find("changes");
  if (!changes) return out;
  for (const json::Value change : changes->elements()) {
    const std::string what = text_of(change, "change");
    out += what == "added" ? "+ " : what == "removed" ? "- " : "~ ";
    out += text_of(change, "kind") + "/" + text_of(change, "name") + "\n";
    const auto fields = change.find("fields");
    if (what != "changed" || !fields) continue;
    for (const json::Value field : fields->elements()) {
      const auto before = field.find("before");
      const auto after = field.find("after");
      out += "    " + text_of(field, "path") + ": " + std::string(before ? before->raw() : "absent") + " -> " +
             std::string(after ? after->raw() : "absent") + "\n";
    }
  }
  return out;
}

/// Asks for a plan and tells what is wrong with it. Absent: it was refused or not to be had; `exit` says with what to end.
std::optional<std::string> ask_plan(const AdminClient& client, const admin::ConfigFiles& files, int& exit) {
  const Result<AdminReply> reply = client.call("POST", "config/plan", encode_files(files));
  if (!reply) exit = report_unreachable(reply.error());
  else if (reply->status != 200) exit = report_reply(*reply);
  else return reply->body;
  return std::nullopt;
}

/// What became of a configuration that was to run.
int tell_applied(const AdminReply& reply) {
  json::Document document;
  const bool parsed = document.parse(reply.body).has_value();
  if (parsed) tell_findings(document.root());
  if (reply.status != 200) {
    if (parsed) tell_gains(document.root());
    return report_reply(reply);
  }
  std::fputs((parsed ? changes_text(document.root()) + "applied " + text_of(document.root(), "config") + "\n" : std::string()).c_str(), stdout);
  return kDone;
}

}  // namespace

int run_plan(const PlanOptions& options, const Outside& outside) {
  const Result<admin::ConfigFiles> files = read_documents(options.folder);
  if (!files) return report(files.error());
  const Result<AdminClient> client = AdminClient::find(options.target, outside);
  if (!client) return report_unreachable(client.error());
  int exit = kDone;
  const std::optional<std::string> plan = ask_plan(*client, *files, exit);
  if (!plan) return exit;
  json::Document document;
  if (const auto parsed = document.parse(*plan); !parsed) return report(parsed.error());
  const json::Value root = document.root();
  if (options.output == "json") std::fputs((*plan + "\n").c_str(), stdout);
  tell_findings(root);
  if (text_of(root, "ok") != "true") {
    report(public_error(ErrorCode::kUsage, "The configuration is refused."));
    return kConfigRefused;
  }
  const bool changes = text_of(root, "wouldChange") == "true";
  if (options.output != "json") {
    std::fputs(changes ? changes_text(root).c_str() : "nothing would change\n", stdout);
    tell_gains(root);
  }
  return options.exit_code && changes ? kWouldChange : kDone;
}

int run_apply(const ApplyOptions& options, const Outside& outside) {
  const Result<admin::ConfigFiles> files = read_documents(options.folder);
  if (!files) return report(files.error());
  const Result<AdminClient> client = AdminClient::find(options.target, outside);
  if (!client) return report_unreachable(client.error());
  int exit = kDone;
  const std::optional<std::string> plan = ask_plan(*client, *files, exit);
  if (!plan) return exit;
  json::Document planned;
  if (const auto parsed = planned.parse(*plan); !parsed) return report(parsed.error());
  // What is applied is what was planned: where others were quicker meanwhile, nothing happens.
  const std::string before = options.if_match.empty() ? text_of(planned.root(), "before") : options.if_match;
  const std::string body = encode_files(*files, options.accept_widening ? R"("acceptWidening":true)" : "");
  const Result<AdminReply> reply = client->call("POST", "config/apply", body, before);
  if (!reply) return report_unreachable(reply.error());
  return tell_applied(*reply);
}

int run_rollback(const RollbackOptions& options, const Outside& outside) {
  const Result<AdminClient> client = AdminClient::find(options.target, outside);
  if (!client) return report_unreachable(client.error());
  std::string body;
  json::Writer writer(body);
  writer.begin_object();
  if (!options.digest.empty()) writer.string("digest", options.digest);
  writer.boolean("acceptWidening", options.accept_widening).end_object();
  const Result<AdminReply> reply = client->call("POST", "config/rollback", body);
  if (!reply) return report_unreachable(reply.error());
  return tell_applied(*reply);
}

int run_get(const GetOptions& options, const Outside& outside) {
  const Result<AdminClient> client = AdminClient::find(options.target, outside);
  if (!client) return report_unreachable(client.error());
  const std::string path = "resources/" + encoded(options.kind) + (options.name.empty() ? "" : "/" + encoded(options.name));
  const Result<AdminReply> reply = client->call("GET", path);
  if (!reply) return report_unreachable(reply.error());
  if (reply->status != 200) return report_reply(*reply);
  if (options.output == "json") {
    std::fputs((reply->body + "\n").c_str(), stdout);
    return kDone;
  }
  json::Document document;
  if (const auto parsed = document.parse(reply->body); !parsed) return report(parsed.error());
  std::vector<json::Value> items;
  if (const auto list = document.root().find("items")) {
    for (const json::Value item : list->elements()) items.push_back(item);
  } else {
    items.push_back(document.root());
  }
  std::string out;
  for (const json::Value item : items) {
    if (options.output == "yaml") {
      out += (out.empty() ? "" : "---\n") + to_yaml(item);
      continue;
    }
    const auto metadata = item.find("metadata");
    out += text_of(item, "kind") + "/" + (metadata ? text_of(*metadata, "name") : "") + "\n";
  }
  std::fputs(out.c_str(), stdout);
  return kDone;
}

}  // namespace wye::app
