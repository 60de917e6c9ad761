#include "identity/access/conditions.hpp"

namespace wye::access {
namespace {

Truth truth(bool holds) { return holds ? Truth::kTrue : Truth::kFalse; }
/// What belongs to a request is missing once the request is read; what belongs to a target once there is one.
Truth absent_of_request(const Circumstances& x) { return x.stage == Stage::kCaller ? Truth::kLater : Truth::kMissing; }
Truth absent_of_target(const Circumstances& x) { return x.target == nullptr && x.stage != Stage::kTarget ? Truth::kLater : Truth::kMissing; }

bool holds(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

}  // namespace

bool in_window(config::EnumSet<config::Weekday> days, int32_t from, int32_t to, const TimeZone& zone, WallTime now) {
  constexpr int64_t kDay = 86'400;
  const int64_t unix_seconds = now.ns >= 0 ? now.seconds() : (now.ns - 999'999'999) / 1'000'000'000;
  const int64_t local = unix_seconds + zone.offset_at(unix_seconds);
  const int64_t day = local >= 0 ? local / kDay : (local - kDay + 1) / kDay;
  const auto second = static_cast<int32_t>(local - day * kDay);
  // 1970-01-01 was a Thursday: 3 with Monday as 0.
  const auto weekday = [&](int64_t d) { return static_cast<config::Weekday>(((d + 3) % 7 + 7) % 7); };
  const auto open_on = [&](int64_t d) { return days.empty() || days.contains(weekday(d)); };
  if (from < to) return second >= from && second < to && open_on(day);
  return (second >= from && open_on(day)) || (second < to && open_on(day - 1));
}

Truth judge_data_class(const config::Conditions& c, const Circumstances& x) {
  if (!c.data_class_max) return Truth::kTrue;
  return x.facts.data_class ? truth(*x.facts.data_class <= *c.data_class_max) : absent_of_request(x);
}

Truth judge_region_in(const config::Conditions& c, const Circumstances& x) {
  if (c.region_in.empty()) return Truth::kTrue;
  if (x.target == nullptr || x.target->region.empty()) return absent_of_target(x);
  return truth(holds(c.region_in, x.target->region));
}

Truth judge_region_not_in(const config::Conditions& c, const Circumstances& x) {
  if (c.region_not_in.empty()) return Truth::kTrue;
  if (x.target == nullptr || x.target->region.empty()) return absent_of_target(x);
  return truth(!holds(c.region_not_in, x.target->region));
}

Truth judge_private(const config::Conditions& c, const Circumstances& x) {
  if (!c.private_only) return Truth::kTrue;
  if (x.target == nullptr || !x.target->is_private) return absent_of_target(x);
  return truth(*x.target->is_private);
}

Truth judge_client_auth(const config::Conditions& c, const Circumstances& x) {
  if (!c.client_auth) return Truth::kTrue;
  switch (x.caller.client_auth) {
    case token::ClientAuth::kUnknown: return Truth::kMissing;
    case token::ClientAuth::kPublic: return truth(*c.client_auth == config::ClientAuthCondition::kPublic);
    case token::ClientAuth::kSecret: return truth(*c.client_auth == config::ClientAuthCondition::kSecret);
    case token::ClientAuth::kCertificate: return truth(*c.client_auth == config::ClientAuthCondition::kCertificate);
  }
  return Truth::kMissing;
}

Truth judge_binding(const config::Conditions& c, const Circumstances& x) {
  if (!c.binding) return Truth::kTrue;
  switch (x.caller.binding) {
    case token::Binding::kNone: return truth(*c.binding == config::BindingCondition::kNone);
    case token::Binding::kMtls: return truth(*c.binding == config::BindingCondition::kMtls);
    case token::Binding::kDpop: return truth(*c.binding == config::BindingCondition::kDpop);
  }
  return Truth::kMissing;
}

Truth judge_claims(const config::Conditions& c, const Circumstances& x) {
  Truth out = Truth::kTrue;
  for (const auto& [name, wanted] : c.claims) {
    const auto claim = std::ranges::find(x.caller.claims, name, &token::Claim::name);
    if (claim == x.caller.claims.end()) {
      if (out == Truth::kTrue) out = Truth::kMissing;
      continue;
    }
    if (!std::ranges::any_of(claim->values, [&](const std::string& value) { return holds(wanted, value); })) return Truth::kFalse;
  }
  return out;
}

Truth judge_capability(const config::Conditions& c, const Circumstances& x) {
  if (c.capability.empty()) return Truth::kTrue;
  if (!x.facts.capabilities) return absent_of_request(x);
  return truth(!(*x.facts.capabilities & c.capability).empty());
}

Truth judge_budget(const config::Conditions& c, const Circumstances& x) {
  if (!c.budget_left) return Truth::kTrue;
  return x.facts.budget_left ? truth(*x.facts.budget_left == *c.budget_left) : absent_of_request(x);
}

}  // namespace wye::access
