#include "foundation/json/scan.hpp"

#include "foundation/json/document.hpp"

namespace wye::json {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"id", "model", "usage", "choices"};
using Values = std::array<std::string_view, 4>;

std::optional<Values> find(std::string_view text) {
  Values values;
  if (!find_members(text, kNames, values)) {
    EXPECT_EQ(values, Values()) << text;
    return std::nullopt;
  }
  return values;
}

TEST(FindMembers, GivesRawBytes) {
  const auto values =
      find(R"( {"id":"chatcmpl-1" , "object":"x","choices":[{"delta":{"content":"}],\"id\":\\"}}],"usage":{"a":1,"id":"no"},"z":-1.5e3} )");
  ASSERT_TRUE(values);
  EXPECT_EQ((*values)[0], "\"chatcmpl-1\"");
  EXPECT_EQ((*values)[1], "");
  EXPECT_EQ((*values)[2], R"({"a":1,"id":"no"})");
  EXPECT_EQ((*values)[3], R"([{"delta":{"content":"}],\"id\":\\"}}])");
  EXPECT_EQ(find("{}"), Values());
  EXPECT_EQ(find(R"({"usage":null})")->at(2), "null");
  EXPECT_EQ(find(R"({"\u0069d":1})")->at(0), "1");
}

TEST(FindMembers, RefusesMalformedText) {
  for (const std::string_view text : {"",
                                      " ",
                                      "[]",
                                      "1",
                                      "{",
                                      "}",
                                      "{\"id\"",
                                      "{\"id\":",
                                      "{\"id\":1",
                                      "{\"id\":1,",
                                      "{\"id\":1,}",
                                      "{\"id\" 1}",
                                      "{id:1}",
                                      "{\"id\":1}x",
                                      "{\"id\":1}{}",
                                      "{\"id\":tru}",
                                      "{\"id\":truex}",
                                      "{\"id\":01}",
                                      "{\"id\":1.}",
                                      "{\"id\":-}",
                                      "{\"id\":\"a}",
                                      "{\"id\":\"a\\\"}",
                                      "{\"id\":[}",
                                      "{\"id\":[}]}",
                                      "{\"id\":{]}",
                                      "{\"id\":[[]}",
                                      "{\"id\":\"\n\"}",
                                      "{\"id\":[\"\n\"]}",
                                      "{\"id\":\"\\\n\"}",
                                      "{\"a\\q\":1}",
                                      "{\"id\":1,\"id\":2}",
                                      "{\"id\":1,\"\\u0069d\":2}",
                                      "{,}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":,}"}) {
    EXPECT_FALSE(find(text)) << text;
  }
  std::string deep = "{\"id\":" + std::string(63, '[') + std::string(63, ']') + "}";
  EXPECT_TRUE(find(deep));
  deep = "{\"id\":" + std::string(64, '[') + std::string(64, ']') + "}";
  EXPECT_FALSE(find(deep));
}

TEST(FindMembers, AgreesWithTheParserOnEveryCutAndFlip) {
  const std::string event = R"({"id":"chatcmpl-12345","object":"chat.completion.chunk","created":1700000000,"model":"m",)"
                            R"("choices":[{"index":0,"delta":{"content":"He\"l\\lo"},"finish_reason":null}],"usage":null})";
  Document d;
  for (size_t cut = 0; cut < event.size(); ++cut) EXPECT_FALSE(find(std::string_view(event).substr(0, cut))) << cut;
  for (size_t at = 0; at < event.size(); ++at) {
    for (const char c : {'"', '\\', '{', '}', '[', ']', ',', ':', '0', '\n', ' ', 'x'}) {
      std::string changed = event;
      changed[at] = c;
      const auto values = find(changed);
      if (!d.parse(changed, {.duplicate_names = DuplicateNames::kKeep})) continue;
      // What the parser takes, the scan takes with the same meaning (but for names that appear twice).
      size_t found = 0;
      for (const Member member : d.root().members()) found += std::ranges::count(kNames, member.name());
      if (!values) {
        EXPECT_LT(found, 5U);
        continue;
      }
      for (size_t i = 0; i < kNames.size(); ++i) {
        const auto member = d.root().find(kNames[i]);
        EXPECT_EQ((*values)[i], member ? member->raw() : std::string_view()) << changed;
      }
    }
  }
}

}  // namespace
}  // namespace wye::json
