// What came out of a question, and which rules said so. Fixed size: deciding allocates nothing.
// Threads: values. Lifetime: rule references are of the Policy that made them.
#pragma once

#include "identity/access/question.hpp"

namespace wye::access {

enum class Reason : uint8_t {
  kAllowed,
  kNoGrant,     // no rule that the caller holds allows this action on this resource
  kCondition,   // rules allow it, but for a condition that does not hold
  kDenied,      // a rule denies it
  kKeyScope,    // the API key names other Routes
  kOtherOwner,  // the thing belongs to another tenant
};

/// The conditions of rules, in the order of the reference page.
enum class Condition : uint8_t {
  kNone,
  kDataClassMax,
  kRegionIn,
  kRegionNotIn,
  kPrivateOnly,
  kNetwork,
  kClientAuth,
  kBinding,
  kClaims,
  kTimeWindow,
  kCapability,
  kBudgetLeft
};
/// `dataClassMax` …; empty for kNone.
std::string_view to_string(Condition condition);

/// A rule that a caller holds through a grant. Of the built-in role both numbers of resources are kBuiltIn.
struct RuleRef {
  static constexpr uint32_t kBuiltIn = UINT32_MAX;
  uint32_t grant = kBuiltIn;  // place among the Grants, sorted by name
  uint32_t role = kBuiltIn;   // place among the Roles, sorted by name
  uint16_t rule = 0;          // place in Role.rules, from 0
  bool deny = false;
  Condition failed = Condition::kNone;  // of an allow that did not hold: the first condition that failed
  friend bool operator==(const RuleRef&, const RuleRef&) = default;
};

class Decision {
 public:
  static constexpr size_t kRulesMax = 8;

  bool allowed() const { return reason_ == Reason::kAllowed; }
  explicit operator bool() const { return allowed(); }
  Reason reason() const { return reason_; }
  /// The rules that decided, at most kRulesMax: those that allow; of a refusal those that deny, else those whose conditions failed.
  std::span<const RuleRef> rules() const { return {rules_.data(), count_}; }
  /// For log and audit, never for clients: `authz.allow` `authz.no_grant` `authz.condition` `authz.deny` `key.scope` `object.tenant`, and
  /// `policy.data_class` `policy.region` `policy.network` where such a condition decided.
  std::string_view detail() const;
  /// Whether the refusal is one of data class, region or network: what the caller may read then is kDataClassForbidden.
  bool is_path_refusal() const { return detail().starts_with("policy."); }

 private:
  friend class Policy;
  friend class Judgement;
  std::array<RuleRef, kRulesMax> rules_{};
  uint8_t count_ = 0;
  Reason reason_ = Reason::kNoGrant;
  Condition condition_ = Condition::kNone;  // that decided
};

}  // namespace wye::access
