// RBAC of the admin API: the Policy of the running configuration, asked with `admin:` resources.
// Threads: any; each question takes the Policy that runs then.
#pragma once

#include "admin/api.hpp"
#include "identity/access/policy.hpp"

namespace wye::admin {

class PolicyAccess final : public AccessPort {
 public:
  /// `clock` outlives it.
  PolicyAccess(std::function<config::SnapshotPtr()> running, const Clock& clock) : running_(std::move(running)), clock_(clock) {}

  Result<std::string> tenant_of(const token::Principal& principal, std::string_view project) override;
  Verdict judge(const Caller& caller, config::Action action, std::string_view resource, std::string_view owner, WallTime now) override;
  bool may_use_route(const Caller& caller, std::string_view route, WallTime now) override;
  Result<std::string> explain(std::string_view subject, std::string_view action, std::string_view resource) override;
  Result<std::string> who_can(std::string_view action, std::string_view resource) override;
  std::vector<std::string> gains(const config::Snapshot& before, const config::Snapshot& after) override;

 private:
  std::function<config::SnapshotPtr()> running_;
  const Clock& clock_;
};

}  // namespace wye::admin
