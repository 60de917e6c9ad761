// The framing of bodies, cut everywhere.
#include "foundation/http/framing_cases.hpp"

namespace wye::http {
namespace {

struct Followed {
  std::string payload;
  size_t used = 0;
  bool failed = false;
};

void feed(BodyFraming& framing, std::string_view bytes, Followed& out) {
  while (!bytes.empty() && !framing.done() && !out.failed) {
    const std::string own(bytes);  // so that ASan sees a read too far
    const Result<BodyFraming::Piece> piece = framing.next(own);
    out.failed = !piece;
    if (out.failed) return;
    ASSERT_GT(piece->used, 0u);
    out.payload += piece->payload;
    out.used += piece->used;
    bytes.remove_prefix(piece->used);
  }
}

Head chunked_head() {
  Head head;
  head.chunked = true;
  head.status = 200;
  return head;
}

TEST(FramingTest, ChunkedTableCutAtEveryByte) {
  for (const BodyCase& c : chunked_body_cases()) {
    const std::string next = "GET /";
    const std::string bytes = c.bytes + (c.accepts ? next : "");
    const size_t step = bytes.size() < 500 ? 1 : bytes.size() / 50;
    for (size_t cut = 0; cut <= bytes.size(); cut += step) {
      BodyFraming framing;
      framing.start_request(chunked_head());
      Followed got;
      feed(framing, std::string_view(bytes).substr(0, cut), got);
      feed(framing, std::string_view(bytes).substr(cut), got);
      ASSERT_EQ(got.failed, !c.accepts) << c.rule << " cut at " << cut;
      ASSERT_EQ(framing.done(), c.accepts) << c.rule;
      if (!c.accepts) continue;
      ASSERT_EQ(got.payload, c.payload) << c.rule << " cut at " << cut;
      ASSERT_EQ(got.used, c.bytes.size()) << c.rule;
    }
  }
}

TEST(FramingTest, ChunkedByteByByte) {
  for (const BodyCase& c : chunked_body_cases()) {
    BodyFraming framing;
    framing.start_response(chunked_head(), false);
    Followed got;
    for (const char byte : c.bytes) feed(framing, {&byte, 1}, got);
    EXPECT_EQ(got.failed, !c.accepts) << c.rule;
    EXPECT_EQ(framing.end_is_clean(), c.accepts) << c.rule;
    if (c.accepts) EXPECT_EQ(got.payload, c.payload) << c.rule;
  }
}

TEST(FramingTest, AnUnfinishedBodyIsNoCleanEnd) {
  for (const std::string_view bytes : {"", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\na: b\r\n"}) {
    BodyFraming framing;
    framing.start_response(chunked_head(), false);
    Followed got;
    feed(framing, bytes, got);
    EXPECT_FALSE(framing.end_is_clean()) << bytes;
  }
}

TEST(FramingTest, LengthIsExact) {
  Head head;
  head.content_length = 5;
  head.status = 200;
  BodyFraming framing;
  framing.start_request(head);
  EXPECT_EQ(framing.left(), 5u);
  Followed got;
  feed(framing, "he", got);
  EXPECT_EQ(framing.left(), 3u);
  EXPECT_FALSE(framing.end_is_clean());
  feed(framing, "lloGET /", got);
  EXPECT_TRUE(framing.done());
  EXPECT_EQ(got.payload, "hello");
  EXPECT_EQ(got.used, 5u);
}

TEST(FramingTest, WhichMessagesHaveABody) {
  const auto response = [](int status, std::optional<uint64_t> length, bool chunked, bool to_head) {
    Head head;
    head.status = status;
    head.content_length = length;
    head.chunked = chunked;
    BodyFraming framing;
    framing.start_response(head, to_head);
    return std::string(framing.done() ? "none" : framing.until_close() ? "close" : framing.left() > 0 ? "length" : "chunked");
  };
  EXPECT_EQ(response(200, {}, false, false), "close");
  EXPECT_EQ(response(200, 0, false, false), "none");
  EXPECT_EQ(response(200, 5, false, false), "length");
  EXPECT_EQ(response(200, {}, true, false), "chunked");
  EXPECT_EQ(response(500, {}, false, false), "close");
  EXPECT_EQ(response(200, 5, false, true), "none");
  EXPECT_EQ(response(200, {}, true, true), "none");
  for (const int status : {100, 103, 204, 304}) {
    EXPECT_EQ(response(status, 5, false, false), "none");
    EXPECT_EQ(response(status, {}, true, false), "none");
    EXPECT_EQ(response(status, {}, false, false), "none");
  }
  BodyFraming request;
  request.start_request(Head{});
  EXPECT_TRUE(request.done());  // never until close
}

}  // namespace
}  // namespace wye::http
