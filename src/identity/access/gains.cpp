#include "config/kinds/canonical.hpp"
#include "identity/access/explain.hpp"

namespace wye::access {
namespace {

using config::Conditions;
using config::RoleRule;
using config::Subject;

/// One rule as one subject holds it.
struct Held {
  const Subject* subject = nullptr;
  const config::Grant* grant = nullptr;
  std::string_view grant_name{};
  const config::Role* role = nullptr;
  std::string_view role_name{};
  size_t rule = 0;
  const RoleRule& spec() const { return role->rules[rule]; }
  std::string rule_id() const { return "role/" + std::string(role_name) + "#" + std::to_string(rule); }
};

std::vector<Held> held_rules(const Policy& policy, config::Effect effect) {
  std::vector<Held> out;
  const PolicySources& sources = policy.sources();
  for (const auto& grant : sources.grants) {
    const auto role = std::ranges::lower_bound(sources.roles, std::string_view(grant.spec->role), {}, &Named<config::Role>::name);
    for (size_t i = 0; i < role->spec->rules.size(); ++i) {
      if (role->spec->rules[i].effect != effect) continue;
      for (const Subject& subject : grant.spec->subjects) out.push_back({&subject, grant.spec, grant.name, role->spec, role->name, i});
    }
  }
  return out;
}

bool pattern_covers(std::string_view wide, std::string_view narrow) {
  if (!wide.ends_with('*')) return wide == narrow;
  if (narrow.ends_with('*')) narrow.remove_suffix(1);
  return narrow.starts_with(wide.substr(0, wide.size() - 1));
}
bool patterns_meet(std::string_view a, std::string_view b) {
  const std::string_view stem_a = a.ends_with('*') ? a.substr(0, a.size() - 1) : a;
  const std::string_view stem_b = b.ends_with('*') ? b.substr(0, b.size() - 1) : b;
  if (a.ends_with('*') && b.ends_with('*')) return stem_a.starts_with(stem_b) || stem_b.starts_with(stem_a);
  return pattern_covers(a, b) || pattern_covers(b, a);
}
bool subject_covers(const Subject& wide, const Subject& narrow) {
  if (wide.members) return true;
  return wide.form() == narrow.form() && wide.issuer == narrow.issuer && pattern_covers(wide.text(), narrow.text());
}

/// Whether whatever satisfies `narrow` satisfies `wide`: each condition of `wide` stands in `narrow` in the same words.
bool conditions_cover(const Conditions& wide, const Conditions& narrow) {
  const auto same = [](const auto& w, const auto& n, bool written) {
    std::string a, b;
    if (!written) return true;
    config::CanonicalWriter::write(a, w);
    config::CanonicalWriter::write(b, n);
    return a == b;
  };
  const bool class_covers = !wide.data_class_max || (narrow.data_class_max && *narrow.data_class_max <= *wide.data_class_max);
  return class_covers && same(wide.region_in, narrow.region_in, !wide.region_in.empty()) &&
         same(wide.region_not_in, narrow.region_not_in, !wide.region_not_in.empty()) && (!wide.private_only || narrow.private_only) &&
         same(wide.network, narrow.network, !wide.network.empty()) && (!wide.client_auth || wide.client_auth == narrow.client_auth) &&
         (!wide.binding || wide.binding == narrow.binding) && same(wide.claims, narrow.claims, !wide.claims.empty()) &&
         (!wide.time_window || (narrow.time_window && same(*wide.time_window, *narrow.time_window, true))) &&
         (wide.capability.empty() || wide.capability == narrow.capability) && (!wide.budget_left || wide.budget_left == narrow.budget_left);
}
bool has_conditions(const Conditions& c) { return !conditions_cover(c, {}); }

bool window_covers(const config::Validity& wide, const config::Validity& narrow) {
  const bool from = !wide.not_before || (narrow.not_before && *narrow.not_before >= *wide.not_before);
  const bool until = !wide.not_after || (narrow.not_after && *narrow.not_after <= *wide.not_after);
  return from && until;
}

/// Whether everybody who acts in `below` acts in `above` or below it.
bool tenant_covers(const Policy& policy, std::string_view above, std::string_view below) {
  const auto a = policy.find_tenant(above);
  const auto b = policy.find_tenant(below);
  return a && b && std::ranges::find(policy.lineage(*b), *a) != policy.lineage(*b).end();
}

/// The tenants at or below the one of the grant; a tenant that moved below it gains what it brings.
std::vector<std::string_view> scope_of(const Policy& policy, std::string_view tenant) {
  std::vector<std::string_view> out = {tenant};  // the top of the scope first: what holds there is said once
  for (const auto& other : policy.sources().tenants) {
    if (other.name != tenant && tenant_covers(policy, tenant, other.name)) out.push_back(other.name);
  }
  return out;
}

/// Actions of `rule` on `pattern`, as `held` gives them in `tenant`, that nothing in `others` covers.
ActionSet uncovered(const Policy& there, std::span<const Held> others, const Held& held, std::string_view pattern, std::string_view tenant) {
  ActionSet left = held.spec().actions;
  for (const Held& other : others) {
    if ((other.spec().actions & left).empty()) continue;
    if (!subject_covers(*other.subject, *held.subject) || !tenant_covers(there, other.grant->tenant, tenant)) continue;
    if (!window_covers(other.grant->valid, held.grant->valid) || !conditions_cover(other.spec().conditions, held.spec().conditions)) continue;
    if (std::ranges::none_of(other.spec().resources, [&](std::string_view p) { return pattern_covers(p, pattern); })) continue;
    ActionSet covered = other.spec().actions;
    // Keys, and everyone is perhaps a key, get administrative actions from roles for keys only.
    const bool keys_differ = held.role->keys && !other.role->keys && held.spec().effect == config::Effect::kAllow;
    const auto form = held.subject->form();
    if (keys_differ && (form == Subject::Form::kKey || form == Subject::Form::kMembers)) covered = covered & ActionSet::data_plane();
    left = left.without(covered);
    if (left.empty()) break;
  }
  return left;
}

class Comparison {
 public:
  Comparison(const Policy& before, const Policy& after)
      : before_(before),
        after_(after),
        old_allows_(held_rules(before, config::Effect::kAllow)),
        new_allows_(held_rules(after, config::Effect::kAllow)),
        old_denies_(held_rules(before, config::Effect::kDeny)),
        new_denies_(held_rules(after, config::Effect::kDeny)) {}

  std::vector<Gain> run() {
    if (after_.is_built_in() && !before_.is_built_in())
      out_.push_back({"every API key", "", ActionSet::data_plane(), "route:*", "there is no Role: the built-in one holds", false});
    for (const Held& held : new_allows_) compare_allow(held);
    for (const Held& held : old_denies_) compare_deny(held);
    compare_members();
    return std::move(out_);
  }

 private:
  void compare_allow(const Held& held) {
    if (is_unchanged(held)) return;
    for (const std::string& pattern : held.spec().resources) {
      ActionSet said;
      for (const std::string_view tenant : scope_of(after_, held.grant->tenant)) {
        const ActionSet gained = uncovered(before_, old_allows_, held, pattern, tenant).without(said);
        if (gained.empty()) continue;
        if (tenant == held.grant->tenant) said = gained;
        out_.push_back({subject_text(*held.subject), std::string(tenant), gained, pattern,
                        "grant/" + std::string(held.grant_name) + " " + held.rule_id(), has_conditions(held.spec().conditions)});
      }
    }
  }

  void compare_deny(const Held& held) {
    for (const std::string& pattern : held.spec().resources) {
      ActionSet said;
      for (const std::string_view tenant : scope_of(before_, held.grant->tenant)) {
        if (!after_.find_tenant(tenant)) continue;
        ActionSet freed = uncovered(after_, new_denies_, held, pattern, tenant).without(said);
        if (!freed.empty()) freed = freed & allowed_to_somebody(tenant, pattern);
        if (freed.empty()) continue;
        if (tenant == held.grant->tenant) said = freed;
        out_.push_back({subject_text(*held.subject), std::string(tenant), freed, pattern, "no longer denied by " + held.rule_id(),
                        has_conditions(held.spec().conditions)});
      }
    }
  }

  /// Whoever is no longer denied may hold an allow by another of its subjects. A deny on a target concerns every Route.
  ActionSet allowed_to_somebody(std::string_view tenant, std::string_view pattern) const {
    ActionSet out;
    const bool on_target = pattern.starts_with("backend:") || pattern.starts_with("model:");
    for (const Held& held : new_allows_) {
      if (!tenant_covers(after_, held.grant->tenant, tenant)) continue;
      const bool meets = std::ranges::any_of(held.spec().resources,
                                             [&](std::string_view p) { return patterns_meet(p, pattern) || (on_target && p.starts_with("route:")); });
      if (meets) out = out | held.spec().actions;
    }
    return out;
  }

  void compare_members() {
    for (const auto& tenant : after_.sources().tenants) {
      const auto old = before_.find_tenant(tenant.name);
      for (const Subject& member : tenant.spec->members) {
        const bool was =
            old && std::ranges::any_of(before_.sources().tenants[*old].spec->members, [&](const Subject& s) { return subject_covers(s, member); });
        if (was) continue;
        ActionSet actions;
        for (const Held& held : new_allows_) {
          const bool its = held.subject->members || subject_covers(*held.subject, member);
          if (its && tenant_covers(after_, held.grant->tenant, tenant.name)) actions = actions | held.spec().actions;
        }
        out_.push_back({subject_text(member), std::string(tenant.name), actions, "", "becomes a member", false});
      }
    }
  }

  /// The same grant of the same role in the same tree: nothing to compare.
  bool is_unchanged(const Held& held) const {
    const PolicySources& old = before_.sources();
    const auto grant = std::ranges::lower_bound(old.grants, held.grant_name, {}, &Named<config::Grant>::name);
    const auto role = std::ranges::lower_bound(old.roles, held.role_name, {}, &Named<config::Role>::name);
    if (grant == old.grants.end() || grant->name != held.grant_name || role == old.roles.end() || role->name != held.role_name) return false;
    return scope_of(before_, held.grant->tenant) == scope_of(after_, held.grant->tenant) &&
           config::canonical_json(*grant->spec) == config::canonical_json(*held.grant) &&
           config::canonical_json(*role->spec) == config::canonical_json(*held.role);
  }

  const Policy& before_;
  const Policy& after_;
  std::vector<Held> old_allows_, new_allows_, old_denies_, new_denies_;
  std::vector<Gain> out_;
};

}  // namespace

std::vector<Gain> gains(const Policy& before, const Policy& after) { return Comparison(before, after).run(); }

}  // namespace wye::access
