#include "identity/token/dpop.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "identity/token/dpop_uri.hpp"

namespace wye::token {
namespace {

using namespace std::chrono_literals;
using crypto::PrivateKey;
using crypto::SignatureAlgorithm;

constexpr int64_t kNowS = 1'760'000'000;
constexpr std::string_view kToken = "header.payload.signature";

std::string digest_base64url(std::string_view text) { return crypto::to_base64url(crypto::as_text(crypto::sha256(text))); }
std::string thumbprint_of(const PrivateKey& key) { return crypto::to_base64url(crypto::as_text(key.public_key().thumbprint())); }

/// A proof in parts; each test changes one.
struct Proof {
  std::string typ = R"("typ":"dpop+jwt",)";
  std::string jwk{};  // empty: of the key
  std::string more_header{};
  std::string htm = R"("htm":"POST",)";
  std::string htu = R"("htu":"https://gate.test/v1/chat/completions",)";
  std::string iat = "\"iat\":" + std::to_string(kNowS) + ",";
  std::string ath = R"("ath":")" + digest_base64url(kToken) + R"(",)";
  std::string jti = R"("jti":"one")";
  std::string nonce{};

  std::string sign(const PrivateKey& key) const {
    const std::string own = jwk.empty() ? std::string(key.public_key().jwk()) : jwk;
    const std::string payload = "{" + htm + htu + iat + ath + nonce + jti + "}";
    const auto jws = crypto::sign_jws(key, key.default_algorithm(), typ + "\"jwk\":" + own + more_header, payload);
    EXPECT_TRUE(jws) << jws.error().detail;
    return *jws;
  }
};

class DpopTest : public testing::Test {
 protected:
  DpopFacts facts(std::string_view proof) const {
    return {.proof = proof,
            .method = "POST",
            .scheme = "https",
            .authority = "gate.test",
            .path = "/v1/chat/completions",
            .access_token = kToken,
            .jkt = jkt,
            .wall = clock.wall(),
            .mono = clock.mono()};
  }
  std::string verdict(const DpopFacts& given, const DpopNonces* nonces = nullptr) {
    const auto proof = verify_dpop(given, nonces, replays);
    if (proof) return "good";
    EXPECT_EQ(proof.error().code, ErrorCode::kUnauthenticated);
    EXPECT_EQ(proof.error().public_message, "The access token is not valid.");
    return proof.error().detail;
  }
  std::string verdict(const Proof& proof) { return verdict(facts(proof.sign(key))); }

  ManualClock clock;
  MemoryReplayStore replays;
  PrivateKey key = std::move(*PrivateKey::generate_ec(crypto::EcCurve::kP256));
  std::string jkt = thumbprint_of(key);
};

TEST_F(DpopTest, AProofThatHoldsIsGood) {
  const auto proof = verify_dpop(facts(Proof{}.sign(key)), nullptr, replays);
  ASSERT_TRUE(proof) << proof.error().detail;
  EXPECT_EQ(proof->thumbprint, jkt);
  EXPECT_EQ(proof->jti, "one");
}

TEST_F(DpopTest, OneThingWrongIsOneReason) {
  struct Row {
    const char* what;
    std::function<void(Proof&)> change;
    std::string reason;
  };
  const auto at = [](int64_t seconds) { return "\"iat\":" + std::to_string(seconds) + ","; };
  const PrivateKey other = std::move(*PrivateKey::generate_ec(crypto::EcCurve::kP256));
  const std::string private_jwk =
      std::string(key.public_key().jwk().substr(0, key.public_key().jwk().size() - 1)) + R"(,"d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})";
  const std::vector<Row> rows = {
      {"nothing", [](Proof&) {}, "good"},
      {"another proof", [](Proof& p) { p.jti = R"("jti":"two")"; }, "good"},
      {"the same jti again", [](Proof&) {}, "dpop.replay"},
      {"no typ", [](Proof& p) { p.typ = ""; }, "dpop.proof"},
      {"typ of a token", [](Proof& p) { p.typ = R"("typ":"JWT",)"; }, "dpop.proof"},
      {"typ in full", [](Proof& p) { p.typ = R"("typ":"application/DPoP+jwt",)", p.jti = R"("jti":"3")"; }, "good"},
      {"private key", [&](Proof& p) { p.jwk = private_jwk; }, "dpop.proof"},
      {"symmetric key", [](Proof& p) { p.jwk = R"({"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})"; }, "dpop.proof"},
      {"key of another", [&](Proof& p) { p.jwk = std::string(other.public_key().jwk()); }, "dpop.key"},
      {"no key", [](Proof& p) { p.jwk = "null"; }, "dpop.proof"},
      {"key by URL too", [](Proof& p) { p.more_header = R"(,"jku":"https://evil.test")"; }, "dpop.proof"},
      {"crit", [](Proof& p) { p.more_header = R"(,"crit":["x"])"; }, "dpop.proof"},
      {"other method", [](Proof& p) { p.htm = R"("htm":"GET",)"; }, "dpop.method"},
      {"method in lower case", [](Proof& p) { p.htm = R"("htm":"post",)"; }, "dpop.method"},
      {"no method", [](Proof& p) { p.htm = ""; }, "dpop.proof"},
      {"method no string", [](Proof& p) { p.htm = R"("htm":1,)"; }, "dpop.proof"},
      {"other path", [](Proof& p) { p.htu = R"("htu":"https://gate.test/v1/embeddings",)"; }, "dpop.uri"},
      {"other host", [](Proof& p) { p.htu = R"("htu":"https://evil.test/v1/chat/completions",)"; }, "dpop.uri"},
      {"no URI", [](Proof& p) { p.htu = ""; }, "dpop.proof"},
      {"a minute old", [&](Proof& p) { p.iat = at(kNowS - 60), p.jti = R"("jti":"4")"; }, "good"},
      {"older", [&](Proof& p) { p.iat = at(kNowS - 61); }, "dpop.time"},
      {"a minute ahead", [&](Proof& p) { p.iat = at(kNowS + 60), p.jti = R"("jti":"5")"; }, "good"},
      {"further ahead", [&](Proof& p) { p.iat = at(kNowS + 61); }, "dpop.time"},
      {"far ahead", [](Proof& p) { p.iat = R"("iat":9007199254740993,)"; }, "dpop.proof"},
      {"no time", [](Proof& p) { p.iat = ""; }, "dpop.proof"},
      {"time as text", [](Proof& p) { p.iat = R"("iat":"1760000000",)"; }, "dpop.proof"},
      {"time with exponent", [](Proof& p) { p.iat = R"("iat":1.76e9,)"; }, "dpop.proof"},
      {"time with fraction", [](Proof& p) { p.iat = R"("iat":1760000000.9,)", p.jti = R"("jti":"6")"; }, "good"},
      {"other token", [](Proof& p) { p.ath = R"("ath":")" + digest_base64url("other") + R"(",)"; }, "dpop.ath"},
      {"padded ath", [](Proof& p) { p.ath = R"("ath":")" + digest_base64url(kToken) + R"(=",)"; }, "dpop.ath"},
      {"no ath", [](Proof& p) { p.ath = ""; }, "dpop.proof"},
      {"no jti", [](Proof& p) { p.jti = R"("x":1)"; }, "dpop.proof"},
      {"empty jti", [](Proof& p) { p.jti = R"("jti":"")"; }, "dpop.jti"},
      {"longest jti", [](Proof& p) { p.jti = R"("jti":")" + std::string(128, 'j') + "\""; }, "good"},
      {"too long a jti", [](Proof& p) { p.jti = R"("jti":")" + std::string(129, 'j') + "\""; }, "dpop.jti"},
      {"control in the jti", [](Proof& p) { p.jti = R"("jti":"a\u0000b")"; }, "dpop.jti"},
      {"a claim twice", [](Proof& p) { p.htm = R"("htm":"POST","htm":"POST",)"; }, "dpop.proof"},
      {"nonce no string", [](Proof& p) { p.nonce = R"("nonce":1,)"; }, "dpop.proof"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Proof proof;
    row.change(proof);
    EXPECT_EQ(verdict(proof), row.reason);
  }
}

TEST_F(DpopTest, OtherSignersAndChangedBytesAreRefused) {
  const PrivateKey other = std::move(*PrivateKey::generate_ec(crypto::EcCurve::kP256));
  Proof forged;
  forged.jwk = std::string(key.public_key().jwk());
  EXPECT_EQ(verdict(facts(forged.sign(other))), "dpop.signature");
  const std::string good = Proof{}.sign(key);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (changed != good) EXPECT_NE(verdict(facts(changed)), "good") << i;
  }
  for (const std::string& text : {std::string(), std::string("a.b.c"), good + ".x", std::string(9000, 'a')})
    EXPECT_EQ(verdict(facts(text)), "dpop.proof");
  EXPECT_EQ(verdict(facts(good.substr(0, good.rfind('.') + 1))), "dpop.signature");
  jkt.clear();
  EXPECT_EQ(verdict(facts(good)), "dpop.key");
}

TEST_F(DpopTest, EveryKindOfKeySigns) {
  for (PrivateKey one : {std::move(*PrivateKey::generate_ec(crypto::EcCurve::kP384)), std::move(*PrivateKey::generate_ed25519()),
                         std::move(*PrivateKey::generate_rsa(2048))}) {
    const std::string own = thumbprint_of(one);
    const std::string proof = Proof{}.sign(one);
    DpopFacts given = facts(proof);
    EXPECT_EQ(verdict(given), "dpop.key");
    given.jkt = own;
    EXPECT_EQ(verdict(given), "good");
  }
}

TEST_F(DpopTest, ANonceIsAskedForAndLivesFiveToTenMinutes) {
  const DpopNonces nonces(std::string(32, 'n'));
  const auto ask = [&](const std::string& nonce, const std::string& jti) {
    Proof proof;
    proof.iat = "\"iat\":" + std::to_string(clock.wall().seconds()) + ",";
    if (!nonce.empty()) proof.nonce = "\"nonce\":\"" + nonce + "\",";
    proof.jti = "\"jti\":\"" + jti + "\"";
    return verdict(facts(proof.sign(key)), &nonces);
  };
  EXPECT_EQ(ask("", "same"), "dpop.nonce");
  const std::string nonce = nonces.current(clock.wall());
  EXPECT_EQ(ask(nonce, "same"), "good");  // what was refused for its nonce alone is not used up
  EXPECT_EQ(ask("A" + nonce.substr(1) + "A", "b"), "dpop.nonce");
  EXPECT_EQ(ask(DpopNonces(std::string(32, 'm')).current(clock.wall()), "c"), "dpop.nonce");
  clock.advance(300s);
  EXPECT_NE(nonces.current(clock.wall()), nonce);
  EXPECT_EQ(ask(nonce, "d"), "good");
  clock.advance(300s);
  EXPECT_EQ(ask(nonce, "e"), "dpop.nonce");
  EXPECT_TRUE(wants_dpop_nonce("dpop.nonce"));
  EXPECT_FALSE(wants_dpop_nonce("dpop.time"));
  EXPECT_EQ(dpop_challenge("dpop.nonce"), R"(DPoP algs="ES256 PS256", error="use_dpop_nonce")");
  EXPECT_EQ(dpop_challenge("dpop.replay"), R"(DPoP algs="ES256 PS256", error="invalid_dpop_proof")");
  EXPECT_EQ(dpop_challenge(""), R"(DPoP algs="ES256 PS256")");
}

TEST(DpopReplays, AreRememberedForTwoMinutesAtLeast) {
  MemoryReplayStore store;
  ManualClock clock;
  using Use = ReplayStore::Use;
  for (int i = 0; i < 100; ++i) {
    const crypto::Digest id = crypto::sha256(std::to_string(i));
    EXPECT_EQ(store.use(id, clock.mono()), Use::kFirst);
    const MonoTime used = clock.mono();
    clock.advance(Nanos((i * 7 % 120)) * 1'000'000'000 + 999ms);
    EXPECT_EQ(store.use(id, clock.mono()), Use::kAgain) << i << " after " << (clock.mono() - used).count();
  }
  const crypto::Digest id = crypto::sha256("0");
  clock.advance(240s);
  EXPECT_EQ(store.use(id, clock.mono()), Use::kFirst);
}

TEST(DpopReplays, AFullStoreLetsNobodyPass) {
  MemoryReplayStore store(16 * 100);
  ManualClock clock;
  size_t first = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto use = store.use(crypto::sha256(std::to_string(i)), clock.mono());
    if (use == ReplayStore::Use::kFirst) ++first;
    else EXPECT_EQ(use, ReplayStore::Use::kFull);
  }
  EXPECT_EQ(first, 1600U);
  clock.advance(kDpopMemory);
  EXPECT_EQ(store.use(crypto::sha256("0"), clock.mono()), ReplayStore::Use::kAgain);
  EXPECT_EQ(store.use(crypto::sha256("new"), clock.mono()), ReplayStore::Use::kFirst);
}

TEST(DpopReplays, ManyThreadsUseEachIdOnce) {
  MemoryReplayStore store;
  std::atomic<int> first{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        if (store.use(crypto::sha256(std::to_string(i)), MonoTime{1}) == ReplayStore::Use::kFirst) ++first;
      }
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(first, 5000);
}

TEST_F(DpopTest, AFullStoreIsOurOutageNotABadToken) {
  MemoryReplayStore tiny(0);  // one id a shard
  int unavailable = 0;
  for (int i = 0; i < 64; ++i) {
    Proof proof;
    proof.jti = "\"jti\":\"" + std::to_string(i) + "\"";
    const std::string text = proof.sign(key);
    const auto verified = verify_dpop(facts(text), nullptr, tiny);
    if (verified) continue;
    EXPECT_EQ(verified.error().code, ErrorCode::kAuthUnavailable);
    EXPECT_EQ(verified.error().retry_after, 5s);
    ++unavailable;
  }
  EXPECT_GE(unavailable, 48);
}

TEST(DpopUris, NameTheRequestAfterNormalisation) {
  struct Row {
    const char* htu;
    bool matches;
  };
  const std::vector<Row> rows = {
      {"https://gate.test/v1/chat", true},
      {"HTTPS://GATE.test/v1/chat", true},
      {"https://gate.test:443/v1/chat", true},
      {"https://gate.test:/v1/chat", true},
      {"https://gate.test/v1/ch%61t", true},
      {"https://gate.test/v1/chat?x=1", true},
      {"https://gate.test/v1/chat#f", true},
      {"http://gate.test/v1/chat", false},
      {"https://gate.test:8443/v1/chat", false},
      {"https://gate.test:0443/v1/chat", false},
      {"https://gate.test./v1/chat", false},
      {"https://evil.test/v1/chat", false},
      {"https://gate.test.evil.test/v1/chat", false},
      {"https://gate.test@evil.test/v1/chat", false},
      {"https://evil.test@gate.test/v1/chat", false},
      {"https://evil.test#gate.test/v1/chat", false},
      {"https://gate.test/v1/chat/", false},
      {"https://gate.test/v1//chat", false},
      {"https://gate.test/v1/x/../chat", false},
      {"https://gate.test/v1/./chat", false},
      {"https://gate.test/v1/%2e/chat", false},
      {"https://gate.test/v1%2fchat", false},
      {"https://gate.test/v1/cha%7", false},
      {"https://gate.test/v1/cha%zz", false},
      {"https://gate.test/v1/chat%00", false},
      {"https://gate.test\\v1\\chat", false},
      {"https://gate.test/V1/chat", false},
      {"https://gate.test", false},
      {"//gate.test/v1/chat", false},
      {"/v1/chat", false},
      {"gate.test/v1/chat", false},
      {"", false},
  };
  for (const Row& row : rows) EXPECT_EQ(dpop_uri_matches(row.htu, "https", "gate.test", "/v1/chat"), row.matches) << row.htu;
  EXPECT_TRUE(dpop_uri_matches("http://127.0.0.1:8080/v1/chat", "http", "127.0.0.1:8080", "/v1/chat"));
  EXPECT_FALSE(dpop_uri_matches("http://127.0.0.1/v1/chat", "http", "127.0.0.1:8080", "/v1/chat"));
  EXPECT_TRUE(dpop_uri_matches("http://[::1]:80/v1/chat", "http", "[::1]", "/v1/chat"));
  EXPECT_TRUE(dpop_uri_matches("https://gate.test", "https", "gate.test:443", "/"));
  EXPECT_FALSE(dpop_uri_matches("https://gate.test/v1/chat", "https", "", "/v1/chat"));
  EXPECT_FALSE(dpop_uri_matches("ftp://gate.test/v1/chat", "ftp", "gate.test", "/v1/chat"));
  EXPECT_FALSE(dpop_uri_matches("https://gate.test/" + std::string(kDpopUriBytesMax, 'a'), "https", "gate.test", "/"));
}

TEST(CertificateBinding, IsTheThumbprintOfThisLeaf) {
  const crypto::Digest leaf = crypto::sha256("leaf");
  EXPECT_TRUE(bound_to_certificate(crypto::to_base64url(crypto::as_text(leaf)), leaf));
  EXPECT_FALSE(bound_to_certificate(crypto::to_base64url(crypto::as_text(leaf)) + "=", leaf));
  EXPECT_FALSE(bound_to_certificate(crypto::to_hex(crypto::as_text(leaf)), leaf));
  EXPECT_FALSE(bound_to_certificate(crypto::to_base64url(crypto::as_text(crypto::sha256("other"))), leaf));
  EXPECT_FALSE(bound_to_certificate("", leaf));
}

}  // namespace
}  // namespace wye::token
