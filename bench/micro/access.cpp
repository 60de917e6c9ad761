// Authorisation: what a caller holds in its tenant, and one decision, over 10,000 grants and 1,000 callers taken at random.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "identity/access/policy.hpp"
#include "identity/token/principal_issuer.hpp"
#include "measure.hpp"

namespace wye::bench::micro {
namespace {

using namespace access;

constexpr size_t kGrants = 10'000;
constexpr size_t kCallers = 1'000;
constexpr size_t kTenants = 100;
constexpr size_t kRoles = 50;
constexpr size_t kGroups = 4'000;
constexpr size_t kGroupsEach = 12;  // what tokens of a large directory carry

/// xorshift64*: the same world on every machine.
class Dice {
 public:
  size_t below(size_t n) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<size_t>(state_ * 0x2545f4914f6cdd1du >> 33) % n;
  }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15u;
};

std::string guid(size_t n) {
  std::string digits = std::to_string(n);
  digits.insert(0, 12 - digits.size(), '0');
  return "3f0c5d0e-0000-4000-8000-" + digits;
}
std::string numbered(std::string_view stem, size_t n) {
  std::string digits = std::to_string(n);
  digits.insert(0, 5 - digits.size(), '0');
  return std::string(stem) + digits;
}

struct World {
  std::map<std::string, config::Tenant> tenants;
  std::map<std::string, config::Role> roles;
  std::map<std::string, config::Grant> grants;
  std::vector<token::Principal> callers;
  std::vector<TenantId> acting;  // of each caller
  std::optional<Policy> policy;

  World() {
    Dice dice;
    for (size_t i = 0; i < kTenants; ++i) {
      config::Tenant& tenant = tenants[numbered("t", i)];
      if (i >= 10) tenant.parent = numbered("t", dice.below(i / 10));
    }
    for (size_t i = 0; i < kRoles; ++i) {
      config::RoleRule allow, deny;
      allow.actions = {Action::kChatCreate, Action::kEmbeddingsCreate, Action::kModelsList, Action::kModelsGet};
      allow.resources = {"route:support-*", numbered("route:r", i)};
      if (i % 2 == 0) allow.conditions.data_class_max = DataClass::kConfidential;
      if (i % 5 == 0) allow.conditions.network = {"10.0.0.0/8"};
      deny.effect = config::Effect::kDeny;
      deny.actions = ActionSet::all();
      deny.resources = {"backend:*"};
      deny.conditions.region_not_in = {"swedencentral", "westeurope"};
      roles[numbered("role", i)].rules = {allow, deny};
    }
    for (size_t i = 0; i < kGrants; ++i) {
      config::Grant& grant = grants[numbered("g", i)];
      grant.role = numbered("role", dice.below(kRoles));
      grant.tenant = numbered("t", dice.below(kTenants));
      config::Subject subject;
      subject.issuer = "corp";
      if (i % 4 == 0) subject.subject = guid(0) + "/" + guid(dice.below(kCallers));
      else if (i % 4 == 1) subject.app_role = numbered("Role", dice.below(200)) + (i % 8 == 1 ? "*" : "");
      else subject.group = guid(dice.below(kGroups));
      grant.subjects = {subject};
    }
    PolicySources sources;
    for (const auto& [name, spec] : tenants) sources.tenants.push_back({name, &spec});
    for (const auto& [name, spec] : roles) sources.roles.push_back({name, &spec});
    for (const auto& [name, spec] : grants) sources.grants.push_back({name, &spec});
    auto made = Policy::compile(std::move(sources));
    if (!made) std::abort();
    policy.emplace(std::move(*made));
    for (size_t i = 0; i < kCallers; ++i) {
      token::PrincipalFields f;
      f.kind = token::PrincipalKind::kUser;
      f.issuer = "corp";
      f.subject = guid(0) + "/" + guid(i);
      f.client = guid(dice.below(50));
      f.roles = {numbered("Role", dice.below(200)), numbered("Role", dice.below(200))};
      f.groups_state = token::GroupsState::kKnown;
      for (size_t g = 0; g < kGroupsEach; ++g) f.groups.push_back(guid(dice.below(kGroups)));
      callers.push_back(token::PrincipalIssuer::issue(std::move(f)));
      acting.push_back(static_cast<TenantId>(dice.below(kTenants)));
    }
  }
};

}  // namespace

std::string authorisation(const Effort& effort) {
  const auto world = std::make_unique<World>();
  const Policy& policy = *world->policy;
  const Target target{ResourceKind::kBackend, "aoai-sc", "swedencentral", true};
  Facts facts;
  facts.now = WallTime{1'760'000'000'000'000'000};
  facts.peer = config::IpAddress::parse("10.1.2.3");
  facts.data_class = DataClass::kInternal;
  const Resource route{ResourceKind::kRoute, "support-chat", {}};
  std::vector<Standing> standings;
  for (size_t i = 0; i < kCallers; ++i) standings.push_back(policy.standing(world->callers[i], world->acting[i], facts.now));
  Dice dice;
  std::vector<size_t> order(4'096);
  for (size_t& i : order) i = dice.below(kCallers);
  size_t at = 0, allowed = 0, asked = 0;
  const auto next = [&] { return order[at++ % order.size()]; };
  const auto ask = [&](const Standing& standing) {
    const Decision decision = policy.decide(standing, Action::kChatCreate, route, &target, facts, Stage::kTarget);
    allowed += decision.allowed() ? 1 : 0;
    keep(decision);
    return ++asked != 0;
  };
  // A request: everything from the caller to the decision. And one more decision of the same request, as for the next target.
  const std::vector<Contender> contenders = {
      {"access_request",
       [&] {
         const size_t i = next();
         return ask(policy.standing(world->callers[i], world->acting[i], facts.now));
       }},
      {"access_decision", [&] { return ask(standings[next()]); }},
  };
  std::string out;
  for (const Timing& timing : compare(contenders, effort.rounds, effort.batch_ms)) out += (out.empty() ? "" : ",") + to_json(timing);
  // A share of callers with nothing to decide would make the figure look good.
  return out + ",\"access_grants\":" + std::to_string(kGrants) + ",\"access_callers\":" + std::to_string(kCallers) +
         ",\"access_allowed_percent\":" + std::to_string(allowed * 100 / asked);
}

}  // namespace wye::bench::micro
