// Kind Grant: who holds a Role, where and how long.
#pragma once

#include "config/kinds/subject.hpp"

namespace wye::config {

struct Validity {
  std::optional<WallTime> not_before;
  std::optional<WallTime> not_after;
  static void describe(auto& self, auto& v) {
    v.field("notBefore", self.not_before, Rule{.text = "Holds from then on.", .absent = "always"});
    v.field("notAfter", self.not_after, Rule{.text = "Holds until then, exclusive.", .absent = "always"});
  }
};

struct Grant {
  static constexpr std::string_view kKind = "Grant";
  static constexpr std::string_view kText = "Who holds a Role, in which Tenant and those below it, and how long.";

  std::string role;
  std::string tenant;
  std::vector<Subject> subjects;
  Validity valid;

  static void describe(auto& self, auto& v) {
    v.field("role", self.role, Rule{.text = "The Role.", .required = true, .grammar = Grammar::kName, .refers = "Role"});
    v.field(
        "tenant", self.tenant,
        Rule{.text = "Holds while the caller acts in this tenant or one below it.", .required = true, .grammar = Grammar::kName, .refers = "Tenant"});
    v.field("subjects", self.subjects, Rule{.text = "Who; one form each.", .required = true, .min = 1, .max = 4096});
    v.field("valid", self.valid, Rule{.text = "When."});
  }
};

}  // namespace wye::config
