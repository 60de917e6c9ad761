// The one way to make a Principal. Included by rooms of identity/ after a successful check, and by tests; by nobody else.
#pragma once

#include "identity/token/principal.hpp"

namespace wye::token {

struct PrincipalIssuer {
  static Principal issue(PrincipalFields fields) { return Principal(std::move(fields)); }
};

}  // namespace wye::token
