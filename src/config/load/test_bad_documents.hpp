// Tables of documents that are refused: each with the place and the words of its finding. Threads: pure.
#pragma once

#include "config/load/test_documents.hpp"

namespace wye::config {

struct Bad {
  std::string_view kind;
  std::string_view spec;  // begins at line 5
  std::string_view place;
  std::string_view says;
};

inline void check(std::span<const Bad> table) {
  for (const Bad& bad : table) {
    const Loaded loaded = load_one(document(bad.kind, "x", bad.spec));
    EXPECT_FALSE(loaded.ok()) << bad.spec;
    EXPECT_TRUE(has_finding(loaded, bad.place, bad.says)) << bad.spec << "\nwanted " << bad.place << " " << bad.says << "\n" << all_findings(loaded);
  }
}

}  // namespace wye::config
