#include "foundation/crypto/certificate.hpp"

#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/crypto/encode.hpp"

namespace wye::crypto {
namespace {

using namespace std::chrono_literals;

constexpr WallTime at(int64_t seconds) { return {seconds * 1'000'000'000}; }
constexpr int64_t kNowS = 1'760'000'000;
constexpr WallTime kNow = at(kNowS);
constexpr int64_t kDayS = 86'400;

CertificateSpec authority_spec(std::string name) {
  return {.common_name = std::move(name), .not_before = at(kNowS - 100 * kDayS), .not_after = at(kNowS + 100 * kDayS), .authority = true};
}
CertificateSpec leaf_spec() {
  return {.common_name = "caller",
          .dns_names = {"caller.corp.test"},
          .uris = {"spiffe://corp.test/caller"},
          .not_before = at(kNowS - kDayS),
          .not_after = at(kNowS + kDayS),
          .for_servers = true,
          .for_clients = true};
}
CertificateAuthority make_authority(const CertificateSpec& spec) {
  auto made = CertificateAuthority::make(spec);
  EXPECT_TRUE(made) << made.error().detail;
  return std::move(*made);
}
CertificateAuthority below(const CertificateAuthority& above, const CertificateSpec& spec) {
  auto made = above.issue_authority(spec);
  EXPECT_TRUE(made) << made.error().detail;
  return std::move(*made);
}
Certificate parse(std::string_view pem) {
  auto all = certificates_from_pem(pem);
  EXPECT_TRUE(all) << all.error().detail;
  EXPECT_EQ(all->size(), 1U);
  return all->front();
}
Certificate issue(const CertificateAuthority& above, const CertificateSpec& spec) {
  const auto made = above.issue(spec);
  EXPECT_TRUE(made) << made.error().detail;
  return parse(made->pem);
}
RootSet roots_of(const CertificateAuthority& authority, std::string_view crls = {}) {
  const std::vector<Certificate> roots = {parse(authority.certificate_pem())};
  auto set = crls.empty() ? RootSet::make(roots) : RootSet::make(roots, crls);
  EXPECT_TRUE(set) << set.error().detail;
  return std::move(*set);
}
std::string verdict(const std::expected<ValidPath, PathFault>& path) { return path ? "valid" : std::string(to_string(path.error())); }

std::string der_of(const std::string& pem) {
  std::string base64;
  std::istringstream lines(pem);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("-----")) base64 += line;
  }
  return *from_base64(base64);
}

TEST(CertificateFacts, SayWhatTheCertificateSays) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  CertificateSpec spec = leaf_spec();
  spec.addresses = {"127.0.0.1", "::1"};
  const auto made = root.issue(spec);
  ASSERT_TRUE(made);
  const CertificateFacts facts = parse(made->pem).facts();
  EXPECT_EQ(facts.fingerprint, sha256(der_of(made->pem)));
  EXPECT_EQ(facts.not_before, spec.not_before);
  EXPECT_EQ(facts.not_after, spec.not_after);
  EXPECT_EQ(facts.dns_names, spec.dns_names);
  EXPECT_EQ(facts.uris, spec.uris);
  EXPECT_FALSE(facts.authority);
  EXPECT_EQ(facts.key_usage, kDigitalSignature);
  EXPECT_TRUE(facts.key_usage_critical);
  EXPECT_TRUE(facts.purposes_named && facts.for_clients && facts.for_servers);
  const CertificateFacts above = parse(root.certificate_pem()).facts();
  EXPECT_TRUE(above.authority);
  EXPECT_EQ(above.key_usage, kKeyCertSign | kCrlSign);
  EXPECT_FALSE(above.purposes_named);
}

TEST(CertificateDer, OnlyOneWholeCertificateIsOne) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const std::string der = der_of(root.certificate_pem());
  EXPECT_TRUE(Certificate::from_der(der));
  EXPECT_FALSE(Certificate::from_der({}));
  EXPECT_FALSE(Certificate::from_der(der + std::string(1, '\0')));
  EXPECT_FALSE(Certificate::from_der(der + der));
  EXPECT_FALSE(Certificate::from_der(std::string(kCertificateBytesMax + 1, 'x')));
  for (size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(Certificate::from_der(std::string_view(der).substr(0, size))) << size;
}

TEST(CertificateDer, NamesWithControlsAreRefused) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const std::string der = der_of(root.issue(leaf_spec())->pem);
  for (const char evil : {'\0', '\n', ' ', '\x7f', '\xc3'}) {
    std::string changed = der;
    const size_t name = changed.find("caller.corp.test");
    ASSERT_NE(name, std::string::npos);
    changed[name + 6] = evil;
    const auto parsed = Certificate::from_der(changed);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().detail, "certificate: alternative name");
  }
}

TEST(CertificateDer, ChangedBytesNeverVerify) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const RootSet roots = roots_of(root);
  const std::string der = der_of(root.issue(leaf_spec())->pem);
  for (size_t i = 0; i < der.size(); ++i) {
    std::string changed = der;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    const auto parsed = Certificate::from_der(changed);
    if (parsed) EXPECT_FALSE(roots.verify(*parsed, {}, PathPurpose::kClient, kNow)) << i;
  }
}

TEST(CertificatePem, OtherBlocksAreSkippedAndBrokenOnesAreNot) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const std::string pem = root.certificate_pem();
  const std::string mixed = "# comment\n" + std::string(root.key_pem().reveal()) + pem + "text\n" + pem;
  const auto all = certificates_from_pem(mixed);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 2U);
  EXPECT_FALSE(certificates_from_pem(""));
  EXPECT_FALSE(certificates_from_pem("no PEM"));
  EXPECT_FALSE(certificates_from_pem(root.key_pem().reveal()));
  EXPECT_FALSE(certificates_from_pem(pem + pem.substr(0, pem.size() / 2)));
  std::string junk = pem;
  junk[100] = '*';
  EXPECT_FALSE(certificates_from_pem(junk));
}

TEST(RootSets, HoldAuthoritiesOnly) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const std::vector<Certificate> leaf = {issue(root, leaf_spec())};
  EXPECT_FALSE(RootSet::make(leaf));
  EXPECT_EQ(verdict(RootSet().verify(leaf[0], {}, PathPurpose::kClient, kNow)), "untrusted");
  EXPECT_EQ(roots_of(root).size(), 1U);
}

struct PathRow {
  const char* what;
  std::function<void(CertificateSpec& root, CertificateSpec& middle, CertificateSpec& leaf)> change;
  std::string verdict;
  PathPurpose purpose = PathPurpose::kClient;
};

// Each row differs from the first in the one thing that it names.
TEST(Paths, OneThingWrongIsOneReason) {
  using Spec = CertificateSpec;
  const std::vector<PathRow> rows = {
      {"all right", [](Spec&, Spec&, Spec&) {}, "valid"},
      {"for servers too", [](Spec&, Spec&, Spec&) {}, "valid", PathPurpose::kServer},
      {"expired leaf", [](Spec&, Spec&, Spec& leaf) { leaf.not_after = at(kNowS - 1); }, "expired"},
      {"leaf ends now", [](Spec&, Spec&, Spec& leaf) { leaf.not_after = kNow; }, "expired"},
      {"leaf ends in a second", [](Spec&, Spec&, Spec& leaf) { leaf.not_after = at(kNowS + 1); }, "valid"},
      {"early leaf", [](Spec&, Spec&, Spec& leaf) { leaf.not_before = at(kNowS + 1); }, "not_yet_valid"},
      {"leaf begins now", [](Spec&, Spec&, Spec& leaf) { leaf.not_before = kNow; }, "valid"},
      {"expired intermediate", [](Spec&, Spec& middle, Spec&) { middle.not_after = at(kNowS - 1); }, "expired"},
      {"early intermediate", [](Spec&, Spec& middle, Spec&) { middle.not_before = at(kNowS + 1); }, "not_yet_valid"},
      {"expired root", [](Spec& root, Spec&, Spec&) { root.not_after = at(kNowS - 1); }, "expired"},
      {"leaf for servers only", [](Spec&, Spec&, Spec& leaf) { leaf.for_clients = false; }, "purpose"},
      {"leaf for clients only, asked as a server", [](Spec&, Spec&, Spec& leaf) { leaf.for_servers = false; }, "purpose", PathPurpose::kServer},
      {"leaf without purposes", [](Spec&, Spec&, Spec& leaf) { leaf.for_clients = leaf.for_servers = false; }, "valid"},
      {"intermediate for servers only", [](Spec&, Spec& middle, Spec&) { middle.for_servers = true; }, "purpose"},
      {"intermediate for clients", [](Spec&, Spec& middle, Spec&) { middle.for_clients = true; }, "valid"},
      {"intermediate that may not sign", [](Spec&, Spec& middle, Spec&) { middle.key_usage = kDigitalSignature; }, "authority"},
      {"intermediate without key usage", [](Spec&, Spec& middle, Spec&) { middle.key_usage = 0; }, "valid"},
      {"intermediate that is a leaf", [](Spec&, Spec& middle, Spec&) { middle.authority = false; }, "authority"},
      {"leaf with the right to sign that is no authority",
       [](Spec&, Spec& middle, Spec&) {
         middle.authority = false;
         middle.key_usage = kKeyCertSign;
       },
       "authority"},
      {"permitted DNS", [](Spec&, Spec& middle, Spec&) { middle.permitted = {"dns:corp.test"}; }, "valid"},
      {"other DNS permitted", [](Spec&, Spec& middle, Spec&) { middle.permitted = {"dns:other.test"}; }, "constraints"},
      {"DNS excluded", [](Spec&, Spec& middle, Spec&) { middle.excluded = {"dns:caller.corp.test"}; }, "constraints"},
      {"permitted URI host", [](Spec&, Spec& middle, Spec&) { middle.permitted = {"uri:corp.test"}; }, "valid"},
      {"other URI host permitted", [](Spec&, Spec& middle, Spec&) { middle.permitted = {"uri:other.test"}; }, "constraints"},
      {"URI host excluded", [](Spec&, Spec& middle, Spec&) { middle.excluded = {"uri:corp.test"}; }, "constraints"},
      {"constraint of the root", [](Spec& root, Spec&, Spec&) { root.permitted = {"uri:other.test"}; }, "constraints"},
      {"constraint on names that are not there",
       [](Spec&, Spec& middle, Spec& leaf) {
         middle.permitted = {"dns:other.test"};
         leaf.dns_names.clear();
       },
       "valid"},
      {"path length of the root", [](Spec& root, Spec&, Spec&) { root.path_length = 0; }, "constraints"},
      {"path length that fits", [](Spec& root, Spec&, Spec&) { root.path_length = 1; }, "valid"},
  };
  for (const PathRow& row : rows) {
    SCOPED_TRACE(row.what);
    CertificateSpec root_spec = authority_spec("root"), middle_spec = authority_spec("middle"), leaf = leaf_spec();
    row.change(root_spec, middle_spec, leaf);
    const CertificateAuthority root = make_authority(root_spec);
    const CertificateAuthority middle = below(root, middle_spec);
    const std::vector<Certificate> presented = {parse(middle.certificate_pem())};
    EXPECT_EQ(verdict(roots_of(root).verify(issue(middle, leaf), presented, row.purpose, kNow)), row.verdict);
  }
}

TEST(Paths, ATruncatedChainLeadsNowhereAndAnIntermediateMayBeARoot) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const CertificateAuthority middle = below(root, authority_spec("middle"));
  const Certificate leaf = issue(middle, leaf_spec());
  const std::vector<Certificate> whole = {parse(middle.certificate_pem()), parse(root.certificate_pem())};
  const std::vector<Certificate> reversed = {whole[1], whole[0]};
  EXPECT_EQ(verdict(roots_of(root).verify(leaf, {}, PathPurpose::kClient, kNow)), "untrusted");
  EXPECT_EQ(verdict(roots_of(root).verify(leaf, whole, PathPurpose::kClient, kNow)), "valid");
  EXPECT_EQ(verdict(roots_of(root).verify(leaf, reversed, PathPurpose::kClient, kNow)), "valid");
  EXPECT_EQ(verdict(roots_of(middle).verify(leaf, {}, PathPurpose::kClient, kNow)), "valid");
  const std::vector<Certificate> many(kPresentedMax + 1, whole[0]);
  EXPECT_EQ(verdict(roots_of(root).verify(leaf, many, PathPurpose::kClient, kNow)), "too_long");
}

TEST(Paths, ANamesakeIsNotTheRoot) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const CertificateAuthority namesake = make_authority(authority_spec("root"));
  const std::vector<Certificate> presented = {parse(namesake.certificate_pem())};
  EXPECT_EQ(verdict(roots_of(root).verify(issue(namesake, leaf_spec()), presented, PathPurpose::kClient, kNow)), "untrusted");
}

TEST(Paths, ALeafSignsNobody) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  CertificateSpec spec = leaf_spec();
  spec.authority = false;
  const auto made = root.issue(spec);
  ASSERT_TRUE(made);
  // The key of a leaf may not even be loaded as an authority; one that lies about itself is refused by the path.
  EXPECT_FALSE(CertificateAuthority::load(made->pem, made->key));
  EXPECT_FALSE(CertificateAuthority::load(root.certificate_pem(), made->key));
  EXPECT_TRUE(CertificateAuthority::load(root.certificate_pem(), root.key_pem()));
}

TEST(Paths, FiveCertificatesAreTheMost) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  std::vector<CertificateAuthority> chain;
  std::vector<Certificate> presented;
  for (const char* name : {"one", "two", "three", "four"}) {
    chain.push_back(below(chain.empty() ? root : chain.back(), authority_spec(name)));
    presented.push_back(parse(chain.back().certificate_pem()));
    const std::string expected = presented.size() + 2 <= kPathMax ? "valid" : "too_long";
    EXPECT_EQ(verdict(roots_of(root).verify(issue(chain.back(), leaf_spec()), presented, PathPurpose::kClient, kNow)), expected) << name;
  }
}

TEST(Paths, ValidityIsThatOfTheWholePath) {
  CertificateSpec middle_spec = authority_spec("middle");
  middle_spec.not_after = at(kNowS + 60);
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const CertificateAuthority middle = below(root, middle_spec);
  const std::vector<Certificate> presented = {parse(middle.certificate_pem())};
  const auto path = roots_of(root).verify(issue(middle, leaf_spec()), presented, PathPurpose::kClient, kNow);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->until, at(kNowS + 60));
  EXPECT_EQ(path->from, leaf_spec().not_before);
  EXPECT_EQ(path->root, parse(root.certificate_pem()).facts().fingerprint);
}

TEST(Revocation, TheIssuersListDecides) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const CertificateAuthority middle = below(root, authority_spec("middle"));
  const std::vector<Certificate> presented = {parse(middle.certificate_pem())};
  const auto made = middle.issue(leaf_spec());
  const auto other = middle.issue(leaf_spec());
  ASSERT_TRUE(made && other);
  const Certificate leaf = parse(made->pem);
  const auto list = [&](const CertificateAuthority& by, std::vector<std::string> revoked, int64_t from = kNowS - 60, int64_t to = kNowS + 60) {
    return *by.revocation_list(revoked, at(from), at(to));
  };
  const auto judged = [&](const std::string& crls) { return verdict(roots_of(root, crls).verify(leaf, presented, PathPurpose::kClient, kNow)); };
  EXPECT_EQ(judged(list(middle, {})), "valid");
  EXPECT_EQ(judged(list(middle, {other->pem})), "valid");
  EXPECT_EQ(judged(list(middle, {made->pem})), "revoked");
  EXPECT_EQ(judged(list(root, {})), "revocation_unknown");
  EXPECT_EQ(judged(list(middle, {}) + list(root, {middle.certificate_pem()})), "revoked");
  EXPECT_EQ(judged(list(middle, {}) + list(root, {})), "valid");
  EXPECT_EQ(judged(list(middle, {}, kNowS - 120, kNowS - 60)), "revocation_unknown");
  EXPECT_EQ(judged(list(middle, {}, kNowS + 60, kNowS + 120)), "revocation_unknown");
  EXPECT_EQ(judged(list(middle, {}, kNowS - 120, kNowS - 60) + list(middle, {})), "valid");
  // Another key under the same name can not take anything back.
  const CertificateAuthority namesake = below(root, authority_spec("middle"));
  EXPECT_EQ(judged(list(namesake, {})), "revocation_unknown");
  const std::vector<Certificate> roots = {parse(root.certificate_pem())};
  EXPECT_FALSE(RootSet::make(roots, "no list"));
  EXPECT_FALSE(RootSet::make(roots, root.certificate_pem()));
  const auto path = roots_of(root, list(middle, {})).verify(leaf, presented, PathPurpose::kClient, kNow);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->until, at(kNowS + 60));
}

TEST(CertificateMaker, TellsWhatItCanNotMake) {
  const CertificateAuthority root = make_authority(authority_spec("root"));
  const auto refused = [&](auto change) {
    CertificateSpec spec = leaf_spec();
    change(spec);
    return !root.issue(spec);
  };
  EXPECT_TRUE(refused([](CertificateSpec& s) { s.dns_names = {""}; }));
  EXPECT_TRUE(refused([](CertificateSpec& s) { s.dns_names = {"a b"}; }));
  EXPECT_TRUE(refused([](CertificateSpec& s) { s.uris = {std::string("a\0b", 3)}; }));
  EXPECT_TRUE(refused([](CertificateSpec& s) { s.addresses = {"127.1"}; }));
  EXPECT_TRUE(refused([](CertificateSpec& s) { s.not_after = s.not_before; }));
  EXPECT_TRUE(refused([](CertificateSpec& s) { s.common_name = std::string(65, 'x'); }));
  EXPECT_TRUE(refused([](CertificateSpec& s) { s.permitted = {"mail:x"}; }));
  EXPECT_FALSE(CertificateAuthority::load("junk", root.key_pem()));
  EXPECT_FALSE(CertificateAuthority::load(root.certificate_pem(), Secret("junk")));
  // One name can not smuggle another in.
  CertificateSpec spec = leaf_spec();
  spec.dns_names = {"a.test,URI:spiffe://corp.test/admin"};
  const Certificate made = issue(root, spec);
  EXPECT_EQ(made.facts().dns_names, spec.dns_names);
  EXPECT_EQ(made.facts().uris, leaf_spec().uris);
}

}  // namespace
}  // namespace wye::crypto
