#include "edge/gateway/retry_budget.hpp"

#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

MonoTime at(Nanos d) { return {d.count()}; }

size_t takes(RetryBudget& budget, MonoTime now, size_t most = 1000) {
  size_t n = 0;
  while (n < most && budget.take(now)) ++n;
  return n;
}

TEST(RetryBudget, ThreeASecondAreFree) {
  RetryBudget budget;
  EXPECT_EQ(takes(budget, at(1s)), 30u);
  EXPECT_EQ(takes(budget, at(10'900ms)), 0u);
  EXPECT_EQ(takes(budget, at(11s)), 30u);  // what was taken is ten seconds old
}

TEST(RetryBudget, AFifthOfTheRequestsOfTenSeconds) {
  RetryBudget budget;
  for (int i = 0; i < 1000; ++i) budget.note_request(at(100s + i * 1ms));
  EXPECT_EQ(takes(budget, at(101s)), 230u);
  EXPECT_EQ(takes(budget, at(109s)), 0u);
  EXPECT_EQ(takes(budget, at(200s)), 30u);  // nobody asked since
}

/// Both targets of the Route fail: each request would be two attempts for ever.
TEST(RetryBudget, OfARouteWhoseTargetsFail) {
  GatewayRig rig;
  for (const uint16_t port : {kOnePort, kTwoPort}) rig.up(port).answer = [](const Asked&) { return Script{send(json_answer(500, "{}"))}; };
  constexpr size_t kRequests = 200;
  for (size_t i = 0; i < kRequests; ++i) {
    EXPECT_GE(rig.ask(rig.post("/v1/chat/completions", R"({"model":"solo","messages":[{"role":"user","content":"hi"}]})")).status, 500);
  }
  const size_t asked = rig.up(kOnePort).asked.size();
  // The rig's time is virtual and passes with the pauses between attempts; more than the bound of all windows it can not be.
  const auto seconds = static_cast<size_t>(rig.loop.now().ns / 1'000'000'000) + 1;
  EXPECT_LE(asked, kRequests + kRequests / 5 + 3 * (seconds + RetryBudget::kSeconds));
  EXPECT_GE(asked, kRequests);
}

TEST(RetryBudget, AnEmptyOneEndsTheRequestWithWhatTheFirstTargetSaid) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(500, "{}"))}; };
  rig.up(kTwoPort).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  std::array<Reply, 60> replies;  // at once: in one second, 30 + 60 / 5 may go on
  for (Reply& reply : replies) rig.begin(rig.post("/v1/chat/completions", kChatBody), reply);
  rig.finish();
  const auto good = std::ranges::count(replies, 200, &Reply::status);
  EXPECT_EQ(good, 42);
  EXPECT_EQ(rig.up(kTwoPort).asked.size(), 42u);
  for (const Reply& reply : replies) EXPECT_TRUE(reply.status == 200 || reply.status == 502) << reply.status;
}

}  // namespace
}  // namespace wye::gateway
