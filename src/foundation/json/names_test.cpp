#include "foundation/json/names.hpp"

namespace wye::json {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"model", "messages", "max_tokens"};

TEST(KnownNamesTest, FindsVariantsOnly) {
  const KnownNames known(kNames);
  EXPECT_EQ(known.variant_of("Model"), "model");
  EXPECT_EQ(known.variant_of("MAX_TOKENS"), "max_tokens");
  EXPECT_EQ(known.variant_of("model"), std::nullopt);
  EXPECT_EQ(known.variant_of("Models"), std::nullopt);
  EXPECT_EQ(known.variant_of("X-Custom"), std::nullopt);
  static constexpr std::array<std::string_view, 2> kMixed = {"apiVersion", "apiversion"};
  EXPECT_EQ(KnownNames(kMixed).variant_of("apiversion"), std::nullopt);
  EXPECT_EQ(KnownNames(kMixed).variant_of("APIVERSION"), "apiVersion");
  static constexpr std::array<std::string_view, 1> kCamel = {"topP"};
  EXPECT_EQ(KnownNames(kCamel).variant_of("topp"), "topP");
}

TEST(KnownNamesTest, RefusesAnObjectWithTheMembersPlace) {
  const KnownNames known(kNames);
  Document d;
  ASSERT_TRUE(d.parse(std::string_view(R"({"model":"a","x":{"MODEL":1}})")));
  EXPECT_TRUE(refuse_variants(d.root(), known));
  const auto inner = refuse_variants(*d.root().find("x"), known, "x");
  ASSERT_FALSE(inner);
  EXPECT_EQ(inner.error().code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(inner.error().param, "x.MODEL");
  ASSERT_TRUE(d.parse(std::string_view(R"({"model":"a","\u004dodel":"b"})")));
  EXPECT_EQ(refuse_variants(d.root(), known).error().param, "Model");
  EXPECT_TRUE(has_case_variant(d.root(), "model"));
  EXPECT_FALSE(has_case_variant(d.root(), "messages"));
}

TEST(KnownNamesTest, OtherKindsHaveNone) {
  Document d;
  ASSERT_TRUE(d.parse(std::string_view(R"(["Model"])")));
  EXPECT_TRUE(refuse_variants(d.root(), KnownNames(kNames)));
  EXPECT_FALSE(has_case_variant(d.root(), "model"));
}

}  // namespace
}  // namespace wye::json
