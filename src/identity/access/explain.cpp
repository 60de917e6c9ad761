#include "identity/access/explain.hpp"

#include "identity/access/judgement.hpp"

namespace wye::access {
namespace {

std::string resource_text(ResourceKind kind, std::string_view name) { return std::string(to_string(kind)) + ":" + std::string(name); }

/// Whether the caller is meant by this one subject; everyone is by {members: true}.
std::optional<Match> match_of(const config::Subject& subject, const token::Principal& caller) {
  if (subject.form() == config::Subject::Form::kMembers) return Match::kSure;
  SubjectIndex one;
  one.add(subject, {});
  one.seal();
  std::optional<Match> out;
  one.find(caller, [&](std::span<const SubjectIndex::Entry>, Match match) {
    if (!out || match == Match::kSure) out = match;
  });
  return out;
}

std::string held_by(const Policy& policy, const RuleRef& ref, const token::Principal& caller) {
  if (ref.grant == RuleRef::kBuiltIn) return "every API key, on its own Routes";
  std::string perhaps;
  for (const config::Subject& subject : policy.sources().grants[ref.grant].spec->subjects) {
    const auto match = match_of(subject, caller);
    if (match == Match::kSure) return subject_text(subject);
    if (match && perhaps.empty()) perhaps = subject_text(subject);
  }
  return perhaps;
}

RuleStep step_of(const Policy& policy, const Judgement::Outcome& outcome, const token::Principal& caller) {
  RuleStep out;
  out.rule = policy.rule_id(outcome.ref);
  out.grant = policy.grant_id(outcome.ref);
  out.subject = held_by(policy, outcome.ref, caller);
  out.deny = outcome.ref.deny;
  out.counts = outcome.verdict.holds && (out.deny || (outcome.match == Match::kSure && outcome.for_caller));
  if (out.counts) return out;
  if (!outcome.verdict.holds) out.why_not = to_string(outcome.verdict.failed);
  else out.why_not = outcome.for_caller ? "groups unknown" : "not for keys";
  return out;
}

Judged judge(const Policy& policy, const Standing& standing, const ExplainRequest& request, const Target* target) {
  const Stage stage = target == nullptr && !request.targets.empty() ? Stage::kRequest : Stage::kTarget;
  // A Route without known targets is judged as far as the request goes.
  const Stage asked = target == nullptr && request.resource.kind == ResourceKind::kRoute ? Stage::kRequest : stage;
  const Judgement judgement(policy, standing, request.resource, target, request.facts, asked);
  Judged out;
  out.on = target == nullptr ? resource_text(request.resource.kind, request.resource.name) : resource_text(target->kind, target->name);
  const Decision decision = judgement.decide(request.action);
  out.allowed = decision.allowed();
  out.detail = decision.detail();
  for (const Judgement::Outcome& outcome : judgement.outcomes(request.action)) {
    RuleStep step = step_of(policy, outcome, standing.caller());
    const auto same = [&](const RuleStep& s) { return s.rule == step.rule && s.grant == step.grant; };
    if (std::ranges::none_of(out.steps, same)) out.steps.push_back(std::move(step));
  }
  return out;
}

std::string caller_name(const token::Principal& caller) {
  const token::PrincipalFields& f = caller.fields();
  if (caller.kind() == token::PrincipalKind::kKey) return "key:" + f.key_id;
  for (const std::string* name : {&f.subject, &f.spiffe_id, &f.service_account, &f.client}) {
    if (!name->empty()) return f.issuer + ":" + *name;
  }
  return f.issuer;
}

std::vector<std::string> written_conditions(const config::Conditions& c) {
  std::vector<std::string> out;
  const auto note = [&](bool written, Condition condition) {
    if (written) out.emplace_back(to_string(condition));
  };
  note(c.data_class_max.has_value(), Condition::kDataClassMax);
  note(!c.region_in.empty(), Condition::kRegionIn);
  note(!c.region_not_in.empty(), Condition::kRegionNotIn);
  note(c.private_only, Condition::kPrivateOnly);
  note(!c.network.empty(), Condition::kNetwork);
  note(c.client_auth.has_value(), Condition::kClientAuth);
  note(c.binding.has_value(), Condition::kBinding);
  note(!c.claims.empty(), Condition::kClaims);
  note(c.time_window.has_value(), Condition::kTimeWindow);
  note(!c.capability.empty(), Condition::kCapability);
  note(c.budget_left.has_value(), Condition::kBudgetLeft);
  return out;
}

bool is_about(const config::RoleRule& rule, Action action, const Resource& resource) {
  if (!rule.actions.contains(action)) return false;
  const std::string text = resource_text(resource.kind, resource.name);
  return std::ranges::any_of(rule.resources, [&](std::string_view pattern) {
    return pattern.ends_with('*') ? std::string_view(text).starts_with(pattern.substr(0, pattern.size() - 1)) : text == pattern;
  });
}

/// Denies that the same subject, or everyone, holds in that tenant or above it.
std::vector<std::string> denies_of(const Policy& policy, Action action, const Resource& resource, const config::Subject& subject, TenantId tenant) {
  std::vector<std::string> out;
  const PolicySources& sources = policy.sources();
  for (const auto& grant : sources.grants) {
    const auto at = policy.find_tenant(grant.spec->tenant);
    if (!at || std::ranges::find(policy.lineage(tenant), *at) == policy.lineage(tenant).end()) continue;
    const bool held =
        std::ranges::any_of(grant.spec->subjects, [&](const config::Subject& s) { return s.members || subject_text(s) == subject_text(subject); });
    const auto role = std::ranges::lower_bound(sources.roles, std::string_view(grant.spec->role), {}, &Named<config::Role>::name);
    if (!held || role == sources.roles.end()) continue;
    for (size_t i = 0; i < role->spec->rules.size(); ++i) {
      const config::RoleRule& rule = role->spec->rules[i];
      if (rule.effect != config::Effect::kDeny || !is_about(rule, action, resource)) continue;
      std::string text = "role/" + std::string(role->name) + "#" + std::to_string(i);
      std::string conditions;
      for (const std::string& name : written_conditions(rule.conditions)) conditions += (conditions.empty() ? "" : " ") + name;
      if (!conditions.empty()) text += " (" + conditions + ")";
      out.push_back(std::move(text));
    }
  }
  return out;
}

}  // namespace

Explanation explain(const Policy& policy, const ExplainRequest& request) {
  Explanation out;
  out.caller = caller_name(*request.caller);
  out.action = to_string(request.action);
  out.on = resource_text(request.resource.kind, request.resource.name);
  const auto tenant = policy.tenant_of(*request.caller, request.tenant);
  if (!tenant) {
    out.tenant_detail = tenant.error().detail;
    return out;
  }
  out.tenant = policy.tenant_name(*tenant);
  for (const TenantId id : policy.lineage(*tenant)) out.lineage.emplace_back(policy.tenant_name(id));
  ExplainRequest asked = request;
  // A thing of a tenant is looked for in the tenant that the caller acts in.
  const bool owned =
      asked.resource.kind == ResourceKind::kFile || asked.resource.kind == ResourceKind::kBatch || asked.resource.kind == ResourceKind::kIndex;
  if (owned && asked.resource.owner.empty()) asked.resource.owner = out.tenant;
  const Standing standing = policy.standing(*request.caller, *tenant, request.facts.now);
  out.judged.push_back(judge(policy, standing, asked, nullptr));
  out.allowed = out.judged.front().allowed;
  bool one_target = asked.targets.empty();
  for (const Target& target : asked.targets) {
    out.judged.push_back(judge(policy, standing, asked, &target));
    one_target |= out.judged.back().allowed;
  }
  out.allowed = out.allowed && one_target;
  return out;
}

std::vector<Holder> who_can(const Policy& policy, Action action, const Resource& resource) {
  std::vector<Holder> out;
  if (policy.is_built_in()) {
    if (!is_admin(action) && resource.kind == ResourceKind::kRoute)
      out.push_back({.subject = "every API key, on its own Routes", .tenant = {}, .grant = {}, .rule = "role/built-in#0"});
    return out;
  }
  const PolicySources& sources = policy.sources();
  for (const auto& grant : sources.grants) {
    const auto role = std::ranges::lower_bound(sources.roles, std::string_view(grant.spec->role), {}, &Named<config::Role>::name);
    for (size_t i = 0; i < role->spec->rules.size(); ++i) {
      const config::RoleRule& rule = role->spec->rules[i];
      if (rule.effect != config::Effect::kAllow || !is_about(rule, action, resource)) continue;
      for (const config::Subject& subject : grant.spec->subjects) {
        if (subject.form() == config::Subject::Form::kKey && is_admin(action) && !role->spec->keys) continue;
        Holder holder{.subject = subject_text(subject), .tenant = grant.spec->tenant, .grant = "grant/" + std::string(grant.name)};
        holder.rule = "role/" + std::string(role->name) + "#" + std::to_string(i);
        holder.conditions = written_conditions(rule.conditions);
        holder.denied_by = denies_of(policy, action, resource, subject, *policy.find_tenant(grant.spec->tenant));
        out.push_back(std::move(holder));
      }
    }
  }
  std::ranges::sort(out, {}, [](const Holder& h) { return std::tie(h.subject, h.tenant, h.grant, h.rule); });
  return out;
}

}  // namespace wye::access
