// What holds between identity documents: subjects that an Issuer can have, Gateways that somebody can sign in to.
// Threads: one owner.
#pragma once

#include "config/load/load.hpp"

namespace wye::config {

/// Adds a finding for each relation that does not hold. `resources` are sorted by name; dangling references are left to others.
void check_identity(const Resources& resources, Diagnostics& findings);

}  // namespace wye::config
