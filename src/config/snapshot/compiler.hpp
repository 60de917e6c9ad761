// The steps from resources to a Snapshot, in their order. Private to this room. Threads: one owner.
#pragma once

#include "config/snapshot/snapshot.hpp"

namespace wye::config {

class Compiler {
 public:
  Compiler(Loaded loaded, const CompileOptions& options);
  Compiled run();

 private:
  // Each step adds findings and goes on, so that all come at once.
  void compile_gateway();  // which Gateway, its listeners, hosts, limits
  void compile_tenants();  // ceilings and regions with parents applied
  void compile_issuers();
  void compile_policy();   // Roles, Grants, members of Tenants
  void compile_credentials();
  void compile_backends();  // also: none of them is ourselves
  void compile_models();
  void compile_routes();  // policies, defaults that depend on other documents
  void prove_routes();    // each can answer somebody; what can never be chosen is warned of
  void prove_access();    // Roles that nobody has, Grants and subjects that never match: warned of
  void seal();            // indexes, canonical form, digest

  void compile_route(const Document<Route>& document);
  void compile_deadlines(const Document<Route>& document, RouteEntry& entry);
  EnumSet<Operation> effective_operations(const Document<Route>& document, std::span<const route::Target> candidates);
  void prove_route(const Document<Route>& document, const RouteEntry& entry);
  bool can_ever(const RouteEntry& entry, const route::Target& target, std::optional<route::Reason>& why) const;
  void refuse_own_listener(const Document<Backend>& document, const Endpoint& endpoint);
  void prove_rules(const Document<Role>& document);
  void prove_claims(const Document<Role>& document, const RoleRule& rule, const std::string& path);
  void prove_subjects(const Source& source, std::string_view list, std::span<const Subject> subjects);
  const Document<Gateway>* choose_gateway();
  route::TenantId tenant_id(std::string_view name) const;
  route::TargetId target_id(std::string_view label) const;
  route::RegionId region_id(const std::string& name);
  std::span<const uint32_t> keep(std::vector<uint32_t> ids);
  void error(const Source& source, std::string path, std::string what, std::string help = {});
  void warning(const Source& source, std::string path, std::string what, std::string help = {});

  CompileOptions options_;
  Diagnostics findings_;
  std::shared_ptr<Snapshot> out_;
  std::map<std::string, route::RegionId, std::less<>> regions_;
  std::map<std::string, route::TargetId, std::less<>> target_ids_;
  std::map<std::string, int, std::less<>> credential_ids_;
};

}  // namespace wye::config
