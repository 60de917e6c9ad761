// What a request and a chunk cost in allocations once everything is warm, on the engine of earnest. Client and upstream are made of fixed
// buffers, so that what is counted is the gateway's.
#include "edge/gateway/gateway_test_rig.hpp"
#include "foundation/base/test_allocations.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;
using test::allocations;

constexpr int kRequests = 2000;

class NullSink final : public LogSink {
 public:
  void write(std::string_view) override {}
  uint64_t dropped() const override { return 0; }
};

/// Goes on in the next turn of the loop.
struct NextTurn {
  net::Loop& loop;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    loop.post([h] { h.resume(); });
  }
  void await_resume() const {}
};

/// Answers every request with the same bytes, one send for each part.
net::Task<void> upstream(net::Loop& loop, std::unique_ptr<net::Stream> stream, std::span<const std::string> parts) {
  std::array<char, 16 << 10> buffer;
  const net::Bound bound{loop.after(60s), nullptr};
  for (;;) {
    size_t got = 0;
    for (bool whole = false; !whole;) {
      const net::Io io = co_await net::receive_some(*stream, {buffer.data() + got, buffer.size() - got}, bound);
      if (!io) co_return;
      got += io.n;
      whole = buffer[got - 1] == '}';  // the last byte of each body here
    }
    for (const std::string& part : parts) {
      const iovec one = net::piece(part);
      if (!co_await net::send_gather(*stream, {&one, 1}, bound)) co_return;
      if (parts.size() > 1) co_await NextTurn{loop};  // parts arrive apart
    }
  }
}
net::Task<void> upstreams(net::Loop& loop, net::Listener& listener, net::Scope& scope, std::span<const std::string> parts) {
  for (;;) {
    auto stream = co_await net::accept(listener, {loop.after(60s), nullptr});
    if (stream == nullptr) co_return;
    scope.spawn(upstream(loop, std::move(stream), parts));
  }
}

/// Asks over one connection; `spent` counts from the end of the warm-up on.
net::Task<void> client(net::Loop& loop, net::Endpoint at, std::string request, std::string_view end, int rounds, size_t& spent) {
  auto stream = loop.open(at);
  const net::Bound bound{loop.after(60s), nullptr};
  EXPECT_TRUE(stream);
  if (!stream || co_await net::await_connected(**stream, bound) != net::IoStatus::kOk) co_return;
  std::array<char, 64 << 10> buffer;
  const int warm = rounds / 4;
  size_t before = 0;
  for (int i = -warm; i < rounds; ++i) {
    if (i == 0) before = allocations;
    const iovec one = net::piece(request);
    co_await net::send_gather(**stream, {&one, 1}, bound);
    size_t got = 0;
    for (;;) {
      if (got > buffer.size() / 2) got = 0;
      const net::Io io = co_await net::receive_some(**stream, {buffer.data() + got, buffer.size() - got}, bound);
      EXPECT_TRUE(io);
      if (!io) co_return;
      got += io.n;
      if (std::string_view(buffer.data(), got).ends_with(end)) break;
    }
    if (i == -warm) EXPECT_TRUE(std::string_view(buffer.data(), 12).starts_with("HTTP/1.1 200")) << std::string_view(buffer.data(), got);
  }
  spent = allocations - before;
}

/// Requests of `body` through a gateway on a real loop; gives what was allocated from the end of the warm-up on.
size_t count(std::string_view body, std::span<const std::string> parts, std::string_view end, int rounds) {
  net::EngineRig engine(net::Engine::kEpoll);
  net::Loop& loop = engine.loop();
  SystemClock clock;
  net::TableResolver resolver;
  NullSink sink;
  Log log(sink, clock);
  Metrics metrics;
  token::TestKeys keys;
  const std::string key = keys.create({.tenant = "team-a", .created_by = "test"}, clock.wall());
  const crypto::HmacKey pseudonyms(std::string(32, 'h'));
  http::ConnectionCount connections(100);
  auto listener = *loop.listen(net::Endpoint::loopback(0));
  std::string text = test_configuration();
  const std::string port = std::to_string(listener->local().port);
  for (size_t at = text.find("21001"); at != std::string::npos; at = text.find("21001")) text.replace(at, 5, port);
  const ConfigurationPtr configuration = configure(text, clock.wall());
  std::vector<provider::LiveEndpoint> live(configuration->snapshot->targets().size(), provider::LiveEndpoint{.health = provider::Health::kLive});
  size_t spent = SIZE_MAX;
  {
    TestIdentity identity(loop, resolver, clock, log);
    Gateway gateway(loop, resolver, identity.parts(clock, log, sink, metrics, keys.index(), pseudonyms, {1, 2, 3, 4}));
    gateway.take(configuration, std::make_shared<provider::EndpointSet>("", 1, live));
    http::Server server(loop, clock, gateway, connections, *loop.listen(net::Endpoint::loopback(0)), {.listener_name = "main"});
    net::Scope scope;
    server.start();
    scope.spawn(upstreams(loop, *listener, scope, parts));
    const std::string request = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " + key +
                                "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
                                std::string(body);
    EXPECT_TRUE(engine.run(client(loop, server.local(), request, end, rounds, spent)));
  }
  return spent;
}

TEST(Allocations, OfAUnaryRequest) {
  if (!test::kRecyclesFrames) GTEST_SKIP() << test::kNotRecycled;
  const std::array parts = {json_answer(200, kChatAnswer)};
  const size_t spent = count(kChatBody, parts, "}}", kRequests);
  std::printf("unary: %.3f allocations a request\n", static_cast<double>(spent) / kRequests);
  EXPECT_LE(static_cast<double>(spent), kRequests * 0.05);
}

TEST(Allocations, OfAChunk) {
  if (!test::kRecyclesFrames) GTEST_SKIP() << test::kNotRecycled;
  constexpr int kChunks = 64;
  constexpr int kStreams = 40;
  std::vector<std::string> parts{stream_head() + event(chat_delta(R"({"role":"assistant","content":""})"))};
  for (int i = 0; i < kChunks; ++i) parts.push_back(event(chat_delta(R"({"content":"token"})")));
  parts.push_back(event(chat_delta("{}", "\"stop\"")) + stream_end());
  const size_t spent = count(kChatStreamBody, parts, "0\r\n\r\n", kStreams);
  std::printf("stream: %.4f allocations a chunk\n", static_cast<double>(spent) / (kChunks * kStreams));
  EXPECT_LE(static_cast<double>(spent), kChunks * kStreams * 0.02);
}

}  // namespace
}  // namespace wye::gateway
