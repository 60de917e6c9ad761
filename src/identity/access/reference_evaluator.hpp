// The policy a second time, written apart from the first and as plainly as its rules read: loops over the raw resources, no index, no
// bitset, no standing. For tests. It shares only the structs of config/kinds, the question and what a time zone is.
// Threads: pure.
#pragma once

#include "identity/access/policy.hpp"

namespace wye::access::reference {

enum class Groups : uint8_t { kNo, kYes, kUnknown };

inline bool text_matches(std::string_view pattern, std::string_view text) {
  if (text.empty()) return false;
  if (!pattern.empty() && pattern[pattern.size() - 1] == '*') {
    const std::string_view start = pattern.substr(0, pattern.size() - 1);
    return text.size() >= start.size() && text.substr(0, start.size()) == start;
  }
  return pattern == text;
}

inline Groups subject_matches(const config::Subject& s, const token::PrincipalFields& who) {
  if (who.kind == token::PrincipalKind::kKey) return !s.key.empty() && s.key == who.key_id ? Groups::kYes : Groups::kNo;
  if (!s.spiffe.empty()) return text_matches(s.spiffe, who.spiffe_id) ? Groups::kYes : Groups::kNo;
  if (s.issuer.empty() || s.issuer != who.issuer) return Groups::kNo;
  if (!s.subject.empty()) return text_matches(s.subject, who.subject) ? Groups::kYes : Groups::kNo;
  if (!s.client.empty()) return text_matches(s.client, who.client) ? Groups::kYes : Groups::kNo;
  if (!s.service_account.empty()) return text_matches(s.service_account, who.service_account) ? Groups::kYes : Groups::kNo;
  if (!s.app_role.empty()) {
    for (const std::string& role : who.roles) {
      if (text_matches(s.app_role, role)) return Groups::kYes;
    }
    return Groups::kNo;
  }
  if (s.group.empty()) return Groups::kNo;
  for (const std::string& group : who.groups) {
    if (text_matches(s.group, group)) return Groups::kYes;
  }
  return who.groups_state == token::GroupsState::kOverage ? Groups::kUnknown : Groups::kNo;
}

struct World {
  const PolicySources& sources;

  const config::Tenant* tenant(std::string_view name) const {
    for (const auto& t : sources.tenants) {
      if (t.name == name) return t.spec;
    }
    return nullptr;
  }
  bool is_at_or_below(std::string_view below, std::string_view above) const {
    for (std::string_view at = below; !at.empty(); at = tenant(at)->parent) {
      if (at == above) return true;
    }
    return false;
  }

  /// Names of the tenants whose members the caller is, sorted.
  std::vector<std::string_view> tenants_of(const token::PrincipalFields& who) const {
    std::vector<std::string_view> out;
    for (const auto& t : sources.tenants) {
      bool in = who.kind == token::PrincipalKind::kKey && who.tenant == t.name;
      for (const config::Subject& member : t.spec->members) {
        in = in || (who.kind != token::PrincipalKind::kKey && subject_matches(member, who) == Groups::kYes);
      }
      if (in) out.push_back(t.name);
    }
    return out;
  }

  Groups holds(const config::Grant& grant, const token::PrincipalFields& who, std::string_view acting, WallTime now) const {
    if (!is_at_or_below(acting, grant.tenant)) return Groups::kNo;
    if (grant.valid.not_before && now < *grant.valid.not_before) return Groups::kNo;
    if (grant.valid.not_after && !(now < *grant.valid.not_after)) return Groups::kNo;
    Groups best = Groups::kNo;
    for (const config::Subject& subject : grant.subjects) {
      const Groups match = subject.members ? Groups::kYes : subject_matches(subject, who);
      if (match == Groups::kYes) return Groups::kYes;
      if (match == Groups::kUnknown) best = Groups::kUnknown;
    }
    return best;
  }

  static bool names(const std::vector<std::string>& patterns, ResourceKind kind, std::string_view name) {
    for (const std::string& pattern : patterns) {
      const std::string wanted = std::string(to_string(kind)) + ":" + std::string(name);
      if (pattern.ends_with('*') ? wanted.starts_with(pattern.substr(0, pattern.size() - 1)) : wanted == pattern) return true;
    }
    return false;
  }

  /// Each condition that is written: 1 holds, 0 does not, -1 missing, -2 comes later.
  std::vector<int> conditions(const config::Conditions& c, const token::PrincipalFields& who, const Target* target, const Facts& facts,
                              Stage stage) const {
    std::vector<int> out;
    const int no_request = stage == Stage::kCaller ? -2 : -1;
    const int no_target = target == nullptr && stage != Stage::kTarget ? -2 : -1;
    const auto listed = [](const std::vector<std::string>& list, std::string_view text) {
      return std::find(list.begin(), list.end(), text) != list.end();
    };
    if (c.data_class_max) out.push_back(!facts.data_class ? no_request : *facts.data_class <= *c.data_class_max);
    const bool region_known = target != nullptr && !target->region.empty();
    if (!c.region_in.empty()) out.push_back(!region_known ? no_target : listed(c.region_in, target->region));
    if (!c.region_not_in.empty()) out.push_back(!region_known ? no_target : !listed(c.region_not_in, target->region));
    if (c.private_only) out.push_back(target == nullptr || !target->is_private ? no_target : *target->is_private);
    if (!c.network.empty()) {
      int in = facts.peer ? 0 : -1;
      for (const std::string& network : c.network) {
        if (facts.peer && config::Cidr::parse(network)->contains(*facts.peer)) in = 1;
      }
      out.push_back(in);
    }
    if (c.client_auth) {
      out.push_back(who.client_auth == token::ClientAuth::kUnknown ? -1 : to_string(who.client_auth) == config::to_string(*c.client_auth));
    }
    if (c.binding) out.push_back(to_string(who.binding) == config::to_string(*c.binding));
    for (const auto& [name, values] : c.claims) {
      int claim = -1;
      for (const token::Claim& has : who.claims) {
        if (has.name != name) continue;
        claim = 0;
        for (const std::string& value : has.values) {
          if (listed(values, value)) claim = 1;
        }
        break;
      }
      out.push_back(claim);
    }
    if (c.time_window) out.push_back(window_open(*c.time_window, facts.now));
    if (!c.capability.empty()) out.push_back(!facts.capabilities ? no_request : (facts.capabilities->bits & c.capability.bits) != 0);
    if (c.budget_left) out.push_back(!facts.budget_left ? no_request : *facts.budget_left == *c.budget_left);
    return out;
  }

  /// Minute by minute back from now to the last begin.
  int window_open(const config::TimeWindow& w, WallTime now) const {
    const auto zone = sources.zones.find(w.time_zone);
    const int64_t local = now.seconds() + (zone == sources.zones.end() ? 0 : zone->second.offset_at(now.seconds()));
    const auto minutes = [](const std::string& t) { return (t[0] * 10 + t[1] - '0' * 11) * 60 + t[3] * 10 + t[4] - '0' * 11; };
    const int64_t length = (minutes(w.to) - minutes(w.from) + 1440) % 1440 == 0 ? 1440 : (minutes(w.to) - minutes(w.from) + 1440) % 1440;
    const int64_t minute = local / 60 + 7 * 1440;  // a week later is the same weekday, and no window reaches back before 1970
    for (int64_t begin = minute; begin > minute - length; --begin) {
      if (begin % 1440 != minutes(w.from)) continue;
      const std::chrono::sys_days day(std::chrono::days(begin / 1440));
      const auto weekday = static_cast<config::Weekday>(std::chrono::weekday(day).iso_encoding() - 1);
      if (w.days.empty() || w.days.contains(weekday)) return 1;
    }
    return 0;
  }

  bool allowed(const token::PrincipalFields& who, std::string_view acting, Action action, const Resource& resource, const Target* target,
               const Facts& facts, Stage stage) const {
    const bool is_key = who.kind == token::PrincipalKind::kKey;
    if (resource.kind == ResourceKind::kFile || resource.kind == ResourceKind::kBatch || resource.kind == ResourceKind::kIndex) {
      if (resource.owner != acting) return false;
    } else if (!resource.owner.empty()) {
      if (tenant(resource.owner) == nullptr || !is_at_or_below(resource.owner, acting)) return false;
    }
    if (is_key && resource.kind == ResourceKind::kRoute) {
      bool scoped = false;
      for (const std::string& pattern : who.routes) scoped = scoped || text_matches(pattern, resource.name);
      if (!scoped) return false;
    }
    if (sources.roles.empty()) return is_key && !is_admin(action) && resource.kind == ResourceKind::kRoute;
    bool any_allow = false;
    for (const auto& grant : sources.grants) {
      const Groups held = holds(*grant.spec, who, acting, facts.now);
      if (held == Groups::kNo) continue;
      for (const auto& role : sources.roles) {
        if (role.name != grant.spec->role) continue;
        for (const config::RoleRule& rule : role.spec->rules) {
          if (!rule.actions.contains(action)) continue;
          const std::vector<int> all = conditions(rule.conditions, who, target, facts, stage);
          const bool on_resource = names(rule.resources, resource.kind, resource.name);
          if (rule.effect == config::Effect::kDeny) {
            const bool on_target = target != nullptr && names(rule.resources, target->kind, target->name);
            const bool holds_all = std::all_of(all.begin(), all.end(), [](int c) { return c == 1 || c == -1; });
            if ((on_resource || on_target) && holds_all) return false;
          } else if (held == Groups::kYes && on_resource && !(is_key && is_admin(action) && !role.spec->keys)) {
            any_allow = any_allow || std::all_of(all.begin(), all.end(), [](int c) { return c == 1 || c == -2; });
          }
        }
      }
    }
    return any_allow;
  }
};

}  // namespace wye::access::reference
