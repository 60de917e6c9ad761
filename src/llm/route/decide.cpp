#include "llm/route/route.hpp"

namespace wye::route {
namespace {

bool shares(std::span<const uint32_t> a, std::span<const uint32_t> b) {
  return std::ranges::any_of(a, [b](uint32_t id) { return std::ranges::find(b, id) != b.end(); });
}
bool holds(std::span<const uint32_t> ids, uint32_t id) { return std::ranges::find(ids, id) != ids.end(); }

bool region_allowed(const RoutePolicy& route, const TenantFacts& tenant, RegionId region) {
  // A target without a region promises nothing, so it satisfies no constraint on regions.
  if (!route.regions.empty() && (region == kNone || !holds(route.regions, region))) return false;
  return tenant.any_region || (region != kNone && holds(tenant.regions, region));
}

bool can(EnumSet<Capability> capabilities, Operation operation) {
  // Nothing declared and nothing discovered: the upstream itself is the judge.
  if (capabilities.empty() || capabilities.contains(config::capability_of(operation))) return true;
  return operation == Operation::kResponses && capabilities.contains(Capability::kChat);
}

std::optional<Reason> check_rules(const RoutePolicy& route, const TenantFacts& tenant, const Ask& ask, DataClass data, const Target& target,
                                  EnumSet<Capability> capabilities) {
  if (!permits(target.data_class_max, data)) return Reason::kDataClass;
  if (target.owner != kNone && !holds(tenant.lineage, target.owner)) return Reason::kTenantOwned;
  if (!region_allowed(route, tenant, target.region)) return Reason::kRegion;
  if (!route.residency.empty() && !route.residency.contains(target.residency)) return Reason::kResidency;
  if (!route.paths.empty() && !route.paths.contains(target.path)) return Reason::kPath;
  if (!can(capabilities, ask.operation)) return Reason::kOperation;
  if (!capabilities.empty() && !capabilities.contains_all(ask.needs)) return Reason::kCapability;
  if (target.weight == 0) return Reason::kNoWeight;
  return std::nullopt;
}

std::optional<Reason> check_health(Health health) {
  switch (health) {
    case Health::kLive: return std::nullopt;
    case Health::kStarting: return Reason::kStarting;
    case Health::kBroken: return Reason::kBroken;
    case Health::kMisconfigured: return Reason::kMisconfigured;
    case Health::kSaturated: return Reason::kSaturated;
    case Health::kDraining: return Reason::kDraining;
  }
  return Reason::kBroken;
}

EnumSet<Capability> known(const Target& target, EnumSet<Capability> discovered) {
  return target.capabilities.empty() ? discovered : target.capabilities;
}

DataClass effective_class(const RoutePolicy& route, const Ask& ask) { return std::max(route.data_class, ask.data_class); }

/// Lower goes first: tier, then the side that the objective prefers.
unsigned rank(const Target& target, Objective objective) {
  unsigned side = 0;
  if (objective == Objective::kManagedFirst) side = target.path == PathKind::kManaged ? 0 : 1;
  if (objective == Objective::kCustomFirst) side = target.path == PathKind::kCustom ? 0 : 1;
  return unsigned{target.tier} * 2 + side;
}

uint64_t next_draw(uint64_t& state) {
  // splitmix64 (Steele, Lea, Flood 2014): later picks need bits that are independent of the first.
  state += 0x9E3779B97F4A7C15ull;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/// Orders choices of one rank: each place is drawn by weight among those that are left.
void shuffle_by_weight(std::span<Choice> choices, std::span<const Target> candidates, uint64_t& draw) {
  uint32_t total = 0;
  for (const Choice& c : choices) total += candidates[c.candidate].weight;
  for (size_t place = 0; place + 1 < choices.size(); ++place) {
    uint32_t at = static_cast<uint32_t>((static_cast<unsigned __int128>(next_draw(draw)) * total) >> 64);
    size_t pick = place;
    while (at >= candidates[choices[pick].candidate].weight) at -= candidates[choices[pick++].candidate].weight;
    total -= candidates[choices[pick].candidate].weight;
    std::swap(choices[place], choices[pick]);
  }
}

void order(std::span<Choice> choices, const RoutePolicy& route, uint64_t draw) {
  const auto rank_of = [&](const Choice& c) { return rank(route.candidates[c.candidate], route.objective); };
  // Insertion sort: stable, in place, and the list is nearly always shorter than five.
  for (size_t i = 1; i < choices.size(); ++i) {
    const Choice moving = choices[i];
    size_t j = i;
    for (; j > 0 && rank_of(choices[j - 1]) > rank_of(moving); --j) choices[j] = choices[j - 1];
    choices[j] = moving;
  }
  for (size_t start = 0; start < choices.size();) {
    size_t end = start + 1;
    while (end < choices.size() && rank_of(choices[end]) == rank_of(choices[start])) ++end;
    shuffle_by_weight(choices.subspan(start, end - start), route.candidates, draw);
    start = end;
  }
}

/// How far a candidate came; the farthest one names the verdict.
Verdict verdict_of(Reason reason) {
  switch (reason) {
    case Reason::kNotGranted:
    case Reason::kDataClass:
    case Reason::kTenantOwned:
    case Reason::kRegion:
    case Reason::kResidency:
    case Reason::kPath: return Verdict::kForbidden;
    case Reason::kOperation: return Verdict::kUnsupportedOperation;
    case Reason::kCapability: return Verdict::kUnsupportedFeature;
    case Reason::kSaturated: return Verdict::kSaturated;
    case Reason::kNoWeight:
    case Reason::kStarting:
    case Reason::kBroken:
    case Reason::kMisconfigured:
    case Reason::kDraining: return Verdict::kNotReady;
  }
  return Verdict::kForbidden;
}
/// Of two verdicts without a plan, the one that tells the client more: a wait beats a feature, a feature beats a policy.
int progress(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSaturated: return 4;
    case Verdict::kNotReady: return 3;
    case Verdict::kUnsupportedFeature: return 2;
    case Verdict::kUnsupportedOperation: return 1;
    default: return 0;
  }
}

/// The rules that concern the Route as a whole, before any candidate.
std::optional<Verdict> check_route(const RoutePolicy& route, const TenantFacts& tenant, const Ask& ask, DataClass data) {
  if (!route.tenants.empty() && !shares(tenant.lineage, route.tenants)) return Verdict::kTenantNotAllowed;
  if (!permits(tenant.data_class_max, data)) return Verdict::kTenantCeiling;
  if (!route.operations.empty() && !route.operations.contains(ask.operation)) return Verdict::kUnsupportedOperation;
  return std::nullopt;
}

}  // namespace

std::optional<Reason> check_target(const RoutePolicy& route, const TenantFacts& tenant, const Ask& ask, const Target& target,
                                   EnumSet<Capability> discovered) {
  const DataClass data = effective_class(route, ask);
  if (const auto verdict = check_route(route, tenant, ask, data)) {
    if (*verdict == Verdict::kTenantNotAllowed) return Reason::kTenantOwned;
    return *verdict == Verdict::kTenantCeiling ? Reason::kDataClass : Reason::kOperation;
  }
  return check_rules(route, tenant, ask, data, target, known(target, discovered));
}

Verdict decide(const RoutePolicy& route, const TenantFacts& tenant, const Ask& ask, std::span<const Live> live, Plan& plan) {
  plan.choice_count_ = 0;
  plan.excluded_count_ = 0;
  plan.data_class_ = effective_class(route, ask);
  if (const auto refused = check_route(route, tenant, ask, plan.data_class_)) return plan.verdict_ = *refused;

  Verdict verdict = Verdict::kForbidden;
  const size_t count = std::min(route.candidates.size(), kMaxCandidates);
  for (size_t i = 0; i < count; ++i) {
    const Target& target = route.candidates[i];
    const Live now = target.id < live.size() ? live[target.id] : Live{};
    const EnumSet<Capability> capabilities = known(target, now.capabilities);
    std::optional<Reason> reason;
    if ((ask.not_granted >> i & 1) != 0) reason = Reason::kNotGranted;
    else reason = check_rules(route, tenant, ask, plan.data_class_, target, capabilities);
    if (!reason) reason = check_health(now.health);
    if (reason) {
      plan.excluded_[plan.excluded_count_++] = {target.id, static_cast<uint8_t>(i), *reason};
      if (const Verdict mine = verdict_of(*reason); progress(mine) > progress(verdict)) verdict = mine;
      continue;
    }
    const bool bridged = ask.operation == Operation::kResponses && !capabilities.empty() && !capabilities.contains(Capability::kResponses);
    plan.choices_[plan.choice_count_++] = {target.id, static_cast<uint8_t>(i), target.tier, bridged};
  }
  if (plan.choice_count_ == 0) return plan.verdict_ = verdict;
  order(std::span(plan.choices_).first(plan.choice_count_), route, ask.draw);
  return plan.verdict_ = Verdict::kPlanned;
}

}  // namespace wye::route
