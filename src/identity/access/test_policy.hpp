// Small policies and callers for tests. Threads: one owner.
#pragma once

#include "identity/access/policy.hpp"
#include "identity/token/principal_issuer.hpp"

namespace wye::access {

inline config::RoleRule rule(config::Effect effect, ActionSet actions, std::vector<std::string> resources) {
  config::RoleRule out;
  out.effect = effect;
  out.actions = actions;
  out.resources = std::move(resources);
  return out;
}
inline config::RoleRule allow(ActionSet actions, std::vector<std::string> resources) {
  return rule(config::Effect::kAllow, actions, std::move(resources));
}
inline config::RoleRule deny(ActionSet actions, std::vector<std::string> resources) {
  return rule(config::Effect::kDeny, actions, std::move(resources));
}
inline config::Subject group(std::string name) {
  config::Subject out;
  out.issuer = "corp";
  out.group = std::move(name);
  return out;
}
inline config::Subject app_role(std::string name) {
  config::Subject out;
  out.issuer = "corp";
  out.app_role = std::move(name);
  return out;
}
inline config::Subject everyone() {
  config::Subject out;
  out.members = true;
  return out;
}
inline token::PrincipalFields user(std::vector<std::string> groups) {
  token::PrincipalFields out;
  out.kind = token::PrincipalKind::kUser;
  out.issuer = "corp";
  out.subject = "tid/oid";
  out.groups = std::move(groups);
  out.groups_state = token::GroupsState::kKnown;
  return out;
}
inline token::PrincipalFields key(std::string tenant) {
  token::PrincipalFields out;
  out.kind = token::PrincipalKind::kKey;
  out.tenant = std::move(tenant);
  out.key_id = "aaaaaaaaaaaa";
  out.subject = "key:aaaaaaaaaaaa";
  out.routes = {"*"};
  return out;
}

/// Holds the resources of a policy; compiles it when asked, after every change anew.
class TestPolicy {
 public:
  config::Tenant& tenant(const std::string& name) { return changed(tenants_[name]); }
  config::Role& role(const std::string& name) { return changed(roles_[name]); }
  config::Grant& grant(const std::string& name, std::string role, std::string tenant, std::vector<config::Subject> subjects) {
    config::Grant& out = changed(grants_[name]);
    out.role = std::move(role);
    out.tenant = std::move(tenant);
    out.subjects = std::move(subjects);
    return out;
  }
  std::map<std::string, TimeZone, std::less<>> zones;

  PolicySources sources() const {
    PolicySources out;
    for (const auto& [name, spec] : tenants_) out.tenants.push_back({name, &spec});
    for (const auto& [name, spec] : roles_) out.roles.push_back({name, &spec});
    for (const auto& [name, spec] : grants_) out.grants.push_back({name, &spec});
    out.zones = zones;
    return out;
  }
  const Policy& policy() {
    if (!policy_) {
      auto made = Policy::compile(sources());
      EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().detail);
      policy_ = std::make_unique<Policy>(std::move(*made));
    }
    return *policy_;
  }
  Decision decide(const token::PrincipalFields& who, std::string_view tenant, Action action, const Resource& resource, const Target* target,
                  const Facts& facts, Stage stage) {
    const token::Principal caller = token::PrincipalIssuer::issue(who);
    const Standing standing = policy().standing(caller, *policy().find_tenant(tenant), facts.now);
    return policy().decide(standing, action, resource, target, facts, stage);
  }
  Decision ask(const token::PrincipalFields& who, std::string_view tenant, Action action, std::string_view route, const Facts& facts = {}) {
    return decide(who, tenant, action, {ResourceKind::kRoute, route, {}}, nullptr, facts, Stage::kRequest);
  }
  Result<std::string> tenant_of(const token::PrincipalFields& who, std::string_view project) {
    const token::Principal caller = token::PrincipalIssuer::issue(who);
    TRY(const TenantId id, policy().tenant_of(caller, project));
    return std::string(policy().tenant_name(id));
  }

 private:
  template <class T>
  T& changed(T& spec) {
    policy_.reset();
    return spec;
  }
  std::map<std::string, config::Tenant> tenants_;
  std::map<std::string, config::Role> roles_;
  std::map<std::string, config::Grant> grants_;
  std::unique_ptr<Policy> policy_;
};

}  // namespace wye::access
