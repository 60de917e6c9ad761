#include "foundation/http/target_cases.hpp"

namespace wye::http {
namespace {

Result<Head> head_of(const std::string& bytes) {
  HeadParser parser(HeadParser::Kind::kRequest);
  Head head;
  TRY(const HeadParser::Step step, parser.parse(bytes, head));
  EXPECT_EQ(step, HeadParser::Step::kDone);
  return head;
}

TEST(TargetTest, Table) {
  for (const TargetCase& c : target_cases()) {
    const std::string bytes = "GET " + c.target + " HTTP/1.1\r\nHost: a:80\r\n\r\n";
    const Result<Head> head = head_of(bytes);
    ASSERT_TRUE(head) << c.target;
    Target target;
    const Result<void> result = target.parse(*head);
    ASSERT_EQ(result.has_value(), c.path.has_value()) << c.target;
    EXPECT_EQ(target.path(), c.path.value_or("")) << c.target;
    EXPECT_EQ(target.query(), c.query) << c.target;
    if (!result) EXPECT_EQ(result.error().code, ErrorCode::kInvalidRequest);
  }
}

TEST(TargetTest, AsteriskIsForOptionsOnly) {
  const std::string bytes = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
  Target target;
  ASSERT_TRUE(target.parse(*head_of(bytes)));
  EXPECT_EQ(target.path(), "*");
}

TEST(TargetTest, AnAbsoluteTargetNeedsItsHost) {
  const std::string bytes = "GET http://a/ HTTP/1.0\r\n\r\n";
  Target target;
  EXPECT_FALSE(target.parse(*head_of(bytes)));
}

TEST(TargetTest, AnObjectServesMany) {
  const std::string first = "GET /%41?x=1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string second = "GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string third = "GET /.. HTTP/1.1\r\nHost: a\r\n\r\n";
  Target target;
  ASSERT_TRUE(target.parse(*head_of(first)));
  ASSERT_TRUE(target.parse(*head_of(second)));
  EXPECT_EQ(target.path(), "/b");
  EXPECT_EQ(target.query(), "");
  EXPECT_FALSE(target.parse(*head_of(third)));
  EXPECT_EQ(target.path(), "");
}

TEST(TargetTest, Parameters) {
  const std::string bytes = "GET /a?api-version=2024-10-21&x&y=&z=1&z=2&api=3&&=q HTTP/1.1\r\nHost: a\r\n\r\n";
  Target target;
  ASSERT_TRUE(target.parse(*head_of(bytes)));
  EXPECT_EQ(target.parameter("api-version"), "2024-10-21");
  EXPECT_EQ(target.parameter("x"), "");
  EXPECT_EQ(target.parameter("y"), "");
  EXPECT_EQ(target.parameter("z"), std::nullopt);  // two readers could take either
  EXPECT_EQ(target.parameter("api"), "3");
  EXPECT_EQ(target.parameter("version"), std::nullopt);
}

}  // namespace
}  // namespace wye::http
