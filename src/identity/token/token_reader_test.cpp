#include "identity/token/token_reader.hpp"

#include "identity/token/test_allocations.hpp"
#include "identity/token/test_issuer.hpp"

namespace wye::token {
namespace {

class TokenReaderTest : public testing::Test {
 protected:
  TokenReaderTest() {
    rules_ = rig_.issuers.move_here(rules_of("corp", entra_config()), jwks({rsa_signer().jwk()}));
    rig_.use({rules_});
  }
  /// A reader of its own over the rig's keys.
  std::unique_ptr<TokenReader> reader(size_t bytes = 1 << 20) {
    auto made = std::make_unique<TokenReader>(rig_.loop, rig_.sets, rig_.loop.clock(), bytes);
    made->take({rules_});
    return made;
  }
  std::string token(std::string_view uti = "u", std::chrono::seconds life = 1h) {
    TestToken token = entra_v2(rig_.now());
    token.claims.text("uti", uti).set("exp", seconds(rig_.now(), life));
    return token.compact();
  }
  std::string ask(TokenReader& reader, std::string_view text) {
    const auto found = reader.try_verify(text, rig_.now());
    if (!found) return "wait";
    return *found ? "ok" : found->error().detail;
  }

  AuthRig rig_;
  IssuerRulesPtr rules_;
};

TEST_F(TokenReaderTest, cache_key_is_whole_token) {
  const auto one = reader();
  const std::string first = token("u1");
  const std::string second = token("u2");
  EXPECT_EQ(ask(*one, first), "ok");
  EXPECT_EQ(ask(*one, first), "ok");
  EXPECT_EQ(one->counts().hits, 1u);
  // The same but for the last characters of the signature: refused, however often the good one was seen.
  for (const size_t back : {1u, 2u, 5u, 40u}) {
    std::string tampered = first;
    char& c = tampered[tampered.size() - back];
    c = c == 'A' ? 'Q' : 'A';
    EXPECT_NE(ask(*one, tampered), "ok") << back;
  }
  EXPECT_EQ(ask(*one, first.substr(0, first.size() - 1)), "jws.base64");
  const auto again = one->try_verify(second, rig_.now());
  ASSERT_TRUE(again && *again);
  EXPECT_EQ((*again)->principal->fields().token_id, "u2") << "not what the first one said";
  EXPECT_EQ(one->counts().hits, 1u);
  EXPECT_EQ(one->counts().verified, 2u);
}

TEST_F(TokenReaderTest, AHitAllocatesNothing) {
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer brings its own operators";
#endif
  const auto one = reader();
  const std::string text = token();
  ASSERT_EQ(ask(*one, text), "ok");
  const WallTime now = rig_.now();
  const uint64_t before = test_allocations();
  for (int i = 0; i < 100; ++i) {
    const auto found = one->try_verify(text, now);
    if (!found || !*found) FAIL();
  }
  EXPECT_EQ(test_allocations() - before, 0u);
  EXPECT_EQ(one->counts().hits, 100u);
}

TEST_F(TokenReaderTest, ExpiryIsLookedAtOnEveryHit) {
  const auto one = reader();
  const std::string text = token("u", 100s);
  EXPECT_EQ(ask(*one, text), "ok");
  rig_.loop.run_for(99s);
  EXPECT_EQ(ask(*one, text), "ok");
  EXPECT_EQ(one->counts().hits, 1u);
  rig_.loop.run_for(2s);
  EXPECT_EQ(ask(*one, text), "ok") << "within the skew";
  EXPECT_EQ(one->counts().hits, 1u) << "but no longer out of the cache";
  rig_.loop.run_for(60s);
  EXPECT_EQ(ask(*one, text), "claims.expired");
}

TEST_F(TokenReaderTest, KeptForFiveMinutes) {
  const auto one = reader();
  const std::string text = token();
  EXPECT_EQ(ask(*one, text), "ok");
  rig_.loop.run_for(299s);
  EXPECT_EQ(ask(*one, text), "ok");
  EXPECT_EQ(one->counts().hits, 1u);
  rig_.loop.run_for(2s);
  EXPECT_EQ(ask(*one, text), "ok");
  EXPECT_EQ(one->counts().verified, 2u);
}

TEST_F(TokenReaderTest, AnotherConfigurationForgets) {
  const auto one = reader();
  const std::string text = token();
  EXPECT_EQ(ask(*one, text), "ok");
  one->take({std::make_shared<IssuerRules>(*rules_)});
  EXPECT_EQ(ask(*one, text), "ok");
  EXPECT_EQ(one->counts().hits, 1u) << "the same rules, made again";
  auto other = std::make_shared<IssuerRules>(*rules_);
  other->audiences = {std::string(kApiUri)};
  one->take({other});
  EXPECT_EQ(ask(*one, text), "claims.audience");
  one->take({rules_});
  EXPECT_EQ(ask(*one, text), "ok");
  EXPECT_EQ(one->counts().hits, 1u) << "believed anew";
  one->take({});
  EXPECT_EQ(ask(*one, text), "jws.alg") << "nobody is believed";
}

TEST_F(TokenReaderTest, BoundedAndWhatIsInUseStays) {
  const auto one = reader(20'000);
  std::vector<VerifiedToken> held;
  for (int i = 0; i < 60; ++i) {
    auto found = one->try_verify(token("u" + std::to_string(i)), rig_.now());
    ASSERT_TRUE(found && *found);
    if (i % 10 == 0) held.push_back(std::move(**found));
    EXPECT_LE(one->cache_bytes(), 20'000u);
  }
  EXPECT_GT(one->cached(), 5u);
  EXPECT_LT(one->cached(), 40u);
  for (size_t i = 0; i < held.size(); ++i) EXPECT_EQ(held[i].principal->fields().token_id, "u" + std::to_string(i * 10));
}

TEST_F(TokenReaderTest, WhatIsUsedOutlastsWhatIsNot) {
  const auto one = reader(20'000);
  const std::string favourite = token("favourite");
  EXPECT_EQ(ask(*one, favourite), "ok");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ask(*one, token("u" + std::to_string(i))), "ok");
    EXPECT_EQ(ask(*one, favourite), "ok");
  }
  EXPECT_EQ(one->counts().verified, 101u) << "never pushed out";
  // A cache that holds nothing still answers.
  const auto none = reader(1);
  EXPECT_EQ(ask(*none, favourite), "ok");
  EXPECT_EQ(none->cached(), 0u);
}

TEST_F(TokenReaderTest, OnlySuccessesAreKept) {
  const auto one = reader();
  TestToken bad = entra_v2(rig_.now());
  bad.claims.erase("oid");
  const std::string text = bad.compact();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(*one, text), "claims.oid");
  EXPECT_EQ(one->cached(), 0u);
  EXPECT_EQ(one->counts().refused, 3u);
}

TEST_F(TokenReaderTest, overage_url_never_fetched) {
  auto& trap = rig_.issuers["trap"];
  TestToken token = entra_v2(rig_.now());
  const std::string url = rig_.issuers.url("trap", "keys");
  token.claims.set("_claim_names", R"({"groups":"src1"})").set("_claim_sources", R"({"src1":{"endpoint":")" + url + "\"}}");
  EXPECT_EQ(rig_.outcome(token.compact()), "ok");
  rig_.loop.run_for(10min);
  EXPECT_EQ(trap.keys_asked + trap.metadata_asked, 0);
}

TEST_F(TokenReaderTest, TheIssuerWhoseAudienceItIs) {
  // Two Issuers of one directory, for two audiences.
  config::Issuer other = entra_config();
  other.audiences = {"88888888-8888-4888-8888-888888888888"};
  const auto second = rig_.issuers.move_here(rules_of("corp-batch", other), jwks({rsa_signer().jwk()}));
  rig_.use({rules_, second});
  TestToken batch = entra_v2(rig_.now());
  batch.claims.text("aud", "88888888-8888-4888-8888-888888888888");
  const auto one = rig_.ask(batch.compact());
  ASSERT_TRUE(one) << one.error().detail;
  EXPECT_EQ((*one)->issuer(), "corp-batch");
  const auto two = rig_.ask(entra_v2(rig_.now()).compact());
  ASSERT_TRUE(two);
  EXPECT_EQ((*two)->issuer(), "corp");
}

}  // namespace
}  // namespace wye::token
