// Trees into structs: walks a `describe` and a YAML tree side by side. Unknown keys, wrong types, values out of range and missing
// keys become findings; a bad value leaves the default in place so that all findings come at once.
// Threads: one owner.
#pragma once

#include "config/kinds/action.hpp"
#include "config/kinds/grammar.hpp"
#include "config/load/yaml.hpp"

namespace wye::config {

/// A field that names another resource; resolved when all documents are read.
struct Reference {
  std::string_view kind;
  std::string name;
  std::string file;
  std::string path;
  Position at;
};

/// State of one document while it is bound. Paths are kept as one string that grows and shrinks.
class Binder {
 public:
  Binder(const NamedText& file, Source& source, std::vector<Reference>& references, Diagnostics& findings);

  const std::string& path() const { return path_; }
  void error(Position at, std::string what, std::string help);
  /// Adds `.name` or `[i]` to the path while it lives.
  class Step {
   public:
    Step(Binder& binder, std::string_view name);
    Step(Binder& binder, size_t index);
    ~Step() { binder_.path_.resize(length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Binder& binder_;
    size_t length_;
  };

  /// False (and a finding, unless it is already reported) when `node` is not of that kind.
  bool expect(const YamlNode& node, YamlNode::Kind kind, std::string_view expected, std::string_view example);
  void remember(const YamlNode& node) { source_.positions.emplace(path_, node.at); }

  std::optional<bool> read_bool(const YamlNode& node);
  std::optional<int64_t> read_integer(const YamlNode& node, const Rule& rule);
  std::optional<int64_t> read_duration(const YamlNode& node, const Rule& rule);
  std::optional<int64_t> read_size(const YamlNode& node, const Rule& rule);
  std::optional<WallTime> read_time(const YamlNode& node);
  std::optional<ActionSet> read_actions(const YamlNode& node, const Rule& rule);
  std::optional<TextLists> read_text_lists(const YamlNode& node, const Rule& rule);
  std::optional<std::string> read_text(const YamlNode& node, const Rule& rule, bool in_list);
  std::optional<FilePath> read_path(const YamlNode& node);
  std::optional<size_t> read_choice(const YamlNode& node, std::span<const EnumName> names);
  /// Checks kind and number of items; a list of scalars may not repeat one, a list of maps not the value of `unique_key`.
  bool read_list(const YamlNode& node, const Rule& rule);
  void missing_key(const YamlNode& map, std::string_view name, const Rule& rule);
  void unknown_keys(const YamlNode& map, std::span<const std::string_view> known, std::span<const std::string_view> refused);

 private:
  void out_of_range(const YamlNode& node, std::string expected);
  bool expect_scalar(const YamlNode& node, std::string_view expected, std::string_view example);
  void check_unique(const YamlNode& node, std::string_view unique_key);

  const NamedText& file_;
  Source& source_;
  std::vector<Reference>& references_;
  Diagnostics& findings_;
  std::string path_;
};

/// Reads the keys of one map; handed to `describe`.
class MapReader {
 public:
  MapReader(Binder& binder, const YamlNode& map) : binder_(binder), map_(map) {}

  template <class T>
  void field(std::string_view name, T& member, const Rule& rule) {
    known_.push_back(name);
    const YamlMember* found = map_.find(name);
    if (found == nullptr) {
      if (rule.required) binder_.missing_key(map_, name, rule);
      return;
    }
    const Binder::Step step(binder_, name);
    binder_.remember(found->value);
    read(found->value, member, rule, false);
  }
  void refused(std::string_view name) { refused_.push_back(name); }
  /// After `describe`: what is left is unknown.
  void finish() { binder_.unknown_keys(map_, known_, refused_); }

  template <class T>
  static void read_struct(Binder& binder, const YamlNode& node, T& out) {
    if (!binder.expect(node, YamlNode::Kind::kMap, "a map", "`name: value` lines, indented")) return;
    MapReader reader(binder, node);
    T::describe(out, reader);
    reader.finish();
  }

 private:
  void read(const YamlNode& node, bool& out, const Rule&, bool) { assign(out, binder_.read_bool(node)); }
  void read(const YamlNode& node, uint16_t& out, const Rule& rule, bool) { assign(out, binder_.read_integer(node, rule)); }
  void read(const YamlNode& node, uint32_t& out, const Rule& rule, bool) { assign(out, binder_.read_integer(node, rule)); }
  void read(const YamlNode& node, std::string& out, const Rule& rule, bool in_list) { assign(out, binder_.read_text(node, rule, in_list)); }
  void read(const YamlNode& node, FilePath& out, const Rule&, bool) { assign(out, binder_.read_path(node)); }
  void read(const YamlNode& node, WallTime& out, const Rule&, bool) { assign(out, binder_.read_time(node)); }
  void read(const YamlNode& node, ActionSet& out, const Rule& rule, bool) { assign(out, binder_.read_actions(node, rule)); }
  void read(const YamlNode& node, TextLists& out, const Rule& rule, bool) { assign(out, binder_.read_text_lists(node, rule)); }
  void read(const YamlNode& node, Nanos& out, const Rule& rule, bool) {
    if (const auto value = binder_.read_duration(node, rule)) out = Nanos(*value);
  }
  void read(const YamlNode& node, Bytes& out, const Rule& rule, bool) {
    if (const auto value = binder_.read_size(node, rule)) out = Bytes{static_cast<uint64_t>(*value)};
  }
  template <class E>
    requires std::is_enum_v<E>
  void read(const YamlNode& node, E& out, const Rule&, bool) {
    if (const auto index = binder_.read_choice(node, EnumNames<E>::kNames)) out = static_cast<E>(*index);
  }
  template <class E>
  void read(const YamlNode& node, EnumSet<E>& out, const Rule& rule, bool) {
    if (!binder_.read_list(node, rule)) return;
    for (size_t i = 0; i < node.members.size(); ++i) {
      const Binder::Step step(binder_, i);
      if (const auto index = binder_.read_choice(node.members[i].value, EnumNames<E>::kNames)) out.insert(static_cast<E>(*index));
    }
  }
  template <class T>
  void read(const YamlNode& node, std::optional<T>& out, const Rule& rule, bool in_list) {
    T value{};
    read(node, value, rule, in_list);
    out = std::move(value);
  }
  template <class T>
  void read(const YamlNode& node, std::vector<T>& out, const Rule& rule, bool) {
    if (!binder_.read_list(node, rule)) return;
    out.clear();
    for (size_t i = 0; i < node.members.size(); ++i) {
      const Binder::Step step(binder_, i);
      binder_.remember(node.members[i].value);
      read(node.members[i].value, out.emplace_back(), rule, true);
    }
  }
  template <class T>
    requires requires(T& v, MapReader& r) { T::describe(v, r); }
  void read(const YamlNode& node, T& out, const Rule&, bool) {
    read_struct(binder_, node, out);
  }
  template <class T, class U>
  static void assign(T& out, std::optional<U> value) {
    if (value) out = static_cast<T>(std::move(*value));
  }

  Binder& binder_;
  const YamlNode& map_;
  std::vector<std::string_view> known_;
  std::vector<std::string_view> refused_;
};

}  // namespace wye::config
