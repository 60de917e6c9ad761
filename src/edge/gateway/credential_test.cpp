// What we show to an upstream: tokens that are fetched, one retry after a 401, nothing without one, and nothing to anybody else.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

/// The upstream of the port kDatedPort plays the platform that gives tokens.
RigOptions with_tokens() {
  RigOptions options;
  const auto document = [](std::string_view kind, std::string_view name, std::string_view spec) {
    return "apiVersion: wye.dev/v1alpha1\nkind: " + std::string(kind) + "\nmetadata: {name: " + std::string(name) + "}\nspec: " + std::string(spec) +
           "\n---\n";
  };
  options.configuration =
      test_configuration() +
      document("Credential", "mi", "{type: managedIdentity, origins: [\"http://127.0.0.1:21001\"], managedIdentity: {source: appService}}") +
      document("Backend", "tokened",
               "{provider: azureOpenAI, endpoint: \"http://127.0.0.1:21001\", deployment: gpt-dep, auth: {credential: mi}, dataClassMax: internal, "
               "network: "
               "{mode: loopback}, location: {sku: Standard, region: swedencentral}}") +
      document("Route", "tok", "{dataClass: internal, candidates: [{backend: tokened}]}") +
      document("Route", "tok-else", "{dataClass: internal, candidates: [{backend: tokened}, {backend: two, tier: 1}]}");
  options.platform = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:21004/msi/token"}, {"IDENTITY_HEADER", "canary-header"}};
  return options;
}

class Credentialed : public testing::Test {
 protected:
  Credentialed() {
    rig_.up(kDatedPort).answer = [this](const Asked&) {
      ++tokens_;
      if (platform_down_) return Script{send(json_answer(503, "{}"))};
      return Script{
          send(json_answer(200, R"({"token_type":"Bearer","expires_in":"3599","access_token":"canary-token-)" + std::to_string(tokens_) + "\"}"))};
    };
    rig_.up(kOnePort).answer = [this](const Asked& asked) {
      const bool good = asked.head.contains("authorization: Bearer " + accepted_ + "\r\n");
      return Script{send(good ? json_answer(200, kChatAnswer) : json_answer(401, R"({"error":{"message":"canary"}})"))};
    };
    rig_.up(kTwoPort).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  }
  Reply chat(std::string_view model = "tok") {
    return rig_.ask(rig_.post("/v1/chat/completions", R"({"model":")" + std::string(model) + R"(","messages":[{"role":"user","content":"hi"}]})"));
  }
  std::vector<Asked>& asked() { return rig_.up(kOnePort).asked; }

  GatewayRig rig_{with_tokens()};
  std::string accepted_ = "canary-token-1";
  size_t tokens_ = 0;
  bool platform_down_ = false;
};

TEST_F(Credentialed, ATokenGoesAsBearerAndNoKeyBesideIt) {
  const Reply reply = chat();
  EXPECT_EQ(reply.status, 200) << reply.bytes;
  EXPECT_EQ(chat().status, 200);
  ASSERT_EQ(asked().size(), 2u);
  EXPECT_EQ(tokens_, 1u);
  EXPECT_NE(asked()[0].head.find("authorization: Bearer canary-token-1\r\n"), std::string::npos) << asked()[0].head;
  EXPECT_EQ(asked()[0].head.find("api-key"), std::string::npos);
  EXPECT_NE(rig_.up(kDatedPort).asked.at(0).head.find("resource=https%3A%2F%2Fcognitiveservices.azure.com"), std::string::npos);
  for (const std::string& text : {rig_.log_text(), rig_.process.text(), reply.bytes, rig_.metrics.expose()})
    EXPECT_EQ(text.find("canary"), std::string::npos) << text;
}

TEST_F(Credentialed, AfterA401OneMoreTryWithANewToken) {
  EXPECT_EQ(chat().status, 200);
  accepted_ = "canary-token-2";
  EXPECT_EQ(chat().status, 200);
  ASSERT_EQ(asked().size(), 3u);
  EXPECT_NE(asked()[1].head.find("canary-token-1"), std::string::npos);
  EXPECT_NE(asked()[2].head.find("canary-token-2"), std::string::npos);
  EXPECT_EQ(tokens_, 2u);
}

TEST_F(Credentialed, AStreamTooIsTriedOnceMoreBeforeAnyByte) {
  EXPECT_EQ(chat().status, 200);
  accepted_ = "canary-token-2";
  rig_.up(kOnePort).answer = [this](const Asked& request) {
    const bool good = request.head.contains("authorization: Bearer " + accepted_ + "\r\n");
    return Script{send(good ? chat_stream("Hello") : json_answer(401, "{}"))};
  };
  const Reply reply = rig_.ask(rig_.post("/v1/chat/completions", R"({"model":"tok","stream":true,"messages":[{"role":"user","content":"hi"}]})"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("Hello"), std::string::npos);
  EXPECT_EQ(asked().size(), 3u);
}

TEST_F(Credentialed, A401ToTheNewTokenIsFinal) {
  EXPECT_EQ(chat().status, 200);
  accepted_ = "nothing";
  const Reply reply = chat();
  EXPECT_NE(reply.status, 200);
  EXPECT_NE(reply.status, 401) << "a 401 of ours is no 401 of the caller";
  EXPECT_EQ(asked().size(), 3u);
  EXPECT_EQ(tokens_, 2u);
  EXPECT_NE(rig_.process.text().find("target.misconfigured"), std::string::npos);
  // It is set aside: who comes next does not ask it, nor the platform.
  EXPECT_NE(chat().status, 200);
  EXPECT_EQ(asked().size(), 3u);
  EXPECT_EQ(tokens_, 2u);
}

TEST_F(Credentialed, WithoutATokenNothingIsSent) {
  platform_down_ = true;
  const Reply reply = chat();
  EXPECT_EQ(reply.status, 503) << reply.bytes;
  EXPECT_NE(reply.body.find("upstream_auth_unavailable"), std::string::npos) << reply.body;
  EXPECT_TRUE(asked().empty());
  EXPECT_EQ(chat("tok-else").status, 200);
  EXPECT_EQ(rig_.up(kTwoPort).asked.size(), 1u);
  EXPECT_EQ(rig_.up(kTwoPort).asked[0].head.find("authorization"), std::string::npos);
  platform_down_ = false;
  rig_.run_for(62s);
  accepted_ = "canary-token-" + std::to_string(tokens_);
  EXPECT_EQ(chat().status, 200);
}

TEST_F(Credentialed, AConfigurationThatSendsItElsewhereGetsNothingThere) {
  EXPECT_EQ(chat().status, 200);
  // As configuration would have it after a check that failed: the badge of the one origin, a target at another.
  Configuration broken(*rig_.configuration);
  const auto& targets = broken.snapshot->targets();
  const auto tokened = std::ranges::find(targets, std::string("tokened"), &config::TargetEntry::name);
  ASSERT_NE(tokened, targets.end());
  const auto badge = broken.credentials->find(static_cast<size_t>(tokened->credential), tokened->token_audience);
  workload::CredentialReader reader(rig_.loop, rig_.credentials.get());
  const auto slot = reader.hold(badge);
  EXPECT_TRUE(reader.attach(*slot, "http://127.0.0.1:21001"));
  for (const std::string_view other : {"http://127.0.0.1:21002", "https://127.0.0.1:21001", "http://localhost:21001", ""})
    EXPECT_EQ(reader.attach(*slot, other).error().detail, "credential.origin") << other;
}

}  // namespace
}  // namespace wye::gateway
