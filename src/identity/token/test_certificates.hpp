// For tests only: authorities, files in memory and connections for CertificateReader.
#pragma once

#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/crypto/encode.hpp"
#include "identity/token/certificate.hpp"

namespace wye::token {

using crypto::CertificateAuthority;
using crypto::CertificateSpec;

constexpr int64_t kNowS = 1'760'000'000;
constexpr int64_t kDayS = 86'400;
constexpr WallTime at(int64_t seconds) { return {seconds * 1'000'000'000}; }
constexpr WallTime kNow = at(kNowS);

inline CertificateSpec authority_spec(std::string name) {
  return {.common_name = std::move(name), .not_before = at(kNowS - 100 * kDayS), .not_after = at(kNowS + 100 * kDayS), .authority = true};
}
inline CertificateAuthority make_authority(const std::string& name) { return std::move(*CertificateAuthority::make(authority_spec(name))); }

inline std::string base64_of(std::string_view pem) {
  std::string base64;
  std::istringstream lines{std::string(pem)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("-----")) base64 += line;
  }
  return base64;
}
inline std::string der_of(std::string_view pem) { return *crypto::from_base64(base64_of(pem)); }

inline std::string bundle_of(std::initializer_list<const CertificateAuthority*> roots, const std::string& members = {}) {
  std::string keys;
  for (const CertificateAuthority* root : roots)
    keys += (keys.empty() ? "" : ",") + std::string(R"({"kty":"EC","use":"x509-svid","x5c":[")") + base64_of(root->certificate_pem()) + "\"]}";
  return "{" + members + "\"keys\":[" + keys + "]}";
}

/// Files in memory.
struct Files {
  std::map<std::string, std::string> all;
  ReadAnchorFile reader() {
    return [this](const std::filesystem::path& path) -> Result<std::string> {
      const auto found = all.find(path.string());
      if (found == all.end()) return Fail(internal_error(ErrorCode::kNotFound, "no such file"));
      return found->second;
    };
  }
};

/// One connection.
struct Peer {
  std::vector<std::string> chain;
  std::unique_ptr<http::ConnectionNote> note;
};
inline Peer peer_of(std::string_view leaf_pem, std::initializer_list<const CertificateAuthority*> above = {}) {
  Peer peer;
  peer.chain.push_back(der_of(leaf_pem));
  for (const CertificateAuthority* one : above) peer.chain.push_back(der_of(one->certificate_pem()));
  return peer;
}

class CertificateCallers : public testing::Test {
 protected:
  CertificateCallers() {
    files.all["ca.pem"] = root.certificate_pem();
    files.all["bundle.json"] = bundle_of({&mesh});
  }
  static CertificateSpec client_spec() {
    return {.common_name = "caller",
            .dns_names = {"Caller.corp.test"},
            .uris = {"https://corp.test/caller"},
            .not_before = at(kNowS - kDayS),
            .not_after = at(kNowS + kDayS),
            .for_clients = true};
  }
  static CertificateSpec svid_spec() {
    return {.uris = {"spiffe://corp.test/team-a/x"},
            .not_before = at(kNowS - 60),
            .not_after = at(kNowS + 3600),
            .for_servers = true,
            .for_clients = true};
  }
  static CertificateIssuerFiles x509(config::X509Identity identity = config::X509Identity::kUriSan) {
    return {.name = "corp", .ca_file = "ca.pem", .identity = identity};
  }
  static CertificateIssuerFiles spiffe() { return {.name = "mesh", .trust_domains = {"corp.test"}, .bundle_file = "bundle.json"}; }

  void configure(std::vector<CertificateIssuerFiles> issuers) {
    const auto problems = trust.configure(std::move(issuers));
    EXPECT_TRUE(problems.empty()) << problems.front();
  }
  std::string issue(const CertificateAuthority& by, const CertificateSpec& spec) {
    auto made = by.issue(spec);
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(made->pem);
  }
  std::string verdict(Peer& peer, WallTime now = kNow) {
    const auto caller = reader.caller(peer.chain, peer.note, now);
    if (caller) return std::string((*caller)->issuer()) + " " + std::string((*caller)->subject());
    EXPECT_EQ(caller.error().code, ErrorCode::kUnauthenticated);
    EXPECT_EQ(caller.error().public_message, "Authentication required.");
    return caller.error().detail;
  }
  std::string verdict(const std::string& leaf, std::initializer_list<const CertificateAuthority*> above = {}) {
    Peer peer = peer_of(leaf, above);
    return verdict(peer);
  }

  Files files;
  CertificateAuthority root = make_authority("root");
  CertificateAuthority mesh = make_authority("mesh");
  CertificateTrust trust{files.reader()};
  CertificateReader reader{trust};
};

}  // namespace wye::token
