// Steady state allocates nothing, and a slow reader costs no more than a slice. Not under AddressSanitizer: frames are not recycled there.
#include "foundation/base/test_allocations.hpp"
#include "foundation/http/http_rig.hpp"
#include "foundation/http/sse.hpp"

namespace wye::http {
namespace {

using test::allocations;

/// The least that an answer can cost.
class PlainHandler final : public Handler {
 public:
  net::Task<void> answer(ServerCall& call) override {
    const auto body = co_await call.read_body(1 << 20);
    if (call.target().path() == "/stream") {
      const iovec event = net::piece("data: {}\n\n");
      co_await call.start({200, "text/event-stream", {}}, {&event, 1});
      for (int i = 0; i < 10; ++i) co_await call.write({&event, 1});
      co_await call.finish({});
      co_return;
    }
    const iovec piece = {body->data(), body->size()};
    co_await call.respond({200, "text/plain", {}}, {&piece, 1});
  }
  net::Task<void> refuse(ServerCall&, Error) override { co_return; }
};

net::Task<size_t> call_once(Rig& rig, Origin& origin, std::string_view request) {
  ClientCall call(origin);
  const iovec piece = net::piece(request);
  if (!co_await call.exchange({{&piece, 1}}, rig.in(5s), true)) co_return 0;
  for (size_t size = 0;;) {
    const auto part = co_await call.read(rig.in(5s));
    if (!part) co_return 0;
    size += part->bytes.size();
    if (part->last) co_return size;
  }
}
net::Task<void> rounds(Rig& rig, net::Endpoint to, std::string_view request, size_t wanted, size_t& spent) {
  net::TableResolver resolver;
  Origin origin(rig.loop(), resolver, {.host = "127.0.0.1", .port = to.port});
  size_t before = 0;
  for (int i = -200; i < 1000; ++i) {
    if (i == 0) before = allocations;
    EXPECT_EQ(co_await call_once(rig, origin, request), wanted);
  }
  spent = allocations - before;
}
TEST(HttpAllocations, ARequestAndItsAnswerTakeNone) {
  if (!test::kRecyclesFrames) GTEST_SKIP() << test::kNotRecycled;
  for (const std::string& request : {get("/x"), post("/x", std::string(1000, 'x')), post("/x", std::string(16'000, 'x')), get("/stream")}) {
    Rig rig(Engine::kEpoll);
    PlainHandler handler;
    ConnectionCount count(10);
    Server server(rig.loop(), rig.clock(), handler, count, std::move(*rig.loop().listen(net::Endpoint::loopback(0))), {});
    server.start();
    size_t spent = 1'000'000;
    const size_t wanted = request.contains("/stream") ? 110 : request.size() - request.find("\r\n\r\n") - 4;
    ASSERT_TRUE(rig.run(rounds(rig, server.local(), request, wanted, spent)));
    // 0.05 a request are allowed; the sweep of the pool is all there is.
    EXPECT_LE(spent, 5u) << request.substr(0, 20);
  }
}

net::Task<void> slow_answer(ServerRig& rig) {
  RawClient client(rig.loop());
  EXPECT_TRUE(co_await client.connect(rig.endpoint()));
  test::largest_allocation = 0;
  EXPECT_TRUE(co_await client.send(get("/large")));
  co_await net::sleep(rig.loop(), 300ms);
  EXPECT_TRUE(rig.handler.sends.empty());  // the reader is behind
  EXPECT_LE(test::largest_allocation, kSliceBytes + 100);
  const size_t sending = test::largest_allocation;
  client.heard.reserve(33 << 20);
  const size_t head = 4 + (co_await client.hear("\r\n\r\n") ? client.heard.find("\r\n\r\n") : 0);
  while (client.heard.size() < head + large_body().size() && co_await client.hear_some(rig.loop().after(5s))) {}
  EXPECT_TRUE(std::string_view(client.heard).substr(head) == large_body());
  EXPECT_GT(sending, 0u);
}
TEST(HttpAllocations, ASlowReaderOf32MiBHoldsASlice) {
  static_cast<void>(large_body());
  ServerRig rig(Engine::kEpoll);
  ASSERT_TRUE(rig.run(slow_answer(rig)));
}

net::Task<void> accept_and_sleep(Rig& rig, net::Listener& listener) {
  auto stream = co_await net::accept(listener, rig.in(5s));
  co_await net::sleep(rig.loop(), 1s);
}
net::Task<void> slow_request(Rig& rig) {
  auto listener = rig.loop().listen(net::Endpoint::loopback(0));
  net::Scope scope;
  scope.spawn(accept_and_sleep(rig, **listener));
  net::TableResolver resolver;
  Origin origin(rig.loop(), resolver, {.host = "127.0.0.1", .port = (*listener)->local().port});
  ClientCall call(origin);
  const std::string head = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 33554432\r\n\r\n";
  const std::array pieces = {net::piece(head), net::piece(large_body())};
  test::largest_allocation = 0;
  EXPECT_FALSE(co_await call.exchange({pieces}, rig.in(500ms), false));
  EXPECT_LE(test::largest_allocation, kSliceBytes + 100);
  co_await scope.join();
}
TEST(HttpAllocations, ASlowUpstreamOf32MiBHoldsASlice) {
  static_cast<void>(large_body());
  Rig rig(Engine::kEpoll);
  ASSERT_TRUE(rig.run(slow_request(rig)));
}

TEST(HttpAllocations, EventsTakeNone) {
  SseScanner scanner;
  const std::string bytes = "data: {\"a\":1}\n\ndata: b\r\ndata: c\r\n\r\nevent: x\ndata: d";
  size_t before = 0;
  for (int i = -10; i < 1000; ++i) {
    if (i == 0) before = allocations;
    scanner.reset();
    size_t events = 0;
    for (const std::string_view part : {std::string_view(bytes).substr(0, 20), std::string_view(bytes).substr(20)}) {
      ASSERT_TRUE(scanner.feed(part));
      while (scanner.next()) ++events;
    }
    scanner.finish();
    while (scanner.next()) ++events;
    ASSERT_EQ(events, 3u);
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace wye::http
