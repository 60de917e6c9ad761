// Keys of issuers over a simulated network and clock.
#include "identity/token/key_sets.hpp"

#include "identity/token/test_issuer.hpp"

namespace wye::token {
namespace {

class KeySetsTest : public testing::Test {
 protected:
  KeySetsTest() {
    rules_ = rig_.issuers.move_here(rules_of("corp", entra_v2_only()), jwks({rsa_signer().jwk()}));
    rig_.use({rules_});
  }
  static config::Issuer entra_v2_only() {
    config::Issuer issuer = entra_config();
    issuer.entra->versions = {config::EntraVersion::kV2};
    return issuer;
  }
  TestToken good() { return entra_v2(rig_.now()); }
  /// Signed by the second key, which the issuer does not publish at the start.
  TestToken rotated(std::string_view kid = "rsa-2") {
    TestToken token = good();
    token.signer = &rsa_signer_2();
    token.header.text("kid", kid);
    return token;
  }
  FakeIssuers::Issuer& issuer() { return rig_.issuers["corp.v2"]; }
  KeyState state() { return rig_.sets.states().front().state; }
  void publish_both() { issuer().keys = jwks({rsa_signer().jwk(), rsa_signer_2().jwk()}); }

  AuthRig rig_;
  IssuerRulesPtr rules_;
};

TEST_F(KeySetsTest, FetchedAtTheStartAndEveryHour) {
  EXPECT_EQ(issuer().metadata_asked, 1);
  EXPECT_EQ(issuer().keys_asked, 1);
  EXPECT_EQ(rig_.outcome(good().compact()), "ok");
  EXPECT_EQ(state(), KeyState::kFresh);
  rig_.loop.run_for(24h);
  EXPECT_GE(issuer().keys_asked, 22);
  EXPECT_LE(issuer().keys_asked, 28);
  EXPECT_EQ(rig_.outcome(good().compact()), "ok");
}

TEST_F(KeySetsTest, StartingEndsWithTheKeysOrWithAFailure) {
  for (const int status : {200, 500}) {
    issuer().status = status;
    KeySets young({rig_.loop, rig_.resolver, rig_.loop.clock(), rig_.random, rig_.log});
    EXPECT_FALSE(young.starting()) << "nothing to wait for";
    young.take(rules_->sources);
    EXPECT_TRUE(young.starting());
    rig_.loop.run_for(10s);
    EXPECT_FALSE(young.starting()) << status;
  }
}

TEST_F(KeySetsTest, unknown_kid_refetches_once) {
  publish_both();
  EXPECT_FALSE(rig_.ask_now(rotated().compact())) << "it has to wait";
  EXPECT_EQ(rig_.outcome(rotated().compact()), "ok");
  EXPECT_EQ(issuer().keys_asked, 2);
  EXPECT_EQ(issuer().metadata_asked, 1) << "the place is known";
  // Nobody else may cause another one for five minutes.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rig_.outcome(rotated("kid-" + std::to_string(i)).compact()), "401 jws.key");
  EXPECT_EQ(issuer().keys_asked, 2);
  rig_.loop.run_for(5min);
  EXPECT_EQ(rig_.outcome(rotated("kid-99").compact()), "401 jws.key");
  EXPECT_EQ(issuer().keys_asked, 3);
}

TEST_F(KeySetsTest, junk_kids_do_not_drain_refetch) {
  const auto junk = [&](const std::function<void(TestToken&)>& change) {
    TestToken token = rotated("junk");
    change(token);
    return token.compact();
  };
  const WallTime now = rig_.now();
  EXPECT_EQ(rig_.outcome(junk([](TestToken& t) { t.alg = "RS512"; })), "401 jws.alg");
  EXPECT_EQ(rig_.outcome(junk([](TestToken& t) { t.header.text("typ", "at+jwt"); })), "401 claims.typ");
  EXPECT_EQ(rig_.outcome(junk([](TestToken& t) { t.claims.text("iss", "https://evil.example"); })), "401 claims.issuer");
  EXPECT_EQ(rig_.outcome(junk([](TestToken& t) { t.claims.text("aud", "other"); })), "401 claims.audience");
  EXPECT_EQ(rig_.outcome(junk([&](TestToken& t) { t.claims.set("exp", seconds(now, -61s)); })), "401 claims.expired");
  EXPECT_EQ(rig_.outcome(junk([&](TestToken& t) { t.claims.set("nbf", seconds(now, 100s)); })), "401 claims.not_yet");
  EXPECT_EQ(issuer().keys_asked, 1) << "none of them was worth a question";
  publish_both();
  EXPECT_EQ(rig_.outcome(rotated().compact()), "ok");
  EXPECT_EQ(issuer().keys_asked, 2);
}

TEST_F(KeySetsTest, issuer_outage_is_503) {
  const std::string seen = good().compact();
  EXPECT_EQ(rig_.outcome(seen), "ok");
  issuer().status = 500;
  EXPECT_EQ(rig_.outcome(rotated().compact()), "503 issuer.stale") << "nobody can tell whether its key exists";
  EXPECT_EQ(rig_.outcome(good().compact()), "ok") << "what the keys at hand verify goes on";
  const auto refused = rig_.ask(rotated().compact());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after, 5s);
  EXPECT_EQ(client_message(refused.error()), "Authentication is temporarily unavailable.");
  EXPECT_EQ(challenge_for(refused.error(), ProofMode::kAccept).bearer, "") << "no 401, no challenge";
  // A token that is bad stays bad, whatever the issuer does.
  TestToken bad = rotated();
  bad.claims.text("aud", "other");
  EXPECT_EQ(rig_.outcome(bad.compact()), "401 claims.audience");
  issuer().status = 200;
  publish_both();
  rig_.loop.run_for(2min);
  EXPECT_EQ(rig_.outcome(rotated().compact()), "ok");
}

TEST_F(KeySetsTest, NoKeysAtAllIs503) {
  const auto other = rig_.issuers.move_here(rules_of("fabrikam", oidc_config()), "{}");
  rig_.use({rules_, other});
  EXPECT_EQ(rig_.outcome(oidc(rig_.now()).compact()), "503 issuer.stale");
  EXPECT_EQ(rig_.sets.states().back().state, KeyState::kEmpty);
  EXPECT_EQ(rig_.outcome(good().compact()), "ok") << "the other issuer is not touched";
  rig_.issuers["fabrikam"].keys = jwks({rsa_signer().jwk()});
  rig_.loop.run_for(90s);
  EXPECT_EQ(rig_.outcome(oidc(rig_.now()).compact()), "ok");
}

TEST_F(KeySetsTest, stale_keys_stop_at_24h) {
  rig_.loop.run_for(1s);
  issuer().silent = true;
  rig_.loop.run_for(85min);
  EXPECT_EQ(state(), KeyState::kFresh);
  rig_.loop.run_for(10min);
  EXPECT_EQ(state(), KeyState::kStaleOk);
  EXPECT_EQ(rig_.outcome(good().compact()), "ok");
  rig_.loop.run_for(22h + 20min);
  EXPECT_EQ(state(), KeyState::kStaleOk);
  const std::string last = good().compact();
  EXPECT_EQ(rig_.outcome(last), "ok");
  rig_.loop.run_for(10min);
  EXPECT_EQ(state(), KeyState::kTooStale);
  EXPECT_EQ(rig_.outcome(good().compact()), "503 issuer.stale");
  EXPECT_EQ(rig_.outcome(last), "503 issuer.stale") << "nor from the cache";
  issuer().silent = false;
  rig_.loop.run_for(2min);
  EXPECT_EQ(rig_.outcome(good().compact()), "ok");
}

TEST_F(KeySetsTest, CachedTokensEndWithTheirKeys) {
  issuer().silent = true;
  rig_.loop.run_for(24h - 3min);  // three minutes are left to the keys, five to a cached token
  const std::string token = good().compact();
  EXPECT_EQ(rig_.outcome(token), "ok");
  EXPECT_EQ(rig_.authenticator.counts().hits, 0u);
  EXPECT_EQ(rig_.outcome(token), "ok");
  EXPECT_EQ(rig_.authenticator.counts().hits, 1u);
  rig_.loop.run_for(4min);
  EXPECT_EQ(rig_.outcome(token), "503 issuer.stale");
}

TEST_F(KeySetsTest, removed_key_stops_at_once) {
  const std::string token = good().compact();
  EXPECT_EQ(rig_.outcome(token), "ok");
  EXPECT_EQ(rig_.outcome(token), "ok");
  EXPECT_EQ(rig_.authenticator.counts().hits, 1u);
  issuer().keys = jwks({rsa_signer_2().jwk()});
  EXPECT_EQ(rig_.outcome(rotated().compact()), "ok") << "this fetched the new set";
  EXPECT_EQ(rig_.outcome(token), "401 jws.key") << "also out of the cache";
}

TEST_F(KeySetsTest, AKeptKeySurvivesARotation) {
  const std::string token = good().compact();
  EXPECT_EQ(rig_.outcome(token), "ok");
  publish_both();
  EXPECT_EQ(rig_.outcome(rotated().compact()), "ok");
  EXPECT_EQ(rig_.outcome(token), "ok");
}

TEST_F(KeySetsTest, one_bad_jwk_is_quarantined) {
  issuer().keys = jwks({rsa_signer_2().jwk(), R"({"kty":"RSA","kid":"broken","n":"AQ","e":"AQAB"})", R"({"kty":"oct","kid":"mac","k":"c2VjcmV0"})"});
  EXPECT_EQ(rig_.outcome(rotated().compact()), "ok");
  const std::string log = rig_.sink.text();
  EXPECT_TRUE(log.contains("issuer.key_quarantined")) << log;
  EXPECT_TRUE(log.contains(R"("kid":"broken")")) << log;
  EXPECT_TRUE(log.contains("symmetric")) << log;
  EXPECT_FALSE(log.contains("c2VjcmV0")) << "no key material in the log";
}

TEST_F(KeySetsTest, ASetWithoutAUsableKeyReplacesNothing) {
  for (const std::string_view keys : {R"({"keys":[]})", R"({"keys":[{"kty":"oct","kid":"m","k":"c2VjcmV0"}]})", "no json", "{}", R"({"keys":1})"}) {
    issuer().keys = keys;
    rig_.loop.run_for(3h);
    EXPECT_EQ(rig_.outcome(good().compact()), "ok") << keys;
  }
  EXPECT_TRUE(rig_.sink.text().contains("no usable key"));
}

net::Task<void> ask_into(Authenticator& authenticator, std::string header, WallTime now, std::vector<std::string>& outcomes) {
  const auto result = co_await authenticator.authenticate({.headers = {.authorization = header, .api_key = {}}}, now);
  outcomes.push_back(AuthRig::text_of(result));
}

TEST_F(KeySetsTest, dead_issuer_no_stampede) {
  // Alive once, dead when a new kid comes: 1,000 requests at once, one question.
  issuer().silent = true;
  std::vector<std::string> outcomes;
  {
    net::Scope scope;
    for (int i = 0; i < 1'000; ++i) {
      scope.spawn(ask_into(rig_.authenticator, "Bearer " + rotated("new-" + std::to_string(i % 7)).compact(), rig_.now(), outcomes));
    }
    const MonoTime begun = rig_.loop.now();
    rig_.loop.run_for(2s);
    EXPECT_EQ(outcomes.size(), 1'000u) << "nobody waits longer than 2 s";
    EXPECT_LE(rig_.loop.now() - begun, Nanos(2s));
  }
  EXPECT_EQ(rig_.sets.fetches(), 2u) << "the one of the start, and one for all of them";
  const auto count = [&](std::string_view text) { return static_cast<size_t>(std::ranges::count(outcomes, text)); };
  EXPECT_EQ(count("503 issuer.stale"), 1'000 - kKeyWaitersMax) << "who finds no place to wait is told to come back";
  EXPECT_EQ(count("401 jws.key"), kKeyWaitersMax);

  // Dead from the start: everybody is told at once.
  const auto dead = rig_.issuers.move_here(rules_of("fabrikam", oidc_config()), jwks({rsa_signer().jwk()}));
  rig_.issuers["fabrikam"].silent = true;
  rig_.use({rules_, dead});
  outcomes.clear();
  for (int i = 0; i < 1'000; ++i) outcomes.push_back(AuthRig::text_of(*rig_.ask_now(oidc(rig_.now()).compact())));
  EXPECT_EQ(count("503 issuer.stale"), 1'000u);
  EXPECT_EQ(rig_.issuers["fabrikam"].metadata_asked, 1);
  EXPECT_EQ(rig_.outcome(good().compact()), "ok") << "the other issuer is as quick as ever";
}

TEST_F(KeySetsTest, AReloadKeepsWhatIsTheSame) {
  EXPECT_EQ(rig_.outcome(good().compact()), "ok");
  const auto second = rig_.issuers.move_here(rules_of("fabrikam", oidc_config()), jwks({rsa_signer().jwk()}));
  rig_.use({rules_, second});
  EXPECT_EQ(issuer().keys_asked, 1);
  EXPECT_EQ(rig_.outcome(oidc(rig_.now()).compact()), "ok");
  rig_.use({second});
  EXPECT_EQ(rig_.outcome(good().compact()), "401 claims.issuer") << "taken away: at once";
  EXPECT_EQ(rig_.sets.states().size(), 1u);
  const int asked = issuer().keys_asked;
  rig_.loop.run_for(3h);
  EXPECT_EQ(issuer().keys_asked, asked) << "nobody asks any more";
}

}  // namespace
}  // namespace wye::token
