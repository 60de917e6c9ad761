// One question put to a Policy: goes over the rules that the caller holds, then decides. Private to this room.
// Threads: one owner. Lifetime: of one call.
#pragma once

#include "identity/access/conditions.hpp"

namespace wye::access {

class Judgement {
 public:
  Judgement(const Policy& policy, const Standing& standing, const Resource& resource, const Target* target, const Facts& facts, Stage stage)
      : policy_(policy),
        standing_(standing),
        resource_(resource),
        target_(target),
        circumstances_{standing.caller().fields(), facts, target, stage} {}

  Decision decide(Action action) const;
  ActionSet possible() const;

  struct Verdict {
    bool holds = false;
    Condition failed = Condition::kNone;
  };
  /// One rule that is about the action and the resource.
  struct Outcome {
    RuleRef ref{};
    Match match = Match::kSure;
    bool for_caller = true;  // false: an administrative allow that keys do not get
    Verdict verdict{};
  };
  /// Every such rule that the caller holds, for explanations. Allocates.
  std::vector<Outcome> outcomes(Action action) const;

 private:
  /// Calls `take(role, Match, RuleRef)` for each role that the caller holds here.
  template <class Take>
  void for_each_role(Take&& take) const;
  bool is_on(const Policy::Rule& rule) const;
  Verdict judge(const Policy::Rule& rule) const;
  Truth truth_of(const Policy::Rule& rule, Condition condition) const;
  bool in_key_scope() const;
  bool is_own() const;
  static Condition telling_condition(const config::Conditions& conditions);

  const Policy& policy_;
  const Standing& standing_;
  const Resource& resource_;
  const Target* target_;
  Circumstances circumstances_;
};

}  // namespace wye::access
