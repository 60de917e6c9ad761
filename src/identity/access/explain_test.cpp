#include "identity/access/explain.hpp"

#include "identity/access/test_policy.hpp"

namespace wye::access {
namespace {

TEST(ParseCaller, Table) {
  const auto good = parse_caller("corp:subject=tid/oid,group=g1,group=g2,appRole=R,client=c,claim.department=legal,claim.department=hr,binding=mtls");
  ASSERT_TRUE(good) << good.error().public_message;
  EXPECT_EQ(good->issuer(), "corp");
  EXPECT_EQ(good->subject(), "tid/oid");
  EXPECT_EQ(good->fields().groups.size(), 2u);
  EXPECT_EQ(good->fields().claims.at(0).values.size(), 2u);
  EXPECT_EQ(good->binding(), token::Binding::kMtls);
  const auto by_key = parse_caller("key:0123456789ab,tenant=t,route=support-*");
  ASSERT_TRUE(by_key);
  EXPECT_EQ(by_key->key_id(), "0123456789ab");
  EXPECT_TRUE(by_key->may_use_route("support-a"));
  EXPECT_FALSE(by_key->may_use_route("legal"));
  EXPECT_TRUE(parse_caller("key:0123456789ab,tenant=t")->may_use_route("anything"));
  EXPECT_EQ(parse_caller("corp:groups=unknown")->fields().groups_state, token::GroupsState::kOverage);
  EXPECT_EQ(parse_caller("mesh:spiffe=spiffe://d/a")->fields().spiffe_id, "spiffe://d/a");
  for (const std::string_view bad : {"", "corp", "corp:", ":subject=x", "corp:subject", "corp:subject=", "corp:mail=x", "corp:tenant=t",
                                     "corp:route=x", "key:0123456789ab", "corp:binding=none,binding=x", "corp:clientAuth=unknown", "corp:claim.=x"}) {
    EXPECT_FALSE(parse_caller(bad)) << bad;
  }
  EXPECT_FALSE(parse_caller("corp:subject=" + std::string(9000, 'x')));
}

TEST(ParseResource, Table) {
  EXPECT_EQ(parse_resource("route:a:b")->name, "a:b");
  EXPECT_EQ(parse_resource("admin:config")->kind, ResourceKind::kAdmin);
  for (const std::string_view bad : {"", "route", "route:", "routes:a", "a"}) EXPECT_FALSE(parse_resource(bad)) << bad;
}

struct ExplainTest : testing::Test {
  ExplainTest() {
    p.tenant("top");
    p.tenant("t").parent = "top";
    p.tenant("t").members = {group("g"), app_role("Caller")};
    config::RoleRule inside = allow({Action::kChatCreate}, {"route:support-*"});
    inside.conditions.data_class_max = DataClass::kInternal;
    config::RoleRule abroad = deny(ActionSet::all(), {"backend:*"});
    abroad.conditions.region_not_in = {"swedencentral"};
    p.role("chat").rules = {inside, abroad};
    p.grant("team", "chat", "top", {group("g"), app_role("Caller")});
  }
  Explanation ask(std::string_view who, std::vector<Target> targets = {}, DataClass data = DataClass::kInternal,
                  std::string_view route = "support-a") {
    const auto caller = parse_caller(who);
    EXPECT_TRUE(caller) << who;
    ExplainRequest request;
    request.caller = &*caller;
    request.resource = {ResourceKind::kRoute, route, {}};
    request.targets = std::move(targets);
    request.facts.data_class = data;
    return explain(p.policy(), request);
  }
  TestPolicy p;
};

TEST_F(ExplainTest, NamesTheWholeChain) {
  const Explanation e = ask("corp:subject=tid/oid,group=g",
                            {{ResourceKind::kBackend, "home", "swedencentral", true}, {ResourceKind::kBackend, "far", "eastus", false}});
  EXPECT_TRUE(e.allowed);
  EXPECT_EQ(e.lineage, (std::vector<std::string>{"t", "top"}));
  ASSERT_EQ(e.judged.size(), 3u);
  EXPECT_TRUE(e.judged[1].allowed);
  EXPECT_EQ(e.judged[2].detail, "policy.region");
  EXPECT_EQ(to_text(e),
            "allowed: corp:tid/oid chat.create on route:support-a\n"
            "  tenant: t < top\n"
            "  route:support-a: allowed (authz.allow)\n"
            "    role/chat#0 allows; grant/team by {issuer: corp, group: g}\n"
            "  backend:home: allowed (authz.allow)\n"
            "    role/chat#0 allows; grant/team by {issuer: corp, group: g}\n"
            "    role/chat#1 denies, but does not hold: regionNotIn; grant/team by {issuer: corp, group: g}\n"
            "  backend:far: denied (policy.region)\n"
            "    role/chat#0 allows; grant/team by {issuer: corp, group: g}\n"
            "    role/chat#1 denies; grant/team by {issuer: corp, group: g}\n");
  EXPECT_EQ(to_json(ask("corp:appRole=Caller")),
            R"({"allowed":true,"caller":"corp","action":"chat.create","on":"route:support-a","tenant":"t","lineage":["t","top"],)"
            R"("decisions":[{"on":"route:support-a","allowed":true,"reason":"authz.allow","rules":[{"rule":"role/chat#0",)"
            R"("grant":"grant/team","subject":"{issuer: corp, appRole: Caller}",)"
            R"("effect":"allow","holds":true}]}]})");
}

TEST_F(ExplainTest, SaysWhyNot) {
  EXPECT_EQ(ask("corp:group=x").tenant_detail, "tenant.none");
  EXPECT_EQ(to_text(ask("corp:group=x")), "denied: corp chat.create on route:support-a\n  tenant: none (tenant.none)\n");
  const Explanation secret = ask("corp:group=g", {}, DataClass::kRestricted);
  EXPECT_FALSE(secret.allowed);
  EXPECT_EQ(secret.judged.at(0).detail, "policy.data_class");
  EXPECT_EQ(secret.judged[0].steps.at(0).why_not, "dataClassMax");
  EXPECT_EQ(ask("corp:group=g", {}, DataClass::kPublic, "other").judged.at(0).detail, "authz.no_grant");
  const Explanation far = ask("corp:group=g", {{ResourceKind::kBackend, "far", "eastus", false}});
  EXPECT_FALSE(far.allowed);  // the Route would be, but no target of it is
  EXPECT_TRUE(far.judged.at(0).allowed);
  p.tenant("t").members.push_back(everyone());
  p.tenant("t").members.back() = app_role("Other");
  const Explanation unknown = ask("corp:appRole=Other,groups=unknown");
  EXPECT_EQ(unknown.judged.at(0).steps.at(0).why_not, "groups unknown");
  p.role("chat").rules.push_back(allow({Action::kKeysList}, {"admin:*"}));
  p.grant("keys", "chat", "top", {everyone()});
  const auto caller = parse_caller("key:0123456789ab,tenant=t");
  const ExplainRequest request{&*caller, "", Action::kKeysList, {ResourceKind::kAdmin, "keys", {}}, {}, {}};
  EXPECT_EQ(explain(p.policy(), request).judged.at(0).steps.at(0).why_not, "not for keys");
}

TEST_F(ExplainTest, WhoCan) {
  p.role("stop").rules = {deny({Action::kChatCreate}, {"route:support-a"})};
  p.grant("bar", "stop", "top", {group("g")});
  const auto holders = who_can(p.policy(), Action::kChatCreate, {ResourceKind::kRoute, "support-a", {}});
  EXPECT_EQ(to_text(holders),
            "{issuer: corp, appRole: Caller} in top  role/chat#0 grant/team  if dataClassMax\n"
            "{issuer: corp, group: g} in top  role/chat#0 grant/team  if dataClassMax  unless denied by role/stop#0\n");
  EXPECT_EQ(to_text(who_can(p.policy(), Action::kChatCreate, {ResourceKind::kRoute, "legal", {}})), "nobody\n");
  EXPECT_NE(to_json(holders).find(R"("deniedBy":["role/stop#0"])"), std::string::npos);
  TestPolicy built_in;
  built_in.tenant("t");
  EXPECT_EQ(who_can(built_in.policy(), Action::kChatCreate, {ResourceKind::kRoute, "a", {}}).at(0).rule, "role/built-in#0");
  EXPECT_TRUE(who_can(built_in.policy(), Action::kConfigApply, {ResourceKind::kAdmin, "config", {}}).empty());
}

struct Change {
  const char* what;
  std::function<void(TestPolicy&)> change;
  std::string_view gained;  // empty: nobody gains
};

/// From one small policy each change of the table; what it gives, and to whom.
TEST(Gains, EachWayToWiden) {
  const auto base = [](TestPolicy& p) {
    p.tenant("top");
    p.tenant("t").parent = "top";
    p.tenant("u").members = {group("u")};
    config::RoleRule conditional = allow({Action::kFilesGet}, {"file:*"});
    conditional.conditions.data_class_max = DataClass::kInternal;
    p.role("chat").rules = {allow({Action::kChatCreate}, {"route:a*"}), conditional};
    p.role("stop").rules = {deny({Action::kChatCreate}, {"route:ab"})};
    p.grant("g", "chat", "t", {group("g")});
    p.grant("s", "stop", "t", {group("g")});
  };
  const std::array changes = {
      Change{"nothing", [](TestPolicy&) {}, ""},
      Change{"another order", [](TestPolicy& p) { std::reverse(p.role("chat").rules.begin(), p.role("chat").rules.end()); }, ""},
      Change{"fewer actions", [](TestPolicy& p) { p.role("chat").rules.pop_back(); }, ""},
      Change{"a narrower pattern", [](TestPolicy& p) { p.role("chat").rules[0].resources = {"route:ab*", "route:ac"}; }, ""},
      Change{"a subject under a pattern that holds", [](TestPolicy& p) { p.grant("more", "chat", "t", {group("g")}); }, ""},
      Change{"one more action", [](TestPolicy& p) { p.role("chat").rules[0].actions.insert(Action::kModelsList); },
             "{issuer: corp, group: g} in t gains models.list on route:a*: grant/g role/chat#0\n"},
      Change{"a wider pattern", [](TestPolicy& p) { p.role("chat").rules[0].resources = {"route:*"}; },
             "{issuer: corp, group: g} in t gains chat.create on route:*: grant/g role/chat#0\n"},
      Change{"another subject", [](TestPolicy& p) { p.grant("more", "chat", "t", {group("h")}).valid.not_after = WallTime{5}; },
             "{issuer: corp, group: h} in t gains chat.create on route:a*: grant/more role/chat#0\n"
             "{issuer: corp, group: h} in t gains files.get on file:*, under conditions: grant/more role/chat#1\n"},
      Change{"everyone",
             [](TestPolicy& p) { p.grant("more", "chat", "t", {everyone()}).valid.not_before = WallTime{5}, p.role("chat").rules.pop_back(); },
             "{members: true} in t gains chat.create on route:a*: grant/more role/chat#0\n"},
      Change{"a higher tenant", [](TestPolicy& p) { p.grant("g", "chat", "top", {group("g")}), p.role("chat").rules.pop_back(); },
             "{issuer: corp, group: g} in top gains chat.create on route:a*: grant/g role/chat#0\n"},
      Change{"a weaker condition", [](TestPolicy& p) { p.role("chat").rules[1].conditions.data_class_max = DataClass::kConfidential; },
             "{issuer: corp, group: g} in t gains files.get on file:*, under conditions: grant/g role/chat#1\n"},
      Change{"a stronger condition", [](TestPolicy& p) { p.role("chat").rules[1].conditions.data_class_max = DataClass::kPublic; }, ""},
      Change{"one more condition", [](TestPolicy& p) { p.role("chat").rules[1].conditions.region_in = {"x"}; }, ""},
      Change{"no condition", [](TestPolicy& p) { p.role("chat").rules[1].conditions = {}; },
             "{issuer: corp, group: g} in t gains files.get on file:*: grant/g role/chat#1\n"},
      Change{"a deny less", [](TestPolicy& p) { p.role("stop").rules[0].actions = {Action::kModelsList}; },
             "{issuer: corp, group: g} in t gains chat.create on route:ab: no longer denied by role/stop#0\n"},
      Change{"a deny under a condition", [](TestPolicy& p) { p.role("stop").rules[0].conditions.private_only = true; },
             "{issuer: corp, group: g} in t gains chat.create on route:ab: no longer denied by role/stop#0\n"},
      Change{"a deny that ends", [](TestPolicy& p) { p.grant("s", "stop", "t", {group("g")}).valid.not_after = WallTime{5}; },
             "{issuer: corp, group: g} in t gains chat.create on route:ab: no longer denied by role/stop#0\n"},
      Change{"one more deny", [](TestPolicy& p) { p.role("stop").rules.push_back(deny(ActionSet::all(), {"route:*"})); }, ""},
      Change{"a member", [](TestPolicy& p) { p.tenant("t").members = {group("g")}; },
             "{issuer: corp, group: g} in t gains chat.create files.get: becomes a member\n"},
      Change{"a tenant moves below", [](TestPolicy& p) { p.tenant("u").parent = "t", p.role("chat").rules.pop_back(); },
             "{issuer: corp, group: g} in u gains chat.create on route:a*: grant/g role/chat#0\n"},
  };
  for (const Change& c : changes) {
    TestPolicy before, after;
    base(before), base(after);
    c.change(after);
    EXPECT_EQ(to_text(gains(before.policy(), after.policy())), c.gained) << c.what;
  }
}

TEST(Gains, KeysGainWhenRolesGoAndWhenARoleIsForThem) {
  TestPolicy with, without, for_keys;
  for (TestPolicy* p : {&with, &without, &for_keys}) p->tenant("t");
  for (TestPolicy* p : {&with, &for_keys}) {
    p->role("r").rules = {allow({Action::kConfigRead}, {"admin:*"})};
    p->grant("g", "r", "t", {everyone()});
  }
  for_keys.role("r").keys = true;
  EXPECT_EQ(gains(with.policy(), without.policy()).at(0).subject, "every API key");
  const auto more = gains(with.policy(), for_keys.policy());
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].actions, ActionSet{Action::kConfigRead});
  EXPECT_TRUE(gains(for_keys.policy(), with.policy()).empty());
}

}  // namespace
}  // namespace wye::access
