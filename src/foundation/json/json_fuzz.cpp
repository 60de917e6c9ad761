// Parses any bytes, walks everything, patches, and checks that the patched text parses again.
#include "foundation/json/document.hpp"
#include "foundation/json/names.hpp"
#include "foundation/json/patch.hpp"
#include "foundation/json/scan.hpp"

namespace {

using namespace wye::json;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

size_t walk(const Document& document, Value value, std::string_view source) {
  require(value.offset() + value.raw().size() <= source.size());
  require(value.raw().data() == source.data() + value.offset());
  static_cast<void>(value.integer());
  static_cast<void>(value.number());
  require(!value.is_string() || value.equals(value.text()));
  size_t nodes = 1;
  for (const Member member : value.members()) {
    require(member.name_is(member.name()));
    nodes += walk(document, member.value(), source);
  }
  for (const Value element : value.elements()) nodes += walk(document, element, source);
  return nodes;
}

void patch_some(const Document& document, std::string_view source) {
  const Value root = document.root();
  Patch patch;
  patch.start(document);
  size_t index = source.size();
  for (const Member member : root.members()) {
    if (index % 3 == 0) patch.remove(root, member.value());
    if (index % 3 == 1) patch.replace_string(member.value(), member.name());
    ++index;
  }
  for (const Value element : root.elements()) {
    if (index++ % 2 == 0) patch.remove(root, element);
  }
  if (root.is_array()) patch.append_element(root, "{\"x\":[]}");
  if (root.is_object() && !root.find("new")) patch.insert_member(root, "new", "1");
  std::string out;
  require(patch.append_to(out).has_value());
  require(out.size() == patch.size());
  Document again;
  const auto parsed = again.parse(out);
  require(parsed.has_value() || parsed.error().public_message.contains("too many values"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  static Document document;
  static constexpr std::array<std::string_view, 3> kNames = {"id", "model", "usage"};
  std::array<std::string_view, 3> values;
  const bool found = find_members(text, kNames, values);
  const auto parsed = document.parse(text);
  if (!parsed) {
    require(!parsed.error().public_message.empty() && !document.has_root());
    return 0;
  }
  require(walk(document, document.root(), text) == document.node_count());
  require(found == document.root().is_object());
  for (size_t i = 0; found && i < kNames.size(); ++i) {
    const auto member = document.root().find(kNames[i]);
    require(values[i] == (member ? member->raw() : std::string_view()));
  }
  static_cast<void>(refuse_variants(document.root(), KnownNames(kNames)));
  patch_some(document, text);
  return 0;
}
