#include "config/kinds/field_tree.hpp"

namespace wye::config {
namespace {

class TreeBuilder {
 public:
  explicit TreeBuilder(FieldNode& node) : node_(node) {}

  template <class T>
  void field(std::string_view name, const T& value, const Rule& rule) {
    FieldNode child;
    child.name = name;
    child.rule = rule;
    shape(child, value);
    // A list shows its default even where it is empty; an unset value whose absence has a meaning has none.
    const bool has_default = !rule.required && rule.absent.empty() && child.shape != Shape::kPath && !(child.shape == Shape::kObject && !child.list);
    if (has_default) CanonicalWriter::write(child.default_json, value);
    node_.children.push_back(std::move(child));
  }
  void refused(std::string_view name) {
    FieldNode child;
    child.name = name;
    child.refused = true;
    node_.children.push_back(std::move(child));
  }

  static void shape(FieldNode& node, const std::string&) { node.shape = Shape::kText; }
  static void shape(FieldNode& node, const FilePath&) { node.shape = Shape::kPath; }
  static void shape(FieldNode& node, bool) { node.shape = Shape::kBoolean; }
  static void shape(FieldNode& node, uint16_t) { node.shape = Shape::kInteger; }
  static void shape(FieldNode& node, uint32_t) { node.shape = Shape::kInteger; }
  static void shape(FieldNode& node, Nanos) { node.shape = Shape::kDuration; }
  static void shape(FieldNode& node, Bytes) { node.shape = Shape::kSize; }
  static void shape(FieldNode& node, WallTime) { node.shape = Shape::kTime; }
  static void shape(FieldNode& node, const TextLists&) { node.shape = Shape::kTextLists; }
  static void shape(FieldNode& node, ActionSet) {
    shape(node, Action{});
    node.list = true;
    node.any = true;
  }
  template <class E>
    requires std::is_enum_v<E>
  static void shape(FieldNode& node, E) {
    node.shape = Shape::kChoice;
    node.names = EnumNames<E>::kNames;
  }
  template <class E>
  static void shape(FieldNode& node, EnumSet<E>) {
    shape(node, E{});
    node.list = true;
  }
  template <class T>
  static void shape(FieldNode& node, const std::optional<T>&) {
    shape(node, T{});
  }
  template <class T>
  static void shape(FieldNode& node, const std::vector<T>&) {
    shape(node, T{});
    node.list = true;
  }
  template <class T>
    requires requires(const T& v, TreeBuilder& b) { T::describe(v, b); }
  static void shape(FieldNode& node, const T& value) {
    node.shape = Shape::kObject;
    TreeBuilder inner(node);
    T::describe(value, inner);
  }

 private:
  FieldNode& node_;
};

}  // namespace

const FieldNode* FieldNode::find(std::string_view child) const {
  const auto it = std::ranges::find(children, child, &FieldNode::name);
  return it == children.end() ? nullptr : &*it;
}

FieldNode field_tree(std::string_view kind) {
  FieldNode root;
  for_each_kind([&]<class Kind>() {
    if (Kind::kKind != kind) return;
    root.name = Kind::kKind;
    root.rule.text = Kind::kText;
    TreeBuilder::shape(root, Kind{});
  });
  return root;
}

}  // namespace wye::config
