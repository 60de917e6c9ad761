// A standing and a decision allocate nothing, whatever comes out.
#include "foundation/base/test_allocations.hpp"
#include "identity/access/test_policy.hpp"

namespace wye::access {
namespace {

using test::allocations;

TEST(AccessAllocation, StandingAndDecisionAllocateNothing) {
  TestPolicy p;
  p.tenant("top");
  p.tenant("t").parent = "top";
  config::RoleRule conditional = allow({Action::kChatCreate, Action::kModelsList}, {"route:a*"});
  conditional.conditions.network = {"10.0.0.0/8"};
  conditional.conditions.claims["department"] = {"legal"};
  conditional.conditions.time_window = config::TimeWindow{.days = {}, .from = "22:00", .to = "06:00", .time_zone = "UTC"};
  conditional.conditions.region_in = {"swedencentral"};
  p.role("r").rules = {conditional, deny({Action::kChatCreate}, {"backend:x"}), allow(ActionSet::all(), {"route:b", "file:*"})};
  for (int i = 0; i < 200; ++i) {
    config::Subject pattern = group("g" + std::to_string(i % 20) + "*");
    p.grant("g" + std::to_string(i), "r", i % 2 == 0 ? "top" : "t", {pattern, app_role("role-" + std::to_string(i)), everyone()});
  }
  token::PrincipalFields fields = user({"g1", "g12", "a group with a name that is longer than any small string"});
  fields.claims = {{"department", {"legal"}}};
  const Policy& policy = p.policy();
  const token::Principal caller = token::PrincipalIssuer::issue(fields);
  const token::Principal by_key = token::PrincipalIssuer::issue(key("t"));
  const TenantId tenant = *policy.find_tenant("t");
  const Target target{ResourceKind::kBackend, "y", "swedencentral", true};
  Facts facts;
  facts.peer = config::IpAddress::parse("10.1.2.3");
  facts.data_class = DataClass::kInternal;
  size_t allowed = 0;
  const size_t before_probe = allocations;
  const std::string probe(fields.groups.size() * 100, 'x');
  ASSERT_GT(allocations, before_probe) << "the hook does not count" << probe.size();
  const size_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    facts.now = WallTime{i * INT64_C(3'600'000'000'000)};
    const Standing standing = policy.standing(i % 3 == 0 ? by_key : caller, tenant, facts.now);
    const Resource route{ResourceKind::kRoute, i % 2 == 0 ? "ab" : "b", {}};
    allowed += policy.decide(standing, Action::kChatCreate, route, &target, facts, Stage::kTarget).allowed() ? 1 : 0;
    allowed += policy.visible(standing, route, facts) ? 1 : 0;
    allowed += policy.decide(standing, Action::kFilesGet, {ResourceKind::kFile, "f", "t"}, nullptr, facts, Stage::kTarget).allowed() ? 1 : 0;
  }
  EXPECT_EQ(allocations, before);
  EXPECT_GT(allowed, 0u);
}

}  // namespace
}  // namespace wye::access
