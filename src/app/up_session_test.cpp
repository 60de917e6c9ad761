#include "app/up_session.hpp"

namespace wye::app {
namespace {

using provider::Health;
using std::chrono::minutes;
using std::chrono::seconds;

StartVerdict judge(std::initializer_list<Health> healths, bool hopeless, bool detached, Nanos elapsed = seconds(5)) {
  std::vector<control::RouteReadiness> routes;
  for (const Health health : healths) routes.push_back({"r", health});
  return judge_start(routes, hopeless, detached, elapsed);
}

TEST(JudgeStart, IsOverWhenEveryRouteLives) {
  for (const bool detached : {false, true}) {
    EXPECT_EQ(judge({Health::kLive, Health::kLive}, false, detached), StartVerdict::kReady);
    EXPECT_EQ(judge({Health::kLive, Health::kStarting}, false, detached), StartVerdict::kWait);
    EXPECT_EQ(judge({Health::kStarting}, false, detached), StartVerdict::kWait);
  }
}

TEST(JudgeStart, InTheForegroundOneBrokenModelTakesOnlyItsOwnRoutesDown) {
  EXPECT_EQ(judge({Health::kLive, Health::kBroken}, false, false), StartVerdict::kReady);
  EXPECT_EQ(judge({Health::kLive, Health::kBroken, Health::kStarting}, true, false), StartVerdict::kWait);
  EXPECT_EQ(judge({Health::kBroken, Health::kBroken}, false, false), StartVerdict::kWait);  // it tries again
  EXPECT_EQ(judge({Health::kBroken, Health::kBroken}, true, false), StartVerdict::kGiveUp);
}

TEST(JudgeStart, DetachedEveryRouteIsWanted) {
  EXPECT_EQ(judge({Health::kLive, Health::kBroken}, false, true), StartVerdict::kWait);
  EXPECT_EQ(judge({Health::kLive, Health::kBroken}, true, true), StartVerdict::kGiveUp);
  EXPECT_EQ(judge({Health::kLive, Health::kStarting}, true, true), StartVerdict::kWait);  // the hopeless one serves no Route alone
}

TEST(JudgeStart, EndsAfterTenMinutes) {
  EXPECT_EQ(judge({Health::kLive, Health::kStarting}, false, true, minutes(10)), StartVerdict::kGiveUp);
  EXPECT_EQ(judge({Health::kLive, Health::kStarting}, false, false, minutes(10)), StartVerdict::kReady);
  EXPECT_EQ(judge({Health::kStarting}, false, false, minutes(10)), StartVerdict::kGiveUp);
  EXPECT_EQ(judge({Health::kStarting}, false, false, minutes(10) - seconds(1)), StartVerdict::kWait);
}

TEST(UrlOf, NamesAnAddressThatClientsHereCanReach) {
  EXPECT_EQ(url_of(net::Endpoint::loopback(8080), false), "http://127.0.0.1:8080");
  EXPECT_EQ(url_of(*net::parse_address("0.0.0.0", 80), true), "https://127.0.0.1:80");
  EXPECT_EQ(url_of(*net::parse_address("::", 8080), false), "http://[::1]:8080");
  EXPECT_EQ(url_of(*net::parse_address("10.0.0.7", 8080), false), "http://10.0.0.7:8080");
}

}  // namespace
}  // namespace wye::app
