// RBAC of the admin API over real policies: who is let in, whose things he sees, who gains by a change.
#include "admin/policy_access.hpp"

#include "admin/admin_test_rig.hpp"

namespace wye::admin {
namespace {

std::string rules(std::string_view actions, std::string_view grants) {
  return test_config() + R"(---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: team-a-child}
spec: {parent: team-a, dataClassMax: internal}
---
apiVersion: wye.dev/v1alpha1
kind: Role
metadata: {name: operator}
spec:
  keys: true
  rules: [{effect: allow, actions: [)" +
         std::string(actions) + R"(], resources: ["admin:*", "route:*", "backend:*"], conditions: {network: [10.0.0.0/8]}}]
)" + std::string(grants);
}
std::string grant(std::string_view tenant, std::string_view key) {
  return "---\napiVersion: wye.dev/v1alpha1\nkind: Grant\nmetadata: {name: g-" + std::string(key.substr(0, 1)) +
         "}\nspec: {role: operator, tenant: " + std::string(tenant) + ", subjects: [{key: " + std::string(key) + "}]}\n";
}
constexpr std::string_view kBoss = "b00000000000";
constexpr std::string_view kOther = "c00000000000";

config::SnapshotPtr compiled(const std::string& text) {
  const std::array texts = {config::NamedText{"a.yaml", text}};
  const config::Compiled out = config::compile(config::load_texts(texts), {});
  EXPECT_NE(out.snapshot, nullptr) << config::to_text(out.findings);
  return out.snapshot;
}

Caller key_caller(std::string_view id, std::string_view tenant, std::string_view peer = "10.1.2.3") {
  token::PrincipalFields fields;
  fields.kind = token::PrincipalKind::kKey;
  fields.key_id = id;
  fields.subject = "key:" + std::string(id);
  fields.tenant = tenant;
  fields.routes = {"*"};
  Caller caller;
  caller.principal = std::make_shared<const token::Principal>(token::PrincipalIssuer::issue(fields));
  caller.tenant = tenant;
  caller.peer = peer;
  return caller;
}

class PolicyAccessTest : public testing::Test {
 protected:
  ManualClock clock_;
  config::SnapshotPtr running_ = compiled(rules("keys.list, audit.read, chat.create", grant("team-a", kBoss)));
  PolicyAccess access_{[this] { return running_; }, clock_};
  bool may(const Caller& caller, config::Action action, std::string_view owner = {}) {
    return access_.judge(caller, action, "admin:keys", owner, clock_.wall()).allowed;
  }
};

TEST_F(PolicyAccessTest, DefaultIsNo) {
  using enum config::Action;
  const Caller boss = key_caller(kBoss, "team-a");
  EXPECT_TRUE(may(boss, kKeysList));
  EXPECT_FALSE(may(boss, kKeysCreate));
  EXPECT_FALSE(may(key_caller(kOther, "team-a"), kKeysList));
  EXPECT_FALSE(may(key_caller(kBoss, "team-a", "192.168.0.1"), kKeysList));
  EXPECT_FALSE(may(key_caller(kBoss, "team-a", "nonsense"), kKeysList));  // a missing fact makes an allow fail
  EXPECT_TRUE(may(Caller{}, kKeysCreate));                                // the owner
  const Verdict verdict = access_.judge(boss, kKeysCreate, "admin:keys", {}, clock_.wall());
  EXPECT_FALSE(verdict.reason.empty());
  EXPECT_EQ(access_.judge(boss, kKeysList, "admin:keys", {}, clock_.wall()).rules, std::vector<std::string>{"role/operator#0"});
  EXPECT_EQ(*access_.tenant_of(*boss.principal, ""), "team-a");
  EXPECT_TRUE(access_.may_use_route(boss, "chat", clock_.wall()));
  EXPECT_FALSE(access_.may_use_route(key_caller(kOther, "team-a"), "chat", clock_.wall()));
}

TEST_F(PolicyAccessTest, ThingsOfOtherTenantsAreOutOfReach) {
  using enum config::Action;
  const Caller boss = key_caller(kBoss, "team-a");
  EXPECT_TRUE(may(boss, kKeysList, "team-a"));
  EXPECT_TRUE(may(boss, kKeysList, "team-a-child"));
  EXPECT_FALSE(may(boss, kKeysList, "team-b"));
  EXPECT_FALSE(may(boss, kKeysList, "no-such-tenant"));
  // A grant in team-a is none where the caller acts in team-b.
  EXPECT_FALSE(may(key_caller(kBoss, "team-b"), kKeysList, "team-b"));
}

TEST_F(PolicyAccessTest, WithoutARoleNobodyAdministrates) {
  running_ = compiled(test_config());
  for (size_t i = 0; i < config::kActionCount; ++i) {
    const auto action = static_cast<config::Action>(i);
    if (config::is_admin(action)) EXPECT_FALSE(may(key_caller(kBoss, "team-a"), action)) << config::to_string(action);
  }
  EXPECT_TRUE(access_.may_use_route(key_caller(kBoss, "team-a"), "chat", clock_.wall()));  // the built-in role: keys on their Routes
}

TEST_F(PolicyAccessTest, WhoGainsIsNamed) {
  const config::SnapshotPtr more_actions = compiled(rules("keys.list, audit.read, chat.create, keys.create", grant("team-a", kBoss)));
  const config::SnapshotPtr more_people = compiled(rules("keys.list, audit.read, chat.create", grant("team-a", kBoss) + grant("team-b", kOther)));
  EXPECT_TRUE(access_.gains(*running_, *running_).empty());
  const auto by_action = access_.gains(*running_, *more_actions);
  ASSERT_FALSE(by_action.empty());
  EXPECT_NE(by_action[0].find("keys.create"), std::string::npos) << by_action[0];
  EXPECT_NE(by_action[0].find(kBoss), std::string::npos) << by_action[0];
  const auto by_grant = access_.gains(*running_, *more_people);
  ASSERT_FALSE(by_grant.empty());
  EXPECT_NE(by_grant[0].find(kOther), std::string::npos) << by_grant[0];
  // Back again is a narrowing: nobody gains.
  EXPECT_TRUE(access_.gains(*more_actions, *running_).empty());
  EXPECT_TRUE(access_.gains(*more_people, *running_).empty());
}

TEST_F(PolicyAccessTest, ExplainsAndNamesMistakes) {
  const auto explained = access_.explain("key:b00000000000,tenant=team-a", "keys.list", "admin:keys");
  ASSERT_TRUE(explained) << explained.error().public_message;
  json::Document document;
  ASSERT_TRUE(document.parse_copy(*explained)) << *explained;
  EXPECT_NE(document.root().find("text")->text().find("role/operator#0"), std::string::npos) << *explained;
  const auto route = access_.explain("key:b00000000000,tenant=team-a", "chat.create", "route:chat");
  ASSERT_TRUE(route);
  EXPECT_NE(route->find("backend:other"), std::string::npos) << *route;  // judged with each target
  const auto who = access_.who_can("keys.list", "admin:keys");
  ASSERT_TRUE(who && document.parse_copy(*who)) << *who;
  EXPECT_NE(who->find(kBoss), std::string::npos) << *who;
  EXPECT_EQ(access_.explain("nobody at all", "keys.list", "admin:keys").error().code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(access_.explain("key:b00000000000,tenant=team-a", "keys.lists", "admin:keys").error().param, "do");
  EXPECT_EQ(access_.who_can("keys.list", "keys").error().param, "on");
}

}  // namespace
}  // namespace wye::admin
