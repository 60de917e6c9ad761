#include "identity/token/test_certificates.hpp"

namespace wye::token {
namespace {

TEST_F(CertificateCallers, SvidsAreWorkloads) {
  configure({x509(), spiffe()});
  Peer peer = peer_of(issue(mesh, svid_spec()));
  const auto caller = reader.caller(peer.chain, peer.note, kNow);
  ASSERT_TRUE(caller) << caller.error().detail;
  EXPECT_EQ((*caller)->kind(), PrincipalKind::kWorkload);
  EXPECT_EQ((*caller)->issuer(), "mesh");
  EXPECT_EQ((*caller)->subject(), "spiffe://corp.test/team-a/x");
  EXPECT_EQ((*caller)->fields().spiffe_id, "spiffe://corp.test/team-a/x");
}

TEST_F(CertificateCallers, SvidsKeepTheirProfile) {
  struct Row {
    const char* what;
    std::function<void(CertificateSpec&)> change;
    std::string verdict;
  };
  using Spec = CertificateSpec;
  const std::string good = "mesh spiffe://corp.test/team-a/x";
  const std::vector<Row> rows = {
      {"all right", [](Spec&) {}, good},
      {"without extended key usage", [](Spec& s) { s.for_clients = s.for_servers = false; }, good},
      {"for clients only", [](Spec& s) { s.for_servers = false; }, "certificate.purpose"},
      {"for servers only", [](Spec& s) { s.for_clients = false; }, "certificate.purpose"},
      {"without key usage", [](Spec& s) { s.key_usage = 0; }, "certificate.purpose"},
      {"key usage without digitalSignature", [](Spec& s) { s.key_usage = crypto::kKeyAgreement; }, "certificate.purpose"},
      {"more usages of a leaf", [](Spec& s) { s.key_usage = crypto::kDigitalSignature | crypto::kKeyAgreement; }, good},
      {"may sign certificates", [](Spec& s) { s.key_usage = crypto::kDigitalSignature | crypto::kKeyCertSign; }, "certificate.authority"},
      {"may sign lists", [](Spec& s) { s.key_usage = crypto::kDigitalSignature | crypto::kCrlSign; }, "certificate.authority"},
      {"an authority", [](Spec& s) { s.authority = true, s.key_usage = crypto::kDigitalSignature; }, "certificate.authority"},
      {"two SPIFFE IDs", [](Spec& s) { s.uris.push_back("spiffe://corp.test/admin"); }, "certificate.identity"},
      {"another URI beside it", [](Spec& s) { s.uris.push_back("https://corp.test/x"); }, "certificate.identity"},
      {"another URI before it", [](Spec& s) { s.uris.insert(s.uris.begin(), "https://corp.test/x"); }, "certificate.identity"},
      {"DNS names beside it", [](Spec& s) { s.dns_names = {"a.test", "b.test"}; }, good},
      {"the trust domain itself", [](Spec& s) { s.uris = {"spiffe://corp.test"}; }, "certificate.identity"},
      {"another trust domain", [](Spec& s) { s.uris = {"spiffe://other.test/team-a/x"}; }, "certificate.unknown"},
      {"trust domain in upper case", [](Spec& s) { s.uris = {"spiffe://CORP.test/team-a/x"}; }, "certificate.unknown"},
      {"expired", [](Spec& s) { s.not_after = kNow; }, "certificate.expired"},
      {"a long life", [](Spec& s) { s.not_after = at(kNowS + 90 * kDayS); }, good},
  };
  configure({spiffe()});
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    CertificateSpec spec = svid_spec();
    row.change(spec);
    EXPECT_EQ(verdict(issue(mesh, spec)), row.verdict);
  }
}

TEST_F(CertificateCallers, EveryTrustDomainHasItsOwnBundleAndNoOther) {
  const CertificateAuthority partner = make_authority("partner");
  CertificateIssuerFiles both = spiffe();
  both.trust_domains = {"corp.test", "partner.test"};
  files.all["bundle.json"] = R"({"trust_domains":{"corp.test":)" + bundle_of({&mesh}) + R"(,"partner.test":)" + bundle_of({&partner}) + "}}";
  configure({both, x509()});
  CertificateSpec theirs = svid_spec();
  theirs.uris = {"spiffe://partner.test/y"};
  EXPECT_EQ(verdict(issue(mesh, svid_spec())), "mesh spiffe://corp.test/team-a/x");
  EXPECT_EQ(verdict(issue(partner, theirs)), "mesh spiffe://partner.test/y");
  EXPECT_EQ(verdict(issue(partner, svid_spec())), "certificate.untrusted");
  EXPECT_EQ(verdict(issue(mesh, theirs)), "certificate.untrusted");
  // Nor can an x509 Issuer's authority make one.
  EXPECT_EQ(verdict(issue(root, svid_spec())), "certificate.untrusted");
}

TEST_F(CertificateCallers, BundlesOnlyGrowAndAnEmptyOneRevokes) {
  files.all["bundle.json"] = bundle_of({&mesh}, R"("spiffe_sequence":5,)");
  configure({spiffe()});
  const std::string leaf = issue(mesh, svid_spec());
  Peer peer = peer_of(leaf);
  EXPECT_EQ(verdict(peer), "mesh spiffe://corp.test/team-a/x");
  const auto refresh = [&](const std::string& text) {
    files.all["bundle.json"] = text;
    return trust.refresh();
  };
  const CertificateAuthority evil = make_authority("mesh");
  for (const std::string& members : {std::string(R"("spiffe_sequence":4,)"), std::string()}) {
    const auto problems = refresh(bundle_of({&evil}, members));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].find("spiffe_sequence went back"), std::string::npos) << problems[0];
    EXPECT_TRUE(trust.refresh().empty());  // told once
    EXPECT_EQ(verdict(peer), "mesh spiffe://corp.test/team-a/x");
  }
  EXPECT_EQ(refresh("broken").size(), 1U);
  EXPECT_EQ(verdict(peer), "mesh spiffe://corp.test/team-a/x");
  files.all.erase("bundle.json");
  EXPECT_EQ(trust.refresh().size(), 1U);
  EXPECT_EQ(verdict(peer), "mesh spiffe://corp.test/team-a/x");
  EXPECT_TRUE(refresh(bundle_of({}, R"("spiffe_sequence":6,)")).empty());
  EXPECT_EQ(verdict(peer), "certificate.untrusted");
  EXPECT_TRUE(refresh(bundle_of({&mesh}, R"("spiffe_sequence":7,)")).empty());
  EXPECT_EQ(verdict(peer), "mesh spiffe://corp.test/team-a/x");
}

TEST_F(CertificateCallers, FilesThatAreNoGoodGiveNobodyAnything) {
  files.all["bundle.json"] = "broken";
  files.all["ca.pem"] = issue(root, client_spec());  // no authority
  EXPECT_EQ(trust.configure({x509(), spiffe()}).size(), 2U);
  EXPECT_EQ(verdict(issue(root, client_spec())), "certificate.unknown");
  // The trust domain stays the bundle's business even without one.
  CertificateSpec spec = svid_spec();
  spec.for_servers = false;
  EXPECT_EQ(verdict(issue(mesh, svid_spec())), "certificate.untrusted");
  EXPECT_FALSE(load_certificate_issuer(x509(), files.reader()));
  EXPECT_FALSE(load_certificate_issuer(spiffe(), files.reader()));
  const uint64_t before = trust.epoch();
  files.all["ca.pem"] = root.certificate_pem();
  EXPECT_TRUE(trust.refresh().empty());
  EXPECT_NE(trust.epoch(), before);
  EXPECT_EQ(verdict(issue(root, client_spec())), "corp https://corp.test/caller");
  // A new configuration with the same files keeps what was good.
  files.all["ca.pem"] = "broken";
  EXPECT_EQ(trust.configure({x509()}).size(), 1U);
  EXPECT_EQ(verdict(issue(root, client_spec())), "corp https://corp.test/caller");
}

TEST_F(CertificateCallers, BehindAProxyAreSpiffeIdsOfConfiguredDomains) {
  configure({x509(), spiffe()});
  const ForwardedCertificate client{crypto::sha256("leaf"), "spiffe://corp.test/team-a/x"};
  const auto caller = reader.forwarded_caller(client);
  ASSERT_TRUE(caller) << caller.error().detail;
  EXPECT_EQ((*caller)->kind(), PrincipalKind::kWorkload);
  EXPECT_EQ((*caller)->issuer(), "mesh");
  EXPECT_EQ((*caller)->fields().spiffe_id, client.uri);
  EXPECT_EQ((*caller)->fields().token_id, crypto::to_base64url(crypto::as_text(client.fingerprint)));
  for (const char* uri : {"", "https://corp.test/caller", "spiffe://other.test/x", "spiffe://corp.test", "spiffe://corp.test/a/../b"}) {
    const auto refused = reader.forwarded_caller({crypto::sha256("leaf"), uri});
    ASSERT_FALSE(refused) << uri;
    EXPECT_EQ(refused.error().detail, "certificate.unknown");
  }
  files.all["bundle.json"] = bundle_of({});
  EXPECT_TRUE(trust.refresh().empty());
  EXPECT_FALSE(reader.forwarded_caller(client));
  // Many clients do not fill the memory, and those in use stay.
  files.all["bundle.json"] = bundle_of({&mesh});
  EXPECT_TRUE(trust.refresh().empty());
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(reader.forwarded_caller({crypto::sha256("leaf"), "spiffe://corp.test/" + std::to_string(i)}));
  EXPECT_EQ((*caller)->subject(), client.uri);
}

}  // namespace
}  // namespace wye::token
