// The checker must say no to every way in which a gateway can spoil an answer. The answers come from the stub's own writer.
#include "check.hpp"

#include <gtest/gtest.h>

#include "../stub/answer.hpp"

namespace wye::bench::load {
namespace {

const std::string kNonce = "00000000000000ab";

stub::AnswerFacts facts(bool usage) { return {"bench", kNonce, 7, usage}; }

std::string unary() {
  std::string out;
  stub::append_unary(out, facts(false), 1024);
  return out;
}

std::string stream(int chunks, bool usage) {
  std::string out;
  stub::append_stream_head(out);
  stub::append_stream_role(out, facts(usage));
  for (int i = 0; i < chunks; ++i) stub::append_stream_token(out, facts(usage), i);
  stub::append_stream_end(out, facts(usage), chunks);
  return out;
}

// Feeds the bytes in two pieces; null where the answer is accepted.
const char* judge(const Expectation& expected, std::string_view bytes, size_t cut = 0, const std::string& nonce = kNonce) {
  AnswerCheck check(expected);
  MessageReader reader(MessageKind::kResponse);
  check.begin(nonce);
  const size_t first = std::min(cut, bytes.size());
  reader.feed(bytes.substr(0, first), check);
  if (!reader.failed() && !reader.done()) reader.feed(bytes.substr(first), check);
  if (reader.failed()) return reader.error();
  if (!reader.done()) return "not whole";
  return check.finish();
}

Expectation streaming(int chunks, bool usage) {
  Expectation expected;
  expected.stream = true;
  expected.chunks = chunks;
  expected.include_usage = usage;
  return expected;
}

// Rewrites the chunked framing away so that single events can be touched, and puts the body into one chunk again.
std::string events_of(int chunks, bool usage) {
  struct Body final : MessageSink {
    void on_head(const Head&) override {}
    void on_body(std::string_view bytes) override { text.append(bytes); }
    std::string text;
  } body;
  MessageReader reader(MessageKind::kResponse);
  reader.feed(stream(chunks, usage), body);
  return body.text;
}

std::string framed(const std::string& events) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " + std::to_string(events.size()) + "\r\n\r\n" + events;
}

std::string swapped(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(AnswerCheck, AcceptsTheStubsAnswersAtEveryCut) {
  const std::string one = unary(), many = stream(5, true);
  for (size_t cut = 0; cut <= one.size(); ++cut) EXPECT_EQ(judge({}, one, cut), nullptr) << cut;
  for (size_t cut = 0; cut <= many.size(); ++cut) EXPECT_EQ(judge(streaming(5, true), many, cut), nullptr) << cut;
  EXPECT_EQ(judge(streaming(3, false), stream(3, false)), nullptr);
}

TEST(AnswerCheck, RefusesSpoiltUnaryAnswers) {
  const std::string good = unary();
  EXPECT_STREQ(judge({}, good, 0, "00000000000000ac"), "answer of another request");
  EXPECT_STREQ(judge({}, swapped(good, "200 OK", "500 OK")), "status");
  EXPECT_STREQ(judge({}, swapped(good, "application/json", "text/html")), "content type is not application/json");
  EXPECT_STREQ(judge({}, swapped(good, "\"usage\":{", "\"usagx\":{")), "body lacks object, finish_reason or usage");
  std::string changed = good;
  changed[changed.find("-llif") - 20] ^= 1;
  EXPECT_STREQ(judge({}, changed), "content of the answer is not whole");
  changed = good;
  changed.back() = ' ';
  EXPECT_STREQ(judge({}, changed), "body is not whole JSON");
  Expectation exact;
  exact.exact = good.substr(good.find("\r\n\r\n") + 4);
  EXPECT_EQ(judge(exact, good), nullptr);
  EXPECT_NE(judge(exact, swapped(good, "\"created\":17", "\"created\":18")), nullptr);
  Expectation text;
  text.texts = {"chat.completion", "absent"};
  EXPECT_STREQ(judge(text, good), "body lacks an expected text");
}

TEST(AnswerCheck, RefusesSpoiltStreams) {
  const std::string good = events_of(4, true);
  const Expectation expected = streaming(4, true);
  ASSERT_EQ(judge(expected, framed(good)), nullptr);
  const auto event = [&](int index) {
    const size_t at = good.find(kNonce + "-000" + std::to_string(index));
    const size_t begin = good.rfind("data: ", at), end = good.find("\n\n", at) + 2;
    return good.substr(begin, end - begin);
  };
  EXPECT_NE(judge(expected, framed(swapped(good, event(1), ""))), nullptr) << "lost";
  EXPECT_NE(judge(expected, framed(swapped(good, event(1), event(1) + event(1)))), nullptr) << "doubled";
  EXPECT_NE(judge(expected, framed(swapped(good, event(1) + event(2), event(2) + event(1)))), nullptr) << "out of order";
  EXPECT_NE(judge(expected, framed(swapped(good, event(3), ""))), nullptr) << "last one lost";
  EXPECT_STREQ(judge(expected, framed(swapped(good, kNonce + "-0002", "00000000000000ff-0002"))), "chunk of another stream");
  EXPECT_STREQ(judge(expected, framed(swapped(good, "data: [DONE]\n\n", ""))), "stream ends without [DONE]");
  EXPECT_STREQ(judge(expected, framed(good + event(0))), "event after [DONE]");
  EXPECT_STREQ(judge(expected, framed(good.substr(0, good.size() - 1))), "stream ends inside an event");
  EXPECT_STREQ(judge(expected, framed(swapped(good, event(2), "data: {\"error\":{}}\n\n"))), "error event");
  EXPECT_STREQ(judge(expected, framed(swapped(good, "\"role\":\"assistant\"", "\"rolx\":\"assistant\""))), "first chunk carries no role");
  EXPECT_STREQ(judge(streaming(4, false), framed(good)), "usage chunk that was not asked for");
  EXPECT_EQ(judge(streaming(4, true), framed(events_of(4, false))), std::string_view("[DONE] before the end"));
  EXPECT_EQ(judge(expected, framed(": keep-alive\n\n" + good)), nullptr);
  const std::string whole = stream(4, true);
  EXPECT_STREQ(judge(expected, whole.substr(0, whole.size() - 5)), "not whole");
}

}  // namespace
}  // namespace wye::bench::load
