// What differs between two configurations: by kind, name and field, over their canonical forms, so that comments, order and files
// do not count and every default does.
// Threads: pure.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::admin {

/// One field. The values are JSON; empty: the field is not there.
struct FieldChange {
  std::string path{};  // `spec.candidates[0].weight`
  std::string before{};
  std::string after{};
  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

struct ResourceChange {
  enum class What : uint8_t { kAdded, kRemoved, kChanged } what = What::kChanged;
  std::string kind{};
  std::string name{};
  std::vector<FieldChange> fields{};  // of what was added or removed: all
};
std::string_view to_string(ResourceChange::What what);

/// Both texts as Snapshot::canonical() gives them; empty: no configuration. In the order of kind and name.
std::vector<ResourceChange> diff(std::string_view before, std::string_view after);

/// One resource of a canonical form, as JSON.
struct ResourceText {
  std::string kind{};
  std::string name{};
  std::string json{};
};
std::vector<ResourceText> resources_of(std::string_view canonical);

}  // namespace wye::admin
