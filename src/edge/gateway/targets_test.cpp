// Pools of connections over reloads.
#include "edge/gateway/targets.hpp"

#include "foundation/net/sim_loop.hpp"

#include <gtest/gtest.h>

namespace wye::gateway {
namespace {

// A reload makes new roots and lets the old configuration go; a pool that a request still uses must not lose what it trusts.
TEST(OriginCacheTest, APoolKeepsTheRootsItTrusts) {
  net::SimLoop loop(1);
  net::TableResolver resolver;
  OriginCache cache(loop, resolver);
  std::shared_ptr<const net::TlsClientContext> trust = std::move(*net::make_tls_client("", loop.clock()));
  const std::weak_ptr<const net::TlsClientContext> seen = trust;
  std::shared_ptr<http::Origin> pool = cache.get("one", net::DialTarget{.host = "ai.example", .port = 443, .tls = trust.get()}, trust);
  trust.reset();
  EXPECT_FALSE(seen.expired());
  EXPECT_EQ(pool->target().tls, seen.lock().get());
  pool.reset();
  EXPECT_TRUE(seen.expired());
}

TEST(OriginCacheTest, OtherRootsAreAnotherPool) {
  net::SimLoop loop(1);
  net::TableResolver resolver;
  OriginCache cache(loop, resolver);
  const auto one = cache.get("one", {.host = "ai.example", .port = 443}, nullptr);
  EXPECT_EQ(cache.get("one", {.host = "ai.example", .port = 443}, nullptr), one);
  EXPECT_NE(cache.get("two", {.host = "ai.example", .port = 443}, nullptr), one);
}

}  // namespace
}  // namespace wye::gateway
