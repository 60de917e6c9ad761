// The admin listener over the simulated network: what is open, what only the owner's socket gets, what leaves in errors.
#include "admin/admin_handler.hpp"

#include "foundation/net/engine_rig.hpp"

#include <gtest/gtest.h>

namespace wye::admin {
namespace {

using namespace std::chrono_literals;

class AdminTest : public testing::Test {
 protected:
  AdminTest() {
    metrics_.make_shard().add(metrics_.series(metrics_.family(MetricKind::kCounter, "wye_test_total", "Of this test.", {}), {}), 3);
    open_.start();
    local_.start();
  }
  AdminSources sources() {
    return {[this] { return live_; }, [this] { return ready_; }, metrics_,
            [this](http::Method method, std::string_view path, std::string_view query, std::string_view body) {
              asked_ = std::string(http::to_string(method)) + " " + std::string(path) + " " + std::string(query) + " " + std::string(body);
              return ApiAnswer{201, "{\"made\":true}"};
            }};
  }
  http::Server make(uint16_t port, std::string_view name) {
    return http::Server(loop_, loop_.clock(), handler_, count_, *loop_.listen(net::Endpoint::loopback(port)),
                        http::ServerOptions{.listener_name = std::string(name)});
  }
  net::Task<void> converse(uint16_t port, std::string bytes, std::string& reply) {
    const net::Bound bound{loop_.after(60s), nullptr};
    auto stream = loop_.open(net::Endpoint::loopback(port));
    if (stream && co_await net::await_connected(**stream, bound) == net::IoStatus::kOk) {
      co_await net::send_all(**stream, bytes, bound);
      co_await net::receive_all(**stream, reply, bound);
    }
    loop_.stop();
  }
  std::string ask(std::string_view line, std::string_view body = "", uint16_t port = 8081) {
    std::string reply;
    net::Scope scope;
    const std::string length = body.empty() ? "" : "content-length: " + std::to_string(body.size()) + "\r\n";
    scope.spawn(converse(port, std::string(line) + " HTTP/1.1\r\nhost: any\r\nconnection: close\r\n" + length + "\r\n" + std::string(body), reply));
    loop_.run();
    return reply;
  }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

  net::SimLoop loop_{1};
  Metrics metrics_;
  Health live_{true, "ok"};
  Health ready_{false, "starting"};
  std::string asked_;
  http::ConnectionCount count_{100};
  AdminHandler handler_{sources()};
  http::Server open_ = make(8081, "admin");
  http::Server local_ = make(8082, "local");
};

TEST_F(AdminTest, ProbesSayWhatIs) {
  EXPECT_TRUE(has(ask("GET /livez"), "HTTP/1.1 200 OK")) << ask("GET /livez");
  const std::string starting = ask("GET /readyz");
  EXPECT_TRUE(starting.starts_with("HTTP/1.1 503 ")) << starting;
  EXPECT_TRUE(starting.ends_with("\r\n\r\nstarting"));
  EXPECT_TRUE(has(starting, "cache-control: no-store\r\n"));
  ready_ = {true, "ok"};
  EXPECT_TRUE(ask("GET /readyz").starts_with("HTTP/1.1 200 "));
  const std::string head = ask("HEAD /readyz");
  EXPECT_TRUE(has(head, "content-length: 2\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(AdminTest, MetricsAreText) {
  const std::string reply = ask("GET /metrics");
  EXPECT_TRUE(has(reply, "content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_TRUE(has(reply, "wye_test_total 3\n")) << reply;
}

TEST_F(AdminTest, WrongPathsAndMethods) {
  for (const std::string_view path : {"/", "/metrics/", "/v1/models", "/admin", "/admin/v1", "/livez/x"})
    EXPECT_TRUE(ask("GET " + std::string(path)).starts_with("HTTP/1.1 404 ")) << path;
  const std::string method = ask("POST /metrics");
  EXPECT_TRUE(method.starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(has(method, "allow: GET, HEAD\r\n")) << method;
}

TEST_F(AdminTest, TheApiIsForTheOwnersSocketOnly) {
  const std::string refused = ask("GET /admin/v1/keys");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 404 ")) << refused;
  EXPECT_TRUE(has(refused, R"("code":"unknown_path")"));
  EXPECT_EQ(asked_, "");
  const std::string made = ask("POST /admin/v1/config/check?a=b", "{}", 8082);
  EXPECT_TRUE(made.starts_with("HTTP/1.1 201 ")) << made;
  EXPECT_TRUE(made.ends_with("{\"made\":true}"));
  EXPECT_EQ(asked_, "POST config/check a=b {}");
}

TEST_F(AdminTest, BrokenFramingIsRefusedInTheShapeOfTheApi) {
  const std::string reply = ask("GET /metrics HTTP/1.1\r\nbad header: x\r\nx:");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 ")) << reply;
  EXPECT_TRUE(has(reply, R"({"error":{"message":)"));
}

}  // namespace
}  // namespace wye::admin
