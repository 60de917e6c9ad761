#include "foundation/net/dialer.hpp"

#include "foundation/net/engine_rig.hpp"
#include "foundation/net/test_certificates.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

const ManualClock kNow;

struct Dialed {
  DialResult result = std::unexpected(DialError{});
  Nanos took{};
};
Task<void> try_dial(Loop& loop, Resolver& resolver, DialTarget target, Bound bound, Dialed& out) {
  const MonoTime start = loop.now();
  out.result = co_await dial(loop, resolver, std::move(target), bound);
  out.took = loop.now() - start;
}

class Dialer : public testing::Test {
 protected:
  Dialed dial_to(DialTarget target, Nanos limit = 60s, Cancel* cancel = nullptr) {
    Dialed out;
    EXPECT_TRUE(rig.run(try_dial(loop, resolver, std::move(target), {loop.after(limit), cancel}, out)));
    return out;
  }
  EngineRig rig{Engine::kSim};
  SimLoop& loop = static_cast<SimLoop&>(rig.loop());
  TableResolver resolver;
  const Endpoint a = *parse_address("10.0.0.1", 443);
  const Endpoint b = *parse_address("10.0.0.2", 443);
};

TEST_F(Dialer, TriesTheAddressesInTheirOrder) {
  resolver.set("gate.test", {a, b});
  const auto listener = std::move(*loop.listen(b));
  const Dialed refused = dial_to({.host = "gate.test", .port = 443});
  ASSERT_TRUE(refused.result);
  EXPECT_EQ((*refused.result)->peer(), b);
  EXPECT_LT(refused.took, 10ms);
  loop.swallow_connects(a);
  const Dialed slow = dial_to({.host = "gate.test", .port = 443});
  ASSERT_TRUE(slow.result);
  EXPECT_GE(slow.took, kConnectTimeout);
  EXPECT_LE(slow.took, kConnectTimeout + 200ms);
}

TEST_F(Dialer, NamesStepHostAndReason) {
  const Dialed unknown = dial_to({.host = "nowhere.test", .port = 80});
  ASSERT_FALSE(unknown.result);
  EXPECT_EQ(unknown.result.error().step, DialStep::kResolve);
  EXPECT_EQ(unknown.result.error().code, ErrorCode::kUpstreamFailed);
  EXPECT_EQ(unknown.result.error().detail, "dial nowhere.test:80: resolve nowhere.test: no such name");
  EXPECT_EQ(unknown.result.error().public_message, "");
  resolver.set("gate.test", {a, b});
  const Dialed refused = dial_to({.host = "gate.test", .port = 443});
  ASSERT_FALSE(refused.result);
  EXPECT_EQ(refused.result.error().step, DialStep::kConnect);
  EXPECT_EQ(refused.result.error().detail,
            "dial gate.test:443: connect to 10.0.0.1:443: Connection refused; connect to 10.0.0.2:443: Connection refused");
  const Result<std::unique_ptr<Stream>> plain = std::unexpected(Error(refused.result.error()));
  EXPECT_EQ(plain.error().code, ErrorCode::kUpstreamFailed);
}

TEST_F(Dialer, SilenceIsATimeoutAndTheBoundLimitsAll) {
  resolver.set("gate.test", {a, b});
  loop.swallow_connects(a);
  loop.swallow_connects(b);
  const Dialed silent = dial_to({.host = "gate.test", .port = 443});
  ASSERT_FALSE(silent.result);
  EXPECT_EQ(silent.result.error().code, ErrorCode::kUpstreamTimeout);
  EXPECT_EQ(silent.result.error().step, DialStep::kConnect);
  EXPECT_LE(silent.took, 2 * kConnectTimeout + 300ms);
  const Dialed bounded = dial_to({.host = "gate.test", .port = 443}, 300ms);
  EXPECT_EQ(bounded.result.error().code, ErrorCode::kUpstreamTimeout);
  EXPECT_LE(bounded.took, 500ms);
  Cancel cancel;
  loop.call_at(loop.now() + 50ms, [&] { cancel.request(); });
  const Dialed cancelled = dial_to({.host = "gate.test", .port = 443}, 60s, &cancel);
  EXPECT_EQ(cancelled.result.error().code, ErrorCode::kCancelled);
  EXPECT_LE(cancelled.took, 60ms);
}

TEST_F(Dialer, LoopbackOnlyRefusesTheWholeAnswer) {
  const Endpoint local = Endpoint::loopback(443);
  const auto listener = std::move(*loop.listen(local));
  resolver.set("mixed.test", {local, a});
  resolver.set("local.test", {local});
  EXPECT_TRUE(dial_to({.host = "local.test", .port = 443, .loopback_only = true}).result);
  EXPECT_TRUE(dial_to({.host = "127.0.0.1", .port = 443, .loopback_only = true}).result);
  EXPECT_TRUE(dial_to({.host = "mixed.test", .port = 443}).result);
  for (const char* host : {"mixed.test", "10.0.0.1", "::ffff:127.0.0.1"}) {
    const Dialed refused = dial_to({.host = host, .port = 443, .loopback_only = true});
    ASSERT_FALSE(refused.result) << host;
    EXPECT_EQ(refused.result.error().step, DialStep::kResolve);
    EXPECT_EQ(refused.result.error().code, ErrorCode::kUpstreamFailed);
    EXPECT_NE(refused.result.error().detail.find("loopback"), std::string::npos);
  }
}

Task<void> serve_tls(Loop& loop, Listener& listener, const TlsServerContext& context, std::unique_ptr<Stream>& kept) {
  const Bound bound{loop.after(5s), nullptr};
  auto stream = co_await accept(listener, bound);
  auto secured = co_await tls_accept(std::move(stream), context, bound);
  if (!secured) co_return;
  kept = std::move(*secured);
  co_await send_all(*kept, "hello", bound);
}
Task<void> dial_tls(Loop& loop, Resolver& resolver, const TlsPairContexts& contexts, DialTarget target, bool silent, Dialed& out) {
  auto listener = loop.listen(Endpoint::loopback(8443));
  std::unique_ptr<Stream> kept;
  Scope scope;
  if (!silent) scope.spawn(serve_tls(loop, **listener, *contexts.server, kept));
  co_await try_dial(loop, resolver, std::move(target), {loop.after(30s), nullptr}, out);
  if (!out.result) co_return;
  std::array<char, 5> buffer;
  co_await receive_some(**out.result, buffer, {loop.after(1s), nullptr});
  EXPECT_EQ(std::string_view(buffer.data(), 5), "hello");
}
TEST_F(Dialer, ShakesHandsWithTheNameOfTheTarget) {
  const TlsPairContexts contexts(kNow);
  resolver.set("gate.test", {Endpoint::loopback(8443)});
  resolver.set("alias.test", {Endpoint::loopback(8443)});
  const auto run = [&](std::string host, std::string server_name, bool silent = false) {
    Dialed out;
    DialTarget target{.host = std::move(host), .port = 8443, .tls = contexts.client.get(), .server_name = std::move(server_name)};
    EXPECT_TRUE(rig.run(dial_tls(loop, resolver, contexts, std::move(target), silent, out)));
    return out;
  };
  EXPECT_TRUE(run("gate.test", "").result);
  EXPECT_TRUE(run("alias.test", "gate.test").result);
  EXPECT_TRUE(run("127.0.0.1", "gate.test").result);
  const Dialed wrong = run("alias.test", "");
  ASSERT_FALSE(wrong.result);
  EXPECT_EQ(wrong.result.error().step, DialStep::kTls);
  EXPECT_EQ(wrong.result.error().code, ErrorCode::kUpstreamFailed);
  EXPECT_EQ(wrong.result.error().detail, "dial alias.test:8443: tls: hostname mismatch");
  const Dialed silent = run("gate.test", "", true);
  ASSERT_FALSE(silent.result);
  EXPECT_EQ(silent.result.error().code, ErrorCode::kUpstreamTimeout);
  EXPECT_GE(silent.took, kTlsTimeout);
  EXPECT_LE(silent.took, kTlsTimeout + 200ms);
}

Task<void> dial_socket(Loop& loop, Resolver& resolver, Dialed& out) {
  auto listener = loop.listen(Endpoint::loopback(0));
  co_await try_dial(loop, resolver, {.host = "127.0.0.1", .port = (*listener)->local().port, .loopback_only = true}, {loop.after(5s), nullptr}, out);
  EXPECT_TRUE(out.result && (*out.result)->connected());
}
TEST(DialerOverSockets, Connects) {
  EngineRig rig(Engine::kEpoll);
  TableResolver resolver;
  Dialed out;
  EXPECT_TRUE(rig.run(dial_socket(rig.loop(), resolver, out)));
  EXPECT_EQ(to_string(DialStep::kResolve), "resolve");
  EXPECT_EQ(to_string(DialStep::kTls), "tls");
}

}  // namespace
}  // namespace wye::net
