#include "foundation/json/writer.hpp"

#include "foundation/json/document.hpp"

#include <cmath>
#include <limits>

namespace wye::json {
namespace {

TEST(WriterTest, PutsCommasAndEscapes) {
  std::string out;
  Writer w(out);
  w.begin_object().string("id", "a\"b\\\n\x01").integer("i", INT64_MIN).unsigned_integer("u", UINT64_MAX).boolean("t", true).null("n");
  w.begin_array("list").integer(1).begin_object().end_object().begin_array().end_array().raw("{\"r\":1}").end_array();
  w.key("o").begin_object().number("d", 0.1).end_object().end_object();
  EXPECT_TRUE(w.complete());
  EXPECT_EQ(out,
            "{\"id\":\"a\\\"b\\\\\\n\\u0001\",\"i\":-9223372036854775808,\"u\":18446744073709551615,\"t\":true,\"n\":null,"
            "\"list\":[1,{},[],{\"r\":1}],\"o\":{\"d\":0.1}}");
  Document d;
  ASSERT_TRUE(d.parse(out));
  EXPECT_EQ(d.root().find("id")->text(), "a\"b\\\n\x01");
}

TEST(WriterTest, NumbersReadBackTheSame) {
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1e21, 1e-7, 1.7976931348623157e308, 5e-324, 123456789.125, -2.5e-300}) {
    std::string out;
    Writer(out).number(value);
    Document d;
    ASSERT_TRUE(d.parse(out)) << out;
    EXPECT_EQ(d.root().number(), value) << out;
    EXPECT_EQ(std::signbit(*d.root().number()), std::signbit(value));
  }
  for (const double value : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan("")}) {
    std::string out;
    Writer(out).number(value);
    EXPECT_EQ(out, "null");
  }
}

TEST(WriterTest, AnyBytesMakeAValidString) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  bytes += "\xF0\x9F\x98\x80\xED\xA0\x80";
  std::string out;
  Writer(out).string(bytes);
  Document d;
  EXPECT_TRUE(d.parse(out));
}

TEST(WriterTest, SixtyFourLevels) {
  std::string out;
  Writer w(out);
  for (int i = 0; i < 64; ++i) i % 2 == 0 ? w.begin_array() : w.begin_object().key("k");
  // The innermost level is an object that waits for its value.
  w.integer(1);
  for (int i = 63; i >= 0; --i) i % 2 == 0 ? w.end_array() : w.end_object();
  EXPECT_TRUE(w.complete());
  Document d;
  EXPECT_TRUE(d.parse(out));
}

#ifndef NDEBUG
TEST(WriterDeathTest, MisuseFailsAnAssertion) {
  const auto with = [](auto use) {
    std::string out;
    Writer w(out);
    use(w);
  };
  EXPECT_DEATH(with([](Writer& w) { w.begin_object().integer(1); }), "a name is due");
  EXPECT_DEATH(with([](Writer& w) { w.begin_array().key("k"); }), "no name is due");
  EXPECT_DEATH(with([](Writer& w) { w.begin_object().key("k").key("l"); }), "no name is due");
  EXPECT_DEATH(with([](Writer& w) { w.begin_object().key("k").end_object(); }), "a value is due");
  EXPECT_DEATH(with([](Writer& w) { w.begin_object().end_array(); }), "nothing of this kind is open");
  EXPECT_DEATH(with([](Writer& w) { w.end_object(); }), "nothing of this kind is open");
  EXPECT_DEATH(with([](Writer& w) { w.integer(1).integer(2); }), "one value only");
  EXPECT_DEATH(with([](Writer& w) {
                 for (int i = 0; i < 65; ++i) w.begin_array();
               }),
               "nested too deep");
}
#endif

}  // namespace
}  // namespace wye::json
