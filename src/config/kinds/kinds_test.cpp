#include "config/kinds/kinds.hpp"

#include <fstream>
#include <sstream>

#include "config/kinds/field_tree.hpp"
#include "config/kinds/grammar.hpp"

namespace wye::config {
namespace {

constexpr const char* kPage = "docs/reference/resources.md";

TEST(Reference, TheCommittedPageIsTheGeneratedOne) {
  std::ifstream in(kPage);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str() == reference_markdown()) << kPage << " differs from src/config/kinds; write it anew with `tools/wye-dev reference`";
}

void for_each_field(const FieldNode& node, const std::string& path, auto&& visit) {
  for (const FieldNode& child : node.children) {
    visit(child, path + std::string(child.name));
    for_each_field(child, path + std::string(child.name) + ".", visit);
  }
}

TEST(Fields, EachHasADescriptionAndADefaultOrAReasonForNone) {
  size_t count = 0;
  for (const std::string_view kind : kKinds) {
    for_each_field(field_tree(kind), std::string(kind) + ".", [&](const FieldNode& f, const std::string& path) {
      ++count;
      if (f.refused) return;
      EXPECT_TRUE(f.rule.text.ends_with('.')) << path;
      const bool group = f.shape == Shape::kObject && !f.list;
      const bool one_of = f.shape == Shape::kPath && path.ends_with("key.file");
      EXPECT_TRUE(f.rule.required || group || one_of || !f.default_json.empty() || !f.rule.absent.empty()) << path;
      EXPECT_FALSE(f.rule.required && !f.default_json.empty()) << path;
      EXPECT_LE(f.rule.min, f.rule.max) << path;
      if (!f.rule.refers.empty()) EXPECT_EQ(f.rule.grammar, Grammar::kName) << path;
    });
  }
  EXPECT_GT(count, 120u);
}

TEST(Fields, NamesAreCamelCaseAndUnique) {
  for (const std::string_view kind : kKinds) {
    std::set<std::string> seen;
    for_each_field(field_tree(kind), "", [&](const FieldNode& f, const std::string& path) {
      EXPECT_TRUE(seen.insert(path).second) << path;
      EXPECT_TRUE(f.name.front() >= 'a' && f.name.front() <= 'z') << path;
      EXPECT_EQ(f.name.find_first_of("_- "), std::string_view::npos) << path;
    });
  }
}

TEST(Fields, DefaultsLieWithinTheirRanges) {
  const auto number = [](const FieldNode& f) -> std::optional<int64_t> {
    std::string_view text = f.default_json;
    if (f.list || text.empty()) return std::nullopt;
    if (text.front() == '"') text = text.substr(1, text.size() - 2);
    if (f.shape == Shape::kDuration) return parse_duration(text)->count();
    if (f.shape == Shape::kSize) return static_cast<int64_t>(parse_bytes(text)->n);
    if (f.shape == Shape::kInteger) return std::stoll(std::string(text));
    return std::nullopt;
  };
  size_t checked = 0;
  for (const std::string_view kind : kKinds) {
    for_each_field(field_tree(kind), "", [&](const FieldNode& f, const std::string& path) {
      const auto value = number(f);
      if (!value) return;
      ++checked;
      EXPECT_GE(*value, f.rule.min) << path;
      EXPECT_LE(*value, f.rule.max) << path;
    });
  }
  EXPECT_GT(checked, 15u);
}

TEST(Fields, SafetyDefaults) {
  EXPECT_EQ(Route{}.data_class, DataClass::kRestricted);
  EXPECT_EQ(Backend{}.data_class_max, DataClass::kPublic);
  EXPECT_EQ(Model{}.data_class_max, DataClass::kPublic);
  EXPECT_EQ(Tenant{}.data_class_max, DataClass::kPublic);
  EXPECT_FALSE(Listener{}.plaintext);
  EXPECT_EQ(Listener{}.address, "127.0.0.1");
}

TEST(Schema, NamesEveryKindAndNoOther) {
  for (const std::string_view kind : kKinds) EXPECT_NE(json_schema(kind).find("\"title\":\"" + std::string(kind) + "\""), std::string::npos);
  EXPECT_EQ(json_schema("Limit"), "");
  const std::string gateway = json_schema("Gateway");
  EXPECT_NE(gateway.find(R"("port":{"description":"Port; 0: any free one.","type":"integer","minimum":0,"maximum":65535,"default":8080})"),
            std::string::npos)
      << gateway;
  EXPECT_EQ(gateway.find("\"waf\""), std::string::npos);
  EXPECT_NE(json_schema("Route").find(R"("required":["candidates"])"), std::string::npos);
}

TEST(Enums, CapabilitiesBeginWithTheOperations) {
  for (size_t i = 0; i < EnumNames<Operation>::kNames.size(); ++i) {
    EXPECT_EQ(to_string(static_cast<Operation>(i)), to_string(capability_of(static_cast<Operation>(i))));
  }
  for (size_t i = 0; i < EnumNames<DataClass>::kNames.size(); ++i) {
    EXPECT_EQ(EnumNames<DataClass>::kNames[i].text, wye::to_string(static_cast<DataClass>(i)));
  }
  EXPECT_EQ(to_string(Residency::kNone), "");
}

struct Spelling {
  Grammar grammar;
  std::string_view text;
  bool good;
};
TEST(Grammars, Table) {
  const std::string long_name(63, 'a');
  const std::string longer_name(64, 'a');
  const std::array table = {
      Spelling{Grammar::kName, "a", true},
      Spelling{Grammar::kName, "a.b-c9", true},
      Spelling{Grammar::kName, long_name, true},
      Spelling{Grammar::kName, longer_name, false},
      Spelling{Grammar::kName, "-a", false},
      Spelling{Grammar::kName, "a.", false},
      Spelling{Grammar::kName, "A", false},
      Spelling{Grammar::kName, "", false},
      Spelling{Grammar::kAlias, "org/Model:v1.0", true},
      Spelling{Grammar::kAlias, "a b", false},
      Spelling{Grammar::kHost, "*.a.org", true},
      Spelling{Grammar::kHost, "a*.org", false},
      Spelling{Grammar::kHost, "a.org:80", false},
      Spelling{Grammar::kHost, "[::1]", true},
      Spelling{Grammar::kHost, "a..b", false},
      Spelling{Grammar::kHostName, "*.a", false},
      Spelling{Grammar::kRegion, "swedencentral", true},
      Spelling{Grammar::kRegion, "Sweden", false},
      Spelling{Grammar::kApiVersion, "v1", true},
      Spelling{Grammar::kApiVersion, "v2", false},
      Spelling{Grammar::kDatedVersion, "2024-10-21-preview", true},
      Spelling{Grammar::kDatedVersion, "2024-00-21", false},
      Spelling{Grammar::kDatedVersion, "2024-10-21-beta", false},
      Spelling{Grammar::kDatedVersion, "v1", false},
      Spelling{Grammar::kEnvName, "A_1", true},
      Spelling{Grammar::kEnvName, "1A", false},
      Spelling{Grammar::kHeaderName, "traceparent", true},
      Spelling{Grammar::kHeaderName, "Authorization", false},
      Spelling{Grammar::kHeaderName, "cookie", false},
      Spelling{Grammar::kHeaderName, "x-ms-client", false},
      Spelling{Grammar::kHeaderName, "content-length", false},
      Spelling{Grammar::kHeaderName, "x-wye-a", false},
      Spelling{Grammar::kHeaderName, "x-forwarded-for", false},
      Spelling{Grammar::kFieldPath, "a.b[*][*].c", true},
      Spelling{Grammar::kFieldPath, "a..b", false},
      Spelling{Grammar::kFieldPath, "[*]", false},
      Spelling{Grammar::kFieldPath, "a[0]", false},
      Spelling{Grammar::kScheme, "https", true},
      Spelling{Grammar::kScheme, "http", false},
      Spelling{Grammar::kToolType, "web_search", true},
      Spelling{Grammar::kToolType, "Web", false},
      Spelling{Grammar::kText, "a\tb", false},
  };
  for (const Spelling& s : table) EXPECT_EQ(matches(s.grammar, s.text), s.good) << s.text;
}

}  // namespace
}  // namespace wye::config
