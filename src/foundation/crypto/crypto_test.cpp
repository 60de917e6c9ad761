#include "foundation/base/random.hpp"
#include "foundation/crypto/crc32.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/random.hpp"

#include <sys/stat.h>
#include <fstream>

namespace wye::crypto {
namespace {

std::string hex(const Digest& digest) { return to_hex(as_text(digest)); }

std::string some_bytes(SeededRandom& random, size_t count) {
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(random.next());
  return bytes;
}

TEST(Sha256Test, VectorsOfFips180) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, EveryCutGivesTheSameDigest) {
  SeededRandom random(1);
  const std::string text = some_bytes(random, 200);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 running;
    running.update(std::string_view(text).substr(0, cut));
    Sha256 copy = running;
    EXPECT_EQ(running.update(std::string_view(text).substr(cut)).finish(), sha256(text)) << cut;
    EXPECT_EQ(copy.finish(), sha256(std::string_view(text).substr(0, cut)));
    EXPECT_EQ(running.finish(), sha256("")) << "starts again after finish";
  }
}

// RFC 4231, test cases 1, 2, 3, 6 and 7.
TEST(HmacTest, VectorsOfRfc4231) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd'))), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "This is a test using a larger than block-size key and a larger than block-size data. The key "
                            "needs to be hashed before being used by the HMAC algorithm.")),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacTest, APreparedKeyServesManyTimesAndManyThreads) {
  const HmacKey key("Jefe");
  const Digest want = hmac_sha256("Jefe", "text");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) wrong += key.mac("text") == want ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(EqualTest, FindsEveryDifference) {
  const Digest a = sha256("a");
  EXPECT_TRUE(equal_constant_time(a, sha256("a")));
  for (size_t bit = 0; bit < 256; ++bit) {
    Digest b = a;
    b[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(equal_constant_time(a, b)) << bit;
  }
  EXPECT_TRUE(equal_constant_time(std::string_view(), std::string_view()));
  EXPECT_FALSE(equal_constant_time("a", "ab"));
  EXPECT_FALSE(equal_constant_time("", "a"));
}

TEST(DigestTextTest, RoundTripAndRefuse) {
  const Digest digest = sha256("abc");
  const std::string text = digest_text(digest);
  EXPECT_EQ(text, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(parse_digest_text(text), digest);
  std::string upper = text;
  upper[10] = 'F';
  const std::string digits = text.substr(7);
  const std::string none;
  for (const std::string& bad : {none, std::string("sha256:"), text.substr(0, 70), text + "0", "SHA256:" + digits, upper, "sha512:" + digits})
    EXPECT_FALSE(parse_digest_text(bad)) << bad;
}

// The check value of CRC-32/ISO-HDLC, and agreement with a bitwise reference.
TEST(Crc32Test, AgreesWithAReferenceAtEveryLengthAndCut) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u);
  EXPECT_EQ(crc32(""), 0u);
  const auto reference = [](std::string_view bytes) {
    uint32_t crc = ~0u;
    for (const char c : bytes) {
      crc ^= static_cast<uint8_t>(c);
      for (int i = 0; i < 8; ++i) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
  };
  SeededRandom random(2);
  const std::string text = some_bytes(random, 130);
  for (size_t n = 0; n <= text.size(); ++n) {
    const std::string_view part(text.data(), n);
    EXPECT_EQ(crc32(part), reference(part)) << n;
    EXPECT_EQ(crc32(part.substr(n / 3), crc32(part.substr(0, n / 3))), reference(part)) << n;
  }
}

TEST(EncodeTest, VectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  EXPECT_EQ(to_base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(to_base64("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(to_hex("\x01\xAB"), "01ab");
}

TEST(EncodeTest, DecodersRefuseEveryOtherSpelling) {
  for (const char* bad : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "=", "Zg==Zg==", " Zg==", "Zg==\n", "Zm-v", "Zm 9"})
    EXPECT_FALSE(from_base64(bad)) << bad;
  for (const char* bad : {"Zg==", "Z", "Zh", "Zm9vY", "Zm+v", "Zm/v", "Zg ", "Zm9"}) EXPECT_FALSE(from_base64url(bad)) << bad;
  for (const char* bad : {"0", "0g", "AB", "0x", " 0", "00 "}) EXPECT_FALSE(from_hex(bad)) << bad;
}

// Each text of up to three characters either is refused or is exactly what the encoder writes for its value.
TEST(EncodeTest, OneTextForEachValue) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{'A', static_cast<char>(a), static_cast<char>(b)};
      if (const auto bytes = from_base64url(text)) EXPECT_EQ(to_base64url(*bytes), text);
      if (const auto bytes = from_base64(text + '=')) EXPECT_EQ(to_base64(*bytes), text + '=');
      const std::string two = text.substr(1);
      if (const auto bytes = from_hex(two)) EXPECT_EQ(to_hex(*bytes), two);
      if (const auto value = from_base62(two)) EXPECT_EQ(to_base62(*value, 2), two);
    }
  }
}

TEST(EncodeTest, RandomBytesSurvive) {
  SeededRandom random(3);
  for (size_t n = 0; n < 200; ++n) {
    const std::string bytes = some_bytes(random, n);
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    const uint64_t value = random.next();
    EXPECT_EQ(from_base62(to_base62(value, 11)), value);
  }
}

TEST(EncodeTest, Base62HasItsLimits) {
  EXPECT_EQ(to_base62(0, 1), "0");
  EXPECT_EQ(to_base62(61, 2), "0z");
  EXPECT_EQ(from_base62(to_base62(UINT64_MAX, 11)), UINT64_MAX);
  EXPECT_FALSE(from_base62("LygHa16AHYG"));  // 2^64
  for (const char* bad : {"", "zzzzzzzzzzz", "000000000000", "-1", "a b", "\xc3\xa4"}) EXPECT_FALSE(from_base62(bad)) << bad;
  EXPECT_TRUE(is_base62("09AZaz"));
  EXPECT_FALSE(is_base62("a_b"));
}

TEST(RandomTest, DigitsAreUniformAndDoNotRepeat) {
  std::map<char, int> counts;
  const std::string text = random_base62(62'000);
  for (const char c : text) ++counts[c];
  EXPECT_EQ(counts.size(), 62u);
  // 1,000 expected a digit, standard deviation 31: eight of them are beyond any chance.
  for (const auto& [c, n] : counts) EXPECT_NEAR(n, 1'000, 250) << c;
  EXPECT_NE(random_bytes(32), random_bytes(32));
  EXPECT_NE(random_seed(), random_seed());
  EXPECT_EQ(random_base62(43).size(), 43u);
  EXPECT_EQ(random_bytes(1'000).size(), 1'000u);
}

TEST(WipeTest, LeavesZeros) {
  std::array<char, 8> bytes{'s', 'e', 'c', 'r', 'e', 't', '!', '!'};
  wipe(bytes);
  EXPECT_TRUE(std::ranges::all_of(bytes, [](char c) { return c == 0; }));
  std::string text = "secret";
  wipe(text);
  EXPECT_TRUE(text.empty());
}

class FileDigestTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("wye-digest-" + random_base62(8));
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileDigestTest, ReadsInPieces) {
  for (const size_t size : {size_t{0}, size_t{1}, (size_t{1} << 20) - 1, size_t{1} << 20, (size_t{3} << 20) + 7}) {
    SeededRandom random(size);
    const std::string bytes = some_bytes(random, size);
    std::ofstream(folder_ / "f", std::ios::binary) << bytes;
    uint64_t last = 0;
    const auto found = sha256_file(folder_ / "f", [&](uint64_t done) {
      last = done;
      return true;
    });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->digest, sha256(bytes));
    EXPECT_EQ(found->bytes, size);
    EXPECT_EQ(last, size);
  }
}

TEST_F(FileDigestTest, SaysWhatIsWrong) {
  EXPECT_EQ(sha256_file(folder_ / "none").error().code, ErrorCode::kNotFound);
  const auto folder = sha256_file(folder_);
  EXPECT_EQ(folder.error().code, ErrorCode::kIo);
  EXPECT_NE(folder.error().detail.find("not a regular file"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(sha256_file(folder_ / "pipe").error().code, ErrorCode::kIo) << "must not wait for a writer";
  std::ofstream(folder_ / "f") << "x";
  EXPECT_EQ(sha256_file(folder_ / "f", [](uint64_t) { return false; }).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace wye::crypto
