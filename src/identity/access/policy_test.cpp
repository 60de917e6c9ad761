#include "identity/access/policy.hpp"

#include "identity/access/test_policy.hpp"

namespace wye::access {
namespace {

using config::Effect;

TEST(Actions, SpellingIsReadBack) {
  for (size_t i = 0; i < kActionCount; ++i) EXPECT_EQ(parse_action(to_string(static_cast<Action>(i))), static_cast<Action>(i));
  EXPECT_EQ(parse_action("chat.*"), std::nullopt);
  EXPECT_EQ(parse_action(""), std::nullopt);
  EXPECT_EQ(noun_of(Action::kConfigApply), "config");
  EXPECT_EQ(ActionSet::all().size(), kActionCount);
  EXPECT_EQ((ActionSet::data_plane() | ActionSet::admin()), ActionSet::all());
  EXPECT_TRUE((ActionSet::data_plane() & ActionSet::admin()).empty());
}

TEST(Policy, DefaultIsDeny) {
  TestPolicy p;
  p.tenant("t").members = {group("g")};
  p.role("r").rules = {allow({Action::kChatCreate}, {"route:other"})};
  p.grant("g", "r", "t", {group("g")});
  const Decision d = p.ask(user({"g"}), "t", Action::kChatCreate, "r1");
  EXPECT_FALSE(d);
  EXPECT_EQ(d.reason(), Reason::kNoGrant);
  EXPECT_EQ(d.detail(), "authz.no_grant");
  EXPECT_TRUE(d.rules().empty());
}

TEST(Policy, AnyDenyThatMatchesWinsAndIsNamed) {
  TestPolicy p;
  p.tenant("t");
  p.role("reader").rules = {allow({Action::kChatCreate}, {"route:*"})};
  p.role("stop").rules = {allow({Action::kModelsList}, {"route:*"}), deny(ActionSet::all(), {"route:secret-*"})};
  p.grant("a", "reader", "t", {everyone()});
  p.grant("b", "stop", "t", {everyone()});
  EXPECT_TRUE(p.ask(user({}), "t", Action::kChatCreate, "open"));
  const Decision d = p.ask(user({}), "t", Action::kChatCreate, "secret-1");
  EXPECT_EQ(d.reason(), Reason::kDenied);
  EXPECT_EQ(d.detail(), "authz.deny");
  ASSERT_EQ(d.rules().size(), 1u);
  EXPECT_EQ(p.policy().rule_id(d.rules()[0]), "role/stop#1");
  EXPECT_EQ(p.policy().grant_id(d.rules()[0]), "grant/b");
}

TEST(Policy, EveryFormOfSubjectMatches) {
  TestPolicy p;
  p.tenant("t");
  p.role("r").rules = {allow({Action::kChatCreate}, {"route:*"})};
  struct Case {
    config::Subject subject;
    token::PrincipalFields caller;
    bool good;
  };
  const auto with = [](auto set) {
    token::PrincipalFields f = user({});
    set(f);
    return f;
  };
  const auto subject = [](auto set) {
    config::Subject s;
    set(s);
    return s;
  };
  using F = token::PrincipalFields;
  using S = config::Subject;
  const std::array cases = {
      Case{subject([](S& s) { s.issuer = "corp", s.subject = "t/o"; }), with([](F& f) { f.subject = "t/o"; }), true},
      Case{subject([](S& s) { s.issuer = "corp", s.subject = "t/o"; }), with([](F& f) { f.subject = "t/o2"; }), false},
      Case{subject([](S& s) { s.issuer = "other", s.subject = "t/o"; }), with([](F& f) { f.subject = "t/o"; }), false},
      Case{subject([](S& s) { s.issuer = "corp", s.subject = "t/*"; }), with([](F& f) { f.subject = "t/o"; }), true},
      Case{subject([](S& s) { s.issuer = "corp", s.subject = "t/*"; }), with([](F& f) { f.subject = "u/o"; }), false},
      Case{subject([](S& s) { s.issuer = "corp", s.subject = "*"; }), with([](F& f) { f.subject = "anyone"; }), true},
      Case{subject([](S& s) { s.issuer = "corp", s.app_role = "Wye.Caller"; }), with([](F& f) { f.roles = {"x", "Wye.Caller"}; }), true},
      Case{subject([](S& s) { s.issuer = "corp", s.app_role = "wye.caller"; }), with([](F& f) { f.roles = {"Wye.Caller"}; }), false},
      Case{subject([](S& s) { s.issuer = "corp", s.client = "app"; }), with([](F& f) { f.client = "app"; }), true},
      Case{subject([](S& s) { s.issuer = "corp", s.group = "g1"; }), with([](F& f) { f.groups = {"g2", "g1"}; }), true},
      Case{subject([](S& s) { s.issuer = "corp", s.service_account = "ns/*"; }), with([](F& f) { f.service_account = "ns/caller"; }), true},
      Case{subject([](S& s) { s.issuer = "corp", s.service_account = "ns/a"; }), with([](F& f) { f.service_account = "ns2/a"; }), false},
      Case{subject([](S& s) { s.spiffe = "spiffe://d/a/*"; }), with([](F& f) { f.spiffe_id = "spiffe://d/a/b"; }), true},
      Case{subject([](S& s) { s.spiffe = "spiffe://d/a/*"; }), with([](F& f) { f.spiffe_id = "spiffe://d/ab"; }), false},
      Case{subject([](S& s) { s.spiffe = "spiffe://d/a"; }), with([](F& f) { f.spiffe_id = "spiffe://d/a"; }), true},
      Case{subject([](S& s) { s.key = "aaaaaaaaaaaa"; }), key("t"), true},
      Case{subject([](S& s) { s.key = "bbbbbbbbbbbb"; }), key("t"), false},
      // A token can not pose as a key by the words in it.
      Case{subject([](S& s) { s.key = "aaaaaaaaaaaa"; }), with([](F& f) { f.key_id = "aaaaaaaaaaaa"; }), false},
  };
  for (const Case& c : cases) {
    TestPolicy one;
    one.tenant("t");
    one.role("r").rules = {allow({Action::kChatCreate}, {"route:*"})};
    one.grant("g", "r", "t", {c.subject});
    EXPECT_EQ(one.ask(c.caller, "t", Action::kChatCreate, "x").allowed(), c.good) << c.subject.text() << " " << c.subject.issuer;
  }
}

TEST(Policy, GrantsHoldInTheirTenantAndBelowOnly) {
  TestPolicy p;
  p.tenant("top");
  p.tenant("mid").parent = "top";
  p.tenant("low").parent = "mid";
  p.tenant("other");
  p.role("r").rules = {allow({Action::kChatCreate}, {"route:*"})};
  p.grant("g", "r", "mid", {group("g")});
  EXPECT_FALSE(p.ask(user({"g"}), "top", Action::kChatCreate, "x"));
  EXPECT_TRUE(p.ask(user({"g"}), "mid", Action::kChatCreate, "x"));
  EXPECT_TRUE(p.ask(user({"g"}), "low", Action::kChatCreate, "x"));
  EXPECT_FALSE(p.ask(user({"g"}), "other", Action::kChatCreate, "x"));
}

TEST(Policy, child_policy_only_narrows) {
  TestPolicy p;
  p.tenant("top");
  p.tenant("low").parent = "top";
  p.role("all").rules = {allow(ActionSet::data_plane(), {"route:*"})};
  p.role("none").rules = {deny({Action::kChatCreate}, {"route:a"})};
  p.grant("above", "none", "top", {everyone()});
  p.grant("below", "all", "low", {everyone()});
  EXPECT_FALSE(p.ask(user({}), "low", Action::kChatCreate, "a"));  // what is denied above no child can allow
  EXPECT_TRUE(p.ask(user({}), "low", Action::kChatCreate, "b"));
  TestPolicy q;
  q.tenant("top");
  q.tenant("low").parent = "top";
  q.role("all").rules = {allow(ActionSet::data_plane(), {"route:*"})};
  q.role("none").rules = {deny({Action::kChatCreate}, {"route:a"})};
  q.grant("above", "all", "top", {everyone()});
  q.grant("below", "none", "low", {everyone()});
  EXPECT_TRUE(q.ask(user({}), "top", Action::kChatCreate, "a"));
  EXPECT_FALSE(q.ask(user({}), "low", Action::kChatCreate, "a"));
}

TEST(Policy, GrantsBeginAndEnd) {
  TestPolicy p;
  p.tenant("t");
  p.role("r").rules = {allow({Action::kChatCreate}, {"route:*"})};
  p.grant("g", "r", "t", {everyone()}).valid = {WallTime{100}, WallTime{200}};
  for (const auto& [ns, good] : {std::pair(99, false), std::pair(100, true), std::pair(199, true), std::pair(200, false)}) {
    Facts facts;
    facts.now = WallTime{ns};
    EXPECT_EQ(p.ask(user({}), "t", Action::kChatCreate, "x", facts).allowed(), good) << ns;
  }
}

/// Entra leaves the groups out of a token when there are too many: then nobody knows, and "no groups" would be a guess.
TEST(Policy, overage_is_unknown) {
  TestPolicy p;
  p.tenant("t").members = {group("g")};
  p.role("user").rules = {allow({Action::kChatCreate}, {"route:*"})};
  p.role("barred").rules = {allow({Action::kModelsList}, {"route:*"}), deny({Action::kChatCreate}, {"route:b"})};
  p.grant("a", "user", "t", {group("g"), app_role("Caller")});
  p.grant("b", "barred", "t", {group("leavers")});
  token::PrincipalFields unknown = user({});
  unknown.groups_state = token::GroupsState::kOverage;
  EXPECT_FALSE(p.ask(unknown, "t", Action::kChatCreate, "a"));  // an allow that names a group is not satisfied
  unknown.roles = {"Caller"};
  EXPECT_TRUE(p.ask(unknown, "t", Action::kChatCreate, "a"));
  const Decision denied = p.ask(unknown, "t", Action::kChatCreate, "b");  // a deny that names a group is
  EXPECT_EQ(denied.reason(), Reason::kDenied);
  EXPECT_FALSE(p.ask(unknown, "t", Action::kModelsList, "a"));
  // Neither are they members of a tenant by a group that nobody knows.
  EXPECT_EQ(p.tenant_of(unknown, "").error().code, ErrorCode::kForbidden);
  unknown.issuer = "other";
  EXPECT_FALSE(p.ask(unknown, "t", Action::kChatCreate, "b").reason() == Reason::kDenied);
}

TEST(Policy, TheTenantOfACaller) {
  TestPolicy p;
  p.tenant("a").members = {group("ga"), app_role("Both")};
  p.tenant("b").members = {group("gb"), app_role("Both")};
  EXPECT_EQ(p.tenant_of(key("a"), ""), "a");
  EXPECT_EQ(p.tenant_of(key("a"), "b"), "a");  // a key carries its tenant
  EXPECT_EQ(p.tenant_of(key("gone"), "").error().detail, "tenant.unknown");
  EXPECT_EQ(p.tenant_of(user({"ga"}), ""), "a");
  EXPECT_EQ(p.tenant_of(user({"ga"}), "a"), "a");
  EXPECT_EQ(p.tenant_of(user({"x"}), "").error().code, ErrorCode::kForbidden);
  const auto several = p.tenant_of(user({"ga", "gb"}), "");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, ErrorCode::kInvalidRequest);
  EXPECT_NE(several.error().public_message.find("OpenAI-Project"), std::string::npos);
  EXPECT_EQ(p.tenant_of(user({"ga", "gb"}), "b"), "b");
  // A tenant that exists and one that does not are refused alike.
  EXPECT_EQ(p.tenant_of(user({"ga"}), "b").error().detail, p.tenant_of(user({"ga"}), "nowhere").error().detail);
  EXPECT_EQ(p.tenant_of(user({"ga"}), "b").error().public_message, p.tenant_of(user({"ga"}), "nowhere").error().public_message);
}

TEST(Policy, cross_tenant) {
  TestPolicy p;
  p.tenant("top");
  p.tenant("a").parent = "top";
  p.tenant("b").parent = "top";
  p.role("r").rules = {allow(ActionSet::all(), {"file:*", "admin:*"})};
  p.grant("g", "r", "top", {everyone()});
  const auto ask = [&](std::string_view tenant, Action action, ResourceKind kind, std::string_view owner) {
    return p.decide(user({}), tenant, action, {kind, "x", owner}, nullptr, {}, Stage::kTarget);
  };
  EXPECT_TRUE(ask("a", Action::kFilesGet, ResourceKind::kFile, "a"));
  EXPECT_EQ(ask("a", Action::kFilesGet, ResourceKind::kFile, "b").detail(), "object.tenant");
  EXPECT_EQ(ask("a", Action::kFilesGet, ResourceKind::kFile, "nowhere").detail(), "object.tenant");
  EXPECT_EQ(ask("a", Action::kFilesGet, ResourceKind::kFile, "").detail(), "object.tenant");
  EXPECT_FALSE(ask("top", Action::kFilesGet, ResourceKind::kFile, "a"));  // a file is read in its own tenant
  // What administrators look after may belong to a tenant below; never to one above or beside.
  EXPECT_TRUE(ask("top", Action::kKeysList, ResourceKind::kAdmin, "a"));
  EXPECT_TRUE(ask("a", Action::kKeysList, ResourceKind::kAdmin, "a"));
  EXPECT_FALSE(ask("a", Action::kKeysList, ResourceKind::kAdmin, "b"));
  EXPECT_FALSE(ask("a", Action::kKeysList, ResourceKind::kAdmin, "top"));
  EXPECT_TRUE(ask("a", Action::kConfigRead, ResourceKind::kAdmin, ""));
}

TEST(Policy, KeysStayInTheirScopes) {
  TestPolicy p;
  p.tenant("t");
  p.role("all").rules = {allow(ActionSet::all(), {"route:*", "admin:*"})};
  p.grant("g", "all", "t", {everyone()});
  token::PrincipalFields k = key("t");
  k.routes = {"support-*"};
  EXPECT_TRUE(p.ask(k, "t", Action::kChatCreate, "support-a"));
  EXPECT_EQ(p.ask(k, "t", Action::kChatCreate, "legal").detail(), "key.scope");
  k.routes.clear();
  EXPECT_EQ(p.ask(k, "t", Action::kChatCreate, "support-a").detail(), "key.scope");
  const Resource config{ResourceKind::kAdmin, "config", ""};
  EXPECT_FALSE(p.decide(key("t"), "t", Action::kConfigApply, config, nullptr, {}, Stage::kTarget));
  EXPECT_TRUE(p.decide(user({}), "t", Action::kConfigApply, config, nullptr, {}, Stage::kTarget));
  p.role("all").keys = true;
  EXPECT_TRUE(p.decide(key("t"), "t", Action::kConfigApply, config, nullptr, {}, Stage::kTarget));
}

TEST(Policy, WithoutRolesKeysHaveTheDataPlaneOnTheirRoutes) {
  TestPolicy p;
  p.tenant("t").members = {group("g")};
  token::PrincipalFields k = key("t");
  k.routes = {"chat-*"};
  const Decision d = p.ask(k, "t", Action::kChatCreate, "chat-local");
  EXPECT_TRUE(d);
  ASSERT_EQ(d.rules().size(), 1u);
  EXPECT_EQ(p.policy().rule_id(d.rules()[0]), "role/built-in#0");
  EXPECT_EQ(p.policy().grant_id(d.rules()[0]), "");
  EXPECT_FALSE(p.ask(k, "t", Action::kChatCreate, "embed"));
  EXPECT_FALSE(p.ask(user({"g"}), "t", Action::kChatCreate, "chat-local"));
  EXPECT_FALSE(p.decide(k, "t", Action::kConfigRead, {ResourceKind::kAdmin, "config", ""}, nullptr, {}, Stage::kTarget));
}

TEST(Policy, AllowsAreOnTheRouteDeniesOnTheTargetToo) {
  TestPolicy p;
  p.tenant("t");
  p.role("r").rules = {allow({Action::kChatCreate}, {"route:a"}), allow({Action::kChatCreate}, {"backend:*"}),
                       deny({Action::kChatCreate}, {"backend:foreign"})};
  p.grant("g", "r", "t", {everyone()});
  const Target home{ResourceKind::kBackend, "home", "swedencentral", true};
  const Target foreign{ResourceKind::kBackend, "foreign", "eastus", false};
  const auto ask = [&](std::string_view route, const Target* target) {
    return p.decide(user({}), "t", Action::kChatCreate, {ResourceKind::kRoute, route, ""}, target, {}, target ? Stage::kTarget : Stage::kRequest);
  };
  EXPECT_TRUE(ask("a", nullptr));
  EXPECT_TRUE(ask("a", &home));
  EXPECT_FALSE(ask("a", &foreign));
  EXPECT_FALSE(ask("b", &home));  // an allow on a target opens no Route
}

TEST(Policy, VisibleIsWhatSomeActionCouldReach) {
  TestPolicy p;
  p.tenant("t");
  config::RoleRule conditional = allow({Action::kChatCreate}, {"route:a"});
  conditional.conditions.data_class_max = DataClass::kInternal;
  conditional.conditions.region_in = {"swedencentral"};
  config::RoleRule by_network = allow({Action::kChatCreate}, {"route:b"});
  by_network.conditions.network = {"10.0.0.0/8"};
  p.role("r").rules = {conditional, by_network, allow({Action::kConfigRead}, {"route:c"}), allow({Action::kChatCreate}, {"route:d"}),
                       deny(ActionSet::data_plane(), {"route:d"})};
  p.grant("g", "r", "t", {everyone()});
  const auto visible = [&](std::string_view route, std::string_view peer) {
    Facts facts;
    facts.peer = config::IpAddress::parse(peer);
    const token::Principal caller = token::PrincipalIssuer::issue(user({}));
    const Standing standing = p.policy().standing(caller, *p.policy().find_tenant("t"), {});
    return p.policy().visible(standing, {ResourceKind::kRoute, route, ""}, facts);
  };
  EXPECT_TRUE(visible("a", "10.1.1.1"));
  EXPECT_TRUE(visible("b", "10.1.1.1"));
  EXPECT_FALSE(visible("b", "192.0.2.1"));
  EXPECT_FALSE(visible("c", "10.1.1.1"));  // an administrator's rule shows nothing to clients
  EXPECT_FALSE(visible("d", "10.1.1.1"));
  EXPECT_FALSE(visible("none", "10.1.1.1"));
}

TEST(Policy, MoreGrantsThanAStandingHolds) {
  TestPolicy p;
  p.tenant("t");
  p.role("some").rules = {allow({Action::kModelsList}, {"route:*"})};
  p.role("last").rules = {allow({Action::kChatCreate}, {"route:*"})};
  for (int i = 0; i < 100; ++i) p.grant("g" + std::to_string(1000 + i), i == 99 ? "last" : "some", "t", {group("g")});
  EXPECT_TRUE(p.ask(user({"g"}), "t", Action::kChatCreate, "x"));
  p.grant("g9999", "last", "t", {group("h")});
  p.role("stop").rules = {deny({Action::kChatCreate}, {"route:*"})};
  p.grant("z", "stop", "t", {group("g")});
  EXPECT_FALSE(p.ask(user({"g"}), "t", Action::kChatCreate, "x"));
}

}  // namespace
}  // namespace wye::access
