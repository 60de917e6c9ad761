#include "admin/config_diff.hpp"

#include "foundation/json/document.hpp"

namespace wye::admin {
namespace {

using Fields = std::map<std::string, std::string>;
using Key = std::pair<std::string, std::string>;  // kind, name

void flatten(json::Value value, const std::string& path, Fields& out) {
  const bool container = value.is_object() || value.is_array();
  if (!container || value.size() == 0) {
    if (!path.empty()) out.emplace(path, value.raw());
    return;
  }
  for (const json::Member member : value.members()) flatten(member.value(), path.empty() ? member.name() : path + "." + member.name(), out);
  size_t index = 0;
  for (const json::Value element : value.elements()) flatten(element, path + "[" + std::to_string(index++) + "]", out);
}

std::string text_at(json::Value value, std::string_view name) {
  const auto found = value.find(name);
  return found ? found->text() : std::string();
}

template <class Visit>
void each_resource(std::string_view canonical, Visit&& visit) {
  json::Document document;
  if (canonical.empty() || !document.parse_copy(canonical)) return;
  const auto items = document.root().find("items");
  if (!items) return;
  for (const json::Value item : items->elements()) {
    const auto metadata = item.find("metadata");
    if (metadata) visit(Key{text_at(item, "kind"), text_at(*metadata, "name")}, item);
  }
}

std::map<Key, Fields> fields_of(std::string_view canonical) {
  std::map<Key, Fields> out;
  each_resource(canonical, [&](const Key& key, json::Value item) {
    Fields& fields = out[key];
    flatten(item, "", fields);
    for (const char* same : {"apiVersion", "kind", "metadata.name"}) fields.erase(same);
  });
  return out;
}

std::vector<FieldChange> compare(const Fields& before, const Fields& after) {
  std::vector<FieldChange> out;
  for (const auto& [path, value] : before) {
    const auto other = after.find(path);
    if (other == after.end()) out.push_back({path, value, ""});
    else if (other->second != value) out.push_back({path, value, other->second});
  }
  for (const auto& [path, value] : after) {
    if (!before.contains(path)) out.push_back({path, "", value});
  }
  std::ranges::sort(out, {}, &FieldChange::path);
  return out;
}

}  // namespace

std::string_view to_string(ResourceChange::What what) {
  constexpr std::array<std::string_view, 3> kNames = {"added", "removed", "changed"};
  return kNames[static_cast<size_t>(what)];
}

std::vector<ResourceChange> diff(std::string_view before, std::string_view after) {
  const std::map<Key, Fields> old_ones = fields_of(before);
  const std::map<Key, Fields> new_ones = fields_of(after);
  std::set<Key> keys;
  for (const auto& [key, fields] : old_ones) keys.insert(key);
  for (const auto& [key, fields] : new_ones) keys.insert(key);
  std::vector<ResourceChange> out;
  for (const Key& key : keys) {
    const auto was = old_ones.find(key);
    const auto is = new_ones.find(key);
    ResourceChange change{ResourceChange::What::kChanged, key.first, key.second, {}};
    if (was == old_ones.end()) change.what = ResourceChange::What::kAdded;
    if (is == new_ones.end()) change.what = ResourceChange::What::kRemoved;
    change.fields = compare(was == old_ones.end() ? Fields{} : was->second, is == new_ones.end() ? Fields{} : is->second);
    if (change.what != ResourceChange::What::kChanged || !change.fields.empty()) out.push_back(std::move(change));
  }
  return out;
}

std::vector<ResourceText> resources_of(std::string_view canonical) {
  std::vector<ResourceText> out;
  each_resource(canonical, [&](const Key& key, json::Value item) { out.push_back({key.first, key.second, std::string(item.raw())}); });
  return out;
}

}  // namespace wye::admin
