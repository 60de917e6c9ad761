#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"

namespace wye::crypto {
namespace {

using enum SignatureAlgorithm;

std::string decode(std::string_view text) {
  const auto bytes = text.contains('+') || text.contains('/') || text.ends_with('=') ? from_base64(text) : from_base64url(text);
  EXPECT_TRUE(bytes) << text;
  return bytes.value_or("");
}
std::string hex(std::string_view text) { return from_hex(text).value_or(""); }

/// One key of each kind, made once.
const std::vector<PrivateKey>& one_of_each() {
  static const std::vector<PrivateKey> keys = [] {
    std::vector<PrivateKey> made;
    made.push_back(*PrivateKey::generate_rsa(2'048));
    made.push_back(*PrivateKey::generate_ec(EcCurve::kP256));
    made.push_back(*PrivateKey::generate_ec(EcCurve::kP384));
    made.push_back(*PrivateKey::generate_ec(EcCurve::kP521));
    made.push_back(*PrivateKey::generate_ed25519());
    return made;
  }();
  return keys;
}
/// A member of a key's JWK, decoded.
std::string member(const PublicKey& key, std::string_view name) {
  const std::string mark = '"' + std::string(name) + "\":\"";
  const std::string_view jwk = key.jwk();
  const size_t begin = jwk.find(mark) + mark.size();
  return decode(jwk.substr(begin, jwk.find('"', begin) - begin));
}
std::string reason(const Result<PublicKey>& key) { return key ? "accepted" : key.error().detail.substr(0, key.error().detail.find(':')); }

TEST(SignatureAlgorithm, NamesLeadBackButForMacs) {
  size_t named = 0;
  for (size_t i = 0; i < kSignatureAlgorithms; ++i) {
    const auto one = static_cast<SignatureAlgorithm>(i);
    const auto back = parse_signature_algorithm(to_string(one));
    if (is_mac(one)) {
      EXPECT_FALSE(back) << "a configuration could name " << to_string(one);
      EXPECT_FALSE(AlgorithmSet::all().contains(one));
    } else {
      EXPECT_EQ(back, one);
      EXPECT_TRUE(AlgorithmSet::all().contains(one));
      ++named;
    }
  }
  EXPECT_EQ(named, 10U);
  for (const std::string_view text : {"none", "None", "NONE", "rs256", "RS256 ", "", "Ed25519", "ES521", "HS256", "hs256"}) {
    EXPECT_FALSE(parse_signature_algorithm(text)) << text;
  }
}

TEST(Key, SignsAndVerifiesInEveryAlgorithmOfItsKindAndNoOther) {
  const std::string message = "what is signed";
  size_t pairs = 0;
  for (const PrivateKey& key : one_of_each()) {
    for (size_t i = 0; i < kSignatureAlgorithms; ++i) {
      const auto algorithm = static_cast<SignatureAlgorithm>(i);
      const auto signature = key.sign(algorithm, message);
      EXPECT_EQ(signature.has_value(), fits(key.public_key().kind(), algorithm));
      if (!signature) continue;
      ++pairs;
      EXPECT_EQ(signature->size(), key.public_key().signature_bytes());
      for (size_t j = 0; j < kSignatureAlgorithms; ++j) {
        const auto other = static_cast<SignatureAlgorithm>(j);
        EXPECT_EQ(key.public_key().verify(other, message, *signature), other == algorithm) << to_string(algorithm) << ' ' << to_string(other);
      }
      for (const PrivateKey& stranger : one_of_each()) { EXPECT_EQ(stranger.public_key().verify(algorithm, message, *signature), &stranger == &key); }
    }
  }
  EXPECT_EQ(pairs, 10U);
}

TEST(Key, EveryBitOfASignatureCounts) {
  const std::string message = "what is signed";
  for (const PrivateKey& key : one_of_each()) {
    const SignatureAlgorithm algorithm = key.default_algorithm();
    std::string signature = *key.sign(algorithm, message);
    for (size_t bit = 0; bit < signature.size() * 8; ++bit) {
      signature[bit / 8] = static_cast<char>(signature[bit / 8] ^ (1 << bit % 8));
      EXPECT_FALSE(key.public_key().verify(algorithm, message, signature)) << to_string(algorithm) << " bit " << bit;
      signature[bit / 8] = static_cast<char>(signature[bit / 8] ^ (1 << bit % 8));
    }
    EXPECT_TRUE(key.public_key().verify(algorithm, message, signature));
    EXPECT_FALSE(key.public_key().verify(algorithm, message + ".", signature));
    EXPECT_FALSE(key.public_key().verify(algorithm, message, signature + '\0'));
    EXPECT_FALSE(key.public_key().verify(algorithm, message, std::string(1, '\0') + signature));
    EXPECT_FALSE(key.public_key().verify(algorithm, message, std::string_view(signature).substr(1)));
    EXPECT_FALSE(key.public_key().verify(algorithm, message, ""));
    EXPECT_FALSE(key.public_key().verify(algorithm, message, std::string(signature.size(), '\0')));
    EXPECT_FALSE(key.public_key().verify(algorithm, message, std::string(signature.size(), '\xFF')));
  }
}

TEST(Key, EcdsaNumbersAreWithinTheOrder) {
  // RFC 7518 §3.4, FIPS 186-4: 1 <= r, s <= n-1. r + n means the same modulo n and is another signature.
  const PublicKey& key = one_of_each()[1].public_key();
  const std::string order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const std::string one = std::string(31, '\0') + '\1';
  for (const std::string& r : {std::string(32, '\0'), order, one}) {
    for (const std::string& s : {std::string(32, '\0'), order, one}) EXPECT_FALSE(key.verify(kEs256, "m", r + s));
  }
}

TEST(Key, ContextsThatFailedVerifyAgain) {
  for (const PrivateKey& key : one_of_each()) {
    const SignatureAlgorithm algorithm = key.default_algorithm();
    const std::string good = *key.sign(algorithm, "m");
    std::string bad = good;
    bad[3] = static_cast<char>(bad[3] ^ 4);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(key.public_key().verify(algorithm, "m", i % 3 == 0 ? good : bad), i % 3 == 0);
  }
}

TEST(Key, ManyThreadsVerifyWithOneKey) {
  for (const PrivateKey& key : one_of_each()) {
    const SignatureAlgorithm algorithm = key.default_algorithm();
    const std::string good = *key.sign(algorithm, "m");
    std::atomic<int> accepted = 0;
    std::atomic<int> wrong = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&, copy = key.public_key()] {
        for (int i = 0; i < 50; ++i) {
          accepted += copy.verify(algorithm, "m", good) ? 1 : 0;
          wrong += copy.verify(algorithm, "n", good) ? 1 : 0;
        }
      });
    }
    threads.clear();
    EXPECT_EQ(accepted, 300);
    EXPECT_EQ(wrong, 0);
  }
}

TEST(PublicKey, RsaBounds) {
  const std::string n = member(one_of_each()[0].public_key(), "n");
  const std::string f4("\x01\x00\x01", 3);
  const auto of = [](std::string_view modulus, std::string_view exponent) { return reason(PublicKey::from_rsa(modulus, exponent)); };
  const auto wide = [](size_t bytes) { return '\xC1' + std::string(bytes - 2, '\x55') + '\x01'; };
  EXPECT_EQ(of(n, f4), "accepted");
  EXPECT_EQ(of(n, "\xFF\xFF\xFF\xFF"), "accepted");
  EXPECT_EQ(of(wide(1'024), f4), "accepted");                                     // 8,192 bit
  EXPECT_EQ(of(wide(1'025), f4), kKeySize);
  EXPECT_EQ(of('\x7F' + n.substr(1), f4), kKeySize);                              // 2,047 bit
  EXPECT_EQ(of(n.substr(128), f4), kKeySize);
  EXPECT_EQ(of(n, "\x03"), kKeySize);
  EXPECT_EQ(of(n, "\x01"), kKeySize);
  EXPECT_EQ(of(n, std::string_view("\x01\x00\x02", 3)), kKeySize);                // even
  EXPECT_EQ(of(n, std::string_view("\xFF\xFF", 2)), kKeySize);                    // 65,535
  EXPECT_EQ(of(n, std::string_view("\x01\x00\x00\x00\x01", 5)), kKeySize);        // 2^32 + 1
  EXPECT_EQ(of(n, std::string_view("\x00\x01\x00\x01", 4)), kKeyMalformed);       // a zero byte in front
  EXPECT_EQ(of('\0' + n, f4), kKeyMalformed);
  EXPECT_EQ(of("", f4), kKeyMalformed);
  EXPECT_EQ(of(n, ""), kKeyMalformed);
  std::string even = n;
  even.back() = static_cast<char>(even.back() & 0xFE);
  EXPECT_EQ(of(even, f4), kKeyMalformed);
}

TEST(PublicKey, RocaFingerprint) {
  // 2^2047 + c, congruent to 65537^12345 modulo the product of the primes up to 167: what the defective library's keys look like.
  std::string n(256, '\0');
  n[0] = '\x80';
  const std::string tail = hex("0dc6550752fcfb298864223e631d0aba18e8ca9b7da1a54a081ae7c9");
  n.replace(n.size() - tail.size(), tail.size(), tail);
  EXPECT_TRUE(has_roca_fingerprint(n));
  EXPECT_EQ(reason(PublicKey::from_rsa(n, std::string_view("\x01\x00\x01", 3))), kKeyRoca);
  n.back() = static_cast<char>(n.back() ^ 2);
  EXPECT_FALSE(has_roca_fingerprint(n));
  EXPECT_FALSE(has_roca_fingerprint(member(one_of_each()[0].public_key(), "n")));
}

TEST(PublicKey, PointsAreOnTheirCurve) {
  for (const EcCurve curve : {EcCurve::kP256, EcCurve::kP384, EcCurve::kP521}) {
    const PublicKey& key = one_of_each()[1 + static_cast<size_t>(curve)].public_key();
    const std::string x = member(key, "x");
    const std::string y = member(key, "y");
    ASSERT_EQ(x.size(), coordinate_bytes(curve));
    EXPECT_EQ(reason(PublicKey::from_ec(curve, x, y)), "accepted");
    EXPECT_EQ(reason(PublicKey::from_ec(curve, y, x)), kKeyMalformed);
    EXPECT_EQ(reason(PublicKey::from_ec(curve, '\0' + x, y)), kKeyMalformed);
    EXPECT_EQ(reason(PublicKey::from_ec(curve, x, y.substr(1))), kKeyMalformed);
    EXPECT_EQ(reason(PublicKey::from_ec(curve, std::string(x.size(), '\0'), std::string(x.size(), '\0'))), kKeyMalformed);
    EXPECT_EQ(reason(PublicKey::from_ec(curve, std::string(x.size(), '\xFF'), y)), kKeyMalformed);
    EXPECT_EQ(parse_ec_curve(to_string(curve)), curve);
  }
  EXPECT_FALSE(parse_ec_curve("secp256k1"));
  EXPECT_EQ(reason(PublicKey::from_ed25519(std::string(31, 'a'))), kKeyMalformed);
  EXPECT_EQ(reason(PublicKey::from_ed25519(std::string(33, 'a'))), kKeyMalformed);
}

TEST(PublicKey, SpkiRoundTripAndNothingBehind) {
  for (const PrivateKey& key : one_of_each()) {
    const std::string der = key.public_key().spki_der();
    const auto back = PublicKey::from_spki_der(der);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, key.public_key());
    EXPECT_EQ(reason(PublicKey::from_spki_der(der + '\0')), kKeyMalformed);
    EXPECT_EQ(reason(PublicKey::from_spki_der(der.substr(0, der.size() - 1))), kKeyMalformed);
  }
  EXPECT_EQ(reason(PublicKey::from_spki_der("")), kKeyMalformed);
  EXPECT_EQ(reason(PublicKey::from_spki_der(std::string(kPublicKeyDerBytesMax + 1, '0'))), kKeyMalformed);
}

TEST(PublicKey, SpkiOfAnotherKind) {
  // P-256 written out with its parameters; secp256k1; RSA that may only sign with PSS.
  constexpr std::string_view kExplicit =
      "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////"
      "MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreB"
      "n36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/"
      "m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABMjUX+sNSHEqz3vuU59TOuTaSaJx5Xqi"
      "xbIBjRPhFQWJn8rnso4ozGVnZShagW5Xokl0UbsNiLV3IApYDBNat60=";
  constexpr std::string_view kKoblitz =
      "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEslsvxZzxS/q5JRnB1vlP11jQMEUufm2asKVHB34C///4hXJXz0Og+wsKAeHSQCeFiljZ9/aFewYYG3zWnMYsXQ==";
  constexpr std::string_view kPssOnly =
      "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAN5x3JUPR59bPu8It/aKmAfmoGZajDW6JPESAgn9f8FV27ffE6BEtd42OH73nPnACpjF2g/"
      "77btQfH4Ss8osCiNS6CLr/BYjpr4KcUkoEq6aE+N5ZVPUiBfywdEPxoni/lTiJFhnSU3xgd3kjjUkfFX7zahm13ctR1m8LVUO7PDf1CjMQa1Ox3RIPKZTAou4"
      "3R2f1IBgl3fNG+2O5DtVqkwu+Fdg53rXH+fOjFbXJQXgxMa+Fw25mDIsGgVxdAR/pIXmbjfFkKH107SNcmRqiGPYDb9SLu7Xt81lTdGYdMuqvjWE/"
      "JvdkFCDtE3hPnPf+nLqMcub24WO82SF7OmUZm0CAwEAAQ==";
  EXPECT_EQ(reason(PublicKey::from_spki_der(decode(kExplicit))), kKeyKindUnknown);
  EXPECT_EQ(reason(PublicKey::from_spki_der(decode(kKoblitz))), kKeyKindUnknown);
  EXPECT_EQ(reason(PublicKey::from_spki_der(decode(kPssOnly))), kKeyKindUnknown);
}

TEST(PublicKey, ThumbprintsOfTheStandards) {
  // RFC 7638 §3.1 and RFC 8037 appendix A.3.
  const auto rsa = PublicKey::from_rsa(
      decode("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W"
             "-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS"
             "D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"),
      decode("AQAB"));
  ASSERT_TRUE(rsa);
  EXPECT_EQ(to_base64url(as_text(rsa->thumbprint())), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(rsa->bits(), 2'048U);
  const auto edwards = PublicKey::from_ed25519(decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
  ASSERT_TRUE(edwards);
  EXPECT_EQ(to_base64url(as_text(edwards->thumbprint())), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  EXPECT_TRUE(edwards->verify(kEdDsa, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                              decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")));
}

constexpr std::string_view kSec1 =
    "MHcCAQEEIGbdVZUyIXuSF0zmCnJVOs+5hw/Z4INospm1HzhE1M+BoAoGCCqGSM49\n"
    "AwEHoUQDQgAEt2J1JxI5avCF3RRGefJD0SjOxORnSTed1p8Zne1RJrTlGei5Cwd4\n"
    "md3IZ2DPoyg6txgZWCqB5vgcbshell8Gug==\n";
constexpr std::string_view kCertificate =
    "MIIBbzCCARWgAwIBAgIUIXCaYWb4msQeAbJPstc6Mn4VPJswCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjYxMjQwMDNaGA8yMTI2MTEwMjEyNDAwM1ow"
    "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLdidScSOWrwhd0URnnyQ9EozsTkZ0k3ndafGZ3tUSa05RnouQsHeJndyGdgz6MoOrcYGVgqgeb4"
    "HG7IXpZfBrqjUzBRMB0GA1UdDgQWBBSlKMZON7pyMaYQPIYvD3UZjVeKnjAfBgNVHSMEGDAWgBSlKMZON7pyMaYQPIYvD3UZjVeKnjAPBgNVHRMBAf8EBTADAQH/MAoG"
    "CCqGSM49BAMCA0gAMEUCIHLNY3JCn11tWZv3oAqfwAxMn99Gqq2st9JRadc75w8tAiEAoRY8DBxuyBlDMVv65TN3LW9tuVRI9GYcoWJde1quiUI=";
constexpr std::string_view kEncrypted =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiG2btEQIcwygICA+gw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEKnrSZ9WM+tiG3miK5d2vjYEgZBn\n"
    "GDj047/duEKUCz3g4nWalgrQs5DbJHybJHre0c3DHMv5KoVmaSP3HzB2tibApGXF\n"
    "j+9mmZu67sDhBW1g6kN5UnWVsxxHYfmXApUuzvliO6VW6YqESqB7OyqgUJFre2Ct\n"
    "WdHW08O+ULW/iIqt/kJqRmLNdlSkMCzQotK3hdlND1WnVZD9fAKj5SCC0BNukHk=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
std::string pem(std::string_view label, std::string_view body) {
  return "-----BEGIN " + std::string(label) + "-----\n" + std::string(body) + "-----END " + std::string(label) + "-----\n";
}

TEST(PrivateKey, ReadsWhatItWrites) {
  for (const PrivateKey& key : one_of_each()) {
    const Secret text = key.to_pem();
    EXPECT_TRUE(text.reveal().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    const auto back = PrivateKey::from_pem(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->public_key(), key.public_key());
    const SignatureAlgorithm algorithm = back->default_algorithm();
    EXPECT_TRUE(key.public_key().verify(algorithm, "m", *back->sign(algorithm, "m")));
  }
}

TEST(PrivateKey, OtherFormsOfPem) {
  std::string certificate;
  for (size_t i = 0; i < kCertificate.size(); i += 64) (certificate += kCertificate.substr(i, 64)) += '\n';
  const auto sec1 = PrivateKey::from_pem(Secret(pem("EC PRIVATE KEY", kSec1)));
  ASSERT_TRUE(sec1);
  EXPECT_TRUE(belongs_to(*sec1, decode(kCertificate)));
  EXPECT_FALSE(belongs_to(one_of_each()[1], decode(kCertificate)));
  const auto behind = PrivateKey::from_pem(Secret(pem("CERTIFICATE", certificate) + pem("EC PRIVATE KEY", kSec1)));
  ASSERT_TRUE(behind);
  EXPECT_EQ(behind->public_key(), sec1->public_key());
  for (const std::string& text : {std::string(kEncrypted), std::string("no key"), std::string(), pem("CERTIFICATE", certificate),
                                  pem("PRIVATE KEY", kSec1.substr(0, 60)), std::string(kPrivateKeyPemBytesMax + 1, ' ')}) {
    const auto key = PrivateKey::from_pem(Secret(text));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::kCorrupt);
    EXPECT_TRUE(key.error().detail.starts_with(kKeyMalformed)) << key.error().detail;
  }
}

TEST(PrivateKey, SizesOfGeneratedKeys) {
  for (const uint32_t bits : {0U, 1'024U, 2'047U, 2'050U, 8'200U}) EXPECT_EQ(PrivateKey::generate_rsa(bits).error().code, ErrorCode::kUsage);
}

TEST(SignJws, IsTheCompactForm) {
  const PrivateKey& key = one_of_each()[1];
  const std::string jws = *sign_jws(key, kEs256, R"("kid":"a")", "{}");
  EXPECT_TRUE(jws.starts_with(to_base64url(R"({"alg":"ES256","kid":"a"})") + ".e30."));
  const size_t dot = jws.rfind('.');
  EXPECT_TRUE(key.public_key().verify(kEs256, jws.substr(0, dot), decode(jws.substr(dot + 1))));
  EXPECT_TRUE(sign_jws(key, kEs256, "", "")->starts_with(to_base64url(R"({"alg":"ES256"})") + ".."));
  EXPECT_EQ(sign_jws(key, kRs256, "", "").error().code, ErrorCode::kUsage);
}

TEST(Mac, OnlyWithASecretAsLongAsTheHash) {
  // RFC 4231 test case 6 has a key of 131 bytes.
  const std::string secret(131, '\xaa');
  const std::string message = "Test Using Larger Than Block-Size Key - Hash Key First";
  const std::string tag = hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_TRUE(verify_mac(kHs256, secret, message, tag));
  EXPECT_FALSE(verify_mac(kHs384, secret, message, tag));
  EXPECT_FALSE(verify_mac(kRs256, secret, message, tag));
  EXPECT_FALSE(verify_mac(kHs256, secret, message, tag.substr(1)));
  const std::string weak(31, 'k');
  EXPECT_FALSE(verify_mac(kHs256, weak, message, std::string(as_text(hmac_sha256(weak, message)))));
  const std::string enough(32, 'k');
  EXPECT_TRUE(verify_mac(kHs256, enough, message, as_text(hmac_sha256(enough, message))));
}

TEST(Base64url, TheSameIntoGivenMemory) {
  // Every length and every byte in every place of a group, against the other decoder.
  for (size_t size = 0; size < 14; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'A');
        text[at] = static_cast<char>(byte);
        const auto expected = from_base64url(text);
        std::string out(base64url_bytes(size), '?');
        const bool done = from_base64url_to(text, out.data());
        ASSERT_EQ(done, expected.has_value()) << text;
        if (done) ASSERT_EQ(out, *expected) << text;
      }
    }
  }
}

}  // namespace
}  // namespace wye::crypto
