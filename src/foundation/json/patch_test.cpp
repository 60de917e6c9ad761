#include "foundation/json/patch.hpp"

#include "foundation/json/model_test.hpp"

namespace wye::json {
namespace {

std::string edited(std::string_view text, auto edit) {
  Document d;
  EXPECT_TRUE(d.parse(text));
  Patch patch;
  patch.start(d);
  edit(patch, d.root());
  std::string out;
  const auto done = patch.append_to(out);
  if (!done) return "error";
  EXPECT_EQ(patch.size(), out.size());
  return out;
}

TEST(PatchTest, ReplacesInPlace) {
  EXPECT_EQ(edited(R"({ "model" : "a" , "n":1})",
                   [](Patch& p, Value root) {
                     p.replace_integer(*root.find("n"), -7);
                     p.replace_string(*root.find("model"), "b\"c");
                   }),
            R"({ "model" : "b\"c" , "n":-7})");
  EXPECT_EQ(edited("[1]", [](Patch& p, Value root) { p.replace_view(root, "{}"); }), "{}");
  EXPECT_EQ(edited(" {} ", [](Patch&, Value) {}), " {} ");
}

TEST(PatchTest, RemovesMembersWithTheirComma) {
  const auto without = [](std::string_view text, std::vector<std::string_view> names) {
    return edited(text, [&](Patch& p, Value root) {
      for (const std::string_view name : names) EXPECT_TRUE(p.remove_member(root, name));
    });
  };
  const std::string_view text = R"({ "a":1 , "b":{} ,"c":[] })";
  EXPECT_EQ(without(text, {"a"}), R"({ "b":{} ,"c":[] })");
  EXPECT_EQ(without(text, {"b"}), R"({ "a":1 ,"c":[] })");
  EXPECT_EQ(without(text, {"c"}), R"({ "a":1 , "b":{} })");
  EXPECT_EQ(without(text, {"c", "b"}), R"({ "a":1 })");
  EXPECT_EQ(without(text, {"a", "b"}), R"({ "c":[] })");
  EXPECT_EQ(without(text, {"a", "c"}), R"({ "b":{} })");
  EXPECT_EQ(without(text, {"a", "b", "c"}), R"({  })");
  EXPECT_EQ(without(R"({"\u0061":1})", {"a", "a"}), "{}");
  EXPECT_EQ(edited("{}", [](Patch& p, Value root) { EXPECT_FALSE(p.remove_member(root, "a")); }), "{}");
}

TEST(PatchTest, InsertsAfterTheLastMember) {
  const auto insert = [](Patch& p, Value root) {
    p.insert_member(root, "s", R"({"include_usage":true})");
    p.insert_member(root, "q\"", "1");
  };
  EXPECT_EQ(edited("{}", insert), R"({"s":{"include_usage":true},"q\"":1})");
  EXPECT_EQ(edited("{ }", insert), R"({"s":{"include_usage":true},"q\"":1 })");
  EXPECT_EQ(edited(R"({"a":1 })", insert), R"({"a":1,"s":{"include_usage":true},"q\"":1 })");
  EXPECT_EQ(edited(R"({"a":1,"b":2})",
                   [&](Patch& p, Value root) {
                     p.remove_member(root, "a");
                     p.remove_member(root, "b");
                     insert(p, root);
                   }),
            R"({"s":{"include_usage":true},"q\"":1})");
  EXPECT_EQ(edited("[[],[1]]",
                   [](Patch& p, Value root) {
                     for (const Value inner : root.elements()) p.append_element(inner, "2");
                     p.append_element(root, "3");
                   }),
            "[[2],[1,2],3]");
}

TEST(PatchTest, RefusesEditsInsideEachOther) {
  const std::string_view text = R"({"a":{"b":1}})";
  EXPECT_EQ(edited(text,
                   [](Patch& p, Value root) {
                     p.remove_member(root, "a");
                     p.replace(*root.find("a")->find("b"), "2");
                   }),
            "error");
  EXPECT_EQ(edited(text,
                   [](Patch& p, Value root) {
                     p.replace(*root.find("a"), "2");
                     p.insert_member(*root.find("a"), "x", "2");
                   }),
            "error");
  EXPECT_EQ(edited(text,
                   [](Patch& p, Value root) {
                     p.replace(*root.find("a"), "2");
                     p.replace(*root.find("a"), "3");
                   }),
            "error");
}

/// Draws random edits that do not lie inside each other, for the text and for the model alike.
class RandomEdits {
 public:
  RandomEdits(model::Dice& dice, Patch& patch) : dice_(dice), patch_(patch) {}
  void edit(Value value, model::Node& node) {
    if (dice_.below(8) == 0) {
      const std::string text = model::random_text(dice_, 3);
      dice_.below(2) == 0 ? patch_.replace(value, text) : patch_.replace_view(value, kept_.emplace_back(text));
      node = *model::Reader(text).read();
      ++count;
      return;
    }
    if (value.is_object()) edit_children(value, value.members(), node.members);
    if (value.is_array()) edit_children(value, value.elements(), node.elements);
    if (!value.is_object() && !value.is_array()) return;
    for (; dice_.below(4) == 0; ++count) {
      const std::string text = model::random_text(dice_, 3);
      const model::Node added = *model::Reader(text).read();
      const std::string name = "new \"" + std::to_string(count);
      if (value.is_object()) {
        patch_.insert_member(value, name, text);
        node.members.push_back({name, added});
      } else {
        patch_.append_element(value, text);
        node.elements.push_back(added);
      }
    }
  }
  size_t count = 0;

 private:
  static Value value_of(Member member) { return member.value(); }
  static Value value_of(Value value) { return value; }
  static model::Node& node_of(model::Member& member) { return member.node; }
  static model::Node& node_of(model::Node& element) { return element; }
  template <class Item, class Models>
  void edit_children(Value container, Children<Item> items, Models& models) {
    size_t index = 0;
    const uint64_t eager = 1 + dice_.below(6);
    for (const Item item : items) {
      if (dice_.below(eager) == 0 && eager != 6) {
        patch_.remove(container, value_of(item));
        models.erase(models.begin() + static_cast<std::ptrdiff_t>(index));
        ++count;
      } else {
        edit(value_of(item), node_of(models[index]));
        ++index;
      }
    }
  }
  model::Dice& dice_;
  Patch& patch_;
  std::deque<std::string> kept_;
};

TEST(PatchProperty, ThePatchedTextIsTheEditedModel) {
  Document d;
  Document again;
  Patch patch;
  size_t edits = 0;
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    model::Dice dice(seed);
    const std::string text = model::random_text(dice);
    ASSERT_TRUE(d.parse(text));
    model::Node expected = *model::Reader(text).read();
    patch.start(d);
    RandomEdits random(dice, patch);
    random.edit(d.root(), expected);
    std::string out;
    ASSERT_TRUE(patch.append_to(out));
    ASSERT_TRUE(again.parse(out)) << text << "\n" << out;
    ASSERT_TRUE(same(*model::Reader(out).read(), expected)) << text << "\n" << out;
    edits += random.count;
    if (random.count == 0) ASSERT_EQ(out, text);
  }
  EXPECT_GT(edits, 4000U);
}

}  // namespace
}  // namespace wye::json
