// What of Roles, Grants and members can never matter: warned of, because a reader takes it for something that holds.
#include "config/load/nearest.hpp"
#include "config/snapshot/compiler.hpp"

namespace wye::config {
namespace {

std::string indexed(std::string_view list, size_t i) { return std::string(list) + "[" + std::to_string(i) + "]"; }

bool covers(std::string_view pattern, std::string_view text) {
  return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1)) : pattern == text;
}

/// What configuration knows of the resources that patterns may name; absent: made while the program runs.
std::optional<bool> names_something(const Snapshot& snapshot, std::string_view pattern) {
  const auto any = [&](const auto& documents, std::string_view kind) {
    return std::ranges::any_of(documents, [&](const auto& d) { return covers(pattern, std::string(kind) + d.name); });
  };
  const Resources& r = snapshot.resources();
  if (pattern.starts_with("route:")) return any(r.routes, "route:");
  if (pattern.starts_with("backend:")) return any(r.backends, "backend:");
  if (pattern.starts_with("model:")) return any(r.models, "model:");
  return std::nullopt;
}

}  // namespace

void Compiler::prove_rules(const Document<Role>& document) {
  for (size_t i = 0; i < document.spec.rules.size(); ++i) {
    const RoleRule& rule = document.spec.rules[i];
    const std::string path = indexed("spec.rules", i);
    for (size_t k = 0; k < rule.resources.size(); ++k) {
      const std::string_view pattern = rule.resources[k];
      const std::string at = indexed(path + ".resources", k);
      if (names_something(*out_, pattern).value_or(true)) continue;
      const std::string_view name = pattern.substr(pattern.find(':') + 1);
      // An alias is one more name of a Route: decisions are about the Route, whichever name a client used.
      const auto owner = std::ranges::find_if(
          out_->resources_.routes, [&](const Document<Route>& r) { return std::ranges::find(r.spec.aliases, name) != r.spec.aliases.end(); });
      const bool alias = pattern.starts_with("route:") && owner != out_->resources_.routes.end();
      warning(document.source, at, "no " + std::string(pattern.substr(0, pattern.find(':'))) + " has that name: this never matches",
              alias ? shown(name) + " is an alias; write route:" + owner->name : "correct it, or remove it");
    }
    const bool on_targets_only =
        std::ranges::all_of(rule.resources, [](std::string_view p) { return p.starts_with("backend:") || p.starts_with("model:"); });
    if (rule.effect == Effect::kAllow && on_targets_only && (rule.actions & ActionSet::admin()).empty()) {
      warning(document.source, path + ".resources", "an allow on targets only never matches: requests are allowed on their Route",
              "name route:..., and deny the targets that may not be used");
    }
    if (rule.conditions.budget_left) {
      warning(document.source, path + ".conditions.budgetLeft", "nothing in this build knows budgets: an allow never holds, a deny always does",
              "leave the key out");
    }
    prove_claims(document, rule, path);
  }
}

void Compiler::prove_claims(const Document<Role>& document, const RoleRule& rule, const std::string& path) {
  for (const auto& [claim, values] : rule.conditions.claims) {
    const bool read = std::ranges::any_of(out_->resources_.issuers, [&](const Document<Issuer>& issuer) {
      return std::ranges::find(issuer.spec.tokens.claims, claim) != issuer.spec.tokens.claims.end();
    });
    if (read) continue;
    warning(document.source, path + ".conditions.claims." + claim,
            "no Issuer reads this claim: it is always missing, so " +
                std::string(rule.effect == Effect::kAllow ? "this allow never holds" : "this deny always holds"),
            "add it to tokens.claims of the Issuer");
  }
}

void Compiler::prove_subjects(const Source& source, std::string_view list, std::span<const Subject> subjects) {
  const std::vector<std::string>& accepted = out_->gateway_.auth.issuers;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Subject& subject = subjects[i];
    if (!subject.issuer.empty() && !accepted.empty() && std::ranges::find(accepted, subject.issuer) == accepted.end()) {
      warning(source, indexed(list, i) + ".issuer", "the Gateway does not accept this Issuer: the subject never matches", "add it to auth.issuers");
    }
    if (subject.form() == Subject::Form::kKey && !out_->gateway_.auth.api_keys)
      warning(source, indexed(list, i) + ".key", "the Gateway accepts no API keys: the subject never matches", "remove it");
    if (subject.form() != Subject::Form::kSpiffe) continue;
    const std::string_view rest = std::string_view(subject.spiffe).substr(9);  // after spiffe://
    const std::string_view domain = rest.substr(0, rest.find('/'));
    const bool known = std::ranges::any_of(out_->resources_.issuers, [&](const Document<Issuer>& issuer) {
      return issuer.spec.spiffe && std::ranges::find(issuer.spec.spiffe->trust_domains, domain) != issuer.spec.spiffe->trust_domains.end();
    });
    if (!known) {
      warning(source, indexed(list, i) + ".spiffe", "no Issuer has the trust domain " + shown(domain) + ": the subject never matches",
              "add an Issuer of type spiffe");
    }
  }
}

void Compiler::prove_access() {
  const Resources& r = out_->resources_;
  for (const Document<Role>& role : r.roles) {
    prove_rules(role);
    const bool held = std::ranges::any_of(r.grants, [&](const Document<Grant>& grant) { return grant.spec.role == role.name; });
    if (!held) warning(role.source, "metadata.name", "nobody has this Role: no Grant names it", "add a Grant, or remove the Role");
  }
  for (const Document<Grant>& grant : r.grants) prove_subjects(grant.source, "spec.subjects", grant.spec.subjects);
  for (const Document<Tenant>& tenant : r.tenants) prove_subjects(tenant.source, "spec.members", tenant.spec.members);
  for (const Document<Grant>& grant : r.grants) {
    const auto role = std::ranges::lower_bound(r.roles, grant.spec.role, {}, &Document<Role>::name);
    if (role == r.roles.end() || role->name != grant.spec.role) continue;
    const bool matches = std::ranges::any_of(role->spec.rules, [&](const RoleRule& rule) {
      return std::ranges::any_of(rule.resources, [&](std::string_view pattern) { return names_something(*out_, pattern).value_or(true); });
    });
    if (!matches)
      warning(grant.source, "spec.role", "this Grant can never match: no rule of its Role names anything that exists", "correct the Role");
  }
}

}  // namespace wye::config
