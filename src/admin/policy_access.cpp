#include "admin/policy_access.hpp"

#include "admin/config_diff.hpp"

#include "foundation/json/writer.hpp"
#include "identity/access/explain.hpp"

namespace wye::admin {
namespace {

constexpr std::string_view kAdmin = "admin:";

access::Facts facts_of(const Caller& caller, WallTime now) {
  access::Facts facts;
  facts.now = now;
  facts.peer = config::IpAddress::parse(caller.peer);
  return facts;
}

Fail as_request_error(Error error) {
  error.code = ErrorCode::kInvalidRequest;
  return Fail(std::move(error));
}

Result<access::Action> find_action(std::string_view text) {
  const std::optional<access::Action> action = access::parse_action(text);
  if (!action) return Fail(public_error(ErrorCode::kInvalidRequest, "There is no such action; they are named like chat.create.", "do"));
  return *action;
}

Result<access::Resource> find_resource(std::string_view text) {
  const std::optional<access::Resource> resource = access::parse_resource(text);
  if (!resource) return Fail(public_error(ErrorCode::kInvalidRequest, "A resource is named like route:support-chat or admin:config.", "on"));
  return *resource;
}

/// What a Route can be resolved to, with what a decision asks of it.
std::vector<access::Target> targets_of(const config::Snapshot& snapshot, const access::Resource& resource) {
  std::vector<access::Target> out;
  const config::RouteEntry* route = resource.kind == access::ResourceKind::kRoute ? snapshot.find_route(resource.name) : nullptr;
  if (route == nullptr) return out;
  for (const route::Target& candidate : route->policy.candidates) {
    const config::TargetEntry& entry = snapshot.target(candidate.id);
    access::Target target;
    target.kind = entry.kind == config::TargetEntry::Kind::kModel ? access::ResourceKind::kModel : access::ResourceKind::kBackend;
    target.name = entry.name;
    target.region = entry.region;
    target.is_private = entry.network != config::NetworkMode::kPublic || entry.kind == config::TargetEntry::Kind::kModel;
    out.push_back(target);
  }
  return out;
}

/// The document for programs with the one for people in it.
std::string with_text(std::string_view text, const std::string& json) {
  std::string out = "{\"text\":";
  json::Writer(out).string(text);
  return out + "," + json.substr(1);
}

}  // namespace

Result<std::string> PolicyAccess::tenant_of(const token::Principal& principal, std::string_view project) {
  const config::SnapshotPtr running = running_();
  TRY(const access::TenantId tenant, running->policy().tenant_of(principal, project));
  return std::string(running->policy().tenant_name(tenant));
}

Verdict PolicyAccess::judge(const Caller& caller, config::Action action, std::string_view resource, std::string_view owner, WallTime now) {
  if (caller.owner()) return {true, {}, {}};
  const config::SnapshotPtr running = running_();
  const access::Policy& policy = running->policy();
  const auto tenant = policy.find_tenant(caller.tenant);
  if (!tenant || !resource.starts_with(kAdmin)) return {false, {}, "authz.no_tenant"};
  const access::Standing standing = policy.standing(*caller.principal, *tenant, now);
  const access::Resource thing{access::ResourceKind::kAdmin, resource.substr(kAdmin.size()), owner};
  const access::Decision decision = policy.decide(standing, action, thing, nullptr, facts_of(caller, now), access::Stage::kTarget);
  Verdict verdict{decision.allowed(), {}, std::string(decision.detail())};
  for (const access::RuleRef& rule : decision.rules()) verdict.rules.push_back(policy.rule_id(rule));
  return verdict;
}

bool PolicyAccess::may_use_route(const Caller& caller, std::string_view route, WallTime now) {
  if (caller.owner()) return true;
  const config::SnapshotPtr running = running_();
  const access::Policy& policy = running->policy();
  const auto tenant = policy.find_tenant(caller.tenant);
  if (!tenant) return false;
  const access::Standing standing = policy.standing(*caller.principal, *tenant, now);
  // What can be known before a request: the class of its data and its target are judged when it is sent.
  return policy.visible(standing, {access::ResourceKind::kRoute, route, {}}, facts_of(caller, now));
}

Result<std::string> PolicyAccess::explain(std::string_view subject, std::string_view action, std::string_view resource) {
  const config::SnapshotPtr running = running_();
  Result<token::Principal> parsed = access::parse_caller(subject);
  if (!parsed) return as_request_error(std::move(parsed).error());
  const token::Principal caller = std::move(*parsed);
  TRY(const access::Action wanted, find_action(action));
  TRY(const access::Resource thing, find_resource(resource));
  access::ExplainRequest request;
  request.caller = &caller;
  request.action = wanted;
  request.resource = thing;
  request.targets = targets_of(*running, thing);
  request.facts.now = clock_.wall();
  if (const config::RouteEntry* route = thing.kind == access::ResourceKind::kRoute ? running->find_route(thing.name) : nullptr)
    request.facts.data_class = route->policy.data_class;
  const access::Explanation explanation = access::explain(running->policy(), request);
  return with_text(access::to_text(explanation), access::to_json(explanation));
}

Result<std::string> PolicyAccess::who_can(std::string_view action, std::string_view resource) {
  const config::SnapshotPtr running = running_();
  TRY(const access::Action wanted, find_action(action));
  TRY(const access::Resource thing, find_resource(resource));
  const std::vector<access::Holder> holders = access::who_can(running->policy(), wanted, thing);
  return with_text(access::to_text(holders), access::to_json(holders));
}

namespace {

size_t rank_of(std::string_view data_class_json) {
  constexpr std::array<std::string_view, 4> kOrder = {"\"public\"", "\"internal\"", "\"confidential\"", "\"restricted\""};
  return static_cast<size_t>(std::ranges::find(kOrder, data_class_json) - kOrder.begin());
}

/// Whether a field of that resource, changed like this, may let somebody in or something out that was kept before.
bool widens(const ResourceChange& change, const FieldChange& field) {
  const bool fresh = change.what == ResourceChange::What::kAdded;
  if (change.kind == config::Issuer::kKind) return true;
  if (fresh) return false;
  if (change.kind == config::Gateway::kKind) return field.path.starts_with("spec.auth");
  if (change.kind == config::Credential::kKind) return true;
  if (change.kind != config::Tenant::kKind) return false;
  if (field.path == "spec.dataClassMax") return rank_of(field.after) > rank_of(field.before);
  return field.path.starts_with("spec.regions");
}

}  // namespace

std::vector<std::string> PolicyAccess::gains(const config::Snapshot& before, const config::Snapshot& after) {
  std::vector<std::string> out;
  // Beside who gains an action: who may newly be believed, and where a secret or more secret data may newly go.
  for (const ResourceChange& change : diff(before.canonical(), after.canonical())) {
    if (change.what == ResourceChange::What::kRemoved) continue;
    const auto field = std::ranges::find_if(change.fields, [&](const FieldChange& one) { return widens(change, one); });
    if (field != change.fields.end()) out.push_back(change.kind + " " + change.name + ": " + field->path + " may admit more than before");
  }
  for (const access::Gain& gain : access::gains(before.policy(), after.policy())) {
    if (gain.actions.empty()) continue;  // a member of a Tenant who can do nothing there
    std::string line = access::to_text({&gain, 1});
    while (line.ends_with('\n')) line.pop_back();
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace wye::admin
