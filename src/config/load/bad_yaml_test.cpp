#include <chrono>

#include "config/load/test_documents.hpp"

namespace wye::config {
namespace {

struct Bad {
  std::string_view text;
  std::string_view place;
  std::string_view says;
};

constexpr std::string_view kTop = "apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: t}\n";

// What is wrong with the YAML itself, or with the top of a document. `@` stands for the first three lines of a good Tenant.
constexpr std::array kBad = {
    Bad{"a: [1, 2", "1:1", "end of sequence flow not found"},
    Bad{"a: 'x", "1:6", "not YAML"},
    Bad{"a: b: c", "1:5", "not YAML"},
    Bad{"@spec: {costCentre: \"4711\"\n", "5:1", "not YAML"},
    Bad{"@spec:\n\tcostCentre: \"4711\"\n", "5:12", "no tabs"},
    Bad{"- a\n- b\n", "1:1", "a document is a map"},
    Bad{"just text", "1:1", "a document is a map"},
    Bad{"kind: Tenant\x01", "1:13", "no UTF-8 text"},
    Bad{"a: 1\nb: \xC3\x28", "2:4", "no UTF-8 text"},
    Bad{"a: \xED\xA0\x80", "1:4", "no UTF-8 text"},
    Bad{"a: \xC0\xAF", "1:4", "no UTF-8 text"},
    Bad{"@spec: &x {costCentre: a}\n", "4:7 spec", "anchors"},
    Bad{"@spec: {costCentre: &x a}\n", "4:20 spec.costCentre", "anchors"},
    Bad{"@spec: {costCentre: &x a, regions: [*x]}\n", "4:36 spec.regions[0]", "aliases"},
    Bad{"@spec: {costCentre: !!str 4711}\n", "4:20 spec.costCentre", "tags"},
    Bad{"@spec: {costCentre: ! 4711}\n", "4:20 spec.costCentre", "tags"},
    Bad{"@spec: !tenant {costCentre: a}\n", "4:7 spec", "tags"},
    Bad{"@spec:\n  <<: {costCentre: a}\n", "5:3 spec", "merge keys"},
    Bad{"@spec: {costCentre: a}\nspec: {}\n", "5:1", "duplicate key \"spec\""},
    Bad{"@spec:\n  costCentre: a\n  costCentre: b\n", "6:3 spec", "it stands at line 5, column 3 already"},
    Bad{"@spec:\n  'costCentre': a\n  costCentre: b\n", "6:3 spec", "duplicate key"},
    Bad{"@spec:\n  ? [a, b]\n  : c\n", "5:5 spec", "a key must be text"},
    Bad{"@spec:\n  ? {a: b}\n  : c\n", "5:5 spec", "a key must be text"},
    Bad{"kind: Tenant\n", "1:1 apiVersion", "`apiVersion` is missing"},
    Bad{"apiVersion: wye.dev/v1alpha1\nmetadata: {name: a}\n", "1:1 kind", "`kind` is missing"},
    Bad{"apiVersion: wye.dev/v1\nkind: Tenant\n", "1:13 apiVersion", "write `wye.dev/v1alpha1`"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenent\n", "2:7 kind", "did you mean `Tenant`?"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: gateway\n", "2:7 kind", "did you mean `Gateway`?"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Rollout\n", "2:7 kind", "not available in this build"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Limit\n", "2:7 kind", "not available in this build"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: [Tenant]\n", "2:7 kind", "unknown kind"},
    Bad{"@spek: {}\n", "4:1 spek", "did you mean `spec`?"},
    Bad{"@", "1:1 spec", "`spec` is missing"},
    Bad{"@spec:\n", "4:1 spec", "the key has no value"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nspec: {}\n", "1:1 metadata", "`metadata` is missing"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {}\nspec: {}\n", "3:11 metadata.name", "`name` is missing"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: A}\nspec: {}\n", "3:18 metadata.name", "expected a name"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: -a}\nspec: {}\n", "3:18 metadata.name", "expected a name"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a., x: y}\nspec: {}\n", "3:18 metadata.name", "expected a name"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: 0123}\nspec: {}\n", "3:18 metadata.name", "in quotes"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a, namespace: x}\nspec: {}\n", "3:21 metadata.namespace", "unknown key"},
    Bad{"apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a, labels: {x: 1}}\nspec: {}\n", "3:33 metadata.labels.x", "in quotes"},
    Bad{"@spec: {costCentre: yes}\n", "4:20 spec.costCentre", "in quotes"},
    Bad{"@spec: {costCentre: 0x1F}\n", "4:20 spec.costCentre", "in quotes"},
    Bad{"@spec: {costCentre: 1e3}\n", "4:20 spec.costCentre", "in quotes"},
    Bad{"@spec: {costCentre: ~}\n", "4:8 spec.costCentre", "the key has no value"},
    Bad{"@spec: {costCentre: null}\n", "4:8 spec.costCentre", "the key has no value"},
    Bad{"@spec: {costCentre: \"\"}\n", "4:20 spec.costCentre", "the text is empty"},
    Bad{"@spec: {costCentre: \"a\\tb\"}\n", "4:20 spec.costCentre", "without control characters"},
};

std::string expand(std::string_view text) { return text.starts_with('@') ? std::string(kTop) + std::string(text.substr(1)) : std::string(text); }

TEST(BadYaml, IsRefusedAtItsPlaceWithItsReason) {
  for (const Bad& bad : kBad) {
    const Loaded loaded = load_one(expand(bad.text));
    EXPECT_FALSE(loaded.ok()) << bad.text;
    EXPECT_TRUE(has_finding(loaded, bad.place, bad.says)) << bad.text << "\nwanted " << bad.place << " " << bad.says << "\n" << all_findings(loaded);
  }
}

TEST(BadYaml, OneBadFileDoesNotHideAnother) {
  const std::array files = {NamedText{"a.yaml", "a: [1"}, NamedText{"b.yaml", "kind: Tenent\n"}};
  const Loaded loaded = load_texts(files);
  ASSERT_EQ(loaded.findings.size(), 2u);
  EXPECT_EQ(loaded.findings[0].file, "a.yaml");
  EXPECT_EQ(loaded.findings[1].file, "b.yaml");
}

TEST(YamlLimits, DepthNodesKeysBytesDocumentsFindings) {
  LoadLimits limits;
  const auto says = [&](std::string text, std::string_view what) {
    const std::array files = {NamedText{"a.yaml", std::move(text)}};
    const Loaded loaded = load_texts(files, limits);
    const bool found = std::ranges::any_of(loaded.findings, [&](const Diagnostic& d) { return d.what.find(what) != std::string::npos; });
    EXPECT_TRUE(found) << what << "\n" << all_findings(loaded).substr(0, 500);
    EXPECT_LE(loaded.findings.size(), limits.findings + 1);
  };
  says("a: " + std::string(33, '[') + std::string(33, ']'), "nested deeper than 32");
  says("a: " + std::string(100'000, '['), "nested deeper than 32");
  says(std::string(100'000, '{'), "nested deeper than 32");
  std::string keys;
  for (int i = 0; i < 1001; ++i) keys += "k" + std::to_string(i) + ": x\n";
  says(keys, "more than 1000 keys");
  limits.nodes_per_file = 100;
  std::string items = "a: [";
  for (int i = 0; i < 200; ++i) items += "1,";
  says(items + "1]", "more than 100 values");
  limits = {};
  limits.file_bytes = 64;
  says(std::string(65, '#'), "larger than 64B");
  limits = {};
  limits.documents = 3;
  std::string many;
  for (int i = 0; i < 5; ++i) many += document("Tenant", "t" + std::to_string(i), "  {costCentre: x}") + "---\n";
  says(many, "more than 3 documents");
  limits = {};
  std::string wrong = "[a]\n";
  for (int i = 0; i < 500; ++i) wrong += "---\n[a]\n";
  says(wrong, "more than 200 findings");
}

TEST(YamlLimits, BillionLaughsStaysSmallAndQuick) {
  std::string text = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  const auto start = std::chrono::steady_clock::now();
  const Loaded loaded = load_one(text);
  EXPECT_FALSE(loaded.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(YamlText, PlainScalarsKeepTheirTextAndQuotesDecide) {
  const Loaded loaded = load_one(document("Tenant", "\"0123\"", "  costCentre: '007'\n  regions: [swedencentral, \"1\"]"));
  ASSERT_TRUE(loaded.ok()) << all_findings(loaded);
  EXPECT_EQ(loaded.resources.tenants[0].name, "0123");
  EXPECT_EQ(loaded.resources.tenants[0].spec.cost_centre, "007");
  EXPECT_EQ(loaded.resources.tenants[0].spec.regions[1], "1");
}

TEST(YamlText, ByteOrderMarkCarriageReturnsCommentsAndEmptyDocuments) {
  const Loaded loaded = load_one("\xEF\xBB\xBF# only a comment\r\n---\r\n---\r\n" + document("Tenant", "t", "  costCentre: |\n    a\n") + "...\n");
  EXPECT_FALSE(loaded.ok());  // a block scalar ends with a line break, which is no text
  const Loaded good =
      load_one("\xEF\xBB\xBF# only a comment\r\n---\r\n---\r\n" + document("Tenant", "t", "  costCentre: >-\n    a\n    b\n") + "...\n---\n");
  ASSERT_TRUE(good.ok()) << all_findings(good);
  EXPECT_EQ(good.resources.tenants[0].spec.cost_centre, "a b");
}

}  // namespace
}  // namespace wye::config
