// Deciding allocates nothing, whatever the verdict. Counted by the sanitizer's own hook; a build without one says so.
#include <cstdlib>

#include "llm/route/route.hpp"

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define WYE_HAS_ALLOCATION_HOOK 1
#else
#define WYE_HAS_ALLOCATION_HOOK 0
#endif

namespace wye::route {
namespace {

#if WYE_HAS_ALLOCATION_HOOK
thread_local size_t allocations = 0;
void on_malloc(const volatile void*, size_t) { ++allocations; }
void on_free(const volatile void*) {}
#endif

TEST(RouteAllocation, DecideAndCheckAllocateNothing) {
#if WYE_HAS_ALLOCATION_HOOK
  ASSERT_NE(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
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
#else
  GTEST_SKIP() << "counted in sanitizer builds";
#endif
}

}  // namespace
}  // namespace wye::route
