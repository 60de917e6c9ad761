// The server over sockets, over the simulated network and over a shaky one, seen from the wire.
#include "foundation/http/framing_cases.hpp"
#include "foundation/http/head_cases.hpp"
#include "foundation/http/http_rig.hpp"
#include "foundation/http/target_cases.hpp"

namespace wye::http {
namespace {

class ServerTest : public testing::TestWithParam<Engine> {
 protected:
  ServerRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(All, ServerTest, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

net::Task<void> one(ServerRig& rig, std::string bytes, std::string& heard) { heard = co_await ask(rig.loop(), rig.endpoint(), std::move(bytes)); }

TEST_P(ServerTest, AnswersAndCloses) {
  std::string heard;
  ASSERT_TRUE(rig.run(one(rig, get("/hello", "Connection: close\r\n"), heard)));
  EXPECT_TRUE(heard.starts_with("HTTP/1.1 200 OK\r\nserver: wye\r\ndate: ")) << heard;
  EXPECT_TRUE(heard.ends_with("\r\ncontent-type: text/plain\r\nx-good: yes\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")) << heard;
  EXPECT_EQ(heard.find("x-split"), std::string::npos);
  EXPECT_EQ(rig.handler.bytes_out, 5u);
}

net::Task<void> keep_alive(ServerRig& rig) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{65'000}, size_t{70'000}, size_t{300'000}, size_t{3}}) {
    client.heard.clear();
    const std::string body(size, static_cast<char>('a' + size % 26));
    EXPECT_TRUE(co_await client.send(post("/echo", body)));
    EXPECT_TRUE(co_await client.hear("content-length: " + std::to_string(size) + "\r\n\r\n" + body)) << size;
    EXPECT_EQ(client.heard.find("connection: close"), std::string::npos) << size;
  }
  EXPECT_EQ(rig.handler.seen.size(), 7u);
}
TEST_P(ServerTest, KeepsAliveOverBodiesOfAllSizes) { EXPECT_TRUE(rig.run(keep_alive(rig))); }

TEST_P(ServerTest, StreamsInChunks) {
  std::string heard;
  ASSERT_TRUE(rig.run(one(rig, get("/stream", "Connection: close\r\n"), heard)));
  EXPECT_TRUE(
      heard.contains("transfer-encoding: chunked\r\nconnection: close\r\n\r\n8\r\none;two;\r\n6\r\nthree;\r\n5\r\nfour;\r\n3\r\nend\r\n0\r\n\r\n"))
      << heard;
}

TEST_P(ServerTest, StreamsToHttp10UntilTheEnd) {
  std::string heard;
  ASSERT_TRUE(rig.run(one(rig, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", heard)));
  EXPECT_TRUE(heard.ends_with("connection: close\r\n\r\none;two;three;four;end")) << heard;
  EXPECT_EQ(heard.find("chunked"), std::string::npos);
}

net::Task<void> heads(ServerRig& rig, std::string& heard) {
  heard = co_await ask(
      rig.loop(), rig.endpoint(),
      "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + get("/nothing") + get("/hello", "Connection: close\r\n"));
}
TEST_P(ServerTest, HeadAnd204HaveNoBody) {
  std::string heard;
  ASSERT_TRUE(rig.run(heads(rig, heard)));
  EXPECT_EQ(count_of(heard, "HTTP/1.1 200 OK\r\n"), 3u) << heard;
  EXPECT_EQ(count_of(heard, "hello"), 1u);
  EXPECT_EQ(heard.find("one;"), std::string::npos);
  EXPECT_EQ(count_of(heard, "content-length: 5\r\n"), 2u);  // HEAD says what GET would
  const std::string no_content =
      heard.substr(heard.find("HTTP/1.1 204"), heard.find("\r\n\r\n", heard.find("HTTP/1.1 204")) - heard.find("HTTP/1.1 204"));
  EXPECT_EQ(no_content.find("content-length"), std::string::npos) << no_content;
  EXPECT_EQ(no_content.find("transfer-encoding"), std::string::npos) << no_content;
}

TEST_P(ServerTest, AnswersOnce) {
  std::string heard;
  ASSERT_TRUE(rig.run(one(rig, get("/twice") + get("/hello", "Connection: close\r\n"), heard)));
  EXPECT_EQ(count_of(heard, "HTTP/1.1"), 2u) << heard;
  EXPECT_TRUE(heard.ends_with("hello"));
}

TEST_P(ServerTest, NoAnswerAndHalfAnAnswerEndTheConnection) {
  std::string silent, half;
  ASSERT_TRUE(rig.run(one(rig, get("/silent") + get("/hello"), silent)));
  EXPECT_EQ(silent, "");
  ASSERT_TRUE(rig.run(one(rig, get("/half") + get("/hello"), half)));
  EXPECT_FALSE(half.contains("0\r\n\r\n")) << half;  // the client sees that it was cut
  EXPECT_EQ(rig.handler.seen.size(), 2u);
}

net::Task<void> pipeline(ServerRig& rig, int count, std::string& heard) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += post("/echo", "body-" + std::to_string(i) + ";", i == count - 1 ? "Connection: close\r\n" : "");
  heard = co_await ask(rig.loop(), rig.endpoint(), bytes);
}
TEST_P(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  std::string heard;
  ASSERT_TRUE(rig.run(pipeline(rig, 8, heard)));
  size_t at = 0;
  for (int i = 0; i < 8; ++i) {
    at = heard.find("body-" + std::to_string(i) + ";", at);
    ASSERT_NE(at, std::string::npos) << i << heard;
  }
}

net::Task<void> steady_pipeline(ServerRig& rig, std::string& heard) {
  // Never more than two waiting, for long: that is no deep pipeline.
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  EXPECT_TRUE(co_await client.send(get("/n0").substr(0, 10)));
  for (int i = 1; i <= 40; ++i) {
    EXPECT_TRUE(co_await client.send(get("/n" + std::to_string(i - 1)).substr(10) + get("/n" + std::to_string(i)).substr(0, 10)));
    while (count_of(client.heard, "hello") < static_cast<size_t>(i) && co_await client.hear_some(rig.loop().after(5s))) {}
  }
  heard = client.heard;
}
TEST_P(ServerTest, AShallowPipelineMayLastForLong) {
  std::string heard;
  ASSERT_TRUE(rig.run(steady_pipeline(rig, heard)));
  EXPECT_EQ(count_of(heard, "hello"), 40u);
  EXPECT_TRUE(rig.handler.refused.empty());
}

TEST(ServerSimTest, TheNinthInTheQueueIsRefused) {
  ServerRig rig(Engine::kSim);
  std::string heard;
  ASSERT_TRUE(rig.run(pipeline(rig, 9, heard)));
  EXPECT_EQ(count_of(heard, "200 OK"), 8u);
  EXPECT_EQ(count_of(heard, "400 Bad Request"), 1u);
  EXPECT_EQ(rig.handler.refused.size(), 1u);
}

net::Task<void> expect_continue(ServerRig& rig) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: ";
  EXPECT_TRUE(co_await client.send(head + "4\r\n\r\n"));
  EXPECT_TRUE(co_await client.hear("HTTP/1.1 100 Continue\r\n\r\n"));
  EXPECT_TRUE(co_await client.send("body"));
  EXPECT_TRUE(co_await client.hear("\r\n\r\nbody"));
  EXPECT_EQ(client.heard.find("connection: close"), std::string::npos);
  // A body that is there already needs no invitation.
  client.heard.clear();
  EXPECT_TRUE(co_await client.send(head + "0\r\n\r\n"));
  EXPECT_TRUE(co_await client.hear("200 OK"));
  EXPECT_EQ(client.heard.find("100 Continue"), std::string::npos);
  co_await client.hear("\r\n\r\n");
  // Too large: refused without invitation, and the connection ends, as the body may come all the same.
  client.heard.clear();
  EXPECT_TRUE(co_await client.send(head + "99999999\r\n\r\n"));
  co_await client.hear_all();
  EXPECT_TRUE(client.heard.starts_with("HTTP/1.1 413 ")) << client.heard;
  EXPECT_TRUE(client.heard.contains("connection: close"));
  const std::string other = co_await ask(rig.loop(), rig.endpoint(), get("/hello", "Expect: tea\r\n"));
  EXPECT_TRUE(other.starts_with("HTTP/1.1 417 ")) << other;
}
TEST_P(ServerTest, ContinuesOnlyWhereABodyIsAwaited) { EXPECT_TRUE(rig.run(expect_continue(rig))); }

net::Task<void> chunked_bodies(ServerRig& rig) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  for (const BodyCase& c : chunked_body_cases()) {
    if (!c.accepts) continue;
    client.heard.clear();
    EXPECT_TRUE(co_await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + c.bytes));
    EXPECT_TRUE(co_await client.hear("content-length: " + std::to_string(c.payload.size()) + "\r\n\r\n" + c.payload)) << c.rule;
  }
  for (const BodyCase& c : chunked_body_cases()) {
    if (c.accepts) continue;
    const size_t errors = rig.handler.body_errors.size();
    RawClient bad(rig.loop());
    EXPECT_TRUE(co_await bad.connect(rig.endpoint()));
    const std::string request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + c.bytes + get("/smuggled");
    co_await bad.send(request);
    co_await bad.hear_all();
    EXPECT_TRUE(bad.heard.starts_with("HTTP/1.1 400 ")) << c.rule << bad.heard;
    EXPECT_EQ(count_of(bad.heard, "server: wye"), 1u) << c.rule;
    EXPECT_EQ(rig.handler.body_errors.size(), errors + 1) << c.rule;
  }
  EXPECT_EQ(std::ranges::count(rig.handler.seen, "GET /smuggled"), 0);
}
TEST_P(ServerTest, ChunkedBodiesByTheTable) { EXPECT_TRUE(rig.run(chunked_bodies(rig))); }

net::Task<void> sizes(ServerRig& rig) {
  rig.handler.body_max = 100'000;
  for (const size_t size : {size_t{99'999}, size_t{100'000}, size_t{100'001}, size_t{1'000'000}}) {
    for (const bool chunked : {false, true}) {
      const std::string body(size, 'b');
      char hex[16];
      const std::string digits(hex, std::to_chars(hex, hex + sizeof hex, size, 16).ptr);
      const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
      RawClient client(rig.loop());
      EXPECT_TRUE(co_await client.connect(rig.endpoint()));
      co_await client.send(chunked ? head + "Transfer-Encoding: chunked\r\n\r\n" + digits + "\r\n" + body + "\r\n0\r\n\r\n"
                                   : head + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body);
      co_await client.hear_all();
      // Also where the client has sent far more than was read, it hears the answer and no reset.
      EXPECT_TRUE(client.heard.starts_with(size <= 100'000 ? "HTTP/1.1 200 " : "HTTP/1.1 413 ")) << size << chunked << client.heard.substr(0, 100);
    }
  }
}
TEST_P(ServerTest, TooLargeIsToldAndNotReset) { EXPECT_TRUE(rig.run(sizes(rig))); }

TEST_P(ServerTest, BodiesOnGetHeadAndDeleteAreRefused) {
  for (const std::string method : {"GET", "HEAD", "DELETE"}) {
    std::string heard;
    ASSERT_TRUE(rig.run(one(rig, method + " /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n" + get("/smuggled"), heard)));
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 400 ")) << heard;
    ASSERT_TRUE(rig.run(one(rig, method + " /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("/smuggled"), heard)));
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 400 ")) << heard;
  }
  EXPECT_TRUE(rig.handler.seen.empty());
}

net::Task<void> unread_bodies(ServerRig& rig) {
  // Complete in the buffer: skipped, and the next request is the next request.
  std::string heard = co_await ask(rig.loop(), rig.endpoint(), post("/hello", get("/smuggled")) + get("/last", "Connection: close\r\n"));
  EXPECT_EQ(std::ranges::count(rig.handler.seen, "GET /smuggled"), 0);
  // Not there yet: the connection ends with the answer, whatever comes later.
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  EXPECT_TRUE(co_await client.send("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"));
  EXPECT_TRUE(co_await client.hear("hello"));
  EXPECT_TRUE(client.heard.contains("connection: close"));
  co_await client.send(get("/smuggled"));
  co_await client.hear_all();
  EXPECT_EQ(count_of(client.heard, "server: wye"), 1u);
  EXPECT_EQ(std::ranges::count(rig.handler.seen, "GET /smuggled"), 0);
}
TEST_P(ServerTest, AnUnreadBodyIsNeverARequest) { EXPECT_TRUE(rig.run(unread_bodies(rig))); }

TEST_P(ServerTest, ARefusalKnowsNothingOfTheRequestBefore) {
  std::string heard;
  // After HEAD a refusal still has its body; after HTTP/1.1 the framing does not change.
  ASSERT_TRUE(rig.run(one(rig, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/7.7\r\n\r\n", heard)));
  const size_t refusal = heard.find("HTTP/1.1 505 ");
  ASSERT_NE(refusal, std::string::npos) << heard;
  EXPECT_FALSE(heard.substr(refusal).ends_with("\r\n\r\n")) << heard;
}

TEST_P(ServerTest, TargetsByTheTable) {
  for (const TargetCase& c : target_cases()) {
    rig.handler.seen.clear();
    std::string heard;
    ASSERT_TRUE(rig.run(one(rig, "OPTIONS " + c.target + " HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n" + get("/smuggled"), heard)));
    const bool accepts = c.path || c.target == "*";
    EXPECT_TRUE(heard.starts_with(accepts ? "HTTP/1.1 200 " : "HTTP/1.1 400 ")) << c.target << heard;
    EXPECT_EQ(rig.handler.seen, accepts ? std::vector{"OPTIONS " + c.path.value_or("*")} : std::vector<std::string>{}) << c.target;
  }
}

net::Task<void> head_table(ServerRig& rig, bool everywhere) {
  for (const HeadCase& c : request_head_cases()) {
    // Methods without meaning to the rule would need bodies of their own.
    if (c.meaning.contains("length=9") || c.meaning.starts_with("CONNECT")) continue;
    std::vector<size_t> cuts = cuts_of(c.bytes);
    if (!everywhere || c.bytes.size() > 2000) cuts = {c.bytes.size() / 2};
    for (const size_t cut : cuts) {
      rig.handler.seen.clear();
      rig.handler.refused.clear();
      RawClient client(rig.loop());
      EXPECT_TRUE(co_await client.connect(rig.endpoint()));
      co_await client.send(c.bytes.substr(0, cut));
      if (cut < c.bytes.size()) co_await client.send(c.bytes.substr(cut));
      if (c.error) {
        const bool told = co_await client.hear("HTTP/1.1 " + std::to_string(error_row(*c.error).status) + " ", 5s);
        EXPECT_TRUE(told) << c.rule << " cut at " << cut << client.heard;
        EXPECT_EQ(co_await client.hear_all(10s), net::IoStatus::kEof) << c.rule;
        EXPECT_EQ(count_of(client.heard, "server: wye"), 1u) << c.rule;
        EXPECT_TRUE(client.heard.contains("connection: close")) << c.rule;
        EXPECT_TRUE(rig.handler.seen.empty()) << c.rule;
      } else {
        const bool told = co_await client.hear("HTTP/1.1 200 ", 5s);
        EXPECT_TRUE(told) << c.rule << " cut at " << cut << client.heard;
        EXPECT_EQ(rig.handler.seen.size(), 1u) << c.rule;
      }
      if (testing::Test::HasFailure()) co_return;
    }
  }
}
TEST(ServerSimTest, HeadsByTheTableCutEverywhere) {
  ServerRig rig(Engine::kSim);
  EXPECT_TRUE(rig.run(head_table(rig, true)));
}
TEST_P(ServerTest, HeadsByTheTable) { EXPECT_TRUE(rig.run(head_table(rig, false))); }

net::Task<void> hang_up(ServerRig& rig, bool streaming) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  EXPECT_TRUE(co_await client.send(get(streaming ? "/endless" : "/wait")));
  co_await net::sleep(rig.loop(), 30ms);
  const MonoTime closed = rig.loop().now();
  client.stream.reset();
  std::optional<MonoTime>& seen = streaming ? rig.handler.failed_at : rig.handler.gone_at;
  while (!seen && rig.loop().now() - closed < 3s) co_await net::sleep(rig.loop(), 1ms);
  EXPECT_TRUE(seen.has_value());
  if (seen) EXPECT_LE(*seen - closed, 100ms);
  while (rig.count.now() > 0 && rig.loop().now() - closed < 3s) co_await net::sleep(rig.loop(), 1ms);
  EXPECT_EQ(rig.count.now(), 0u);
}
TEST_P(ServerTest, AHangUpIsSeenWithin100Ms) { EXPECT_TRUE(rig.run(hang_up(rig, false))); }
TEST_P(ServerTest, AHangUpIsSeenWithin100MsWhileSending) { EXPECT_TRUE(rig.run(hang_up(rig, true))); }

net::Task<void> many_requests(ServerRig& rig) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  for (int i = 1; i <= kRequestsAConnection; ++i) {
    client.heard.clear();
    EXPECT_TRUE(co_await client.send(get("/")));
    EXPECT_TRUE(co_await client.hear("hello"));
    EXPECT_EQ(client.heard.contains("connection: close"), i == kRequestsAConnection) << i;
    if (testing::Test::HasFailure()) co_return;
  }
  EXPECT_EQ(co_await client.hear_all(), net::IoStatus::kEof);
}
TEST(ServerSimTest, AConnectionServesTenThousand) {
  ServerRig rig(Engine::kSim);
  EXPECT_TRUE(rig.run(many_requests(rig)));
}

TEST(ConnectionCountTest, BoundsTheProcessAndEachAddress) {
  ConnectionCount count(300);
  const net::Endpoint far{{10, 0, 0, 1}, 1, false};
  const net::Endpoint other{{10, 0, 0, 2}, 1, false};
  for (size_t i = 0; i < kConnectionsAnAddressMax; ++i) ASSERT_TRUE(count.enter(far));
  EXPECT_FALSE(count.enter(far));
  EXPECT_TRUE(count.enter(other));
  EXPECT_EQ(count.now(), 201u);
  for (int i = 0; i < 99; ++i) ASSERT_TRUE(count.enter(net::Endpoint::loopback(1)));
  EXPECT_FALSE(count.enter(net::Endpoint::loopback(1)));
  count.leave(far);
  EXPECT_TRUE(count.enter(far));
}

}  // namespace
}  // namespace wye::http
