#include "identity/token/test_certificates.hpp"

namespace wye::token {
namespace {

TEST_F(CertificateCallers, AreNamedByWhatTheIssuerSays) {
  const std::string leaf = issue(root, client_spec());
  const std::string fingerprint = crypto::digest_text(crypto::sha256(der_of(leaf)));
  configure({x509(config::X509Identity::kUriSan)});
  EXPECT_EQ(verdict(leaf), "corp https://corp.test/caller");
  configure({x509(config::X509Identity::kDnsSan)});
  EXPECT_EQ(verdict(leaf), "corp caller.corp.test");
  configure({x509(config::X509Identity::kFingerprint)});
  EXPECT_EQ(verdict(leaf), "corp " + fingerprint);
  Peer peer = peer_of(leaf);
  const auto caller = reader.caller(peer.chain, peer.note, kNow);
  ASSERT_TRUE(caller);
  const PrincipalFields& fields = (*caller)->fields();
  EXPECT_EQ(fields.kind, PrincipalKind::kCertificate);
  EXPECT_EQ(fields.client_auth, ClientAuth::kCertificate);
  EXPECT_EQ(fields.binding, Binding::kMtls);
  EXPECT_EQ(fields.expires_at, client_spec().not_after);
  EXPECT_EQ(fields.token_id, crypto::to_base64url(crypto::as_text(crypto::sha256(der_of(leaf)))));
  EXPECT_TRUE(fields.spiffe_id.empty() && fields.tenant.empty());
}

// Each row differs from one that is accepted in the one thing that it names.
TEST_F(CertificateCallers, OneThingWrongIsOneReason) {
  struct Row {
    const char* what;
    config::X509Identity identity;
    std::function<void(CertificateSpec&)> change;
    std::string verdict;
  };
  using Identity = config::X509Identity;
  using Spec = CertificateSpec;
  const std::vector<Row> rows = {
      {"all right", Identity::kUriSan, [](Spec&) {}, "corp https://corp.test/caller"},
      {"no URI", Identity::kUriSan, [](Spec& s) { s.uris.clear(); }, "certificate.identity"},
      {"two URIs", Identity::kUriSan, [](Spec& s) { s.uris.push_back("https://corp.test/admin"); }, "certificate.identity"},
      {"no DNS name, but a common name", Identity::kDnsSan, [](Spec& s) { s.dns_names.clear(); }, "certificate.identity"},
      {"two DNS names", Identity::kDnsSan, [](Spec& s) { s.dns_names.push_back("b.test"); }, "certificate.identity"},
      {"wildcard", Identity::kDnsSan, [](Spec& s) { s.dns_names = {"*.corp.test"}; }, "certificate.identity"},
      {"two DNS names do not matter to a URI", Identity::kUriSan, [](Spec& s) { s.dns_names.push_back("b.test"); }, "corp https://corp.test/caller"},
      {"expired", Identity::kUriSan, [](Spec& s) { s.not_after = kNow; }, "certificate.expired"},
      {"early", Identity::kUriSan, [](Spec& s) { s.not_before = at(kNowS + 1); }, "certificate.not_yet_valid"},
      {"for servers", Identity::kUriSan, [](Spec& s) { s.for_clients = false, s.for_servers = true; }, "certificate.purpose"},
      {"for nothing in particular", Identity::kUriSan, [](Spec& s) { s.for_clients = false; }, "certificate.purpose"},
      {"seven days", Identity::kUriSan, [](Spec& s) { s.not_after = at(kNowS + 6 * kDayS); }, "corp https://corp.test/caller"},
      {"longer than seven days", Identity::kUriSan, [](Spec& s) { s.not_after = at(kNowS + 6 * kDayS + 1); }, "certificate.lifetime"},
      {"an authority", Identity::kUriSan, [](Spec& s) { s.authority = true; }, "certificate.authority"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    configure({x509(row.identity)});
    CertificateSpec spec = client_spec();
    row.change(spec);
    EXPECT_EQ(verdict(issue(root, spec)), row.verdict);
  }
}

TEST_F(CertificateCallers, OnlyConfiguredAuthoritiesSignThem) {
  configure({x509()});
  const CertificateAuthority strangers = make_authority("root");
  EXPECT_EQ(verdict(issue(strangers, client_spec()), {&strangers}), "certificate.untrusted");
  const CertificateAuthority middle = std::move(*root.issue_authority(authority_spec("middle")));
  EXPECT_EQ(verdict(issue(middle, client_spec())), "certificate.untrusted");  // truncated
  EXPECT_EQ(verdict(issue(middle, client_spec()), {&middle}), "corp https://corp.test/caller");
  CertificateSpec narrow = authority_spec("narrow");
  narrow.permitted = {"uri:other.test"};
  const CertificateAuthority narrowed = std::move(*root.issue_authority(narrow));
  EXPECT_EQ(verdict(issue(narrowed, client_spec()), {&narrowed}), "certificate.constraints");
  configure({});
  EXPECT_EQ(verdict(issue(root, client_spec())), "certificate.unknown");
}

TEST_F(CertificateCallers, NothingAndJunkAreNobody) {
  configure({x509()});
  Peer none;
  EXPECT_EQ(verdict(none), "certificate.missing");
  EXPECT_EQ(none.note, nullptr);
  Peer junk;
  junk.chain = {"junk"};
  EXPECT_EQ(verdict(junk), "certificate.malformed");
  Peer tail = peer_of(issue(root, client_spec()));
  tail.chain.push_back("junk");
  EXPECT_EQ(verdict(tail), "certificate.malformed");
  Peer many = peer_of(issue(root, client_spec()));
  many.chain.resize(crypto::kPresentedMax + 1, many.chain.front());
  EXPECT_EQ(verdict(many), "certificate.too_long");
}

TEST_F(CertificateCallers, ARevocationListAllowsLongLivesAndTakesThemBack) {
  CertificateIssuerFiles with_list = x509();
  with_list.crl_file = "crl.pem";
  CertificateSpec spec = client_spec();
  spec.not_after = at(kNowS + 90 * kDayS);
  const std::string leaf = issue(root, spec);
  files.all["crl.pem"] = *root.revocation_list({}, at(kNowS - 60), at(kNowS + 60));
  configure({with_list});
  Peer peer = peer_of(leaf);
  EXPECT_EQ(verdict(peer), "corp https://corp.test/caller");
  const std::vector<std::string> revoked = {leaf};
  files.all["crl.pem"] = *root.revocation_list(revoked, at(kNowS), at(kNowS + 60));
  EXPECT_TRUE(trust.refresh().empty());
  EXPECT_EQ(verdict(peer), "certificate.revoked");  // on the same connection
  files.all["crl.pem"] = *root.revocation_list({}, at(kNowS - 60), at(kNowS + 60));
  EXPECT_TRUE(trust.refresh().empty());
  EXPECT_EQ(verdict(peer), "corp https://corp.test/caller");
  EXPECT_EQ(verdict(peer, at(kNowS + 60)), "certificate.expired");  // the list has run out
}

TEST_F(CertificateCallers, TimeIsLookedAtOnEveryRequest) {
  configure({x509()});
  Peer peer = peer_of(issue(root, client_spec()));
  EXPECT_EQ(verdict(peer), "corp https://corp.test/caller");
  EXPECT_EQ(verdict(peer, at(kNowS + kDayS - 1)), "corp https://corp.test/caller");
  EXPECT_EQ(verdict(peer, at(kNowS + kDayS)), "certificate.expired");
  CertificateSpec early = client_spec();
  early.not_before = at(kNowS + 10);
  Peer later = peer_of(issue(root, early));
  EXPECT_EQ(verdict(later), "certificate.not_yet_valid");
  EXPECT_EQ(verdict(later, at(kNowS + 10)), "corp https://corp.test/caller");
}

TEST_F(CertificateCallers, AChainIsVerifiedOnceAndAPrincipalOutlivesAChange) {
  configure({x509()});
  Peer peer = peer_of(issue(root, client_spec()));
  const auto first = reader.caller(peer.chain, peer.note, kNow);
  const auto second = reader.caller(peer.chain, peer.note, kNow);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->get(), second->get());
  configure({x509(config::X509Identity::kDnsSan)});
  const auto third = reader.caller(peer.chain, peer.note, kNow);
  ASSERT_TRUE(third);
  EXPECT_EQ((*third)->subject(), "caller.corp.test");
  EXPECT_EQ((*first)->subject(), "https://corp.test/caller");  // a stream that began before
}

TEST_F(CertificateCallers, ReadersAndRefreshDoNotDisturbEachOther) {
  configure({x509()});
  const std::string leaf = issue(root, client_spec());
  const std::string before = root.certificate_pem();
  const std::string after = before + make_authority("next").certificate_pem();
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back([&] {
      CertificateReader own(trust);
      Peer peer = peer_of(leaf);
      while (!stop.load()) {
        if (!own.caller(peer.chain, peer.note, kNow)) ++refused;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    files.all["ca.pem"] = i % 2 == 0 ? after : before;
    EXPECT_TRUE(trust.refresh().empty());
  }
  stop.store(true);
  for (std::thread& one : workers) one.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(trust.epoch(), 201U);
}

TEST_F(CertificateCallers, FingerprintsAreOfTheLeaf) {
  Peer peer = peer_of(issue(root, client_spec()), {&root});
  EXPECT_EQ(CertificateReader::leaf_fingerprint(peer.chain, peer.note), crypto::sha256(peer.chain[0]));
  Peer none;
  EXPECT_FALSE(CertificateReader::leaf_fingerprint(none.chain, none.note));
}

TEST(CertificateIssuerFilesOf, OnlyTheTwoTypesHaveThem) {
  config::Issuer issuer;
  issuer.type = config::IssuerType::kX509;
  issuer.x509.emplace();
  issuer.x509->ca_file.resolved = "ca.pem";
  issuer.x509->identity = config::X509Identity::kDnsSan;
  const auto files = certificate_issuer_files("corp", issuer);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->ca_file, "ca.pem");
  EXPECT_EQ(files->identity, config::X509Identity::kDnsSan);
  issuer.type = config::IssuerType::kEntra;
  EXPECT_FALSE(certificate_issuer_files("corp", issuer));
}

}  // namespace
}  // namespace wye::token
