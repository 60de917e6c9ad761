// The admin listener over the simulated network: what is open, who is let in, what a refusal says and leaves behind.
#include "admin/admin_test_rig.hpp"

namespace wye::admin {
namespace {

class AdminTest : public AdminRig {};

TEST_F(AdminTest, ProbesSayWhatIs) {
  const Ask anybody{.bearer = "-"};
  EXPECT_TRUE(has(ask("GET /livez", anybody), "HTTP/1.1 200 OK"));
  const std::string starting = ask("GET /readyz", anybody);
  EXPECT_TRUE(starting.starts_with("HTTP/1.1 503 ")) << starting;
  EXPECT_TRUE(starting.ends_with("\r\n\r\nstarting"));
  EXPECT_TRUE(has(starting, "cache-control: no-store\r\n"));
  ready_ = {true, "ok"};
  EXPECT_TRUE(ask("GET /readyz", anybody).starts_with("HTTP/1.1 200 "));
  const std::string head = ask("HEAD /readyz", anybody);
  EXPECT_TRUE(has(head, "content-length: 2\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(AdminTest, MetricsAreText) {
  metrics_.make_shard().add(metrics_.series(metrics_.family(MetricKind::kCounter, "wye_test_total", "Of this test.", {}), {}), 3);
  const std::string reply = ask("GET /metrics", {.bearer = "-"});
  EXPECT_TRUE(has(reply, "content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_TRUE(has(reply, "wye_test_total 3\n")) << reply;
}

TEST_F(AdminTest, WrongPathsAndMethods) {
  for (const std::string_view path : {"/", "/metrics/", "/v1/models", "/admin", "/admin/v1", "/livez/x"})
    EXPECT_EQ(status_of(ask("GET " + std::string(path), {.bearer = "-"})), 404) << path;
  const std::string method = ask("POST /metrics", {.bearer = "-"});
  EXPECT_EQ(status_of(method), 405);
  EXPECT_TRUE(has(method, "allow: GET, HEAD\r\n")) << method;
}

TEST_F(AdminTest, BrokenFramingIsRefusedInTheShapeOfTheApi) {
  const std::string reply = send("GET /metrics HTTP/1.1\r\nbad header: x\r\nx:\r\n\r\n", 8081);
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 ")) << reply;
  EXPECT_TRUE(has(reply, R"({"error":{"message":)"));
}

// There is no password and no door beside the two: the owner's socket, or a credential.
TEST_F(AdminTest, NobodyIsLetInWithoutACredential) {
  for (const ApiRoute& route : api_routes()) {
    std::string path(route.pattern);
    for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{')) path.replace(at, path.find('}') - at + 1, "x");
    const std::string reply = ask(std::string(http::to_string(route.method)) + " /admin/v1/" + path, {.bearer = "-"});
    EXPECT_EQ(status_of(reply), 401) << route.pattern << reply;
    EXPECT_TRUE(has(reply, "www-authenticate: Bearer realm=\"wye\"\r\n")) << reply;
    EXPECT_TRUE(has(body_of(reply), R"("message":"Authentication required.","type":"invalid_request_error","param":null,"code":"invalid_api_key")"));
  }
  // Also where there is nothing: what exists is not for strangers to find out.
  EXPECT_EQ(status_of(ask("GET /admin/v1/nothing", {.bearer = "-"})), 401);
  EXPECT_FALSE(stopped_);
  // Counted, not chained one by one.
  const auto records = trail();
  EXPECT_EQ(std::ranges::count(records, "authn.deny", [](const auto& sealed) { return sealed.record.event; }),
            static_cast<ptrdiff_t>(audit::kAnonymousSamples));
}

TEST_F(AdminTest, ABadTokenIsNamedAndAnOutageIsNone) {
  const std::string bad = ask("GET /admin/v1/config", {.bearer = "wrong"});
  EXPECT_EQ(status_of(bad), 401);
  EXPECT_TRUE(has(bad, "www-authenticate: Bearer realm=\"wye\", error=\"invalid_token\"\r\n")) << bad;
  EXPECT_TRUE(has(bad, "The access token is not valid."));
  EXPECT_FALSE(has(bad, "jws"));
  const std::string later = ask("GET /admin/v1/config", {.bearer = "later"});
  EXPECT_EQ(status_of(later), 503);
  EXPECT_TRUE(has(later, "retry-after: 5\r\n"));
}

// A browser shows a client certificate to whatever page asks it to.
TEST_F(AdminTest, OtherPagesCanNotAct) {
  access_.allowed = config::ActionSet::all();
  for (const char* fields : {"sec-fetch-site: cross-site\r\n", "sec-fetch-site: same-site\r\n", "origin: https://evil.example\r\n"}) {
    EXPECT_EQ(status_of(ask("POST /admin/v1/config/rollback", {.bearer = "team-a/boss", .fields = fields})), 403) << fields;
    EXPECT_EQ(trail().back().record.reason, "admin.cross_site");
    EXPECT_NE(status_of(ask("GET /admin/v1/config", {.bearer = "team-a/boss", .fields = fields})), 403) << fields;
  }
  EXPECT_NE(status_of(ask("POST /admin/v1/config/rollback", {.bearer = "team-a/boss", .fields = "sec-fetch-site: same-origin\r\n"})), 403);
}

// Each route: without its action 403 and a record, with it and nothing else no 403.
TEST_F(AdminTest, EachRouteAsksForItsAction) {
  for (const ApiRoute& route : api_routes()) {
    std::string path(route.pattern);
    for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{')) path.replace(at, path.find('}') - at + 1, "x");
    const std::string line = std::string(http::to_string(route.method)) + " /admin/v1/" + path;
    access_.allowed = config::ActionSet::all().without({route.action});
    const std::string denied = ask(line, {.bearer = "team-a/boss"});
    EXPECT_EQ(status_of(denied), 403) << route.pattern;
    EXPECT_TRUE(has(denied, R"("type":"permission_error")"));
    EXPECT_FALSE(has(denied, "role/test"));  // rules are for the trail
    const audit::Record record = trail().back().record;
    EXPECT_EQ(record.event, "authz.deny");
    EXPECT_EQ(record.action, config::to_string(route.action));
    EXPECT_EQ(record.principal.subject, "team-a/boss");
    EXPECT_EQ(record.principal.tenant, "team-a");
    EXPECT_EQ(record.rules, std::vector<std::string>{"role/test#1"});
    EXPECT_EQ(record.status, 403);
    access_.allowed = {route.action};
    EXPECT_EQ(status_of(ask(line, {.bearer = "team-a/boss"})) == 403, route.owner_only) << route.pattern;
  }
  EXPECT_FALSE(stopped_);
  EXPECT_EQ(status_of(ask("POST /admin/v1/stop")), 200);
  EXPECT_TRUE(stopped_);
}

TEST_F(AdminTest, WhoHasNoTenantIsRefused) {
  access_.allowed = config::ActionSet::all();
  EXPECT_EQ(status_of(ask("GET /admin/v1/config", {.bearer = "nobody"})), 403);
  EXPECT_EQ(trail().back().record.reason, "tenant.none");
}

TEST_F(AdminTest, UnknownPathsAndMethodsOfTheApi) {
  for (const char* path : {"nothing", "keys/", "keys//rotate", "keys/a/b/c", "config/"})
    EXPECT_NE(status_of(ask("GET /admin/v1/" + std::string(path))), 200) << path;
  EXPECT_EQ(status_of(ask("GET /admin/v1/nothing")), 404);
  EXPECT_EQ(status_of(ask("POST /admin/v1/status")), 405);
  EXPECT_EQ(status_of(ask("HEAD /admin/v1/status")), 200);
}

TEST_F(AdminTest, BodiesAreJsonOfABoundedSize) {
  const std::string good = files(test_config());
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/check", {.body = good})), 200);
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/check", {.body = good, .type = "Application/JSON; charset=utf-8"})), 200);
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"})
    EXPECT_EQ(status_of(ask("POST /admin/v1/config/check", {.body = good, .type = type})), 415) << type;
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/check", {.fields = "content-length: 8388609\r\ncontent-type: application/json\r\n"})), 413);
  for (const char* body :
       {"[]", "{", "{\"files\":[]}", "{\"files\":1}", "{\"files\":[{\"name\":\"a.yaml\"}]}", "{\"files\":[{\"name\":\"a.yaml\",\"text\":1}]}",
        "{\"files\":[{\"name\":\"a.yaml\",\"text\":\"\",\"more\":1}]}", "{\"files\":[{\"name\":\"../a.yaml\",\"text\":\"\"}]}",
        "{\"files\":[{\"name\":\"/a.yaml\",\"text\":\"\"}]}", "{\"files\":[{\"name\":\"a/.b/c.yaml\",\"text\":\"\"}]}",
        "{\"files\":[{\"name\":\"a.txt\",\"text\":\"\"}]}", "{\"files\":[{\"name\":\"a\\u0000.yaml\",\"text\":\"\"}]}",
        "{\"files\":[{\"name\":\"a.yaml\",\"text\":\"\"},{\"name\":\"a.yaml\",\"text\":\"\"}]}", "{\"files\":[],\"files\":[]}",
        "{\"files\":[{\"name\":\"a.yaml\",\"text\":\"\"}],\"unknown\":1}"})
    EXPECT_EQ(status_of(ask("POST /admin/v1/config/check", {.body = body})), 400) << body;
}

}  // namespace
}  // namespace wye::admin
