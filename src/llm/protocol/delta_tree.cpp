#include "llm/protocol/delta_tree.hpp"

namespace wye::protocol {
namespace {

constexpr size_t kNodesMax = size_t{1} << 20;
constexpr std::array<std::string_view, 5> kSetOnce = {"id", "type", "name", "role", "object"};

bool set_once(std::string_view name) { return std::ranges::find(kSetOnce, name) != kSetOnce.end(); }

}  // namespace

void DeltaTree::clear() {
  used_ = 0;
  bytes_ = 0;
}

DeltaTree::Index DeltaTree::make_object() { return add(kNone, Kind::kObject, {}); }

DeltaTree::Index DeltaTree::add(Index parent, Kind kind, std::string_view name_raw) {
  if (used_ >= kNodesMax) return kNone;
  if (used_ == nodes_.size()) nodes_.emplace_back();
  const auto index = static_cast<Index>(used_++);
  Node& node = nodes_[index];
  node.kind = kind;
  node.indexed = false;
  node.index = 0;
  node.name.assign(name_raw);
  node.text.clear();
  node.first = node.last = node.next = kNone;
  bytes_ += name_raw.size() + 8;
  if (parent == kNone) return index;
  Node& holder = nodes_[parent];
  if (holder.first == kNone) {
    holder.first = index;
  } else {
    nodes_[holder.last].next = index;
  }
  holder.last = index;
  return index;
}

DeltaTree::Index DeltaTree::find(Index object, std::string_view name_raw) const {
  for (Index i = nodes_[object].first; i != kNone; i = nodes_[i].next) {
    if (nodes_[i].name == name_raw) return i;
  }
  return kNone;
}

bool DeltaTree::merge(Index into, json::Value delta) {
  for (const json::Member member : delta.members()) {
    if (!merge_member(into, member.name_raw(), member.value())) return false;
  }
  return true;
}

bool DeltaTree::merge_member(Index into, std::string_view name_raw, json::Value value) {
  Index there = find(into, name_raw);
  if (there == kNone) {
    there = add(into, Kind::kScalar, name_raw);
    if (there == kNone) return false;
    nodes_[there].text = "null";
  }
  return assign(there, value, name_raw);
}

bool DeltaTree::set_member(Index into, std::string_view name_raw, json::Value value) {
  Index there = find(into, name_raw);
  if (there != kNone && value.is_null()) return true;
  if (there == kNone) there = add(into, Kind::kScalar, name_raw);
  if (there == kNone) return false;
  nodes_[there].text.assign(value.raw());
  bytes_ += value.raw().size();
  return true;
}

bool DeltaTree::assign(Index node, json::Value value, std::string_view name_raw) {
  const Kind kind = nodes_[node].kind;
  switch (value.kind()) {
    case json::Kind::kNull: return true;
    case json::Kind::kString: {
      const std::string_view raw = value.string_raw();
      Node& n = nodes_[node];
      if (kind != Kind::kString) {
        n.kind = Kind::kString;
        n.text.assign(raw);
      } else if (!set_once(name_raw)) {
        n.text += raw;
      } else if (n.text.empty()) {
        n.text.assign(raw);
      } else {
        return true;
      }
      bytes_ += raw.size();
      return true;
    }
    case json::Kind::kObject:
      if (kind != Kind::kObject) {
        nodes_[node].kind = Kind::kObject;
        nodes_[node].first = nodes_[node].last = kNone;
      }
      return merge(node, value);
    case json::Kind::kArray:
      if (kind != Kind::kArray) {
        nodes_[node].kind = Kind::kArray;
        nodes_[node].first = nodes_[node].last = kNone;
      }
      return merge_array(node, value);
    default:
      nodes_[node].kind = Kind::kScalar;
      nodes_[node].text.assign(value.raw());
      bytes_ += value.raw().size();
      return true;
  }
}

DeltaTree::Index DeltaTree::element_at(Index array, int64_t index) {
  for (Index i = nodes_[array].first; i != kNone; i = nodes_[i].next) {
    if (nodes_[i].indexed && nodes_[i].index == index) return i;
  }
  const Index made = add(array, Kind::kObject, {});
  if (made == kNone) return kNone;
  nodes_[made].indexed = true;
  nodes_[made].index = index;
  return made;
}

bool DeltaTree::merge_array(Index into, json::Value array) {
  for (const json::Value element : array.elements()) {
    const std::optional<json::Value> index = element.find("index");
    const std::optional<int64_t> number = index ? index->integer() : std::nullopt;
    if (element.is_object() && number) {
      const Index at = element_at(into, *number);
      if (at == kNone || !merge(at, element)) return false;
      continue;
    }
    const Index made = add(into, Kind::kScalar, {});
    if (made == kNone) return false;
    nodes_[made].text.assign(element.raw());
    bytes_ += element.raw().size();
  }
  return true;
}

void DeltaTree::write(Index node, std::string& out, bool with_index) const {
  const Node& n = nodes_[node];
  switch (n.kind) {
    case Kind::kScalar: out += n.text; return;
    case Kind::kString:
      out += '"';
      out += n.text;
      out += '"';
      return;
    case Kind::kObject: {
      out += '{';
      bool first = true;
      for (Index i = n.first; i != kNone; i = nodes_[i].next) {
        if (n.indexed && !with_index && nodes_[i].name == "index") continue;
        if (!first) out += ',';
        first = false;
        out += '"';
        out += nodes_[i].name;
        out += "\":";
        write(i, out, with_index);
      }
      out += '}';
      return;
    }
    case Kind::kArray: break;
  }
  std::vector<Index> order;
  for_each(node, [&order](Index i) { order.push_back(i); });
  std::ranges::sort(order, {}, [this](Index i) { return std::pair(nodes_[i].index, i); });
  out += '[';
  for (size_t i = 0; i < order.size(); ++i) {
    if (i != 0) out += ',';
    write(order[i], out, with_index);
  }
  out += ']';
}

}  // namespace wye::protocol
