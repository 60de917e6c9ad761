#include "identity/access/policy.hpp"

namespace wye::access {
namespace {

Fail broken(std::string detail) { return Fail(internal_error(ErrorCode::kUsage, std::move(detail))); }

bool has_none(const config::Conditions& c) {
  return !c.data_class_max && c.region_in.empty() && c.region_not_in.empty() && !c.private_only && c.network.empty() && !c.client_auth &&
         !c.binding && c.claims.empty() && !c.time_window && c.capability.empty() && !c.budget_left;
}

/// `HH:MM` in seconds of the day.
int32_t seconds_of(std::string_view text) {
  const auto digit = [&](size_t i) { return text[i] - '0'; };
  return text.size() == 5 ? (digit(0) * 10 + digit(1)) * 3600 + (digit(3) * 10 + digit(4)) * 60 : 0;
}

const TimeZone kUtc = TimeZone::utc();

}  // namespace

Policy::Pattern Policy::make_pattern(std::string_view text) {
  Pattern out;
  const size_t colon = text.find(':');
  for (uint8_t i = 0; i <= static_cast<uint8_t>(ResourceKind::kAdmin); ++i) {
    if (to_string(static_cast<ResourceKind>(i)) == text.substr(0, colon)) out.kind = static_cast<ResourceKind>(i);
  }
  text.remove_prefix(std::min(text.size(), colon + 1));
  out.open = text.ends_with('*');
  if (out.open) text.remove_suffix(1);
  out.text = text;
  return out;
}

Result<void> Policy::compile_tenants() {
  member_grants_.resize(sources_.tenants.size());
  for (const Named<config::Tenant>& tenant : sources_.tenants) {
    std::vector<TenantId>& up = lineages_.emplace_back();
    for (const Named<config::Tenant>* at = &tenant;;) {
      up.push_back(static_cast<TenantId>(at - sources_.tenants.data()));
      if (up.size() > sources_.tenants.size()) return broken("tenants form a cycle");
      if (at->spec->parent.empty()) break;
      const auto parent = find_tenant(at->spec->parent);
      if (!parent) return broken("no tenant " + at->spec->parent);
      at = &sources_.tenants[*parent];
    }
    const TenantId id = up.front();
    for (const config::Subject& member : tenant.spec->members) member_index_.add(member, {id, id});
  }
  member_index_.seal();
  return {};
}

Result<void> Policy::compile_roles() {
  for (const Named<config::Role>& role : sources_.roles) {
    CompiledRole out;
    out.keys_administrate = role.spec->keys;
    for (const config::RoleRule& from : role.spec->rules) {
      Rule rule;
      rule.actions = from.actions;
      rule.deny = from.effect == config::Effect::kDeny;
      for (const std::string& pattern : from.resources) rule.patterns.push_back(make_pattern(pattern));
      if (!has_none(from.conditions)) rule.conditions = &from.conditions;
      for (const std::string& network : from.conditions.network) {
        const auto cidr = config::Cidr::parse(network);
        if (!cidr) return broken("not a network: " + network);
        rule.networks.push_back(*cidr);
      }
      if (const auto& window = from.conditions.time_window) {
        const auto zone = sources_.zones.find(window->time_zone);
        if (zone == sources_.zones.end() && window->time_zone != "UTC") return broken("no time zone " + window->time_zone);
        rule.window = Window{window->days, seconds_of(window->from), seconds_of(window->to), zone == sources_.zones.end() ? &kUtc : &zone->second};
      }
      (rule.deny ? out.denies : out.allows) = (rule.deny ? out.denies : out.allows) | rule.actions;
      out.rules.push_back(std::move(rule));
    }
    roles_.push_back(std::move(out));
  }
  Rule own;
  own.actions = ActionSet::data_plane();
  own.patterns.push_back({ResourceKind::kRoute, {}, true});
  built_in_.allows = own.actions;
  built_in_.rules.push_back(std::move(own));
  return {};
}

Result<void> Policy::compile_grants() {
  for (const Named<config::Grant>& grant : sources_.grants) {
    const auto id = static_cast<uint32_t>(grants_.size());
    const auto role = std::ranges::lower_bound(sources_.roles, std::string_view(grant.spec->role), {}, &Named<config::Role>::name);
    if (role == sources_.roles.end() || role->name != grant.spec->role) return broken("no role " + grant.spec->role);
    const auto tenant = find_tenant(grant.spec->tenant);
    if (!tenant) return broken("no tenant " + grant.spec->tenant);
    CompiledGrant out{.role = static_cast<uint32_t>(role - sources_.roles.begin()), .tenant = *tenant};
    if (grant.spec->valid.not_before) out.from_ns = grant.spec->valid.not_before->ns;
    if (grant.spec->valid.not_after) out.until_ns = grant.spec->valid.not_after->ns;
    bool everyone = false;
    for (const config::Subject& subject : grant.spec->subjects) {
      everyone |= subject.form() == config::Subject::Form::kMembers;
      grant_index_.add(subject, {*tenant, id});
    }
    if (everyone) member_grants_[*tenant].push_back(id);
    grants_.push_back(out);
  }
  grant_index_.seal();
  return {};
}

Result<Policy> Policy::compile(PolicySources sources) {
  Policy out;
  out.sources_ = std::move(sources);
  CHECK_OK(out.compile_tenants());
  CHECK_OK(out.compile_roles());
  CHECK_OK(out.compile_grants());
  return out;
}

}  // namespace wye::access
