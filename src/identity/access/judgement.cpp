#include "identity/access/judgement.hpp"

#include "identity/access/grants_of.hpp"

namespace wye::access {

bool Judgement::is_on(const Policy::Rule& rule) const {
  for (const Policy::Pattern& pattern : rule.patterns) {
    if (pattern.matches(resource_.kind, resource_.name)) return true;
    // Only a deny looks at the target: an allow on a target would open every Route that leads there.
    if (rule.deny && target_ != nullptr && pattern.matches(target_->kind, target_->name)) return true;
  }
  return false;
}

Truth Judgement::truth_of(const Policy::Rule& rule, Condition condition) const {
  const config::Conditions& c = *rule.conditions;
  const Circumstances& x = circumstances_;
  switch (condition) {
    case Condition::kNone: return Truth::kTrue;
    case Condition::kDataClassMax: return judge_data_class(c, x);
    case Condition::kRegionIn: return judge_region_in(c, x);
    case Condition::kRegionNotIn: return judge_region_not_in(c, x);
    case Condition::kPrivateOnly: return judge_private(c, x);
    case Condition::kClientAuth: return judge_client_auth(c, x);
    case Condition::kBinding: return judge_binding(c, x);
    case Condition::kClaims: return judge_claims(c, x);
    case Condition::kCapability: return judge_capability(c, x);
    case Condition::kBudgetLeft: return judge_budget(c, x);
    case Condition::kNetwork:
      if (rule.networks.empty()) return Truth::kTrue;
      if (!x.facts.peer) return Truth::kMissing;
      return std::ranges::any_of(rule.networks, [&](const config::Cidr& n) { return n.contains(*x.facts.peer); }) ? Truth::kTrue : Truth::kFalse;
    case Condition::kTimeWindow:
      if (!rule.window) return Truth::kTrue;
      return in_window(rule.window->days, rule.window->from, rule.window->to, *rule.window->zone, x.facts.now) ? Truth::kTrue : Truth::kFalse;
  }
  return Truth::kMissing;
}

Judgement::Verdict Judgement::judge(const Policy::Rule& rule) const {
  if (rule.conditions == nullptr) return {true, Condition::kNone};
  for (auto i = static_cast<uint8_t>(Condition::kDataClassMax); i <= static_cast<uint8_t>(Condition::kBudgetLeft); ++i) {
    const auto condition = static_cast<Condition>(i);
    const Truth truth = truth_of(rule, condition);
    const bool holds = truth == Truth::kTrue || (rule.deny ? truth == Truth::kMissing : truth == Truth::kLater);
    if (!holds) return {false, condition};
  }
  return {true, Condition::kNone};
}

bool Judgement::in_key_scope() const { return resource_.kind != ResourceKind::kRoute || standing_.caller().may_use_route(resource_.name); }

bool Judgement::is_own() const {
  switch (resource_.kind) {
    case ResourceKind::kFile:
    case ResourceKind::kBatch:
    case ResourceKind::kIndex: return resource_.owner == policy_.tenant_name(standing_.tenant());
    default: break;
  }
  if (resource_.owner.empty()) return true;
  const auto owner = policy_.find_tenant(resource_.owner);
  return owner && std::ranges::find(policy_.lineage(*owner), standing_.tenant()) != policy_.lineage(*owner).end();
}

template <class Take>
void Judgement::for_each_role(Take&& take) const {
  const token::Principal& caller = standing_.caller();
  if (policy_.is_built_in()) {
    if (caller.kind() == token::PrincipalKind::kKey) take(policy_.built_in_, Match::kSure, RuleRef{});
    return;
  }
  const auto with_grant = [&](uint32_t grant, Match match) {
    const uint32_t role = policy_.grants_[grant].role;
    take(policy_.roles_[role], match, RuleRef{.grant = grant, .role = role});
  };
  if (standing_.complete_) {
    for (size_t i = 0; i < standing_.count_; ++i) with_grant(standing_.held_[i].grant, standing_.held_[i].match);
  } else {
    policy_.for_each_grant(caller, standing_.tenant(), standing_.at_, with_grant);
  }
}

Condition Judgement::telling_condition(const config::Conditions& c) {
  if (!c.region_in.empty()) return Condition::kRegionIn;
  if (!c.region_not_in.empty()) return Condition::kRegionNotIn;
  if (c.data_class_max) return Condition::kDataClassMax;
  if (c.private_only) return Condition::kPrivateOnly;
  return c.network.empty() ? Condition::kNone : Condition::kNetwork;
}

Decision Judgement::decide(Action action) const {
  Decision allows, denies, fails;
  const auto note = [](Decision& in, RuleRef ref, Condition condition) {
    if (in.count_ == 0) in.condition_ = condition;
    const auto known = std::span(in.rules_).first(in.count_);
    if (in.count_ < Decision::kRulesMax && std::ranges::find(known, ref) == known.end()) in.rules_[in.count_++] = ref;
  };
  const bool key_admin = standing_.caller().kind() == token::PrincipalKind::kKey && is_admin(action);
  for_each_role([&](const Policy::CompiledRole& role, Match match, RuleRef ref) {
    const bool may_allow = match == Match::kSure && role.allows.contains(action) && (!key_admin || role.keys_administrate);
    if (!may_allow && !role.denies.contains(action)) return;
    for (const Policy::Rule& rule : role.rules) {
      if (!rule.actions.contains(action) || (!rule.deny && !may_allow) || !is_on(rule)) continue;
      const Verdict verdict = judge(rule);
      ref.rule = static_cast<uint16_t>(&rule - role.rules.data());
      ref.deny = rule.deny;
      ref.failed = verdict.failed;
      if (rule.deny && verdict.holds) note(denies, ref, rule.conditions == nullptr ? Condition::kNone : telling_condition(*rule.conditions));
      if (!rule.deny) note(verdict.holds ? allows : fails, ref, verdict.failed);
    }
  });
  Decision& out = denies.count_ > 0 ? denies : allows.count_ > 0 ? allows : fails;
  if (!is_own()) {
    out.reason_ = Reason::kOtherOwner;
  } else if (!in_key_scope()) {
    out.reason_ = Reason::kKeyScope;
  } else if (denies.count_ > 0) {
    out.reason_ = Reason::kDenied;
  } else if (allows.count_ > 0) {
    out.reason_ = Reason::kAllowed;
  } else {
    out.reason_ = fails.count_ > 0 ? Reason::kCondition : Reason::kNoGrant;
  }
  return out;
}

std::vector<Judgement::Outcome> Judgement::outcomes(Action action) const {
  std::vector<Outcome> out;
  const bool key_admin = standing_.caller().kind() == token::PrincipalKind::kKey && is_admin(action);
  for_each_role([&](const Policy::CompiledRole& role, Match match, RuleRef ref) {
    for (const Policy::Rule& rule : role.rules) {
      if (!rule.actions.contains(action) || !is_on(rule)) continue;
      ref.rule = static_cast<uint16_t>(&rule - role.rules.data());
      ref.deny = rule.deny;
      const Verdict verdict = judge(rule);
      ref.failed = verdict.failed;
      out.push_back({ref, match, rule.deny || !key_admin || role.keys_administrate, verdict});
    }
  });
  return out;
}

ActionSet Judgement::possible() const {
  if (!is_own() || !in_key_scope()) return {};
  const bool is_key = standing_.caller().kind() == token::PrincipalKind::kKey;
  ActionSet allowed, denied;
  for_each_role([&](const Policy::CompiledRole& role, Match match, RuleRef) {
    for (const Policy::Rule& rule : role.rules) {
      ActionSet actions = rule.actions;
      if (!rule.deny && is_key && !role.keys_administrate) actions = actions & ActionSet::data_plane();
      ActionSet& into = rule.deny ? denied : allowed;
      const bool counts = rule.deny || match == Match::kSure;
      if (!counts || actions.without(into).empty() || !is_on(rule) || !judge(rule).holds) continue;
      into = into | actions;
    }
  });
  return allowed.without(denied);
}

}  // namespace wye::access
