// Conditions of one rule, judged by what is known. Private to this room. Threads: pure.
#pragma once

#include "identity/access/policy.hpp"

namespace wye::access {

/// kMissing: it should be known and is not; kLater: it is not expected at this stage.
enum class Truth : uint8_t { kTrue, kFalse, kMissing, kLater };

/// Everything that a condition may look at.
struct Circumstances {
  const token::PrincipalFields& caller;
  const Facts& facts;
  const Target* target = nullptr;
  Stage stage = Stage::kTarget;
};

/// A window of the week in local time.
bool in_window(config::EnumSet<config::Weekday> days, int32_t from, int32_t to, const TimeZone& zone, WallTime now);

Truth judge_data_class(const config::Conditions& c, const Circumstances& x);
Truth judge_region_in(const config::Conditions& c, const Circumstances& x);
Truth judge_region_not_in(const config::Conditions& c, const Circumstances& x);
Truth judge_private(const config::Conditions& c, const Circumstances& x);
Truth judge_client_auth(const config::Conditions& c, const Circumstances& x);
Truth judge_binding(const config::Conditions& c, const Circumstances& x);
Truth judge_claims(const config::Conditions& c, const Circumstances& x);
Truth judge_capability(const config::Conditions& c, const Circumstances& x);
Truth judge_budget(const config::Conditions& c, const Circumstances& x);

}  // namespace wye::access
