#include "foundation/http/sse.hpp"

namespace wye::http {
namespace {

using Events = std::vector<std::pair<std::string, std::string>>;  // name, data

bool feed_all(SseScanner& scanner, std::string_view bytes, Events& out) {
  const std::string own(bytes);  // gone when the next bytes are fed, as the scratch is
  if (!scanner.feed(own)) return false;
  while (const auto event = scanner.next()) out.emplace_back(event->name, event->data);
  return true;
}

Events scan(const std::vector<std::string>& pieces) {
  SseScanner scanner;
  Events out;
  for (const std::string& piece : pieces) EXPECT_TRUE(feed_all(scanner, piece, out));
  scanner.finish();
  while (const auto event = scanner.next()) out.emplace_back(event->name, event->data);
  EXPECT_EQ(scanner.carried(), 0u);
  return out;
}

struct SseCase {
  std::string bytes;
  Events events;
};
const std::vector<SseCase>& sse_cases() {
  static const std::vector<SseCase> cases = {
      {"", {}},
      {"\n\n\n", {}},
      {"data: a\n\n", {{"", "a"}}},
      {"data:a\n\ndata:  b \n\n", {{"", "a"}, {"", " b "}}},
      {"data: a\r\n\r\ndata: b\r\n\r\n", {{"", "a"}, {"", "b"}}},
      {"data: a\r\rdata: b\r\r", {{"", "a"}, {"", "b"}}},
      {"data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", {{"", "a"}, {"", "b"}, {"", "c"}}},
      {"data: a\ndata: b\r\ndata\rdata: \n\n", {{"", "a\nb\n\n"}}},
      {"data: a\ndata: b\n\ndata: c\ndata: d\n\n", {{"", "a\nb"}, {"", "c\nd"}}},
      {"data\n\n", {{"", ""}}},
      {"data:\n\n", {{"", ""}}},
      {"event: x\ndata: a\n\n", {{"x", "a"}}},
      {"data: a\nevent: x\nevent: y\n\n", {{"y", "a"}}},
      {"event: x\n\ndata: a\n\n", {{"", "a"}}},
      {": comment\n\n:\n\ndata: a\n: in between\n\n", {{"", "a"}}},
      {"id: 7\nretry: 10\nDATA: no\ndata : no\n data: no\ndatax: no\ndata: a\n\n", {{"", "a"}}},
      {"\xEF\xBB\xBF"
       "data: a\n\n\xEF\xBB\xBF"
       "data: b\n\n",
       {{"", "a"}}},
      {"\xEF\xBB\xBF\n\ndata: a\n\n", {{"", "a"}}},
      {"\n\xEF\xBB\xBF"
       "data: a\n\ndata: b\n\n",
       {{"", "b"}}},
      {"data: {\"a\":\"b: c\"}\n\n\n\n\ndata: [DONE]\n\n", {{"", "{\"a\":\"b: c\"}"}, {"", "[DONE]"}}},
      {std::string("data: a\0b\n\n", 11), {{"", std::string("a\0b", 3)}}},
      {"data: last", {{"", "last"}}},
      {"data: last\n", {{"", "last"}}},
      {"data: a\n\ndata: last\r", {{"", "a"}, {"", "last"}}},
  };
  return cases;
}

TEST(SseTest, TableCutAtEveryTwoBytes) {
  for (const SseCase& c : sse_cases()) {
    EXPECT_EQ(scan({c.bytes}), c.events) << c.bytes;
    for (size_t i = 0; i <= c.bytes.size(); ++i) {
      for (size_t j = i; j <= c.bytes.size(); ++j) {
        const Events got = scan({c.bytes.substr(0, i), c.bytes.substr(i, j - i), c.bytes.substr(j)});
        ASSERT_EQ(got, c.events) << c.bytes << " cut at " << i << " and " << j;
      }
    }
    std::vector<std::string> bytes;
    for (const char byte : c.bytes) bytes.emplace_back(1, byte);
    EXPECT_EQ(scan(bytes), c.events) << c.bytes;
  }
}

TEST(SseTest, AnEventIsThereWithItsLastByte) {
  SseScanner scanner;
  Events out;
  ASSERT_TRUE(feed_all(scanner, "data: a\n\ndata: b\n", out));
  EXPECT_EQ(out.size(), 1u);
  EXPECT_EQ(scanner.carried(), 8u);
  ASSERT_TRUE(feed_all(scanner, "\n", out));
  EXPECT_EQ(out.size(), 2u);
  EXPECT_EQ(scanner.carried(), 0u);
}

TEST(SseTest, AnEventHasABound) {
  const std::string most = "data: " + std::string(kEventMax - 8, 'x') + "\n\n";
  ASSERT_EQ(most.size(), kEventMax);
  for (const size_t piece : {size_t{1000}, size_t{65'536}, most.size()}) {
    for (const bool over : {false, true}) {
      const std::string bytes = "data: a\n\n" + (over ? "data: x" + most.substr(6) : most);
      SseScanner scanner;
      Events out;
      bool fine = true;
      for (size_t at = 0; fine && at < bytes.size(); at += piece) {
        fine = feed_all(scanner, std::string_view(bytes).substr(at, piece), out);
        EXPECT_LE(scanner.carried(), kEventMax);
      }
      EXPECT_EQ(fine, !over) << piece;
      EXPECT_EQ(out.size(), over ? (piece > kEventMax ? 0u : 1u) : 2u) << piece;
    }
  }
  // Not only the first of what is fed.
  SseScanner scanner;
  EXPECT_FALSE(scanner.feed(most + "data: a\n\ndata: x" + most));
  SseScanner endless;
  const std::string part(65'536, 'x');
  int fed = 0;
  Events none;
  while (feed_all(endless, part, none)) ASSERT_LT(++fed, 17);
  EXPECT_EQ(fed, 16);
}

TEST(SseTest, ResetForgetsTheStream) {
  SseScanner scanner;
  Events out;
  ASSERT_TRUE(feed_all(scanner, "data: a\r", out));
  scanner.reset();
  ASSERT_TRUE(feed_all(scanner,
                       "\xEF\xBB\xBF"
                       "data: b\n\n",
                       out));
  EXPECT_EQ(out, (Events{{"", "b"}}));
}

}  // namespace
}  // namespace wye::http
