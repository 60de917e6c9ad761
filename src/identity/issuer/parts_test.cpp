// Forms, users, keys, assertions, sign-ins: each rule apart.
#include <gtest/gtest.h>

#include "foundation/crypto/encode.hpp"
#include "identity/issuer/client_proof.hpp"
#include "identity/issuer/directory.hpp"
#include "identity/issuer/form.hpp"
#include "identity/issuer/sign_ins.hpp"
#include "identity/issuer/signing_keys.hpp"

namespace wye::issuer {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{1'760'000'000'000'000'000};
WallTime later(Nanos d) { return {kNow.ns + d.count()}; }

TEST(Form, ReadsFieldsAndRefusesWhatIsDoubledBrokenOrTooMuch) {
  const Result<Form> form = Form::parse("a=1&b=x%20y+z&empty=&flag");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->value("b"), "x y z");
  EXPECT_TRUE(form->has("empty") && form->has("flag") && !form->has("c"));
  for (const std::string_view text : {"a=1&a=2", "a=%4", "a=%zz", "a=%0a", "%00=1"}) EXPECT_FALSE(Form::parse(text)) << text;
  EXPECT_FALSE(Form::parse(std::string(kFormBytesMax + 1, 'x')));
  std::string many;
  for (size_t i = 0; i < kFormFieldsMax; ++i) append_field(many, std::to_string(i), "v");
  EXPECT_TRUE(Form::parse(many));
  append_field(many, "one more", "v");
  EXPECT_FALSE(Form::parse(many));
}

TEST(Form, WhatIsWrittenIsRead) {
  std::string text;
  const std::string odd = "a&b=c d+e%\"<>'\xC3\xA4";
  append_field(text, odd, odd);
  EXPECT_EQ(Form::parse(text)->value(odd), odd);
  EXPECT_EQ(html_text("<a href=\"x\" b='y'>&"), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
}

TEST(Directory, TheDefaultIsValidAndItsFirstUserMayCall) {
  const Result<Directory> directory = parse_directory(default_directory());
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->owner().roles, std::vector<std::string>{std::string(kCallerRole)});
  ASSERT_NE(directory->find("visitor@laptop.example"), nullptr);
  EXPECT_TRUE(directory->find("visitor@laptop.example")->roles.empty());
  EXPECT_EQ(directory->find("nobody"), nullptr);
}

TEST(Directory, WhatCanNotBeHonouredIsRefused) {
  const std::string oid = "aaaaaaaa-0000-4000-8000-000000000001";
  const auto user = [&](std::string_view more) { return R"({"users":[{"login":"a","oid":")" + oid + "\"" + std::string(more) + "}]}"; };
  EXPECT_TRUE(parse_directory(user("")));
  EXPECT_EQ(parse_directory(R"({"users":[{"login":"a","oid":"AAAAAAAA-0000-4000-8000-000000000001"}]})")->owner().oid, oid);
  for (const std::string& text : {std::string("[]"), std::string("{}"), std::string(R"({"users":[]})"), user(R"(,"password":"x")"),
                                  user(R"(,"roles":"x")"), user(R"(,"groups":["not-a-guid"])"), std::string(R"({"users":[{"login":"a","oid":"1"}]})"),
                                  R"({"users":[{"login":"a","oid":")" + oid + R"("},{"login":"b","oid":")" + oid + R"("}]})"})
    EXPECT_FALSE(parse_directory(text)) << text;
}

TEST(SigningKeys, TheNextKeySignsAfterARotationAndTheOldOneIsGone) {
  const Result<SigningKeys> keys = SigningKeys::generate();
  ASSERT_TRUE(keys);
  const Result<SigningKeys> again = SigningKeys::parse(keys->to_text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kid(), keys->kid());
  EXPECT_EQ(again->key_set("x"), keys->key_set("x"));
  const std::string published = keys->key_set({});
  const Result<SigningKeys> rotated = keys->rotated();
  ASSERT_TRUE(rotated);
  EXPECT_NE(rotated->kid(), keys->kid());
  EXPECT_NE(published.find(rotated->kid()), std::string::npos) << "the next key is published ahead";
  EXPECT_EQ(rotated->key_set({}).find(keys->kid()), std::string::npos);
  EXPECT_EQ(published.find("\"d\""), std::string::npos) << "private";
  EXPECT_FALSE(SigningKeys::parse(Secret("junk")));
  EXPECT_FALSE(SigningKeys::parse(keys->current().to_pem()));
}

struct AssertionCase {
  const char* what;
  std::string payload;
  bool good;
};
TEST(ClientAssertion, EachRule) {
  const crypto::PrivateKey key = *crypto::PrivateKey::generate_rsa(2048);
  const crypto::PrivateKey other = *crypto::PrivateKey::generate_rsa(2048);
  const std::array audiences = {std::string("https://127.0.0.1:1/token"), std::string("https://127.0.0.1:1/v2.0")};
  const auto payload = [](std::string_view iss, std::string_view sub, std::string_view aud, int64_t exp) {
    return R"({"iss":")" + std::string(iss) + R"(","sub":")" + std::string(sub) + R"(","aud":)" + std::string(aud) + R"(,"jti":"1","exp":)" +
           std::to_string(exp) + "}";
  };
  const int64_t now = kNow.seconds();
  const std::string aud = R"("https://127.0.0.1:1/token")";
  const std::vector<AssertionCase> cases = {
      {"right", payload("app", "app", aud, now + 600), true},
      {"the issuer as audience", payload("app", "app", R"("https://127.0.0.1:1/v2.0")", now + 60), true},
      {"a list of audiences", payload("app", "app", "[\"x\"," + aud + "]", now + 60), true},
      {"another issuer", payload("other", "app", aud, now + 60), false},
      {"another subject", payload("app", "other", aud, now + 60), false},
      {"another audience", payload("app", "app", R"("https://127.0.0.1:1/token/")", now + 60), false},
      {"ended", payload("app", "app", aud, now - 61), false},
      {"too long", payload("app", "app", aud, now + 661), false},
      {"no end", R"({"iss":"app","sub":"app","aud":)" + aud + "}", false},
      {"not yet",
       R"({"iss":"app","sub":"app","aud":)" + aud + R"(,"nbf":)" + std::to_string(now + 61) + R"(,"exp":)" + std::to_string(now + 90) + "}", false},
      {"a fraction", R"({"iss":"app","sub":"app","aud":)" + aud + R"(,"exp":)" + std::to_string(now + 60) + ".75}", true},
      {"a text", R"({"iss":"app","sub":"app","aud":)" + aud + R"(,"exp":")" + std::to_string(now + 60) + "\"}", false},
      {"no time", R"({"iss":"app","sub":"app","aud":)" + aud + R"(,"exp":1e300})", false},
      {"no object", "[]", false},
  };
  const auto sign = [](const crypto::PrivateKey& with, crypto::SignatureAlgorithm algorithm, std::string_view text) {
    return *crypto::sign_jws(with, algorithm, R"("typ":"JWT","x5t":"abc")", text);
  };
  const AssertionRules rules{"app", audiences};
  for (const AssertionCase& one : cases) {
    SCOPED_TRACE(one.what);
    for (const auto algorithm : {crypto::SignatureAlgorithm::kRs256, crypto::SignatureAlgorithm::kPs256})
      EXPECT_EQ(check_assertion(sign(key, algorithm, one.payload), key.public_key(), rules, kNow).has_value(), one.good);
    EXPECT_FALSE(check_assertion(sign(other, crypto::SignatureAlgorithm::kRs256, one.payload), key.public_key(), rules, kNow)) << "another key";
  }
  EXPECT_FALSE(check_assertion("", key.public_key(), rules, kNow));
  EXPECT_FALSE(check_assertion(sign(key, crypto::SignatureAlgorithm::kRs512, cases[0].payload), key.public_key(), rules, kNow));
}

TEST(SignIns, ACodeServesOnceAndNotForLong) {
  SignIns sign_ins;
  const std::string code = sign_ins.add_code({{"ada", "cli", false, false, {}}, "uri", "challenge", later(kCodeLifetime)});
  EXPECT_FALSE(sign_ins.take_code("other", kNow));
  EXPECT_TRUE(sign_ins.take_code(code, kNow));
  EXPECT_FALSE(sign_ins.take_code(code, kNow));
  const std::string late = sign_ins.add_code({{"ada", "cli", false, false, {}}, "uri", "challenge", later(kCodeLifetime)});
  EXPECT_FALSE(sign_ins.take_code(late, later(kCodeLifetime)));
}

TEST(SignIns, ADeviceWaitsPollsAndEnds) {
  SignIns sign_ins;
  Consent consent;
  const SignIns::NewDevice device = sign_ins.add_device({{}, "cli", true, false, {}}, kNow);
  const auto poll = [&](Nanos at, std::string_view client = "cli") { return sign_ins.poll_device(device.device_code, client, later(at), consent); };
  EXPECT_EQ(device.user_code.size(), kUserCodeChars + 1);
  EXPECT_EQ(poll(0s, "other"), DevicePoll::kUnknown);
  EXPECT_EQ(poll(0s), DevicePoll::kPending);
  EXPECT_EQ(poll(5s), DevicePoll::kPending);
  EXPECT_EQ(poll(6s), DevicePoll::kSlowDown) << "one second after the last";
  EXPECT_EQ(poll(11s), DevicePoll::kSlowDown) << "the interval is 10 s now";
  EXPECT_EQ(poll(26s), DevicePoll::kPending);
  std::string typed = device.user_code;
  std::ranges::transform(typed, typed.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  DeviceSignIn* found = sign_ins.find_device(" " + typed, later(27s));
  ASSERT_NE(found, nullptr);
  found->consent.login = "ada";
  EXPECT_EQ(sign_ins.find_device(typed, later(27s)), nullptr) << "decided";
  EXPECT_EQ(poll(27s), DevicePoll::kDone) << "a decision does not wait for the interval";
  EXPECT_EQ(consent.login, "ada");
  EXPECT_TRUE(consent.openid);
  EXPECT_EQ(poll(60s), DevicePoll::kUnknown) << "a device code serves once";
}

TEST(SignIns, ADeviceIsDeclinedOrExpires) {
  SignIns sign_ins;
  Consent consent;
  const SignIns::NewDevice declined = sign_ins.add_device({{}, "cli", false, false, {}}, kNow);
  sign_ins.find_device(declined.user_code, kNow)->declined = true;
  EXPECT_EQ(sign_ins.poll_device(declined.device_code, "cli", kNow, consent), DevicePoll::kDeclined);
  const SignIns::NewDevice late = sign_ins.add_device({{}, "cli", false, false, {}}, kNow);
  EXPECT_EQ(sign_ins.find_device(late.user_code, later(kDeviceLifetime)), nullptr);
  EXPECT_EQ(sign_ins.poll_device(late.device_code, "cli", later(kDeviceLifetime), consent), DevicePoll::kExpired);
}

TEST(SignIns, ARefreshTokenServesOnceAndACopyEndsTheSignIn) {
  SignIns sign_ins;
  const Consent consent{"ada", "cli", false, true, {}};
  const std::string first = sign_ins.add_refresh(consent, kNow);
  const std::string bystander = sign_ins.add_refresh(consent, kNow);
  ASSERT_TRUE(sign_ins.take_refresh(first, kNow));
  const std::string second = sign_ins.renew_refresh(consent, kNow);
  EXPECT_FALSE(sign_ins.take_refresh(first, kNow)) << "used before";
  EXPECT_FALSE(sign_ins.take_refresh(second, kNow)) << "the same sign-in";
  EXPECT_TRUE(sign_ins.take_refresh(bystander, kNow)) << "another one";
  const std::string late = sign_ins.add_refresh(consent, kNow);
  EXPECT_FALSE(sign_ins.take_refresh(late, later(kRefreshLifetime)));
}

TEST(SignIns, TablesAreBoundedAndTheOldestMakesRoom) {
  SignIns sign_ins;
  std::vector<std::string> codes;
  for (size_t i = 0; i <= kSignInsMax; ++i)
    codes.push_back(sign_ins.add_code({{"ada", "cli", false, false, {}}, "uri", "challenge", later(kCodeLifetime + std::chrono::seconds(i))}));
  EXPECT_FALSE(sign_ins.take_code(codes.front(), kNow));
  EXPECT_TRUE(sign_ins.take_code(codes.back(), kNow));
}

// RFC 7636, appendix B.
TEST(Pkce, TheVectorOfTheStandard) {
  constexpr std::string_view kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  constexpr std::string_view kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
  EXPECT_TRUE(proves(kVerifier, kChallenge));
  EXPECT_FALSE(proves(std::string(kVerifier) + "x", kChallenge));
  EXPECT_FALSE(proves("short", crypto::to_base64url(crypto::as_text(crypto::sha256("short")))));
  EXPECT_FALSE(proves(kChallenge, kChallenge)) << "method plain";
}

}  // namespace
}  // namespace wye::issuer
