#include <gtest/gtest.h>

#include "histogram.hpp"
#include "json_scan.hpp"
#include "message.hpp"
#include "payload.hpp"
#include "socket.hpp"

namespace wye::bench {
namespace {

struct Collect final : MessageSink {
  void on_head(const Head& head) override {
    status = head.status;
    target = head.target;
  }
  void on_body(std::string_view bytes) override { body.append(bytes); }
  int status = 0;
  std::string target, body;
};

struct Wanted {
  const char* bytes;
  MessageKind kind;
  const char* body;  // null: must fail
};

constexpr auto kResponse = MessageKind::kResponse;
constexpr auto kRequest = MessageKind::kRequest;

const Wanted kMessages[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", kResponse, "hello"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", kResponse, ""},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", kResponse, "hi"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n", kResponse, "hello world"},
    {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", kRequest, "abc"},
    {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", kRequest, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\nhello", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nhello\r\n", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n", kResponse, nullptr},
    {"HTTP/1.1 20 OK\r\n\r\n", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", kResponse, nullptr},
    {"HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n", kResponse, nullptr},
    {"GET /a HTTP/1.1\r\n\r\n", kRequest, nullptr},
    {"GET /a HTTP/1.0\r\nHost: h\r\n\r\n", kRequest, nullptr},
    {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", kRequest, nullptr},
    {"GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", kRequest, nullptr},
};

TEST(Message, EveryCutGivesTheSameAnswer) {
  for (const Wanted& wanted : kMessages) {
    const std::string_view bytes = wanted.bytes;
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      MessageReader reader(wanted.kind);
      Collect got;
      size_t used = reader.feed(bytes.substr(0, cut), got);
      if (!reader.done() && !reader.failed()) used += reader.feed(bytes.substr(cut), got);
      if (wanted.body == nullptr) {
        EXPECT_TRUE(reader.failed()) << bytes << " cut at " << cut;
      } else {
        EXPECT_TRUE(reader.done()) << bytes << " cut at " << cut << ": " << (reader.error() ? reader.error() : "not done");
        EXPECT_EQ(got.body, wanted.body);
        EXPECT_EQ(used, bytes.size());
      }
    }
  }
}

TEST(Message, StopsAtTheEndOfOneMessage) {
  MessageReader reader(kResponse);
  Collect got;
  EXPECT_EQ(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP", got), 39U);
  EXPECT_TRUE(reader.done());
}

TEST(Message, ACloseEndsOnlyAnUnframedBody) {
  Collect got;
  MessageReader open(kResponse);
  open.feed("HTTP/1.1 200 OK\r\n\r\nabc", got);
  open.closed();
  EXPECT_TRUE(open.done());
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "HTT"}) {
    MessageReader cut(kResponse);
    cut.feed(bytes, got);
    cut.closed();
    EXPECT_TRUE(cut.failed()) << bytes;
  }
}

TEST(Histogram, QuantilesAreWithinHalfAPercent) {
  const auto histogram = std::make_unique<Histogram>();
  for (int i = 1; i <= 100'000; ++i) histogram->record(int64_t{i} * 1000);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    EXPECT_NEAR(static_cast<double>(histogram->quantile_ns(share)), share * 1e8, share * 1e8 * 0.005);
  }
  EXPECT_EQ(histogram->quantile_ns(1), 100'000'000U);
  EXPECT_EQ(histogram->max_ns(), 100'000'000U);
  histogram->record(INT64_MAX);
  EXPECT_EQ(histogram->max_ns(), static_cast<uint64_t>(INT64_MAX));
}

TEST(JsonScan, TakesWholeValuesOnly) {
  for (const char* good : {"{}", "[]", "{\"a\":[1,-2.5e3,true,null,{\"b\":\"x\\\"y\\\\\"}]}", " \"s\" ", "[\"\\\\\"]"}) {
    EXPECT_TRUE(JsonScan::is_complete(good)) << good;
  }
  for (const char* bad : {"", "{", "{\"a\"}", "{\"a\":1,}", "[1 2]", "{} {}", "\"abc", "[\"\\\"]", "{\"a\":tru}", "{'a':1}"}) {
    EXPECT_FALSE(JsonScan::is_complete(bad)) << bad;
  }
  EXPECT_FALSE(JsonScan::is_complete(std::string(100'000, '[')));
}

TEST(Payload, ABodyHasItsSizeAndEveryChangedByteShows) {
  for (const size_t bytes : {600U, 1024U, 16384U}) {
    ChatBody wanted;
    wanted.bytes = bytes;
    std::string body = make_chat_body(wanted);
    EXPECT_EQ(body.size(), bytes);
    EXPECT_TRUE(JsonScan::is_complete(body));
    EXPECT_NE(find_nonce(body), std::string::npos);
    ASSERT_TRUE(check_fill(body));
    const size_t begin = body.find("fill-") + 5;
    for (size_t i = begin; i < body.size() - 10; i += 7) {
      body[i] ^= 1;
      EXPECT_FALSE(check_fill(body)) << i;
      body[i] ^= 1;
    }
    EXPECT_FALSE(check_fill(std::string_view(body).substr(0, body.size() - 6)));
  }
}

TEST(Payload, Directives) {
  Directives got;
  EXPECT_TRUE(read_directives("x stub[chunks=8 spacing_us=1000 answer=99] y", got));
  EXPECT_EQ(got.chunks, 8);
  EXPECT_EQ(got.spacing_us, 1000);
  EXPECT_EQ(got.answer_bytes, 99);
  EXPECT_TRUE(read_directives("none", got));
  for (const char* bad : {"stub[", "stub[chunks=0]", "stub[chunks=x]", "stub[other=1]", "stub[chunks=10000]", "stub[chunks]"}) {
    EXPECT_FALSE(read_directives(bad, got)) << bad;
  }
}

TEST(Socket, OnlyLoopbackIsAccepted) {
  Address address;
  EXPECT_TRUE(parse_address("http://127.0.0.1:8080", address));
  EXPECT_EQ(to_text(address), "127.0.0.1:8080");
  EXPECT_TRUE(parse_address("localhost:1/", address));
  for (const char* bad : {"10.0.0.1:80", "127.0.0.1", "127.0.0.1:x", "http://example.com:80", "127.0.0.1:70000"}) {
    EXPECT_FALSE(parse_address(bad, address)) << bad;
  }
}

}  // namespace
}  // namespace wye::bench
