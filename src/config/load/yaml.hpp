// YAML as resources spell it, as trees with positions. The one file that knows yaml-cpp is yaml.cpp.
// Refused with a finding each: anchors, aliases, tags, merge keys, duplicate and non-scalar keys, depth, size, bytes that are no text.
// Source: YAML 1.2.2, narrowed. Threads: no shared state. Errors: findings; exceptions of the library stay inside.
#pragma once

#include "config/load/load.hpp"

namespace wye::config {

struct YamlMember;

/// A value. kBad: already reported, whoever reads it stays silent.
struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap, kBad };
  Kind kind = Kind::kNull;
  bool quoted = false;  // a scalar in quotes or as a block: text, whatever it looks like
  Position at;
  std::string text;
  std::vector<YamlMember> members;  // of a map by key; of a sequence in order, keys empty

  const YamlMember* find(std::string_view key) const;
};
struct YamlMember {
  std::string key;
  Position key_at;
  YamlNode value;
};

/// The documents of one file; empty documents are left out.
std::vector<YamlNode> parse_yaml(const NamedText& source, const LoadLimits& limits, Diagnostics& findings);

/// Whether a plain (unquoted) scalar means something else than text to YAML readers: numbers, booleans of YAML 1.1, null.
bool plain_is_not_text(std::string_view plain);

}  // namespace wye::config
