// What the routes of the admin API do, for the owner and for administrators of one tenant.
#include "admin/admin_test_rig.hpp"
#include "admin/body.hpp"
#include "admin/config_diff.hpp"

namespace wye::admin {
namespace {

class ApiTest : public AdminRig {
 protected:
  ApiTest() { access_.allowed = config::ActionSet::all(); }
  static std::string member(const std::string& body, std::string_view name) {
    json::Document document;
    EXPECT_TRUE(document.parse_copy(body)) << body;
    const auto value = document.root().find(name);
    return value ? (value->is_string() ? value->text() : std::string(value->raw())) : std::string();
  }
  std::string digest() { return configs_.running()->digest(); }
};

TEST_F(ApiTest, PlanSaysWhatChangesAndWhoGains) {
  const std::string same = body_of(ask("POST /admin/v1/config/plan", {.body = files(test_config())}));
  EXPECT_EQ(member(same, "wouldChange"), "false");
  EXPECT_EQ(member(same, "changes"), "[]");
  const std::string more = body_of(ask("POST /admin/v1/config/plan", {.body = files(test_config("chat extra"))}));
  EXPECT_EQ(member(more, "wouldChange"), "true");
  EXPECT_EQ(member(more, "gains"), R"(["team-a gains chat.create"])");
  EXPECT_TRUE(has(member(more, "changes"), R"({"change":"added","kind":"Route","name":"extra")"));
  const std::string wrong = body_of(ask("POST /admin/v1/config/plan", {.body = files("kind: Nope")}));
  EXPECT_EQ(member(wrong, "ok"), "false");
  EXPECT_TRUE(has(wrong, "unknown kind"));
  EXPECT_TRUE(configs_.stored.empty());
}

TEST_F(ApiTest, ApplyRefusesWideningUnlessItIsAccepted) {
  const std::string before = digest();
  const std::string refused = ask("POST /admin/v1/config/apply", {.body = files(test_config("chat extra"))});
  EXPECT_EQ(status_of(refused), 409);
  EXPECT_TRUE(has(refused, R"("code":"config_widens")"));
  EXPECT_TRUE(has(refused, R"("gains":["team-a gains chat.create"])"));
  EXPECT_EQ(digest(), before);
  const std::string done = ask("POST /admin/v1/config/apply", {.body = files(test_config("chat extra"), R"(,"acceptWidening":true)")});
  EXPECT_EQ(status_of(done), 200) << done;
  EXPECT_NE(digest(), before);
  EXPECT_TRUE(has(done, "etag: \"" + digest() + "\"\r\n"));
  ASSERT_EQ(configs_.stored.size(), 1u);
  EXPECT_EQ(configs_.stored[0].second.accepted_by, "owner");
  const audit::Record record = trail().back().record;
  EXPECT_EQ(record.event, "admin.act");
  EXPECT_EQ(record.action, "config.apply");
  EXPECT_EQ(record.principal.kind, "owner");
  EXPECT_NE(std::ranges::find(record.resource, audit::Fact{"before", before}), record.resource.end());
  EXPECT_NE(std::ranges::find(record.resource, audit::Fact{"config", digest()}), record.resource.end());
}

TEST_F(ApiTest, ApplyIsRefusedWhereOthersWereQuicker) {
  const std::string fields = "if-match: \"sha256:0000\"\r\n";
  const std::string refused = ask("POST /admin/v1/config/apply", {.body = files(test_config()), .fields = fields});
  EXPECT_EQ(status_of(refused), 409);
  EXPECT_TRUE(has(refused, R"("code":"config_changed")"));
  const std::string right = "if-match: \"" + digest() + "\"\r\n";
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/apply", {.body = files(test_config()), .fields = right})), 200);
  for (const auto& [code, status, name] :
       {std::tuple{ErrorCode::kVersionExists, 409, "config_changed"}, std::tuple{ErrorCode::kConflict, 409, "config_fixed"},
        std::tuple{ErrorCode::kUsage, 400, "config_refused"}}) {
    configs_.refuse = internal_error(code, "");
    const std::string reply = ask("POST /admin/v1/config/apply", {.body = files(test_config())});
    EXPECT_EQ(status_of(reply), status);
    EXPECT_TRUE(has(reply, name)) << reply;
  }
  configs_.refuse = internal_error(ErrorCode::kIo, "/data/config: no space");
  const std::string broken = ask("POST /admin/v1/config/apply", {.body = files(test_config())});
  EXPECT_EQ(status_of(broken), 500);
  EXPECT_FALSE(has(broken, "/data"));
}

TEST_F(ApiTest, RollbackTakesTheOneBefore) {
  const std::string now = digest();
  const std::string old_digest = configs_.check({{"a.yaml", test_config("other")}}).snapshot->digest();
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/rollback")), 404);
  configs_.known = {{{{"a.yaml", test_config("chat")}}, {now, WallTime{3}, "x"}},
                    {{{"a.yaml", test_config("other")}}, {old_digest, WallTime{2}, "x"}}};
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/rollback")), 200);
  EXPECT_EQ(digest(), old_digest);
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/rollback", {.body = "{\"digest\":\"" + now + "\"}"})), 200);
  EXPECT_EQ(digest(), now);
  EXPECT_EQ(status_of(ask("POST /admin/v1/config/rollback", {.body = R"({"digest":"sha256:00"})"})), 404);
}

TEST_F(ApiTest, ResourcesByKindAndName) {
  for (const char* word : {"Route", "route", "routes", "ROUTES"}) {
    const std::string reply = ask("GET /admin/v1/resources/" + std::string(word));
    EXPECT_EQ(status_of(reply), 200) << word;
    EXPECT_TRUE(has(reply, R"("kind":"Route","metadata":{"name":"chat"})")) << reply;
    EXPECT_FALSE(has(reply, "\"kind\":\"Tenant\""));
  }
  EXPECT_EQ(status_of(ask("GET /admin/v1/resources/nope")), 404);
  EXPECT_TRUE(body_of(ask("GET /admin/v1/resources/tenants/team-b")).starts_with(R"({"apiVersion":"wye.dev/v1alpha1","kind":"Tenant")"));
  EXPECT_EQ(status_of(ask("GET /admin/v1/resources/tenants/none")), 404);
  EXPECT_EQ(body_of(ask("GET /admin/v1/config")), configs_.running()->canonical());
}

TEST_F(ApiTest, KeysFromBirthToEnd) {
  const std::string made = ask("POST /admin/v1/keys", {.body = R"({"tenant":"team-a","routes":["chat"],"expires":"1h","owner":"app"})"});
  ASSERT_EQ(status_of(made), 201) << made;
  const std::string key = member(body_of(made), "key");
  EXPECT_TRUE(token::parse_api_key(key));
  const std::string id = key.substr(9, 12);
  EXPECT_EQ(member(body_of(ask("GET /admin/v1/keys/" + id)), "state"), "live");
  const std::string rotated = ask("POST /admin/v1/keys/" + id + "/rotate", {.body = R"({"grace":"10m"})"});
  ASSERT_EQ(status_of(rotated), 201) << rotated;
  const std::string second = member(body_of(rotated), "key").substr(9, 12);
  EXPECT_EQ(status_of(ask("POST /admin/v1/keys/" + second + "/rotate")), 400);  // two live keys an owner
  EXPECT_EQ(status_of(ask("DELETE /admin/v1/keys/" + id)), 200);
  EXPECT_EQ(member(body_of(ask("GET /admin/v1/keys/" + id)), "state"), "revoked");
  const std::string listed = body_of(ask("GET /admin/v1/keys"));
  EXPECT_TRUE(has(listed, id) && has(listed, second));
  EXPECT_FALSE(has(listed, key.substr(22)));
  for (const char* body : {R"({"tenant":"nobody"})", R"({"tenant":"team-a","expires":"soon"})", R"({"tenant":"team-a","expires":"9999d"})",
                           R"({"tenant":1})", R"({"tenant":"team-a","scope":"x"})", "{}"})
    EXPECT_EQ(status_of(ask("POST /admin/v1/keys", {.body = body})), 400) << body;
  // The text of a key is in the answers that made it, and nowhere in the trail; its id is.
  bool found = false;
  for (const audit::Sealed& sealed : trail()) {
    const std::string line = audit::encode(sealed);
    EXPECT_FALSE(has(line, key.substr(22))) << line;
    found = found || (sealed.record.action == "keys.rotate" && has(line, "\"new_key\":\"" + second + "\""));
  }
  EXPECT_TRUE(found);
}

// Another tenant's key and one that does not exist: equal in bytes.
TEST_F(ApiTest, KeysOfOtherTenantsDoNotExist) {
  const std::string made = body_of(ask("POST /admin/v1/keys", {.body = R"({"tenant":"team-b"})"}));
  const std::string id = member(made, "key").substr(9, 12);
  for (const char* line : {"GET /admin/v1/keys/", "DELETE /admin/v1/keys/"}) {
    const std::string foreign = ask(line + id, {.bearer = "team-a/boss"});
    const std::string absent = ask(std::string(line) + "000000000000", {.bearer = "team-a/boss"});
    EXPECT_EQ(status_of(foreign), 404);
    EXPECT_EQ(body_of(foreign), body_of(absent));
    EXPECT_EQ(status_of(ask(line + id, {.bearer = "team-b/boss"})), 200) << line;
  }
  EXPECT_EQ(status_of(ask("POST /admin/v1/keys/" + id + "/rotate", {.bearer = "team-a/boss"})), 404);
  EXPECT_FALSE(has(ask("GET /admin/v1/keys", {.bearer = "team-a/boss"}), id));
  EXPECT_FALSE(has(ask("GET /admin/v1/keys?tenant=team-b", {.bearer = "team-a/boss"}), id));
  EXPECT_TRUE(has(ask("GET /admin/v1/keys", {.bearer = "team-b/boss"}), id));
}

// What a key may reach is within what its maker reaches.
TEST_F(ApiTest, ScopesAreASubsetOfTheMakers) {
  configs_.apply({{"a.yaml", test_config("chat chat-secret")}}, digest(), "x");
  const auto make = [&](std::string_view tenant, std::string_view route) {
    const std::string body = R"({"tenant":")" + std::string(tenant) + R"(","routes":[")" + std::string(route) + "\"]}";
    return status_of(ask("POST /admin/v1/keys", {.body = body, .bearer = "team-a/boss"}));
  };
  EXPECT_EQ(make("team-a", "chat"), 201);
  EXPECT_EQ(make("team-a", "chat-secret"), 403);
  EXPECT_EQ(make("team-a", "chat*"), 403);
  EXPECT_EQ(make("team-a", "*"), 403);
  EXPECT_EQ(make("team-a", "to-come"), 403);
  EXPECT_EQ(make("team-b", "chat"), 403);
  EXPECT_EQ(trail().back().record.reason, "keys.tenant");
}

TEST_F(ApiTest, AuditorsReadTheirTenantsRecords) {
  ask("GET /admin/v1/keys", {.bearer = "team-a/boss"});
  ask("GET /admin/v1/keys", {.bearer = "team-b/boss"});
  ask("GET /admin/v1/keys");
  access_.instance = false;
  ASSERT_TRUE(trail_->flush(std::chrono::seconds(5)));
  const std::string a = body_of(ask("GET /admin/v1/audit?limit=1000", {.bearer = "team-a/audit"}));
  EXPECT_TRUE(has(a, "team-a/boss"));
  EXPECT_FALSE(has(a, "team-b"));
  EXPECT_FALSE(has(a, "\"owner\""));
  EXPECT_FALSE(has(a, "audit.started"));
  ASSERT_TRUE(trail_->flush(std::chrono::seconds(5)));
  const std::string all = body_of(ask("GET /admin/v1/audit?limit=1000"));
  EXPECT_TRUE(has(all, "team-a/boss") && has(all, "team-b/boss") && has(all, "audit.started") && has(all, "\"kind\":\"owner\""));
  EXPECT_EQ(status_of(ask("GET /admin/v1/audit?limit=0")), 400);
  EXPECT_EQ(status_of(ask("GET /admin/v1/audit?after=x")), 400);
  ASSERT_TRUE(trail_->flush(std::chrono::seconds(5)));
  EXPECT_EQ(member(body_of(ask("GET /admin/v1/audit/verify")), "whole"), "true");
}

TEST_F(ApiTest, AccessAndCredentials) {
  EXPECT_EQ(body_of(ask("GET /admin/v1/access/explain?as=corp%2Fa%20b&do=chat.create&on=route:chat")),
            R"({"asked":"corp/a b|chat.create|route:chat"})");
  EXPECT_EQ(status_of(ask("GET /admin/v1/access/explain?as=x")), 400);
  EXPECT_EQ(status_of(ask("GET /admin/v1/access/who-can?do=nope&on=x")), 400);
  EXPECT_EQ(status_of(ask("GET /admin/v1/access/who-can?do=chat.create&on=x")), 200);
  EXPECT_EQ(status_of(ask("POST /admin/v1/credentials/azure/test")), 200);
  EXPECT_EQ(status_of(ask("POST /admin/v1/credentials/none/test")), 404);
  EXPECT_EQ(body_of(ask("GET /admin/v1/targets")), R"({"targets":[{"name":"backend/other"}]})");
}

TEST_F(ApiTest, OpenApiIsMadeOfTheTable) {
  const std::string text = body_of(ask("GET /admin/v1/openapi.json"));
  json::Document document;
  ASSERT_TRUE(document.parse_copy(text)) << text;
  const json::Value paths = *document.root().find("paths");
  const json::Value schemas = *document.root().find("components")->find("schemas");
  std::set<std::string> operations;
  size_t routes = 0;
  for (const ApiRoute& route : api_routes()) {
    const auto path = paths.find("/" + std::string(route.pattern));
    ASSERT_TRUE(path) << route.pattern;
    std::string method(http::to_string(route.method));
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    const auto operation = path->find(method);
    ASSERT_TRUE(operation) << route.pattern;
    EXPECT_EQ(operation->find("x-wye-action")->text(), config::to_string(route.action));
    EXPECT_TRUE(operations.insert(operation->find("operationId")->text()).second);
    EXPECT_EQ(operation->find("requestBody").has_value(), !route.body.empty());
    if (!route.body.empty()) EXPECT_TRUE(schemas.find(route.body)) << route.body;
    ++routes;
  }
  size_t written = 0;
  for (const json::Member path : paths.members()) written += path.value().size();
  EXPECT_EQ(written, routes);
  EXPECT_EQ(schemas.size(), 2u + 5u);
}

// An action that nothing asks for is a promise that nobody keeps: those of rooms to come are named, and no others.
TEST_F(ApiTest, ActionsWithoutARouteAreKnown) {
  config::ActionSet used;
  for (const ApiRoute& route : api_routes()) used.insert(route.action);
  using enum config::Action;
  const config::ActionSet later = {kExplainRun,  kSimulateRun,     kModelsRegister, kModelsPromote,   kModelsDelete,  kRolloutsCreate,
                                   kRolloutsGet, kRolloutsAdvance, kRolloutsPause,  kRolloutsPromote, kRolloutsAbort, kPoolsGet,
                                   kPoolsPlan,   kPoolsScale,      kPoolsUpgrade,   kPoolsRollback,   kWafExplain,    kWafTune,
                                   kCachePurge,  kUsageRead,       kSessionsRevoke};
  EXPECT_EQ(config::ActionSet::admin().without(used), later);
}

TEST_F(ApiTest, NoActWithoutATrace) {
  // A trail whose file is gone from under it can not be made here: the queue of another one is full at once.
  auto file = audit::open_chain_file(folder_ / "full.jsonl");
  auto full = std::move(*audit::Trail::open({.chain = "full", .pseudonym = {}, .queue_records = 0}, std::move(*file), table_, loop_.clock()));
  auto ports = std::make_shared<ApiPorts>(ApiPorts{loop_.clock(), configs_, access_, keys_, *full, audit_file(), ports_->audit_head, ports_->status,
                                                   ports_->stop, ports_->test_credential});
  AdminHandler handler(
      AdminSources{[this] { return live_; }, [this] { return ready_; }, metrics_, ports, authentication_, loop_, nullptr, [] { return "r"; }});
  http::Server server(loop_, loop_.clock(), handler, count_, *loop_.listen(net::Endpoint::loopback(8083)),
                      http::ServerOptions{.listener_name = "local"});
  server.start();
  const auto post = [&](std::string_view line) {
    return send(std::string(line) + " HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", 8083);
  };
  EXPECT_EQ(status_of(post("POST /admin/v1/credentials/azure/test")), 503);
  EXPECT_EQ(status_of(post("GET /admin/v1/config")), 200);
  EXPECT_EQ(status_of(post("POST /admin/v1/stop")), 200);  // the owner can always end it
}

TEST(ConfigDiff, ByFieldAndNotByOrder) {
  const auto item = [](std::string_view name, std::string_view spec) {
    return R"({"apiVersion":"v","kind":"Route","metadata":{"name":")" + std::string(name) + R"("},"spec":)" + std::string(spec) + "}";
  };
  const auto all = [](std::initializer_list<std::string> items) {
    std::string out = R"({"items":[)";
    for (const std::string& one : items) out += (out.back() == '[' ? "" : ",") + one;
    return out + "]}";
  };
  const std::string before = all({item("a", R"({"x":1,"list":[1,2],"o":{"p":"q"}})"), item("b", "{}")});
  const std::string after = all({item("a", R"({"o":{"p":"r"},"list":[1],"x":1})"), item("c", R"({"n":null})")});
  EXPECT_TRUE(diff(before, before).empty());
  const auto changes = diff(before, after);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].fields, (std::vector<FieldChange>{{"spec.list[1]", "2", ""}, {"spec.o.p", "\"q\"", "\"r\""}}));
  EXPECT_EQ(changes[1].what, ResourceChange::What::kRemoved);
  EXPECT_EQ(changes[2].what, ResourceChange::What::kAdded);
  EXPECT_EQ(changes[2].fields, (std::vector<FieldChange>{{"spec.n", "", "null"}}));
  EXPECT_EQ(diff("", after).size(), 2u);
}

TEST(ConfigName, StaysInItsFolder) {
  for (const char* name : {"a.yaml", "a.yml", "b/c-d_e.1.yaml"}) EXPECT_TRUE(is_config_name(name)) << name;
  for (const char* name :
       {"", ".yaml", "a.json", "/a.yaml", "a//b.yaml", "../a.yaml", "a/../b.yaml", "a/.b.yaml", "a\\b.yaml", "a b.yaml", "a/", "ä.yaml"})
    EXPECT_FALSE(is_config_name(name)) << name;
  EXPECT_FALSE(is_config_name(std::string(300, 'a') + ".yaml"));
}

}  // namespace
}  // namespace wye::admin
