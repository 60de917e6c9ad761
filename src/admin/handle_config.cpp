#include "admin/answers.hpp"
#include "admin/body.hpp"
#include "admin/handlers.hpp"

namespace wye::admin {
namespace {

std::string by_whom(const Caller& caller) {
  if (caller.owner()) return "owner";
  return std::string(caller.principal->issuer()) + "/" + std::string(caller.principal->subject());
}

std::string findings_member(const config::Diagnostics& findings) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  write_findings(writer, findings);
  writer.end_object();
  return out.substr(1, out.size() - 2);
}

std::string gains_member(const std::vector<std::string>& gains) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().begin_array("gains");
  for (const std::string& gain : gains) writer.string(gain);
  writer.end_array().end_object();
  return out.substr(1, out.size() - 2);
}

/// Makes files the configuration: refused where they are wrong, where others were quicker, or where somebody would gain by it unseen.
Result<ApiAnswer> adopt(const ApiPorts& ports, ApiRequest& request, const ConfigFiles& files, bool accept_widening) {
  const config::SnapshotPtr before = ports.config.running();
  if (!request.if_match.empty() && request.if_match != before->digest())
    return refusal(409, "config_changed", "The running configuration is " + before->digest() + ", not the one that If-Match names.");
  const config::Compiled compiled = ports.config.check(files);
  if (compiled.snapshot == nullptr) return refusal(400, "config_refused", "The configuration is refused.", findings_member(compiled.findings));
  request.facts.push_back({"before", before->digest()});
  request.facts.push_back({"config", compiled.snapshot->digest()});
  const std::vector<std::string> gains = ports.access.gains(*before, *compiled.snapshot);
  request.facts.push_back({"gains", std::to_string(gains.size())});
  if (!gains.empty() && !accept_widening)
    return refusal(409, "config_widens", "Somebody could do more than before: accept that, or narrow the Grants.", gains_member(gains));
  const Result<void> applied = ports.config.apply(files, before->digest(), by_whom(request.caller));
  if (!applied && applied.error().code == ErrorCode::kVersionExists)
    return refusal(409, "config_changed", "The running configuration changed meanwhile: plan again.");
  if (!applied && applied.error().code == ErrorCode::kConflict) return refusal(409, "config_fixed", client_message(applied.error()));
  if (!applied && applied.error().code == ErrorCode::kUsage) return refusal(400, "config_refused", client_message(applied.error()));
  if (!applied) return Fail(Error(applied.error()));
  ApiAnswer answer;
  answer.etag = compiled.snapshot->digest();
  json::Writer writer(answer.body);
  writer.begin_object().string("before", before->digest()).string("config", compiled.snapshot->digest());
  writer.boolean("changed", before->digest() != compiled.snapshot->digest());
  write_changes(writer, diff(before->canonical(), compiled.snapshot->canonical()));
  write_findings(writer, compiled.findings);
  writer.end_object();
  return answer;
}

}  // namespace

Result<ApiAnswer> get_config(const ApiPorts& ports, ApiRequest&) {
  const config::SnapshotPtr running = ports.config.running();
  ApiAnswer answer{.status = 200, .body = running->canonical(), .etag = running->digest()};
  return answer;
}

Result<ApiAnswer> check_config(const ApiPorts& ports, ApiRequest& request) {
  TRY(Body body, Body::parse(request.body));
  const ConfigFiles files = read_files(body);
  CHECK_OK(body.finish());
  const config::Compiled compiled = ports.config.check(files);
  ApiAnswer answer;
  json::Writer writer(answer.body);
  writer.begin_object().boolean("ok", compiled.snapshot != nullptr);
  if (compiled.snapshot != nullptr) writer.string("config", compiled.snapshot->digest());
  write_findings(writer, compiled.findings);
  writer.end_object();
  return answer;
}

Result<ApiAnswer> plan_config(const ApiPorts& ports, ApiRequest& request) {
  TRY(Body body, Body::parse(request.body));
  const ConfigFiles files = read_files(body);
  CHECK_OK(body.finish());
  const config::SnapshotPtr before = ports.config.running();
  const config::Compiled compiled = ports.config.check(files);
  ApiAnswer answer;
  answer.etag = before->digest();
  json::Writer writer(answer.body);
  writer.begin_object().boolean("ok", compiled.snapshot != nullptr).string("before", before->digest());
  if (compiled.snapshot != nullptr) {
    const std::vector<ResourceChange> changes = diff(before->canonical(), compiled.snapshot->canonical());
    writer.string("config", compiled.snapshot->digest()).boolean("wouldChange", !changes.empty());
    write_changes(writer, changes);
    writer.begin_array("gains");
    for (const std::string& gain : ports.access.gains(*before, *compiled.snapshot)) writer.string(gain);
    writer.end_array();
  }
  write_findings(writer, compiled.findings);
  writer.end_object();
  return answer;
}

Result<ApiAnswer> apply_config(const ApiPorts& ports, ApiRequest& request) {
  TRY(Body body, Body::parse(request.body));
  const ConfigFiles files = read_files(body);
  const bool accept_widening = body.flag("acceptWidening");
  CHECK_OK(body.finish());
  return adopt(ports, request, files, accept_widening);
}

Result<ApiAnswer> rollback_config(const ApiPorts& ports, ApiRequest& request) {
  TRY(Body body, Body::parse(request.body.empty() ? "{}" : request.body));
  std::string digest = body.text("digest");
  const bool accept_widening = body.flag("acceptWidening");
  CHECK_OK(body.finish());
  if (digest.empty()) {
    const std::string running = ports.config.running()->digest();
    TRY(const std::vector<StoredSnapshot> known, ports.config.snapshots());
    // The one that ran before this one: the newest that was accepted earlier.
    const auto current = std::ranges::find(known, running, &StoredSnapshot::digest);
    const auto earlier = std::find_if(current == known.end() ? known.begin() : current, known.end(),
                                      [&](const StoredSnapshot& snapshot) { return snapshot.digest != running; });
    if (earlier == known.end()) return Fail(public_error(ErrorCode::kNotFound, "There is no earlier configuration."));
    digest = earlier->digest;
  }
  TRY(const ConfigFiles files, ports.config.snapshot_files(digest));
  return adopt(ports, request, files, accept_widening);
}

Result<ApiAnswer> list_snapshots(const ApiPorts& ports, ApiRequest&) {
  TRY(const std::vector<StoredSnapshot> known, ports.config.snapshots());
  const std::string running = ports.config.running()->digest();
  ApiAnswer answer;
  json::Writer writer(answer.body);
  writer.begin_object().begin_array("snapshots");
  for (const StoredSnapshot& snapshot : known) {
    writer.begin_object().string("digest", snapshot.digest).string("acceptedAt", rfc3339(snapshot.accepted_at));
    writer.string("acceptedBy", snapshot.accepted_by).boolean("running", snapshot.digest == running).end_object();
  }
  writer.end_array().end_object();
  return answer;
}

Result<ApiAnswer> get_snapshot(const ApiPorts& ports, ApiRequest& request) {
  const std::string& digest = request.parameters[0];
  TRY(const std::string resources, ports.config.snapshot_resources(digest));
  ApiAnswer answer{.status = 200, .body = resources, .etag = digest};
  return answer;
}

Result<ApiAnswer> list_resources(const ApiPorts& ports, ApiRequest& request) {
  const std::string_view kind = find_kind(request.parameters[0]);
  if (kind.empty()) return Fail(public_error(ErrorCode::kNotFound, "There is no such kind."));
  const config::SnapshotPtr running = ports.config.running();
  ApiAnswer answer;
  answer.etag = running->digest();
  json::Writer writer(answer.body);
  writer.begin_object().begin_array("items");
  for (const ResourceText& resource : resources_of(running->canonical())) {
    if (resource.kind == kind) writer.raw(resource.json);
  }
  writer.end_array().end_object();
  return answer;
}

Result<ApiAnswer> get_resource(const ApiPorts& ports, ApiRequest& request) {
  const std::string_view kind = find_kind(request.parameters[0]);
  const config::SnapshotPtr running = ports.config.running();
  for (ResourceText& resource : resources_of(running->canonical())) {
    if (!kind.empty() && resource.kind == kind && resource.name == request.parameters[1])
      return ApiAnswer{.status = 200, .body = std::move(resource.json), .etag = running->digest()};
  }
  return Fail(internal_error(ErrorCode::kNotFound, "resource"));
}

}  // namespace wye::admin
