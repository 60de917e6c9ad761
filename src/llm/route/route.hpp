// Which targets may answer a request, in which order, and why the others may not. Pure: facts in, decision and reasons out;
// no clock, socket, store or allocation. Order of the rules: hard constraints, then what is live, then tier, then objective
// and weight. A data class is compared in exactly one place: `permits` below.
// Units: none. Lifetime: spans are borrowed for the call. Threads: everything here is a value or const. Errors: a Verdict.
#pragma once

#include "config/kinds/enums.hpp"
#include "foundation/base/error.hpp"
#include "foundation/base/units.hpp"

namespace wye::route {

using config::Capability;
using config::EnumSet;
using config::Objective;
using config::Operation;
using config::PathKind;
using config::Residency;

inline constexpr size_t kMaxCandidates = 64;

/// Numbers that the snapshot gives to names; valid within one snapshot.
using TargetId = uint32_t;
using TenantId = uint32_t;
using RegionId = uint32_t;
inline constexpr uint32_t kNone = UINT32_MAX;

/// What configuration says of one candidate of a Route.
struct Target {
  TargetId id = kNone;
  PathKind path = PathKind::kManaged;
  DataClass data_class_max = DataClass::kPublic;
  Residency residency = Residency::kNone;
  RegionId region = kNone;             // kNone: satisfies no constraint on regions
  TenantId owner = kNone;              // kNone: shared
  EnumSet<Capability> capabilities{};  // empty: not declared
  uint16_t weight = 1;                 // 0: takes no traffic
  uint8_t tier = 0;
};

/// What configuration says of a Route. Empty sets and spans: no such constraint.
struct RoutePolicy {
  DataClass data_class = DataClass::kRestricted;
  EnumSet<Operation> operations{};
  EnumSet<PathKind> paths{};
  EnumSet<Residency> residency{};
  std::span<const RegionId> regions{};
  std::span<const TenantId> tenants{};
  Objective objective = Objective::kWeighted;
  std::span<const Target> candidates{};  // at most kMaxCandidates
};

/// What configuration says of the caller's tenant, its parents already applied.
struct TenantFacts {
  DataClass data_class_max = DataClass::kPublic;
  bool any_region = true;
  std::span<const RegionId> regions{};  // read where any_region is false; empty then: no region at all
  std::span<const TenantId> lineage{};  // itself first, then its parents
};

/// Whether a target takes requests now. Everything but kLive keeps it out of a plan.
enum class Health : uint8_t { kLive, kStarting, kBroken, kMisconfigured, kSaturated, kDraining };

/// What is known of a target at this moment. Indexed by TargetId; a target beyond the span counts as kStarting.
struct Live {
  Health health = Health::kStarting;
  EnumSet<Capability> capabilities{};  // discovered (a model's file); read where configuration declares none
};

/// One request, as far as routing cares.
struct Ask {
  Operation operation = Operation::kChat;
  EnumSet<Capability> needs{};                // features it uses beyond the operation: tools, jsonSchema, vision, audio, logprobs
  DataClass data_class = DataClass::kPublic;  // raised by a trusted caller or a detector; never lowers the Route's
  uint64_t draw = 0;                          // uniformly random bits; the same draw gives the same plan
  uint64_t not_granted = 0;                   // bit i: no rule of access lets the caller use candidate i
};

/// Why a candidate is not in the plan; the first rule that it fails, in this order.
enum class Reason : uint8_t {
  kNotGranted,     // the caller's roles do not allow the target
  kDataClass,      // the request is more secret than the target may see
  kTenantOwned,    // the model belongs to another tenant
  kRegion,         // outside the regions of Route or tenant
  kResidency,      // computed where the Route does not allow
  kPath,           // on a path that the Route does not allow
  kOperation,      // can not do the operation
  kCapability,     // lacks a feature that the request uses
  kNoWeight,       // weight 0
  kStarting,       // not ready yet
  kBroken,         // known not to work
  kMisconfigured,  // the upstream refuses our credential or does not know the deployment
  kSaturated,      // the upstream told us to wait
  kDraining,       // going away
};
/// A sentence for `wye explain`; constant text.
std::string_view to_string(Reason reason);

/// What became of the whole request.
enum class Verdict : uint8_t {
  kPlanned,               // `choices` has at least one
  kTenantNotAllowed,      // the Route is not for this tenant: 404, as if it did not exist
  kTenantCeiling,         // the request is more secret than its tenant may send: 403
  kForbidden,             // policy leaves no candidate: 403
  kUnsupportedOperation,  // no permitted candidate can do it: 400
  kUnsupportedFeature,    // no permitted candidate has a feature that the request uses: 400
  kSaturated,             // all that are permitted and live told us to wait: 503
  kNotReady,              // none that is permitted is live: 503
};

struct Choice {
  TargetId target = kNone;
  uint8_t candidate = 0;  // index into RoutePolicy::candidates
  uint8_t tier = 0;
  bool bridged = false;  // responses asked, only chat known: to be translated
};
struct Exclusion {
  TargetId target = kNone;
  uint8_t candidate = 0;
  Reason reason = Reason::kDataClass;
};

/// An ordered plan with its reasons. Fixed capacity, about 1 KB: keep one and hand it to each call.
class Plan {
 public:
  Verdict verdict() const { return verdict_; }
  bool ok() const { return verdict_ == Verdict::kPlanned; }
  /// In the order of attempts.
  std::span<const Choice> choices() const { return {choices_.data(), choice_count_}; }
  /// In the order of the candidates.
  std::span<const Exclusion> excluded() const { return {excluded_.data(), excluded_count_}; }
  /// The class that was compared: the highest of Route and request.
  DataClass data_class() const { return data_class_; }

 private:
  friend Verdict decide(const RoutePolicy&, const TenantFacts&, const Ask&, std::span<const Live>, Plan&);
  std::array<Choice, kMaxCandidates> choices_;
  std::array<Exclusion, kMaxCandidates> excluded_;
  uint8_t choice_count_ = 0;
  uint8_t excluded_count_ = 0;
  Verdict verdict_ = Verdict::kForbidden;
  DataClass data_class_ = DataClass::kRestricted;
};

/// The one comparison of data classes: may data of class `data` go where at most `ceiling` may?
constexpr bool permits(DataClass ceiling, DataClass data) { return data <= ceiling; }

/// Fills `plan`; returns its verdict. Never allocates, never fails otherwise.
Verdict decide(const RoutePolicy& route, const TenantFacts& tenant, const Ask& ask, std::span<const Live> live, Plan& plan);

/// Whether one target satisfies every hard constraint (not health): asked again before each attempt, for the resolved target.
/// Absent: it does; else the rule that it fails.
std::optional<Reason> check_target(const RoutePolicy& route, const TenantFacts& tenant, const Ask& ask, const Target& target,
                                   EnumSet<Capability> discovered);

/// What the client gets when the verdict is not kPlanned. Allocates; names no target.
Error to_error(Verdict verdict, const Ask& ask);

}  // namespace wye::route
