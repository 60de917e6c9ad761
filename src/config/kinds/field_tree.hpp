// The fields of a kind as a tree of plain values: what the schema and the reference page are printed from.
// Threads: values.
#pragma once

#include "config/kinds/canonical.hpp"

namespace wye::config {

/// What a value looks like in a document.
enum class Shape : uint8_t { kBoolean, kInteger, kDuration, kSize, kText, kPath, kChoice, kTime, kTextLists, kObject };

struct FieldNode {
  std::string_view name;
  Shape shape = Shape::kText;
  bool list = false;
  bool any = false;      // of a list of choices: `*` stands for all of them
  bool refused = false;  // named, but not available in this build
  Rule rule;
  std::span<const EnumName> names;  // of kChoice
  std::string default_json;         // empty: no default
  std::vector<FieldNode> children;  // of kObject

  /// The child of that name; null where there is none.
  const FieldNode* find(std::string_view child) const;
};

/// The spec of a kind; `name` is empty for an unknown kind.
FieldNode field_tree(std::string_view kind);

}  // namespace wye::config
