// Relations between documents: unique names and aliases, references that lead somewhere, trees of tenants, credentials that may go
// where a Backend sends them. Threads: one owner.
#pragma once

#include "config/load/binder.hpp"

namespace wye::config {

/// Adds a finding for each relation that does not hold. `resources` are sorted by name afterwards; of duplicates the first stays.
void check_relations(Resources& resources, std::span<const Reference> references, Diagnostics& findings);

}  // namespace wye::config
