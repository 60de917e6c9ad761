// The head parser against the table of bytes and meaning, cut everywhere.
#include "foundation/http/head_cases.hpp"
#include "foundation/http/message.hpp"

namespace wye::http {
namespace {

/// Feeds growing prefixes, each from a buffer of its own: nothing may depend on where the bytes lie, and no byte beyond is read.
Result<HeadParser::Step> parse_at(HeadParser& parser, std::string_view bytes, std::span<const size_t> ends, Head& head, std::vector<char>& last) {
  Result<HeadParser::Step> step = HeadParser::Step::kMore;
  for (const size_t end : ends) {
    last.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(end));
    step = parser.parse({last.data(), last.size()}, head);
    if (!step || *step == HeadParser::Step::kDone) break;
  }
  return step;
}

void check(HeadParser::Kind kind, const HeadCase& c, std::span<const size_t> ends) {
  HeadParser parser(kind);
  Head head;
  std::vector<char> bytes;
  const Result<HeadParser::Step> step = parse_at(parser, c.bytes, ends, head, bytes);
  if (c.error) {
    ASSERT_FALSE(step) << c.rule;
    EXPECT_EQ(error_row(step.error().code).status, error_row(*c.error).status) << c.rule << ": " << step.error().public_message;
    return;
  }
  ASSERT_TRUE(step) << c.rule << ": " << step.error().public_message;
  ASSERT_EQ(*step, HeadParser::Step::kDone) << c.rule;
  EXPECT_EQ(kind == HeadParser::Kind::kRequest ? describe_request(head) : describe_response(head), c.meaning) << c.rule;
  EXPECT_EQ(head.size, c.bytes.size()) << c.rule;
}

void check_cut_everywhere(HeadParser::Kind kind, const std::vector<HeadCase>& cases) {
  for (const HeadCase& c : cases) {
    for (const size_t cut : cuts_of(c.bytes)) {
      const std::array ends = {cut, c.bytes.size()};
      check(kind, c, ends);
      if (testing::Test::HasFailure()) FAIL() << c.rule << " cut at " << cut;
    }
    if (c.bytes.size() > 2000) continue;
    std::vector<size_t> each(c.bytes.size());
    for (size_t i = 0; i < each.size(); ++i) each[i] = i + 1;
    check(kind, c, each);
  }
}

TEST(HeadTest, RequestTableCutAtEveryByte) { check_cut_everywhere(HeadParser::Kind::kRequest, request_head_cases()); }
TEST(HeadTest, ResponseTableCutAtEveryByte) { check_cut_everywhere(HeadParser::Kind::kResponse, response_head_cases()); }

TEST(HeadTest, WhatFollowsTheHeadIsLeftAlone) {
  const std::string bytes = cases::post("Content-Length: 3") + "a\nb\n\n\n" + std::string(70'000, '\n');
  HeadParser parser(HeadParser::Kind::kRequest);
  Head head;
  ASSERT_EQ(parser.parse(bytes, head), HeadParser::Step::kDone);
  EXPECT_EQ(bytes.substr(head.size, 3), "a\nb");
}

TEST(HeadTest, FieldsAreFound) {
  const std::string bytes = cases::post("X-One: \t a b \t\r\nx-one: second\r\naPI-kEY: k\r\nAccept:\r\nContent-Type: text/plain; charset=x");
  HeadParser parser(HeadParser::Kind::kRequest);
  Head head;
  ASSERT_EQ(parser.parse(bytes, head), HeadParser::Step::kDone);
  EXPECT_EQ(head.value("x-one"), "a b");
  EXPECT_EQ(head.value("x-two"), "");
  EXPECT_EQ(head.value(Known::kApiKey), "k");
  EXPECT_TRUE(head.has(Known::kAccept));
  EXPECT_EQ(head.value(Known::kAccept), "");
  EXPECT_FALSE(head.has(Known::kAuthorization));
  EXPECT_EQ(head.value(Known::kContentType), "text/plain; charset=x");
  ASSERT_EQ(head.all().size(), 6u);
  EXPECT_EQ(head.all()[1].name, "X-One");
  // The next message starts clean.
  parser.reset();
  const std::string other = "GET /other HTTP/1.1\r\nHost: b\r\n\r\n";
  ASSERT_EQ(parser.parse(other, head), HeadParser::Step::kDone);
  EXPECT_EQ(describe_request(head), "GET /other fields=1");
  EXPECT_FALSE(head.has(Known::kApiKey));
  head.drop_views();
  EXPECT_EQ(head.value(Known::kHost), "");
  EXPECT_TRUE(head.target.empty());
}

TEST(HeadWriterTest, NoFieldBreaksTheFraming) {
  std::array<char, 256> buffer;
  HeadWriter out(buffer);
  out.field("x-good", "a b\t\xc3\xa4");
  for (const std::string_view value : {std::string_view("a\r\nset-cookie: b"), std::string_view("a\rb"), std::string_view("a\nb"),
                                       std::string_view("a\0b", 3), std::string_view("\x7f"), std::string_view("\x01")})
    out.field("x-bad", value);
  for (const std::string_view name : {"", "a b", "a:b", "a\r\nb", "\xc3\xa4"}) out.field(name, "v");
  out.field("n", 18'446'744'073'709'551'615u);
  EXPECT_EQ(out.done(), "x-good: a b\t\xc3\xa4\r\nn: 18446744073709551615\r\n");
  EXPECT_FALSE(out.overflow());
}

TEST(HeadWriterTest, OverflowIsRememberedAndNeverWritten) {
  std::array<char, 8> buffer;
  buffer.fill('#');
  HeadWriter out(std::span(buffer).first(6));
  out.text("1234");
  out.text("567");
  EXPECT_TRUE(out.overflow());
  EXPECT_EQ(out.done(), "1234");
  EXPECT_EQ(buffer[6], '#');
}

TEST(DateTest, IsAnImfFixdate) {
  const auto text = [](int64_t s) {
    const auto date = imf_fixdate({s * 1'000'000'000});
    return std::string(date.data(), date.size());
  };
  EXPECT_EQ(text(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");  // the example of RFC 9110
  EXPECT_EQ(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text(951'782'400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(text(1'795'446'000), "Mon, 23 Nov 2026 15:00:00 GMT");
  ManualClock clock;
  DateText date(clock);
  const std::string first(date.at({5'000'000'000}));
  clock.advance(std::chrono::seconds(10));
  EXPECT_EQ(date.at({5'999'999'999}), first);
  EXPECT_NE(date.at({6'000'000'000}), first);
}

}  // namespace
}  // namespace wye::http
