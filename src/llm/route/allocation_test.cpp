// Deciding allocates nothing, whatever the verdict.
#include "foundation/base/test_allocations.hpp"
#include "llm/route/route.hpp"

namespace wye::route {
namespace {

using test::allocations;

TEST(RouteAllocation, DecideAndCheckAllocateNothing) {
  std::vector<Target> candidates;
  for (uint32_t i = 0; i < kMaxCandidates; ++i) {
    Target target;
    target.id = i;
    target.data_class_max = static_cast<DataClass>(i % 4);
    target.tier = static_cast<uint8_t>(i % 8);
    candidates.push_back(target);
  }
  const std::array<TenantId, 1> lineage = {0};
  RoutePolicy policy;
  policy.candidates = candidates;
  TenantFacts tenant;
  tenant.data_class_max = DataClass::kRestricted;
  tenant.lineage = lineage;
  const std::vector<Live> live(kMaxCandidates, Live{Health::kLive, {}});
  Plan plan;
  size_t planned = 0;
  const size_t before_probe = allocations;
  const std::string probe(live.size() * 16, 'x');
  ASSERT_GT(allocations, before_probe) << "the hook does not count" << probe.size();
  const size_t before = allocations;
  for (uint64_t i = 0; i < 1000; ++i) {
    Ask ask;
    ask.draw = i * 0x9E3779B97F4A7C15ull;
    policy.data_class = static_cast<DataClass>(i % 4);
    planned += decide(policy, tenant, ask, i % 5 == 0 ? std::span<const Live>() : std::span<const Live>(live), plan) == Verdict::kPlanned;
    planned += check_target(policy, tenant, ask, candidates[i % kMaxCandidates], {}).has_value();
  }
  EXPECT_EQ(allocations, before);
  EXPECT_GT(planned, 0u);
}

}  // namespace
}  // namespace wye::route
