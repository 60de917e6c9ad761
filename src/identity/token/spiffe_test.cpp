#include "identity/token/spiffe.hpp"

#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/crypto/encode.hpp"

namespace wye::token {
namespace {

struct IdRow {
  std::string text;
  bool good;
};
TEST(SpiffeIds, TheGrammarExactly) {
  const std::string longest = "spiffe://corp/" + std::string(kSpiffeIdBytesMax - 14, 'x');
  const std::vector<IdRow> rows = {
      {"spiffe://corp", true},
      {"spiffe://corp/a", true},
      {"spiffe://corp.example-1_x/Team.A/b_c-d/...", true},
      {longest, true},
      {longest + "x", false},
      {"spiffe://" + std::string(255, 'a') + "/b", true},
      {"spiffe://" + std::string(256, 'a') + "/b", false},
      {"", false},
      {"spiffe", false},
      {"spiffe:", false},
      {"spiffe:/corp/a", false},
      {"spiffe://", false},
      {"spiffe:///a", false},
      {"SPIFFE://corp/a", false},
      {"Spiffe://corp/a", false},
      {"https://corp/a", false},
      {" spiffe://corp/a", false},
      {"spiffe://corp/a ", false},
      {"spiffe://Corp/a", false},
      {"spiffe://corp:8080/a", false},
      {"spiffe://user@corp/a", false},
      {"spiffe://user:pass@corp/a", false},
      {"spiffe://corp%2e/a", false},
      {"spiffe://[::1]/a", false},
      {"spiffe://c\xc3\xb6rp/a", false},
      {"spiffe://corp/", false},
      {"spiffe://corp//a", false},
      {"spiffe://corp/a/", false},
      {"spiffe://corp/a//b", false},
      {"spiffe://corp/.", false},
      {"spiffe://corp/..", false},
      {"spiffe://corp/a/../b", false},
      {"spiffe://corp/a/./b", false},
      {"spiffe://corp/%61", false},
      {"spiffe://corp/a%2fb", false},
      {"spiffe://corp/a b", false},
      {"spiffe://corp/a?q=1", false},
      {"spiffe://corp/a#f", false},
      {"spiffe://corp?q", false},
      {"spiffe://corp/a*", false},
      {"spiffe://corp/a~", false},
      {"spiffe://corp/\xd0\xb0", false},
      {std::string("spiffe://corp/a\0b", 17), false},
      {"spiffe://corp/a\n", false},
      {"spiffe://corp\\a", false},
  };
  for (const IdRow& row : rows) EXPECT_EQ(parse_spiffe_id(row.text).has_value(), row.good) << row.text;
  const auto id = parse_spiffe_id("spiffe://corp.example/team/a");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->trust_domain, "corp.example");
  EXPECT_EQ(id->path, "/team/a");
  EXPECT_EQ(parse_spiffe_id("spiffe://corp")->path, "");
}

TEST(SpiffePatterns, MatchOnBordersOfSegments) {
  struct Row {
    const char* pattern;
    const char* id;
    bool matches;
  };
  const std::vector<Row> rows = {
      {"spiffe://corp/team-a/x", "spiffe://corp/team-a/x", true},
      {"spiffe://corp/team-a/x", "spiffe://corp/team-a/X", false},
      {"spiffe://corp/team-a/x", "spiffe://corp/team-a/x/y", false},
      {"spiffe://corp/team-a/*", "spiffe://corp/team-a/x", true},
      {"spiffe://corp/team-a/*", "spiffe://corp/team-a/x/y", true},
      {"spiffe://corp/team-a/*", "spiffe://corp/team-a", false},
      {"spiffe://corp/team-a/*", "spiffe://corp/team-ab", false},
      {"spiffe://corp/team-a/*", "spiffe://corp/team-ab/x", false},
      {"spiffe://corp/*", "spiffe://corp/x", true},
      {"spiffe://corp/*", "spiffe://corp", false},
      {"spiffe://corp/*", "spiffe://corp.evil/x", false},
      {"spiffe://corp/*", "spiffe://other/x", false},
  };
  for (const Row& row : rows) EXPECT_EQ(spiffe_matches(row.pattern, row.id), row.matches) << row.pattern << " " << row.id;
  for (const char* good : {"spiffe://corp/a", "spiffe://corp/*", "spiffe://corp/a/*"}) EXPECT_TRUE(is_spiffe_pattern(good)) << good;
  for (const char* bad : {"spiffe://corp", "spiffe://corp*", "spiffe://corp/a*", "spiffe://*/a", "*", "/*", "spiffe://corp/*/a", "spiffe:///*", ""})
    EXPECT_FALSE(is_spiffe_pattern(bad)) << bad;
}

class BundleTest : public testing::Test {
 protected:
  static std::string x5c_of(const crypto::CertificateAuthority& authority) {
    std::string base64;
    std::istringstream lines(authority.certificate_pem());
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("-----")) base64 += line;
    }
    return base64;
  }
  static crypto::CertificateAuthority authority(const char* name) {
    return std::move(*crypto::CertificateAuthority::make({.common_name = name, .not_before = {0}, .not_after = {2'000'000'000'000'000'000}}));
  }
  static std::string key(const crypto::CertificateAuthority& root, const std::string& more = {}) {
    // The members of the key itself are not read: the certificate holds it.
    return R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","use":"x509-svid","x5c":[")" + x5c_of(root) + R"("])" + more + "}";
  }
  crypto::CertificateAuthority root = authority("root");
};

TEST_F(BundleTest, HoldsTheRootsOfItsTrustDomain) {
  const auto bundle = parse_spiffe_bundle(R"({"spiffe_sequence":7,"spiffe_refresh_hint":60,"keys":[)" + key(root) + "]}");
  ASSERT_TRUE(bundle) << bundle.error().detail;
  EXPECT_EQ(bundle->roots.size(), 1U);
  EXPECT_EQ(bundle->sequence, 7U);
  EXPECT_EQ(bundle->refresh_hint, std::chrono::seconds(60));
  EXPECT_TRUE(bundle->quarantine.empty());
}

TEST_F(BundleTest, RefreshHintsAreClamped) {
  const auto hint = [&](const std::string& member) { return parse_spiffe_bundle("{" + member + "\"keys\":[]}")->refresh_hint; };
  EXPECT_EQ(hint(""), kRefreshHint);
  EXPECT_EQ(hint("\"spiffe_refresh_hint\":0,"), kRefreshHintMin);
  EXPECT_EQ(hint("\"spiffe_refresh_hint\":9,"), kRefreshHintMin);
  EXPECT_EQ(hint("\"spiffe_refresh_hint\":11,"), std::chrono::seconds(11));
  EXPECT_EQ(hint("\"spiffe_refresh_hint\":1000000,"), kRefreshHintMax);
}

TEST_F(BundleTest, KeysThatAreNoneAreLeftOut) {
  const crypto::CertificateAuthority other = authority("other");
  const auto leaf = root.issue({.common_name = "leaf", .uris = {"spiffe://corp/a"}, .not_before = {0}, .not_after = {2'000'000'000'000'000'000}});
  ASSERT_TRUE(leaf);
  std::string leaf_x5c;
  std::istringstream lines(leaf->pem);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("-----")) leaf_x5c += line;
  }
  const std::vector<std::string> bad = {
      key(other, R"(,"kid":"1")"),
      R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","use":"x509-svid"})",
      R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","use":"x509-svid","x5c":[]})",
      R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","use":"x509-svid","x5c":["AAAA"]})",
      R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","use":"x509-svid","x5c":[")" + leaf_x5c + R"("]})",
  };
  for (const std::string& one : bad) {
    const auto bundle = parse_spiffe_bundle("{\"keys\":[" + one + "," + key(root) + "]}");
    ASSERT_TRUE(bundle) << one;
    EXPECT_EQ(bundle->roots.size(), 1U) << one;
    EXPECT_EQ(bundle->quarantine.size(), 1U) << one;
  }
  // Only the first x5c counts.
  const auto first = parse_spiffe_bundle(R"({"keys":[{"kty":"EC","use":"x509-svid","x5c":[")" + x5c_of(root) + "\",\"" + x5c_of(other) + "\"]}]}");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->roots.size(), 1U);
}

TEST_F(BundleTest, NothingInItRevokesEverything) {
  const auto bundle = parse_spiffe_bundle(R"({"keys":[]})");
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->roots.size(), 0U);
  for (const char* broken : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]} x)", R"({"keys":[],"keys":[]})"})
    EXPECT_FALSE(parse_spiffe_bundle(broken)) << broken;
}

TEST_F(BundleTest, OfAMapOnlyTheTrustDomainsOwn) {
  const std::string map = R"({"trust_domains":{"corp":{"keys":[]},"corp.evil":{"keys":[1]},"bad":3}})";
  EXPECT_EQ(spiffe_bundle_text(map, "corp", false).value_or("?"), R"({"keys":[]})");
  EXPECT_EQ(spiffe_bundle_text(map, "corp", true).value_or("?"), R"({"keys":[]})");
  const auto reason = [](const Result<std::string_view>& text) { return text ? std::string("accepted") : text.error().detail; };
  EXPECT_EQ(reason(spiffe_bundle_text(map, "other", true)), "bundle.domain");
  EXPECT_EQ(reason(spiffe_bundle_text(map, "bad", true)), "bundle.shape");
  const std::string single = R"({"keys":[]})";
  EXPECT_EQ(spiffe_bundle_text(single, "corp", true).value_or("?"), single);
  EXPECT_EQ(reason(spiffe_bundle_text(single, "corp", false)), "bundle.domain");
  EXPECT_EQ(reason(spiffe_bundle_text(R"({"keys":[],"trust_domains":{}})", "corp", true)), "bundle.shape");
  EXPECT_EQ(reason(spiffe_bundle_text("[]", "corp", true)), "bundle.shape");
  EXPECT_EQ(reason(spiffe_bundle_text("{", "corp", true)), "bundle.json");
  EXPECT_EQ(reason(spiffe_bundle_text(std::string(kBundleFileBytesMax + 1, ' '), "corp", true)), "bundle.size");
}

}  // namespace
}  // namespace wye::token
