#include "llm/route/route.hpp"

namespace wye::route {
namespace {

constexpr TenantId kTeam = 1, kDivision = 2, kOther = 3;
constexpr RegionId kSweden = 10, kEastUs = 11;
constexpr std::array<TenantId, 2> kLineage = {kTeam, kDivision};

/// A Route with two candidates that answer everything public; tests change one thing each.
struct World {
  std::vector<Target> candidates;
  std::vector<RegionId> regions;
  std::vector<TenantId> tenants;
  RoutePolicy route;
  TenantFacts tenant{.data_class_max = DataClass::kRestricted, .any_region = true, .regions = {}, .lineage = kLineage};
  Ask ask;
  std::vector<Live> live = std::vector<Live>(128, Live{Health::kLive, {}});
  Plan plan;

  World() {
    route.data_class = DataClass::kInternal;
    add({.id = 0, .path = PathKind::kManaged, .data_class_max = DataClass::kInternal, .residency = Residency::kRegion, .region = kSweden});
    add({.id = 1, .path = PathKind::kCustom, .data_class_max = DataClass::kRestricted, .residency = Residency::kGlobal, .region = kEastUs});
  }
  void add(Target target) { candidates.push_back(target); }
  Verdict decide_now() {
    route.candidates = candidates;
    route.regions = regions;
    route.tenants = tenants;
    return decide(route, tenant, ask, live, plan);
  }
  std::vector<TargetId> order() {
    decide_now();
    std::vector<TargetId> ids;
    for (const Choice& c : plan.choices()) ids.push_back(c.target);
    return ids;
  }
  std::optional<Reason> why(TargetId id) {
    decide_now();
    for (const Exclusion& e : plan.excluded()) {
      if (e.target == id) return e.reason;
    }
    return std::nullopt;
  }
};

TEST(RouteDataClass, IsComparedOverTheWholeTable) {
  for (int route = 0; route < 4; ++route) {
    for (int asked = 0; asked < 4; ++asked) {
      for (int ceiling = 0; ceiling < 4; ++ceiling) {
        World w;
        w.route.data_class = static_cast<DataClass>(route);
        w.ask.data_class = static_cast<DataClass>(asked);
        for (Target& t : w.candidates) t.data_class_max = static_cast<DataClass>(ceiling);
        const bool allowed = std::max(route, asked) <= ceiling;
        EXPECT_EQ(w.decide_now(), allowed ? Verdict::kPlanned : Verdict::kForbidden) << route << asked << ceiling;
        EXPECT_EQ(w.plan.data_class(), static_cast<DataClass>(std::max(route, asked)));
      }
    }
  }
}

TEST(RouteAccess, WhatIsNotGrantedIsLeftOutAndForbiddenWhereNothingElseIsLeft) {
  World w;
  w.ask.not_granted = 1;
  EXPECT_EQ(w.order(), std::vector<TargetId>{1});
  EXPECT_EQ(w.why(0), Reason::kNotGranted);
  w.ask.not_granted = 3;
  EXPECT_EQ(w.decide_now(), Verdict::kForbidden);
  // Policy outranks health: a caller learns nothing of targets that they may not use.
  w.live[0].health = Health::kSaturated;
  EXPECT_EQ(w.decide_now(), Verdict::kForbidden);
}

TEST(RouteDataClass, UnlabelledIsDenied) {
  World w;
  w.route.data_class = RoutePolicy{}.data_class;
  for (Target& t : w.candidates) t.data_class_max = Target{}.data_class_max;
  EXPECT_EQ(w.decide_now(), Verdict::kForbidden);
  EXPECT_EQ(error_row(to_error(Verdict::kForbidden, w.ask).code).status, 403);
}

TEST(RouteDataClass, CallerRaisesAndNeverLowers) {
  World w;
  EXPECT_EQ(w.order().size(), 2u);
  w.ask.data_class = DataClass::kConfidential;
  EXPECT_EQ(w.order(), std::vector<TargetId>{1});
  w.ask.data_class = DataClass::kPublic;
  w.route.data_class = DataClass::kRestricted;
  EXPECT_EQ(w.order(), std::vector<TargetId>{1});
}

TEST(RouteTenant, CeilingAndLists) {
  World w;
  w.tenant.data_class_max = DataClass::kPublic;
  EXPECT_EQ(w.decide_now(), Verdict::kTenantCeiling);
  EXPECT_EQ(to_error(Verdict::kTenantCeiling, w.ask).code, ErrorCode::kDataClassForbidden);
  w.tenant.data_class_max = DataClass::kInternal;
  w.tenants = {kOther};
  EXPECT_EQ(w.decide_now(), Verdict::kTenantNotAllowed);
  w.tenants = {kOther, kDivision};  // its parent
  EXPECT_EQ(w.decide_now(), Verdict::kPlanned);
  w.candidates[0].owner = kOther;
  w.candidates[1].owner = kDivision;
  EXPECT_EQ(w.why(0), Reason::kTenantOwned);
  EXPECT_EQ(w.order(), std::vector<TargetId>{1});
}

TEST(RouteConstraints, EachExcludesWithItsReason) {
  World w;
  w.regions = {kSweden};
  EXPECT_EQ(w.why(1), Reason::kRegion);
  w.regions = {};
  const std::array only_us = {kEastUs};
  w.tenant.any_region = false;
  w.tenant.regions = only_us;
  EXPECT_EQ(w.why(0), Reason::kRegion);
  w.candidates[1].region = kNone;  // unknown place
  EXPECT_EQ(w.decide_now(), Verdict::kForbidden);
  w.tenant.regions = {};
  EXPECT_EQ(w.decide_now(), Verdict::kForbidden);

  World r;
  r.route.residency = {Residency::kRegion, Residency::kZoneEu};
  EXPECT_EQ(r.why(1), Reason::kResidency);
  r.candidates[0].residency = Residency::kNone;
  EXPECT_EQ(r.why(0), Reason::kResidency);

  World p;
  p.route.paths = {PathKind::kCustom};
  EXPECT_EQ(p.why(0), Reason::kPath);
  p.candidates[1].weight = 0;
  EXPECT_EQ(p.why(1), Reason::kNoWeight);
}

TEST(RouteOperations, UnsupportedIsTheClientsError) {
  World w;
  w.route.operations = {Operation::kEmbeddings};
  EXPECT_EQ(w.decide_now(), Verdict::kUnsupportedOperation);
  EXPECT_EQ(error_row(to_error(w.plan.verdict(), w.ask).code).status, 400);
  w.route.operations = {};
  for (Target& t : w.candidates) t.capabilities = {Capability::kEmbeddings};
  EXPECT_EQ(w.decide_now(), Verdict::kUnsupportedOperation);
  for (Target& t : w.candidates) t.capabilities = {Capability::kChat};
  w.ask.needs = {Capability::kTools};
  EXPECT_EQ(w.decide_now(), Verdict::kUnsupportedFeature);
  w.candidates[1].capabilities = {Capability::kChat, Capability::kTools};
  EXPECT_EQ(w.order(), std::vector<TargetId>{1});
}

TEST(Reasons, AMissingFeatureIsNamed) {
  Ask ask;
  ask.needs.insert(Capability::kTools);
  const Error one = to_error(Verdict::kUnsupportedFeature, ask);
  EXPECT_EQ(one.param, "tools");
  EXPECT_EQ(one.public_message, "This model lacks a feature that the request uses: tools.");
  ask.needs.insert(Capability::kJsonSchema);
  const Error two = to_error(Verdict::kUnsupportedFeature, ask);
  EXPECT_EQ(two.param, "");
  EXPECT_EQ(two.public_message, "This model lacks a feature that the request uses: tools, jsonSchema.");
}

TEST(RouteOperations, ResponsesAreBridgedToChat) {
  World w;
  w.ask.operation = Operation::kResponses;
  w.candidates[0].capabilities = {Capability::kChat};
  w.candidates[1].capabilities = {Capability::kChat, Capability::kResponses};
  w.decide_now();
  for (const Choice& c : w.plan.choices()) EXPECT_EQ(c.bridged, c.target == 0);
  EXPECT_EQ(w.plan.choices().size(), 2u);
}

TEST(RouteOperations, DiscoveredCapabilitiesCountWhereNoneAreDeclared) {
  World w;
  w.live[0].capabilities = {Capability::kEmbeddings};
  w.live[1].capabilities = {Capability::kEmbeddings};
  w.candidates[1].capabilities = {Capability::kChat};
  EXPECT_EQ(w.order(), std::vector<TargetId>{1});
  EXPECT_EQ(w.why(0), Reason::kOperation);
}

TEST(RouteHealth, OnlyTheLiveArePlanned) {
  World w;
  const std::array states = {std::pair{Health::kStarting, Reason::kStarting}, std::pair{Health::kBroken, Reason::kBroken},
                             std::pair{Health::kMisconfigured, Reason::kMisconfigured}, std::pair{Health::kDraining, Reason::kDraining}};
  for (const auto& [health, reason] : states) {
    w.live[0].health = w.live[1].health = health;
    EXPECT_EQ(w.why(0), reason);
    EXPECT_EQ(w.plan.verdict(), Verdict::kNotReady);
  }
  w.live[1].health = Health::kSaturated;
  EXPECT_EQ(w.decide_now(), Verdict::kSaturated);
  w.live[0].health = Health::kLive;
  EXPECT_EQ(w.order(), std::vector<TargetId>{0});
  w.live.clear();  // nothing known
  EXPECT_EQ(w.decide_now(), Verdict::kNotReady);
  EXPECT_EQ(error_row(to_error(Verdict::kNotReady, w.ask).code).status, 503);
}

TEST(RouteHealth, AForbiddenTargetIsNeverOfferedAsAFallback) {
  World w;
  w.route.data_class = DataClass::kConfidential;
  w.live[1].health = Health::kBroken;  // the only permitted one
  EXPECT_EQ(w.decide_now(), Verdict::kNotReady);
  EXPECT_TRUE(w.plan.choices().empty());
  EXPECT_EQ(w.why(0), Reason::kDataClass);
}

TEST(RouteOrder, TierThenObjective) {
  World w;
  w.candidates.clear();
  w.add({.id = 0, .path = PathKind::kManaged, .data_class_max = DataClass::kInternal, .tier = 1});
  w.add({.id = 1, .path = PathKind::kCustom, .data_class_max = DataClass::kInternal, .tier = 1});
  w.add({.id = 2, .path = PathKind::kManaged, .data_class_max = DataClass::kInternal, .tier = 0});
  for (uint64_t draw = 0; draw < 50; ++draw) {
    w.ask.draw = draw * 0x123456789ABCDEFull;
    w.route.objective = Objective::kManagedFirst;
    EXPECT_EQ(w.order(), (std::vector<TargetId>{2, 0, 1}));
    w.route.objective = Objective::kCustomFirst;
    EXPECT_EQ(w.order(), (std::vector<TargetId>{2, 1, 0}));
  }
}

TEST(RouteOrder, WeightsAreSharesOfTheFirstPlace) {
  World w;
  w.candidates[0].weight = 900;
  w.candidates[1].weight = 100;
  uint64_t seed = 42;
  int first = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    w.ask.draw = seed;
    first += w.order().front() == 0;
  }
  EXPECT_NEAR(static_cast<double>(first) / kDraws, 0.9, 0.01);
}

TEST(RouteOrder, EveryCandidateAppearsExactlyOnce) {
  World w;
  w.candidates.clear();
  for (uint32_t i = 0; i < kMaxCandidates; ++i) {
    w.add({.id = i, .data_class_max = DataClass::kInternal, .weight = static_cast<uint16_t>(1 + i * 13 % 1000), .tier = static_cast<uint8_t>(i % 8)});
  }
  for (uint64_t draw = 1; draw < 2000; draw += 7) {
    w.ask.draw = draw << 50 | draw;
    auto ids = w.order();
    ASSERT_EQ(ids.size(), kMaxCandidates);
    EXPECT_TRUE(std::ranges::is_sorted(w.plan.choices(), {}, &Choice::tier));
    std::ranges::sort(ids);
    EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  }
}

TEST(RouteOrder, TheSameDrawGivesTheSamePlan) {
  World w;
  w.ask.draw = 0xDEADBEEF;
  EXPECT_EQ(w.order(), w.order());
}

TEST(RouteCheckTarget, AgreesWithDecideOnEveryCandidate) {
  uint64_t seed = 7;
  const auto draw = [&](uint64_t n) { return (seed = seed * 6364136223846793005ull + 1442695040888963407ull, (seed >> 33) % n); };
  for (int round = 0; round < 5000; ++round) {
    World w;
    w.route.data_class = static_cast<DataClass>(draw(4));
    w.ask.data_class = static_cast<DataClass>(draw(4));
    w.ask.operation = static_cast<Operation>(draw(5));
    w.route.paths = EnumSet<PathKind>::from_bits(static_cast<uint32_t>(draw(4)));
    w.route.residency = EnumSet<Residency>::from_bits(static_cast<uint32_t>(draw(16)));
    if (draw(2) == 0) w.regions = {kSweden};
    if (draw(3) == 0) w.tenants = {draw(2) == 0 ? kOther : kDivision};
    for (Target& t : w.candidates) {
      t.data_class_max = static_cast<DataClass>(draw(4));
      t.capabilities = EnumSet<Capability>::from_bits(static_cast<uint32_t>(draw(32)));
      t.owner = draw(3) == 0 ? kOther : kNone;
    }
    w.decide_now();
    for (size_t i = 0; i < w.candidates.size(); ++i) {
      const bool planned = std::ranges::any_of(w.plan.choices(), [i](const Choice& c) { return c.candidate == i; });
      EXPECT_EQ(planned, !check_target(w.route, w.tenant, w.ask, w.candidates[i], {}).has_value()) << round;
    }
  }
}

TEST(RouteText, EveryReasonHasASentence) {
  for (int i = 0; i <= static_cast<int>(Reason::kDraining); ++i) EXPECT_FALSE(to_string(static_cast<Reason>(i)).empty()) << i;
}

}  // namespace
}  // namespace wye::route
