// Slow peers, in virtual time: every wait has an end, and no reader grows a buffer.
#include "foundation/http/http_rig.hpp"
#include "foundation/http/slices.hpp"

namespace wye::http {
namespace {

class SlowPeerTest : public testing::Test {
 protected:
  ServerRig rig{Engine::kSim};
};

/// The wheel is up to a tenth of a second late.
void expect_about(Nanos got, Nanos wanted) {
  EXPECT_GE(got, wanted - 1ms);
  EXPECT_LE(got, wanted + 150ms);
}

/// Sends `start`, then `drop` each `pause`, and hears meanwhile; gives the time until the first byte came or the connection ended.
net::Task<void> drip(ServerRig& rig, std::string start, std::string drop, Nanos pause, RawClient& client, Nanos& took) {
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  const MonoTime begun = rig.loop().now();
  if (!start.empty()) EXPECT_TRUE(co_await client.send(start));
  while (client.heard.empty() && rig.loop().now() - begun < 400s) {
    if (!co_await client.hear_some(rig.loop().after(pause)) && client.ended != net::IoStatus::kTimeout) break;
    if (client.heard.empty() && !drop.empty() && !co_await client.send(drop)) break;
  }
  took = rig.loop().now() - begun;
}

TEST_F(SlowPeerTest, FirstByteWithin10S) {
  RawClient client(rig.loop());
  Nanos took{};
  ASSERT_TRUE(rig.run(drip(rig, "", "", 400s, client, took)));
  expect_about(took, 10s);
  EXPECT_EQ(client.heard, "");
  EXPECT_TRUE(rig.handler.refused.empty());
}

TEST_F(SlowPeerTest, HeadWithin10S) {
  RawClient client(rig.loop());
  Nanos took{};
  ASSERT_TRUE(rig.run(drip(rig, "GET / HTTP/1.1\r\nx: ", "y", 1s, client, took)));
  expect_about(took, 10s);
  EXPECT_TRUE(client.heard.starts_with("HTTP/1.1 408 ")) << client.heard;
}

TEST_F(SlowPeerTest, AnIdleConnectionLivesAMinute) {
  RawClient client(rig.loop());
  Nanos took{};
  ASSERT_TRUE(rig.run(drip(rig, get("/"), "", 400s, client, took)));
  EXPECT_TRUE(client.heard.ends_with("hello"));
  struct Wait {
    static net::Task<void> end(ServerRig& r, RawClient& c, Nanos& t) {
      const MonoTime begun = r.loop().now();
      EXPECT_EQ(co_await c.hear_all(), net::IoStatus::kEof);
      t = r.loop().now() - begun;
    }
  };
  ASSERT_TRUE(rig.run(Wait::end(rig, client, took)));
  expect_about(took, 60s);
}

struct BodyPace {
  const char* name;
  std::string start;  // of the body
  std::string drop;
  Nanos pause;
  Nanos ends;         // zero: the body is accepted
  size_t length;
};

TEST_F(SlowPeerTest, BodiesMustKeepGoing) {
  const std::vector<BodyPace> paces = {
      {"first byte", "", "", 400s, 10s, 100},
      {"a stall", "0123456789", "", 400s, 10s, 100},
      {"drops", "0", "0123456789", 100ms, 10s, 100'000},
      {"a quick start pays for no stall", std::string(200'000, 'x'), "", 400s, 10s, 300'000},
      {"drops after a quick start", std::string(200'000, 'x'), "y", 100ms, 10s, 300'000},
      {"too long in all", "0", std::string(1500, 'x'), 1s, 120s, 500'000},
      {"slow but steady", "0", std::string(1200, 'x'), 1s, 0s, 60'001},
  };
  for (const BodyPace& pace : paces) {
    for (const bool chunked : {false, true}) {
      rig.handler.body_errors.clear();
      RawClient client(rig.loop());
      Nanos took{};
      const auto in_chunk = [&](const std::string& text) {
        char hex[16];
        return text.empty() ? text : std::string(hex, std::to_chars(hex, hex + sizeof hex, text.size(), 16).ptr) + "\r\n" + text + "\r\n";
      };
      std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\n";
      head += chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: " + std::to_string(pace.length) + "\r\n\r\n";
      const std::string start = chunked ? in_chunk(pace.start) : pace.start;
      const std::string drop = chunked ? in_chunk(pace.drop) : pace.drop;
      if (chunked && pace.ends == 0s) continue;  // it never ends by itself
      ASSERT_TRUE(rig.run(drip(rig, head + start, drop, pace.pause, client, took))) << pace.name;
      if (pace.ends == 0s) {
        EXPECT_TRUE(client.heard.starts_with("HTTP/1.1 200 ")) << pace.name;
        continue;
      }
      EXPECT_GE(took, pace.ends - 1ms) << pace.name << chunked;
      EXPECT_LE(took, pace.ends + 400ms) << pace.name << chunked;
      EXPECT_TRUE(client.heard.starts_with("HTTP/1.1 408 ")) << pace.name << chunked << client.heard;
      EXPECT_EQ(rig.handler.body_errors, std::vector{ErrorCode::kRequestTimeout}) << pace.name;
    }
  }
}

net::Task<void> never_read(ServerRig& rig, std::string path) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  const MonoTime begun = rig.loop().now();
  EXPECT_TRUE(co_await client.send(get(path)));
  while (!rig.handler.failed_at && rig.loop().now() - begun < 200s) co_await net::sleep(rig.loop(), 100ms);
  EXPECT_TRUE(rig.handler.failed_at.has_value());
  if (!rig.handler.failed_at) co_return;
  EXPECT_GE(*rig.handler.failed_at - begun, 30s);
  EXPECT_LE(*rig.handler.failed_at - begun, 41s);
  co_await net::sleep(rig.loop(), 1s);
  EXPECT_EQ(rig.count.now(), 0u);
}
TEST_F(SlowPeerTest, AReaderThatStallsIsCutAfter30S) {
  EXPECT_TRUE(rig.run(never_read(rig, "/large")));
  rig.handler.failed_at.reset();
  EXPECT_TRUE(rig.run(never_read(rig, "/endless")));
}

net::Task<void> read_slowly(ServerRig& rig, Nanos pause, size_t bytes, Nanos length) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  const MonoTime begun = rig.loop().now();
  EXPECT_TRUE(co_await client.send(get("/large")));
  while (rig.loop().now() - begun < length) {
    EXPECT_TRUE(co_await client.hear_some(rig.loop().after(1s), bytes));
    co_await net::sleep(rig.loop(), pause);
  }
  EXPECT_TRUE(rig.handler.sends.empty());
  const size_t body = client.heard.find("\r\n\r\n") + 4;
  EXPECT_EQ(client.heard.substr(body), large_body().substr(0, client.heard.size() - body));
}
TEST_F(SlowPeerTest, AReaderThatIsSlowIsServed) { EXPECT_TRUE(rig.run(read_slowly(rig, 5s, 4096, 300s))); }

net::Task<void> keep_pushing(ServerRig& rig, Nanos pause, Nanos& took) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  EXPECT_TRUE(co_await client.send("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"));
  EXPECT_TRUE(co_await client.hear("hello"));
  const MonoTime begun = rig.loop().now();
  while (rig.count.now() > 0 && rig.loop().now() - begun < 100s) {
    if (pause > 0s) co_await client.send("x", 1s);
    co_await net::sleep(rig.loop(), pause > 0s ? pause : Nanos(10ms));
  }
  took = rig.loop().now() - begun;
}
TEST_F(SlowPeerTest, LingeringEnds) {
  Nanos took{};
  ASSERT_TRUE(rig.run(keep_pushing(rig, 100ms, took)));
  expect_about(took, 5s);
  ASSERT_TRUE(rig.run(keep_pushing(rig, 0s, took)));
  expect_about(took, 2s);
}

net::Task<void> get_old(ServerRig& rig, MonoTime& closed) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  const MonoTime begun = rig.loop().now();
  while (!client.heard.contains("connection: close") && rig.loop().now() - begun < 2h) {
    client.heard.clear();
    EXPECT_TRUE(co_await client.send(get("/")));
    EXPECT_TRUE(co_await client.hear("hello"));
    co_await net::sleep(rig.loop(), 30s);
  }
  closed = rig.loop().now();
}
TEST_F(SlowPeerTest, AConnectionEndsAfterAnHour) {
  MonoTime closed;
  const MonoTime begun = rig.loop().now();
  ASSERT_TRUE(rig.run(get_old(rig, closed)));
  EXPECT_GE(closed - begun, 54min);
  EXPECT_LE(closed - begun, 67min);
}

TEST(SlicesTest, CoverEverythingInBoundedPortions) {
  const std::string& body = large_body();
  SeededRandom random(5);
  std::vector<iovec> pieces;
  for (size_t at = 0; at < body.size();) {
    size_t n = random.below(4) == 0 ? random.below(3 << 20) : random.below(2000);
    n = std::min(n, body.size() - at);
    pieces.push_back(net::piece(std::string_view(body).substr(at, n)));
    at += n;
  }
  pieces.push_back({});
  Slices slices(pieces);
  std::string got;
  while (!slices.done()) {
    size_t size = 0;
    std::string portion;
    for (const iovec& p : slices.next()) {
      size += p.iov_len;
      portion.append(static_cast<const char*>(p.iov_base), p.iov_len);
    }
    ASSERT_LE(size, kSliceBytes);
    ASSERT_GT(size, 0u);
    // What was not taken comes again.
    const size_t taken = 1 + random.below(size);
    got += portion.substr(0, taken);
    slices.advance(taken);
  }
  EXPECT_TRUE(got == body);
  EXPECT_TRUE(Slices({}).done());
  const std::array<iovec, 2> empty{};
  EXPECT_TRUE(Slices(empty).done());
}

}  // namespace
}  // namespace wye::http
