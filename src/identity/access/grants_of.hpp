// The grants that a caller holds in a tenant: by its subjects, or as everyone who acts there. Private to this room. Threads: pure.
#pragma once

#include "identity/access/policy.hpp"

namespace wye::access {

/// Calls `take(grant, Match)`; a grant may come more than once.
template <class Take>
void Policy::for_each_grant(const token::Principal& caller, TenantId tenant, WallTime now, Take&& take) const {
  constexpr size_t kFewEntries = 16;
  const std::vector<TenantId>& up = lineages_[tenant];
  const auto offer = [&](uint32_t id, Match match) {
    const CompiledGrant& grant = grants_[id];
    if (now.ns >= grant.from_ns && now.ns < grant.until_ns) take(id, match);
  };
  for (const TenantId at : up) {
    for (const uint32_t id : member_grants_[at]) offer(id, Match::kSure);
  }
  grant_index_.find(caller, [&](std::span<const SubjectIndex::Entry> entries, Match match) {
    if (entries.size() <= kFewEntries) {
      for (const SubjectIndex::Entry& entry : entries) {
        if (std::ranges::find(up, entry.tenant) != up.end()) offer(entry.id, match);
      }
      return;
    }
    for (const TenantId at : up) {
      for (const SubjectIndex::Entry& entry : std::ranges::equal_range(entries, at, {}, &SubjectIndex::Entry::tenant)) offer(entry.id, match);
    }
  });
}

}  // namespace wye::access
