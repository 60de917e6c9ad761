// The parser against two others: the plain reader of model_test.hpp, which knows every rule, and simdjson's own DOM.
#include <simdjson.h>

#include "foundation/json/document.hpp"
#include "foundation/json/model_test.hpp"

namespace wye::json {
namespace {

model::Node copy_of(Value value) {
  model::Node node;
  switch (value.kind()) {
    case Kind::kObject:
      node.kind = 'o';
      for (const Member member : value.members()) node.members.push_back({member.name(), copy_of(member.value())});
      break;
    case Kind::kArray:
      node.kind = 'a';
      for (const Value element : value.elements()) node.elements.push_back(copy_of(element));
      break;
    case Kind::kString: node.scalar = "\"" + value.text(); break;
    default: node.scalar = value.raw();
  }
  return node;
}

struct Tally {
  size_t accepted = 0;
  size_t refused = 0;
};

void compare(std::string_view text, Document& document, simdjson::dom::parser& dom, Tally& tally) {
  const std::optional<model::Node> expected = model::Reader(text).read();
  const bool parsed = document.parse(text).has_value();
  ASSERT_EQ(parsed, expected.has_value()) << testing::PrintToString(text);
  parsed ? ++tally.accepted : ++tally.refused;
  if (parsed) ASSERT_TRUE(same(copy_of(document.root()), *expected)) << text;
  // simdjson refuses numbers out of range and takes repeated names; otherwise what we take it takes.
  const simdjson::error_code error = dom.parse(text.data(), text.size(), true).error();
  if (parsed && error != simdjson::SUCCESS) ASSERT_EQ(error, simdjson::NUMBER_ERROR) << text;
}

TEST(Differential, MutatedTextsGiveTheSameAnswer) {
  Document document;
  simdjson::dom::parser dom;
  Tally tally;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    model::Dice dice(seed);
    std::string text = model::random_text(dice);
    ASSERT_NO_FATAL_FAILURE(compare(text, document, dom, tally));
    for (int round = 0; round < 12; ++round) {
      static constexpr std::string_view kBytes = "{}[]\",:\\ \n0e.-tfnu\x01\x0c\x1a\x80\xC3\xED\xA0\xF4";
      std::string changed = text;
      for (uint64_t edits = 1 + dice.below(2); edits != 0 && !changed.empty(); --edits) {
        const size_t at = dice.below(changed.size());
        const uint64_t how = dice.below(3);
        if (how == 0) changed[at] = kBytes[dice.below(kBytes.size())];
        if (how == 1) changed.erase(at, 1 + dice.below(3));
        if (how == 2) changed.insert(at, 1, kBytes[dice.below(kBytes.size())]);
      }
      ASSERT_NO_FATAL_FAILURE(compare(changed, document, dom, tally));
    }
  }
  // The mutations must leave texts on both sides, else this test compares nothing.
  EXPECT_GT(tally.accepted, 5000U);
  EXPECT_GT(tally.refused, 10'000U);
}

TEST(Differential, SimdjsonTakesNothingMoreButWhatTheRulesRefuse) {
  Document document;
  simdjson::dom::parser dom;
  size_t more = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    model::Dice dice(seed + 1'000'000);
    std::string text = model::random_text(dice);
    text[dice.below(text.size())] = "{}[]\",:\\ 0e.-"[dice.below(13)];
    const auto parsed = document.parse(text);
    if (parsed || dom.parse(text.data(), text.size(), true).error() != simdjson::SUCCESS) continue;
    ++more;
    const std::string& message = parsed.error().public_message;
    EXPECT_TRUE(message.contains("twice") || message.contains("surrogate")) << message << text;
  }
  RecordProperty("refused_by_rules", static_cast<int>(more));
}

}  // namespace
}  // namespace wye::json
