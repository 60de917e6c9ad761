// Tokens and roles at the whole gate: who gets through, what the others are told, and what the trail keeps of it.
#include "edge/gateway/gateway_test_rig.hpp"
#include "foundation/base/test_folder.hpp"
#include "identity/token/test_issuer.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

std::string doc(std::string_view kind, std::string_view name, std::string_view spec) {
  return "apiVersion: wye.dev/v1alpha1\nkind: " + std::string(kind) + "\nmetadata: {name: " + std::string(name) + "}\nspec: " + std::string(spec) +
         "\n---\n";
}

/// Every workload of corp.example below /team-a/ is of Tenant spiffe-a, those below /both/ of it and of spiffe-b, too.
class Access : public testing::Test {
 protected:
  Access() {
    std::ofstream(bundle_) << token::jwks({token::rsa_signer().jwk(R"("use":"jwt-svid")")});
    configure_with(roles());
  }
  /// What the policy of most tests says: workloads of spiffe-a may chat on `duo` and `solo`, and see what they may do.
  static std::string roles(std::string_view more = "") {
    return doc("Role", "chat",
               "{rules: [{effect: allow, actions: [chat.create, models.list, models.get], resources: [\"route:duo\", \"route:solo\"]}" +
                   std::string(more) + "]}");
  }
  void configure_with(const std::string& policy) {
    const std::string text =
        test_configuration() +
        doc("Issuer", "mesh", "{type: spiffe, spiffe: {trustDomains: [corp.example], bundleFile: \"" + bundle_.string() + "\"}, audiences: [wye]}") +
        doc("Tenant", "spiffe-a",
            "{dataClassMax: internal, members: [{spiffe: \"spiffe://corp.example/team-a/*\"}, {spiffe: \"spiffe://corp.example/both/*\"}]}") +
        doc("Tenant", "spiffe-b", "{dataClassMax: internal, members: [{spiffe: \"spiffe://corp.example/both/*\"}]}") +
        doc("Grant", "a", "{role: chat, tenant: spiffe-a, subjects: [{members: true}]}") +
        doc("Grant", "b", "{role: chat, tenant: spiffe-b, subjects: [{members: true}]}") +
        doc("Grant", "keys", "{role: chat, tenant: team-a, subjects: [{members: true}]}") + policy;
    rig_.reload(text);
    std::vector<token::KeySource> sources;
    for (const token::IssuerRulesPtr& issuer : rig_.configuration->auth->issuers)
      sources.insert(sources.end(), issuer->sources.begin(), issuer->sources.end());
    rig_.identity.key_sets.take(sources);
    rig_.identity.key_sets.refresh_files();
  }
  token::TestToken token(std::string_view id = "team-a/caller") {
    token::TestToken made = token::spiffe(rig_.loop.clock().wall());
    made.claims.text("sub", "spiffe://corp.example/" + std::string(id));
    return made;
  }
  std::string request(std::string_view path, std::string_view body, std::string_view credential, std::string_view fields = "") {
    return std::string(body.empty() ? "GET " : "POST ") + std::string(path) + " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" +
           (credential.empty() ? "" : "authorization: Bearer " + std::string(credential) + "\r\n") + std::string(fields) +
           (body.empty() ? "\r\n"
                         : "content-type: application/json\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }
  Reply chat(std::string_view credential, std::string_view model = "duo", std::string_view fields = "") {
    const std::string body = R"({"model":")" + std::string(model) + R"(","messages":[{"role":"user","content":"hi"}]})";
    return rig_.ask(request("/v1/chat/completions", body, credential, fields));
  }
  void answer_at(uint16_t port) {
    rig_.up(port).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  }
  std::string last_line() { return rig_.log_lines().back(); }
  std::string last_audit() { return rig_.identity.audit.lines().back(); }

  TestFolder folder_;
  std::filesystem::path bundle_ = folder_ / "bundle.json";
  GatewayRig rig_;
};

TEST_F(Access, ATokenOfAMemberGetsThrough) {
  answer_at(kOnePort);
  const Reply reply = chat(token().compact());
  EXPECT_EQ(reply.status, 200) << reply.bytes;
  EXPECT_EQ(member(last_line(), "tenant"), "spiffe-a");
  EXPECT_EQ(member(last_line(), "principal_kind"), "workload");
  EXPECT_EQ(member(last_line(), "principal"), "spiffe://corp.example/team-a/caller");
  EXPECT_EQ(chat(token().compact()).status, 200);
}

TEST_F(Access, ABadTokenIs401WithItsChallenge) {
  struct Row {
    std::string token;
    std::string reason;
  };
  token::TestToken late = token();
  late.claims.set("exp", token::seconds(rig_.loop.clock().wall(), -3600s));
  token::TestToken elsewhere = token();
  elsewhere.claims.set("aud", R"(["other"])");
  token::TestToken forged = token();
  const token::TestSigner other = token::rsa_signer_2().named("rsa-1");
  forged.signer = &other;
  for (const Row& row : {Row{late.compact(), "claims."}, Row{elsewhere.compact(), "claims."}, Row{forged.compact(), "jws."}}) {
    const Reply reply = chat(row.token);
    EXPECT_EQ(reply.status, 401) << reply.bytes;
    EXPECT_TRUE(reply.has("www-authenticate: Bearer realm=\"wye\", error=\"invalid_token\"\r\n")) << reply.head;
    EXPECT_NE(reply.body.find("The access token is not valid."), std::string::npos);
    EXPECT_EQ(reply.bytes.find(row.reason), std::string::npos);  // reasons are for the log
    EXPECT_EQ(member(last_audit(), "event"), "authn.deny");
    EXPECT_TRUE(member(last_audit(), "reason").starts_with(row.reason)) << last_audit();
    EXPECT_EQ(last_audit().find(row.token), std::string::npos);
  }
  const Reply nothing = chat("");
  EXPECT_EQ(nothing.status, 401);
  EXPECT_TRUE(nothing.has("www-authenticate: Bearer realm=\"wye\"\r\n")) << nothing.head;
  for (const auto& [port, upstream] : rig_.upstreams) EXPECT_EQ(upstream->connections, 0u);
}

// No oracle: what exists and is hidden is answered as what does not exist, byte for byte but for the id of the request.
TEST_F(Access, cross_tenant_404_identical) {
  const std::string credential = token().compact();
  const Reply hidden = chat(credential, "managed");
  const std::string record = last_audit();
  const Reply unknown = chat(credential, "nothing");
  EXPECT_EQ(hidden.status, 404);
  EXPECT_EQ(hidden.body, unknown.body);
  EXPECT_EQ(hidden.head.size(), unknown.head.size());
  EXPECT_EQ(member(record, "event"), "authz.deny");
  EXPECT_EQ(member(record, "reason"), "route.hidden");
  EXPECT_EQ(last_audit(), record);  // asking for nothing is no denial
  const Reply got = rig_.ask(request("/v1/models/managed", "", credential));
  const Reply none = rig_.ask(request("/v1/models/nothing", "", credential));
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(got.body, none.body);
}

TEST_F(Access, AnActionThatIsNotGrantedIs403AndNamesItsScope) {
  const Reply reply = rig_.ask(request("/v1/embeddings", R"({"model":"duo","input":"x"})", token().compact()));
  EXPECT_EQ(reply.status, 403) << reply.bytes;
  EXPECT_TRUE(reply.has("www-authenticate: Bearer realm=\"wye\", error=\"insufficient_scope\", scope=\"embeddings.create\"\r\n")) << reply.head;
  EXPECT_NE(reply.body.find("\"code\":\"model_not_allowed\""), std::string::npos);
  const std::string record = last_audit();
  EXPECT_EQ(member(record, "event"), "authz.deny");
  EXPECT_EQ(member(record, "action"), "embeddings.create");
  EXPECT_EQ(member(record, "reason"), "authz.no_grant");
}

TEST_F(Access, TheModelsListShowsWhatOneMay) {
  const Reply list = rig_.ask(request("/v1/models", "", token().compact()));
  EXPECT_EQ(list.status, 200);
  EXPECT_NE(list.body.find("\"duo\""), std::string::npos) << list.body;
  EXPECT_NE(list.body.find("\"solo\""), std::string::npos);
  for (const char* other : {"managed", "local", "hidden", "bridged"}) EXPECT_EQ(list.body.find("\"" + std::string(other) + "\""), std::string::npos);
  EXPECT_EQ(rig_.ask(request("/v1/models/duo", "", token().compact())).status, 200);
}

// A deny on a target takes it out of every plan, also as a fallback; where nothing is left the request goes nowhere.
TEST_F(Access, ADeniedTargetIsNeverTried) {
  configure_with(roles(R"(, {effect: deny, actions: ["*"], resources: ["backend:one"]})"));
  answer_at(kOnePort);
  answer_at(kTwoPort);
  EXPECT_EQ(chat(token().compact()).status, 200);
  EXPECT_EQ(rig_.up(kOnePort).connections, 0u);
  EXPECT_EQ(rig_.up(kTwoPort).connections, 1u);
  EXPECT_EQ(member(last_line(), "target"), "backend/two");
  rig_.set_health("backend/two", provider::Health::kBroken);
  const Reply broken = chat(token().compact());
  EXPECT_EQ(broken.status, 503);
  const Reply alone = chat(token().compact(), "solo");
  EXPECT_EQ(alone.status, 403) << alone.bytes;
  EXPECT_NE(alone.body.find("\"code\":\"data_class_forbidden\""), std::string::npos);
  EXPECT_NE(last_audit().find("\"rules\":[\"role/chat#1\"]"), std::string::npos) << last_audit();
  EXPECT_EQ(rig_.up(kOnePort).connections, 0u);
}

TEST_F(Access, TheTenantIsFoundOrNamed) {
  answer_at(kOnePort);
  const std::string both = token("both/x").compact();
  const Reply which = chat(both);
  EXPECT_EQ(which.status, 400) << which.bytes;
  EXPECT_EQ(chat(both, "duo", "OpenAI-Project: spiffe-b\r\n").status, 200);
  EXPECT_EQ(member(last_line(), "tenant"), "spiffe-b");
  EXPECT_EQ(chat(both, "duo", "OpenAI-Project: team-a\r\n").status, 403);
  EXPECT_EQ(chat(token("stranger/x").compact()).status, 403);
  EXPECT_EQ(member(last_audit(), "event"), "authz.deny");
  EXPECT_EQ(member(last_line(), "tenant"), "");
}

TEST_F(Access, host_header_cannot_change_action) {
  answer_at(kOnePort);
  const std::string body(kChatBody);
  for (const char* fields : {"x-original-url: /v1/models\r\n", "x-http-method-override: GET\r\n", "x-forwarded-host: admin\r\n",
                             "x-forwarded-client-cert: Hash=00;URI=spiffe://corp.example/admin\r\n"}) {
    EXPECT_EQ(rig_.ask(request("/v1/chat/completions", body, token().compact(), fields)).status, 200) << fields;
    EXPECT_EQ(member(last_line(), "action"), "chat.create");
  }
  const std::string host = "POST /v1/chat/completions HTTP/1.1\r\nhost: other.example\r\nauthorization: Bearer " + token().compact() +
                           "\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
                           body;
  EXPECT_EQ(rig_.ask(host).status, 421);
}

TEST_F(Access, KeysNeedAGrantOnceThereAreRoles) {
  answer_at(kOnePort);
  EXPECT_EQ(chat(rig_.key).status, 200);
  EXPECT_EQ(chat(rig_.other_key).status, 404);  // team-b has no grant: nothing is there for it
}

TEST_F(Access, removed_key_stops_at_once) {
  answer_at(kOnePort);
  const std::string credential = token().compact();
  EXPECT_EQ(chat(credential).status, 200);
  std::ofstream(bundle_) << token::jwks({token::rsa_signer_2().jwk(R"("use":"jwt-svid")")});
  std::filesystem::last_write_time(bundle_, std::filesystem::last_write_time(bundle_) + 2s);
  rig_.identity.key_sets.refresh_files();
  const Reply refused = chat(credential);
  EXPECT_EQ(refused.status, 401) << refused.bytes;
}

}  // namespace
}  // namespace wye::gateway
