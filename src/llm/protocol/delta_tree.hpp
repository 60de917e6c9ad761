// Deltas added up: what many small JSON objects mean together. Private to this room.
// Source: openai-python's accumulate_delta: strings concatenate, objects merge, lists of objects with `index` merge by it.
// Lifetime: owns its bytes. Threads: one owner; reusable, keeps its memory.
#pragma once

#include "foundation/json/document.hpp"

namespace wye::protocol {

/// A growing JSON value. Null changes nothing; `id`, `type`, `name`, `role` and `object` are set once, not concatenated.
class DeltaTree {
 public:
  using Index = uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  /// Forgets everything; kept memory serves the next one.
  void clear();
  /// A new empty object.
  Index make_object();
  /// Adds `delta`, an object, to the object `into`. False over the bound of 2^20 values.
  bool merge(Index into, json::Value delta);
  /// Puts `value` in place of what was there; null changes nothing.
  bool set_member(Index into, std::string_view name_raw, json::Value value);
  /// Adds up one member.
  bool merge_member(Index into, std::string_view name_raw, json::Value value);

  /// The member with that name as written, kNone where there is none.
  Index find(Index object, std::string_view name_raw) const;
  /// The raw text of a string or scalar member (strings without quotes); empty for others.
  std::string_view text(Index node) const { return nodes_[node].text; }
  bool is_string(Index node) const { return nodes_[node].kind == Kind::kString; }
  bool is_array(Index node) const { return nodes_[node].kind == Kind::kArray; }
  bool empty(Index object) const { return nodes_[object].first == kNone; }
  /// Children in the order of first sight; arrays by `index` in its order.
  template <class F>
  void for_each(Index parent, F f) const {
    for (Index i = nodes_[parent].first; i != kNone; i = nodes_[i].next) f(i);
  }
  std::string_view name(Index node) const { return nodes_[node].name; }

  /// Appends the value as JSON. Within arrays that were merged by `index`, `with_index` keeps that member.
  void write(Index node, std::string& out, bool with_index) const;
  size_t bytes() const { return bytes_; }

 private:
  enum class Kind : uint8_t { kScalar, kString, kObject, kArray };
  struct Node {
    Kind kind = Kind::kScalar;
    bool indexed = false;   // an element found by `index`
    int64_t index = 0;
    std::string name;       // raw
    std::string text;       // scalar: JSON; string: raw without quotes
    Index first = kNone;
    Index last = kNone;
    Index next = kNone;
  };
  Index add(Index parent, Kind kind, std::string_view name_raw);
  bool assign(Index node, json::Value value, std::string_view name_raw);
  bool merge_array(Index into, json::Value array);
  Index element_at(Index array, int64_t index);

  std::vector<Node> nodes_;  // the first used_ are valid
  size_t used_ = 0;
  size_t bytes_ = 0;
};

}  // namespace wye::protocol
