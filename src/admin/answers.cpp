#include "admin/answers.hpp"

#include "config/kinds/kinds.hpp"

namespace wye::admin {
namespace {

void write_error(json::Writer& writer, std::string_view message, std::string_view type, std::string_view param, std::string_view code) {
  writer.begin_object("error").string("message", message).string("type", type);
  if (param.empty()) writer.null("param");
  else writer.string("param", param);
  if (code.empty()) writer.null("code");
  else writer.string("code", code);
  writer.end_object();
}

std::string_view state_of(const token::KeyRecord& record, WallTime now) {
  if (record.revoked_at) return "revoked";
  return now < record.expires_at ? "live" : "expired";
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

std::string error_body(const Error& error) {
  const ErrorRow& row = error_row(error.code);
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  write_error(writer, client_message(error), row.type, error.param, row.code);
  writer.end_object();
  return out;
}

ApiAnswer refusal(int status, std::string_view code, std::string_view message, std::string_view more_members) {
  ApiAnswer answer{.status = status};
  json::Writer writer(answer.body);
  writer.begin_object();
  write_error(writer, message, "invalid_request_error", {}, code);
  writer.end_object();
  if (!more_members.empty()) {
    answer.body.pop_back();
    answer.body += ',';
    answer.body += more_members;
    answer.body += '}';
  }
  return answer;
}

void write_findings(json::Writer& writer, const config::Diagnostics& findings) {
  writer.begin_array("findings");
  for (const config::Diagnostic& finding : findings) {
    writer.begin_object().string("severity", finding.severity == config::Severity::kError ? "error" : "warning");
    writer.string("file", finding.file).unsigned_integer("line", finding.at.line).unsigned_integer("column", finding.at.column);
    writer.string("path", finding.path).string("what", finding.what).string("help", finding.help).end_object();
  }
  writer.end_array();
}

void write_changes(json::Writer& writer, std::span<const ResourceChange> changes) {
  writer.begin_array("changes");
  for (const ResourceChange& change : changes) {
    writer.begin_object().string("change", to_string(change.what)).string("kind", change.kind).string("name", change.name);
    writer.begin_array("fields");
    for (const FieldChange& field : change.fields) {
      writer.begin_object().string("path", field.path);
      if (!field.before.empty()) writer.raw("before", field.before);
      if (!field.after.empty()) writer.raw("after", field.after);
      writer.end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_array();
}

void write_key(json::Writer& writer, const token::KeyRecord& record, WallTime now) {
  writer.begin_object().string("id", record.id.text()).string("tenant", record.tenant).string("owner", record.owner);
  writer.begin_array("routes");
  for (const std::string& route : record.routes) writer.string(route);
  writer.end_array();
  writer.string("state", state_of(record, now)).string("createdBy", record.created_by).string("createdAt", rfc3339(record.created_at));
  writer.string("expiresAt", rfc3339(record.expires_at));
  if (record.revoked_at) writer.string("revokedAt", rfc3339(*record.revoked_at));
  if (record.last_used_day > 0) writer.string("lastUsed", rfc3339(WallTime{record.last_used_day * 86'400'000'000'000}).substr(0, 10));
  writer.end_object();
}

std::string key_document(const token::KeyRecord& record, WallTime now) {
  std::string out;
  json::Writer writer(out);
  write_key(writer, record, now);
  return out;
}

std::string_view find_kind(std::string_view word) {
  for (const std::string_view kind : config::kKinds) {
    const bool plural = word.size() == kind.size() + 1 && lower(word.back()) == 's';
    const std::string_view one = plural ? word.substr(0, kind.size()) : word;
    if (std::ranges::equal(one, kind, {}, lower, lower)) return kind;
  }
  return {};
}

}  // namespace wye::admin
