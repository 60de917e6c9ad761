// Kind Tenant: who belongs together, how secret their data may be, who pays.
#pragma once

#include "config/kinds/enums.hpp"
#include "config/kinds/subject.hpp"

namespace wye::config {

struct Tenant {
  static constexpr std::string_view kKind = "Tenant";
  static constexpr std::string_view kText = "Who belongs together: data class ceiling, regions, cost centre. A child can only narrow its parent.";

  std::string parent;
  std::vector<Subject> members;
  DataClass data_class_max = DataClass::kPublic;
  std::vector<std::string> regions;
  std::string cost_centre;

  static void describe(auto& self, auto& v) {
    v.field("parent", self.parent,
            Rule{.text = "Tenant above this one; at most 8 levels.", .grammar = Grammar::kName, .refers = "Tenant", .absent = "none"});
    v.field("members", self.members, Rule{.text = "Who belongs to it, besides the API keys that carry it; one form each.", .max = 4096});
    v.field("dataClassMax", self.data_class_max, Rule{.text = "Most secret data that this tenant may send anywhere."});
    v.field("regions", self.regions,
            Rule{.text = "Regions that may see its data; narrows every Route.", .max = 128, .grammar = Grammar::kRegion, .absent = "any"});
    v.field("costCentre", self.cost_centre, Rule{.text = "Copied to the ledger.", .max = 64, .absent = "none"});
  }
};

}  // namespace wye::config
