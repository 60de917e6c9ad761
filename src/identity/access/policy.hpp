// Who may do what: Roles, Grants and Tenants compiled once, then asked for every request.
//   default deny; any deny that matches wins; a grant holds while its holder acts in its tenant or one below, so a child can only narrow.
// A rule of an allow is asked about the resource itself; a deny about the resource and about the target that a Route was resolved to.
// A missing fact makes an allow fail and a deny hold; facts that come later (Stage) are judged when they are there.
// A caller whose groups are unknown (overage) has no group where a rule allows, and every group where a rule denies.
// Pure: no clock, socket, store or lock. Deciding allocates nothing.
// Threads: immutable after compile. Lifetime: Standing and RuleRef are of the Policy that made them, which outlives them; so do the specs
// handed to compile.
#pragma once

#include "config/kinds/grant.hpp"
#include "config/kinds/role.hpp"
#include "config/kinds/tenant.hpp"
#include "foundation/base/result.hpp"
#include "identity/access/decision.hpp"
#include "identity/access/subject_index.hpp"
#include "identity/access/time_zone.hpp"

namespace wye::access {

/// Place of a Tenant among all, sorted by name: the same number as elsewhere in a snapshot.
using TenantId = uint32_t;

template <class Spec>
struct Named {
  std::string_view name{};
  const Spec* spec = nullptr;
};

/// What a Policy is made of: every list sorted by name, every reference leading somewhere.
struct PolicySources {
  std::vector<Named<config::Tenant>> tenants{};
  std::vector<Named<config::Role>> roles{};
  std::vector<Named<config::Grant>> grants{};
  std::map<std::string, TimeZone, std::less<>> zones{};  // every zone that a time window names, but UTC
};

class Policy;

/// What a caller holds while it acts in one tenant: made once a request, asked for each decision. Fixed size.
class Standing {
 public:
  const token::Principal& caller() const { return *caller_; }
  TenantId tenant() const { return tenant_; }

 private:
  friend class Policy;
  friend class Judgement;
  static constexpr size_t kHeldMax = 48;
  struct Held {
    uint32_t grant = 0;
    Match match = Match::kPerhaps;
  };
  const token::Principal* caller_ = nullptr;
  TenantId tenant_ = 0;
  WallTime at_{};
  uint8_t count_ = 0;
  bool complete_ = true;  // false: more than fit; then every decision looks them up anew
  std::array<Held, kHeldMax> held_;
};

class Policy {
 public:
  /// Roles without any grant, tenants without members, no Role at all: all are fine. kUsage only where sources break their promise.
  static Result<Policy> compile(PolicySources sources);
  Policy(Policy&&) = default;
  Policy& operator=(Policy&&) = default;

  /// The Tenant that the caller acts in. A key carries it. Else it is the one whose members match; of several the one that `project` (the
  /// header OpenAI-Project) names. Errors: kForbidden where none matches, or `project` names one that does not; kInvalidRequest where
  /// several match and none is named.
  Result<TenantId> tenant_of(const token::Principal& caller, std::string_view project) const;

  /// What the caller holds in that tenant at that time. `caller` is kept by reference.
  Standing standing(const token::Principal& caller, TenantId tenant, WallTime now) const;

  /// The one decision. `target` is null until a target is chosen (Stage says whether one is expected).
  Decision decide(const Standing& standing, Action action, const Resource& resource, const Target* target, const Facts& facts, Stage stage) const;

  /// Whether the caller may know that the resource exists: some data-plane action on it could be allowed. A Route that is not visible
  /// is answered as one that does not exist.
  bool visible(const Standing& standing, const Resource& resource, const Facts& facts) const;
  /// Every action that could be allowed on the resource, by what is known at `stage`.
  ActionSet possible(const Standing& standing, const Resource& resource, const Target* target, const Facts& facts, Stage stage) const;

  /// `role/chat-user#1`; of the built-in role `role/built-in#0`.
  std::string rule_id(const RuleRef& rule) const;
  /// `grant/team-a-chat`; of the built-in role empty.
  std::string grant_id(const RuleRef& rule) const;
  std::string_view tenant_name(TenantId tenant) const { return sources_.tenants[tenant].name; }
  std::optional<TenantId> find_tenant(std::string_view name) const;
  /// Itself, then its parents.
  std::span<const TenantId> lineage(TenantId tenant) const { return lineages_[tenant]; }
  const PolicySources& sources() const { return sources_; }
  /// Without any Role: API keys have the data-plane actions on their own Routes, nobody else anything.
  bool is_built_in() const { return sources_.roles.empty(); }

 private:
  friend class Judgement;
  struct Pattern {
    ResourceKind kind = ResourceKind::kRoute;
    std::string_view text{};
    bool open = false;
    bool matches(ResourceKind other, std::string_view name) const { return kind == other && (open ? name.starts_with(text) : name == text); }
  };
  struct Window {
    config::EnumSet<config::Weekday> days{};
    int32_t from = 0, to = 0;  // seconds of the day
    const TimeZone* zone = nullptr;
  };
  struct Rule {
    ActionSet actions{};
    bool deny = false;
    std::vector<Pattern> patterns{};
    const config::Conditions* conditions = nullptr;  // null: none
    std::vector<config::Cidr> networks{};
    std::optional<Window> window{};
  };
  struct CompiledRole {
    ActionSet allows{}, denies{};  // of all rules, to skip what can not matter
    bool keys_administrate = false;
    std::vector<Rule> rules{};
  };
  struct CompiledGrant {
    uint32_t role = 0;
    TenantId tenant = 0;
    int64_t from_ns = INT64_MIN, until_ns = INT64_MAX;
  };

  Policy() = default;
  Result<void> compile_tenants();
  Result<void> compile_roles();
  Result<void> compile_grants();
  static Pattern make_pattern(std::string_view text);
  template <class Take>
  void for_each_grant(const token::Principal& caller, TenantId tenant, WallTime now, Take&& take) const;

  PolicySources sources_;
  std::vector<std::vector<TenantId>> lineages_;
  std::vector<CompiledRole> roles_;
  std::vector<CompiledGrant> grants_;
  CompiledRole built_in_;
  std::vector<std::vector<uint32_t>> member_grants_;  // by tenant: grants whose subjects hold {members: true}
  SubjectIndex grant_index_;
  SubjectIndex member_index_;
};

}  // namespace wye::access
