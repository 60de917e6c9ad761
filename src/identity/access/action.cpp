#include "identity/access/decision.hpp"

namespace wye::access {

std::optional<Action> parse_action(std::string_view text) {
  for (size_t i = 0; i < kActionCount; ++i) {
    if (to_string(static_cast<Action>(i)) == text) return static_cast<Action>(i);
  }
  return std::nullopt;
}

std::string_view noun_of(Action action) {
  const std::string_view text = to_string(action);
  return text.substr(0, text.find('.'));
}

std::string_view to_string(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kRoute: return "route";
    case ResourceKind::kBackend: return "backend";
    case ResourceKind::kModel: return "model";
    case ResourceKind::kFile: return "file";
    case ResourceKind::kBatch: return "batch";
    case ResourceKind::kIndex: return "index";
    case ResourceKind::kAdmin: return "admin";
  }
  return "";
}

std::string_view to_string(Condition condition) {
  switch (condition) {
    case Condition::kNone: return "";
    case Condition::kDataClassMax: return "dataClassMax";
    case Condition::kRegionIn: return "regionIn";
    case Condition::kRegionNotIn: return "regionNotIn";
    case Condition::kPrivateOnly: return "privateOnly";
    case Condition::kNetwork: return "network";
    case Condition::kClientAuth: return "clientAuth";
    case Condition::kBinding: return "binding";
    case Condition::kClaims: return "claims";
    case Condition::kTimeWindow: return "timeWindow";
    case Condition::kCapability: return "capability";
    case Condition::kBudgetLeft: return "budgetLeft";
  }
  return "";
}

std::string_view Decision::detail() const {
  switch (reason_) {
    case Reason::kAllowed: return "authz.allow";
    case Reason::kNoGrant: return "authz.no_grant";
    case Reason::kKeyScope: return "key.scope";
    case Reason::kOtherOwner: return "object.tenant";
    case Reason::kCondition:
    case Reason::kDenied: break;
  }
  switch (condition_) {
    case Condition::kDataClassMax: return "policy.data_class";
    case Condition::kRegionIn:
    case Condition::kRegionNotIn: return "policy.region";
    case Condition::kPrivateOnly:
    case Condition::kNetwork: return "policy.network";
    default: return reason_ == Reason::kDenied ? "authz.deny" : "authz.condition";
  }
}

}  // namespace wye::access
