// The Policy against the reference evaluator: random small worlds, every question put to both. And what must hold of any policy: one more
// deny never widens, another order of rules changes nothing, a tenant below has no more denies lifted than its parents have.
#include "identity/access/reference_evaluator.hpp"
#include "identity/access/test_policy.hpp"

namespace wye::access {
namespace {

/// xorshift64*: small, and the same everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  size_t below(size_t n) { return static_cast<size_t>(next() >> 33) % n; }
  bool one_in(size_t n) { return below(n) == 0; }
  template <class T, size_t N>
  T pick(const std::array<T, N>& from) {
    return from[below(N)];
  }

 private:
  uint64_t state_;
};

constexpr std::array<Action, 6> kAsked = {Action::kChatCreate,  Action::kModelsList, Action::kFilesGet,
                                          Action::kConfigApply, Action::kKeysList,   Action::kSearchQuery};
constexpr std::array<std::string_view, 4> kRoutes = {"a", "ab", "b", "support-1"};
constexpr std::array<std::string_view, 9> kPatterns = {"route:*",   "route:a", "route:a*", "route:b", "backend:*",
                                                       "backend:x", "model:m", "file:*",   "admin:*"};
constexpr std::array<std::string_view, 3> kRegions = {"", "swedencentral", "eastus"};
constexpr std::array<std::string_view, 4> kWords = {"w", "wx", "x", "y"};
constexpr std::array<std::string_view, 4> kWordPatterns = {"w", "w*", "x", "*"};
constexpr std::array<std::string_view, 4> kTenants = {"t0", "t1", "t2", "t3"};
constexpr std::array<std::string_view, 2> kIssuers = {"corp", "other"};
constexpr std::array<std::string_view, 3> kHours = {"06:30", "17:00", "22:15"};

config::Subject random_subject(Dice& dice, bool in_grant) {
  config::Subject out;
  switch (dice.below(in_grant ? 8 : 6)) {
    case 0: out.subject = dice.pick(kWordPatterns); break;
    case 1: out.group = dice.pick(kWordPatterns); break;
    case 2: out.app_role = dice.pick(kWordPatterns); break;
    case 3: out.client = dice.pick(kWordPatterns); break;
    case 4: out.service_account = dice.one_in(2) ? "ns/a" : "ns/*"; break;
    case 5: out.spiffe = dice.one_in(2) ? "spiffe://d/a/*" : "spiffe://d/a/b"; return out;
    case 6: out.key = dice.one_in(2) ? "aaaaaaaaaaaa" : "bbbbbbbbbbbb"; return out;
    default: out.members = true; return out;
  }
  out.issuer = dice.pick(kIssuers);
  return out;
}

config::Conditions random_conditions(Dice& dice) {
  config::Conditions c;
  if (!dice.one_in(2)) return c;
  if (dice.one_in(4)) c.data_class_max = static_cast<DataClass>(dice.below(4));
  if (dice.one_in(5)) c.region_in = {"swedencentral"};
  if (dice.one_in(5)) c.region_not_in = {"eastus", "westus"};
  c.private_only = dice.one_in(6);
  if (dice.one_in(5)) c.network = {dice.one_in(2) ? "10.0.0.0/8" : "2001:db8::/32", "192.0.2.0/25"};
  if (dice.one_in(6)) c.client_auth = static_cast<config::ClientAuthCondition>(dice.below(3));
  if (dice.one_in(6)) c.binding = static_cast<config::BindingCondition>(dice.below(3));
  if (dice.one_in(5)) c.claims["department"] = {"legal", "hr"};
  if (dice.one_in(8)) c.claims["level"] = {"3"};
  if (dice.one_in(5)) {
    config::TimeWindow w;
    if (dice.one_in(2)) w.days = {static_cast<config::Weekday>(dice.below(7)), static_cast<config::Weekday>(dice.below(7))};
    w.from = dice.pick(kHours);
    do w.to = dice.one_in(3) ? "24:00" : std::string(dice.pick(kHours));
    while (w.to == w.from);
    if (dice.one_in(2)) w.time_zone = "Test/Zone";
    c.time_window = w;
  }
  if (dice.one_in(6)) c.capability = {config::Capability::kTools, config::Capability::kChat};
  if (dice.one_in(8)) c.budget_left = dice.one_in(2);
  return c;
}

config::RoleRule random_rule(Dice& dice) {
  config::RoleRule out;
  out.effect = dice.one_in(3) ? config::Effect::kDeny : config::Effect::kAllow;
  if (dice.one_in(4)) out.actions = ActionSet::all();
  for (size_t i = 0; i < 1 + dice.below(3); ++i) out.actions.insert(dice.pick(kAsked));
  for (size_t i = 0; i < 1 + dice.below(3); ++i) out.resources.emplace_back(dice.pick(kPatterns));
  out.conditions = random_conditions(dice);
  return out;
}

struct World {
  std::map<std::string, config::Tenant> tenants;
  std::map<std::string, config::Role> roles;
  std::map<std::string, config::Grant> grants;
};

World random_world(Dice& dice) {
  World out;
  const size_t tenants = 1 + dice.below(kTenants.size());
  for (size_t i = 0; i < tenants; ++i) {
    config::Tenant& t = out.tenants[std::string(kTenants[i])];
    if (i > 0 && !dice.one_in(3)) t.parent = kTenants[dice.below(i)];
    for (size_t m = dice.below(3); m > 0; --m) t.members.push_back(random_subject(dice, false));
  }
  if (dice.one_in(12)) return out;  // without any Role
  const size_t roles = 1 + dice.below(3);
  for (size_t i = 0; i < roles; ++i) {
    config::Role& role = out.roles["r" + std::to_string(i)];
    role.keys = dice.one_in(2);
    for (size_t n = 1 + dice.below(3); n > 0; --n) role.rules.push_back(random_rule(dice));
  }
  for (size_t i = dice.below(6); i > 0; --i) {
    config::Grant& grant = out.grants["g" + std::to_string(i)];
    grant.role = "r" + std::to_string(dice.below(roles));
    grant.tenant = kTenants[dice.below(tenants)];
    for (size_t n = 1 + dice.below(3); n > 0; --n) grant.subjects.push_back(random_subject(dice, true));
    if (dice.one_in(4)) grant.valid.not_before = WallTime{static_cast<int64_t>(dice.below(3)) * 1'000'000'000};
    if (dice.one_in(4)) grant.valid.not_after = WallTime{static_cast<int64_t>(dice.below(3)) * 400'000 * 1'000'000'000};
  }
  return out;
}

token::PrincipalFields random_caller(Dice& dice) {
  token::PrincipalFields f;
  if (dice.one_in(4)) {
    f.kind = token::PrincipalKind::kKey;
    f.tenant = dice.pick(kTenants);
    f.key_id = dice.one_in(2) ? "aaaaaaaaaaaa" : "cccccccccccc";
    for (size_t i = dice.below(3); i > 0; --i) f.routes.emplace_back(dice.one_in(2) ? "*" : "a*");
    return f;
  }
  f.kind = token::PrincipalKind::kUser;
  f.issuer = dice.pick(kIssuers);
  f.subject = dice.pick(kWords);
  if (dice.one_in(2)) f.client = dice.pick(kWords);
  if (dice.one_in(3)) f.service_account = dice.one_in(2) ? "ns/a" : "ns/b";
  if (dice.one_in(3)) f.spiffe_id = dice.one_in(2) ? "spiffe://d/a/b" : "spiffe://d/ab";
  for (size_t i = dice.below(3); i > 0; --i) f.roles.emplace_back(dice.pick(kWords));
  f.groups_state = static_cast<token::GroupsState>(dice.below(3));
  if (f.groups_state == token::GroupsState::kKnown) {
    for (size_t i = dice.below(3); i > 0; --i) f.groups.emplace_back(dice.pick(kWords));
  }
  f.client_auth = static_cast<token::ClientAuth>(dice.below(4));
  f.binding = static_cast<token::Binding>(dice.below(3));
  if (dice.one_in(2)) f.claims.push_back({"department", {dice.one_in(2) ? "legal" : "sales", "x"}});
  if (dice.one_in(3)) f.claims.push_back({"level", {"3"}});
  return f;
}

struct Question {
  Action action = Action::kChatCreate;
  Resource resource{};
  Target target{};
  bool has_target = false;
  Facts facts{};
  Stage stage = Stage::kTarget;
};

Question random_question(Dice& dice) {
  Question q;
  q.action = dice.pick(kAsked);
  q.stage = static_cast<Stage>(dice.below(3));
  switch (dice.below(5)) {
    case 0: q.resource = {ResourceKind::kFile, "f", dice.one_in(3) ? std::string_view() : dice.pick(kTenants)}; break;
    case 1: q.resource = {ResourceKind::kAdmin, "config", dice.one_in(2) ? std::string_view() : dice.pick(kTenants)}; break;
    default: q.resource = {ResourceKind::kRoute, dice.pick(kRoutes), {}};
  }
  q.has_target = q.resource.kind == ResourceKind::kRoute && q.stage == Stage::kTarget && !dice.one_in(4);
  q.target = {dice.one_in(3) ? ResourceKind::kModel : ResourceKind::kBackend, dice.one_in(2) ? "x" : "m", dice.pick(kRegions), std::nullopt};
  if (!dice.one_in(3)) q.target.is_private = dice.one_in(2);
  q.facts.now = WallTime{static_cast<int64_t>(dice.below(800'000)) * 1'000'000'000};
  if (!dice.one_in(3)) q.facts.peer = config::IpAddress::parse(dice.one_in(2) ? "10.1.2.3" : "192.0.2.200");
  if (!dice.one_in(3)) q.facts.data_class = static_cast<DataClass>(dice.below(4));
  if (!dice.one_in(3)) {
    q.facts.capabilities.emplace();
    q.facts.capabilities->insert(dice.one_in(2) ? config::Capability::kTools : config::Capability::kEmbeddings);
  }
  if (dice.one_in(3)) q.facts.budget_left = dice.one_in(2);
  return q;
}

/// A zone one and a half hours east of Greenwich, so that days differ from UTC.
TimeZone test_zone() {
  const auto head = [](char version, uint8_t types, uint8_t chars) {
    std::string out = "TZif";
    out += version;
    out += std::string(15, '\0') + std::string(16, '\0');
    for (const uint8_t n : {types, chars}) out += std::string(3, '\0') + static_cast<char>(n);
    return out;
  };
  const std::string body = std::string("\0\0\x15\x18\0\0", 6) + std::string("TST\0", 4);
  return *TimeZone::parse(head('2', 1, 4) + body + head('2', 1, 4) + body + "\nTST-1:30\n");
}

PolicySources sources_of(const World& world) {
  PolicySources out;
  for (const auto& [name, spec] : world.tenants) out.tenants.push_back({name, &spec});
  for (const auto& [name, spec] : world.roles) out.roles.push_back({name, &spec});
  for (const auto& [name, spec] : world.grants) out.grants.push_back({name, &spec});
  out.zones.emplace("Test/Zone", test_zone());
  return out;
}

bool decided(const Policy& policy, const token::PrincipalFields& who, TenantId tenant, const Question& q) {
  const token::Principal caller = token::PrincipalIssuer::issue(who);
  const Standing standing = policy.standing(caller, tenant, q.facts.now);
  const Target* target = q.has_target ? &q.target : nullptr;
  const Decision decision = policy.decide(standing, q.action, q.resource, target, q.facts, q.stage);
  // The two ways to ask agree.
  EXPECT_EQ(decision.allowed(), policy.possible(standing, q.resource, target, q.facts, q.stage).contains(q.action));
  return decision.allowed();
}

TEST(PolicyModel, AgreesWithTheReferenceOnRandomWorlds) {
  constexpr uint64_t kWorlds = 12'000;
  constexpr int kCallers = 4;
  constexpr int kQuestions = 6;
  size_t allowed = 0, asked = 0, several = 0, none = 0;
  for (uint64_t seed = 1; seed <= kWorlds; ++seed) {
    Dice dice(seed);
    const World world = random_world(dice);
    const PolicySources sources = sources_of(world);
    const auto policy = Policy::compile(sources);
    ASSERT_TRUE(policy) << policy.error().detail;
    const reference::World reference{sources};
    for (int i = 0; i < kCallers; ++i) {
      const token::PrincipalFields who = random_caller(dice);
      const auto tenants = reference.tenants_of(who);
      const std::string_view project = dice.one_in(2) ? std::string_view() : dice.pick(kTenants);
      const auto tenant = policy->tenant_of(token::PrincipalIssuer::issue(who), project);
      const bool is_key = who.kind == token::PrincipalKind::kKey;
      const bool names_one = std::find(tenants.begin(), tenants.end(), project) != tenants.end();
      const bool expected = !tenants.empty() && (is_key || (project.empty() ? tenants.size() == 1 : names_one));
      ASSERT_EQ(tenant.has_value(), expected) << "seed " << seed;
      if (tenant) ASSERT_EQ(policy->tenant_name(*tenant), project.empty() || is_key ? tenants.front() : project) << "seed " << seed;
      if (!tenant) ASSERT_EQ(tenant.error().code == ErrorCode::kInvalidRequest, project.empty() && tenants.size() > 1) << "seed " << seed;
      several += tenants.size() > 1 ? 1 : 0;
      none += tenants.empty() ? 1 : 0;
      const auto acting = static_cast<TenantId>(dice.below(world.tenants.size()));  // also where the caller is no member: grants decide alone
      for (int k = 0; k < kQuestions; ++k) {
        const Question q = random_question(dice);
        const bool yes = decided(*policy, who, acting, q);
        const Target* target = q.has_target ? &q.target : nullptr;
        ASSERT_EQ(yes, reference.allowed(who, policy->tenant_name(acting), q.action, q.resource, target, q.facts, q.stage))
            << "seed " << seed << " " << to_string(q.action) << " on " << to_string(q.resource.kind) << ":" << q.resource.name;
        allowed += yes ? 1 : 0;
        ++asked;
      }
    }
  }
  // The worlds are worth their name: both answers are common.
  EXPECT_GT(allowed, asked / 50);
  EXPECT_LT(allowed, asked / 2);
  EXPECT_GT(several, 1000u);
  EXPECT_GT(none, 1000u);
}

TEST(PolicyModel, OneMoreDenyNeverWidens) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Dice dice(seed + 1'000'000);
    World world = random_world(dice);
    if (world.roles.empty()) continue;
    World narrower = world;
    config::RoleRule deny = random_rule(dice);
    deny.effect = config::Effect::kDeny;
    auto& rules = std::next(narrower.roles.begin(), static_cast<ptrdiff_t>(dice.below(narrower.roles.size())))->second.rules;
    rules.insert(rules.begin() + static_cast<ptrdiff_t>(dice.below(rules.size() + 1)), deny);
    const auto before = Policy::compile(sources_of(world));
    const auto after = Policy::compile(sources_of(narrower));
    for (int i = 0; i < 12; ++i) {
      const token::PrincipalFields who = random_caller(dice);
      const Question q = random_question(dice);
      const auto tenant = static_cast<TenantId>(dice.below(world.tenants.size()));
      if (decided(*after, who, tenant, q)) EXPECT_TRUE(decided(*before, who, tenant, q)) << "seed " << seed;
    }
  }
}

TEST(PolicyModel, OrderOfRulesAndSubjectsSaysNothing) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Dice dice(seed + 2'000'000);
    World world = random_world(dice);
    World turned = world;
    for (auto& [name, role] : turned.roles) std::reverse(role.rules.begin(), role.rules.end());
    for (auto& [name, grant] : turned.grants) std::reverse(grant.subjects.begin(), grant.subjects.end());
    const auto before = Policy::compile(sources_of(world));
    const auto after = Policy::compile(sources_of(turned));
    for (int i = 0; i < 12; ++i) {
      const token::PrincipalFields who = random_caller(dice);
      const Question q = random_question(dice);
      const auto tenant = static_cast<TenantId>(dice.below(world.tenants.size()));
      EXPECT_EQ(decided(*after, who, tenant, q), decided(*before, who, tenant, q)) << "seed " << seed;
    }
  }
}

/// A child tenant holds what its parents hold; what is denied above stays denied below, whatever is granted there.
TEST(PolicyModel, GrantsBelowNeverLiftWhatIsDeniedAbove) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Dice dice(seed + 3'000'000);
    World world = random_world(dice);
    if (world.roles.empty()) continue;
    World with_child = world;
    with_child.tenants["zz"].parent = "t0";
    config::Role& generous = with_child.roles["zz"];
    generous.keys = true;
    generous.rules = {allow(ActionSet::all(), {"route:*", "file:*", "admin:*"})};
    config::Grant& grant = with_child.grants["zz"];
    grant.role = grant.tenant = "zz";
    grant.subjects = {everyone()};
    const auto above = Policy::compile(sources_of(world));
    const auto below = Policy::compile(sources_of(with_child));
    const TenantId child = *below->find_tenant("zz");
    for (int i = 0; i < 12; ++i) {
      const token::PrincipalFields who = random_caller(dice);
      Question q = random_question(dice);
      q.resource.owner = {};
      const token::Principal caller = token::PrincipalIssuer::issue(who);
      const Target* target = q.has_target ? &q.target : nullptr;
      const Decision parent = above->decide(above->standing(caller, 0, q.facts.now), q.action, q.resource, target, q.facts, q.stage);
      if (parent.reason() == Reason::kDenied) EXPECT_FALSE(decided(*below, who, child, q)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace wye::access
