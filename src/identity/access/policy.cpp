#include "identity/access/policy.hpp"

#include "identity/access/grants_of.hpp"
#include "identity/access/judgement.hpp"

namespace wye::access {
namespace {

constexpr std::string_view kNameATenant = "Name one of your tenants in the header OpenAI-Project.";

}  // namespace

Result<TenantId> Policy::tenant_of(const token::Principal& caller, std::string_view project) const {
  if (caller.kind() == token::PrincipalKind::kKey) {
    if (const auto carried = find_tenant(caller.tenant())) return *carried;
    return Fail(internal_error(ErrorCode::kForbidden, "tenant.unknown"));
  }
  std::optional<TenantId> one, named;
  bool several = false;
  member_index_.find(caller, [&](std::span<const SubjectIndex::Entry> entries, Match match) {
    if (match != Match::kSure) return;
    for (const SubjectIndex::Entry& entry : entries) {
      several |= one && *one != entry.tenant;
      one = entry.tenant;
      if (!project.empty() && tenant_name(entry.tenant) == project) named = entry.tenant;
    }
  });
  if (named) return *named;
  if (!project.empty() || !one) return Fail(internal_error(ErrorCode::kForbidden, one ? "tenant.not_member" : "tenant.none"));
  if (!several) return *one;
  Error error = public_error(ErrorCode::kInvalidRequest, std::string(kNameATenant));
  error.detail = "tenant.ambiguous";
  return Fail(std::move(error));
}

Standing Policy::standing(const token::Principal& caller, TenantId tenant, WallTime now) const {
  Standing out;
  out.caller_ = &caller;
  out.tenant_ = tenant;
  out.at_ = now;
  for_each_grant(caller, tenant, now, [&](uint32_t grant, Match match) {
    const auto held = std::span(out.held_).first(out.count_);
    if (const auto it = std::ranges::find(held, grant, &Standing::Held::grant); it != held.end()) {
      if (match == Match::kSure) it->match = match;
    } else if (out.count_ < Standing::kHeldMax) {
      out.held_[out.count_++] = {grant, match};
    } else {
      out.complete_ = false;
    }
  });
  return out;
}

Decision Policy::decide(const Standing& standing, Action action, const Resource& resource, const Target* target, const Facts& facts,
                        Stage stage) const {
  return Judgement(*this, standing, resource, target, facts, stage).decide(action);
}

ActionSet Policy::possible(const Standing& standing, const Resource& resource, const Target* target, const Facts& facts, Stage stage) const {
  return Judgement(*this, standing, resource, target, facts, stage).possible();
}

bool Policy::visible(const Standing& standing, const Resource& resource, const Facts& facts) const {
  return !(possible(standing, resource, nullptr, facts, Stage::kCaller) & ActionSet::data_plane()).empty();
}

std::string Policy::rule_id(const RuleRef& rule) const {
  const std::string_view role = rule.role == RuleRef::kBuiltIn ? "built-in" : sources_.roles[rule.role].name;
  return "role/" + std::string(role) + "#" + std::to_string(rule.rule);
}

std::string Policy::grant_id(const RuleRef& rule) const {
  return rule.grant == RuleRef::kBuiltIn ? std::string() : "grant/" + std::string(sources_.grants[rule.grant].name);
}

std::optional<TenantId> Policy::find_tenant(std::string_view name) const {
  const auto it = std::ranges::lower_bound(sources_.tenants, name, {}, &Named<config::Tenant>::name);
  if (it == sources_.tenants.end() || it->name != name) return std::nullopt;
  return static_cast<TenantId>(it - sources_.tenants.begin());
}

}  // namespace wye::access
