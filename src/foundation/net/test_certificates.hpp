// For tests only: a certificate authority that lives as long as its folder.
#pragma once

#include <unistd.h>

#include <fstream>

#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/net/tls.hpp"

namespace wye::net {

struct CertificateSpec {
  std::vector<std::string> names;  // SAN dNSName, or iPAddress for literal addresses
  std::string common_name = "test";
  int64_t not_before_s = 1'700'000'000;
  int64_t not_after_s = 1'900'000'000;
  bool for_clients = false;  // extended key usage clientAuth instead of serverAuth
  bool self_signed = false;
};

class TestAuthority {
 public:
  TestAuthority() {
    static std::atomic<int> count{0};
    folder_ = std::filesystem::path(testing::TempDir()) / ("wye-certificates-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    std::filesystem::create_directories(folder_);
    root_ = folder_ / "root.pem";
    write(root_, authority_.certificate_pem());
  }
  ~TestAuthority() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  const std::filesystem::path& root() const { return root_; }
  const std::filesystem::path& folder() const { return folder_; }

  TlsServerFiles issue(const CertificateSpec& spec) {
    const std::string base = "leaf-" + std::to_string(serial_++);
    TlsServerFiles files{.certificate_chain = folder_ / (base + ".pem"), .key = folder_ / (base + ".key")};
    if (spec.self_signed) {
      const auto own = crypto::CertificateAuthority::make(spec_of(spec));
      EXPECT_TRUE(own) << own.error().detail;
      write(files.certificate_chain, own->certificate_pem());
      write(files.key, own->key_pem().reveal());
      return files;
    }
    const auto made = authority_.issue(spec_of(spec));
    EXPECT_TRUE(made) << made.error().detail;
    write(files.certificate_chain, made->pem);
    write(files.key, made->key.reveal());
    return files;
  }

 private:
  static WallTime at(int64_t seconds) { return {seconds * 1'000'000'000}; }
  static crypto::CertificateSpec spec_of(const CertificateSpec& spec) {
    crypto::CertificateSpec out{.common_name = spec.common_name,
                                .not_before = at(spec.not_before_s),
                                .not_after = at(spec.not_after_s),
                                .for_servers = !spec.for_clients,
                                .for_clients = spec.for_clients};
    for (const std::string& name : spec.names) (parse_address(name, 0) ? out.addresses : out.dns_names).push_back(name);
    return out;
  }
  static void write(const std::filesystem::path& path, std::string_view text) {
    std::ofstream(path) << text;
    EXPECT_EQ(std::filesystem::file_size(path), text.size()) << path;
  }

  std::filesystem::path folder_;
  std::filesystem::path root_;
  crypto::CertificateAuthority authority_ =
      std::move(*crypto::CertificateAuthority::make({.common_name = "root", .not_before = at(1'700'000'000), .not_after = at(1'900'000'000)}));
  long serial_ = 1;
};

/// One server certificate for `names`, and both contexts for it.
struct TlsPairContexts {
  explicit TlsPairContexts(const Clock& clock, CertificateSpec spec = {.names = {"gate.test"}}) {
    auto made_server = make_tls_server(authority.issue(spec));
    auto made_client = make_tls_client(authority.root(), clock);
    EXPECT_TRUE(made_server) << made_server.error().detail;
    EXPECT_TRUE(made_client) << made_client.error().detail;
    server = std::move(*made_server);
    client = std::move(*made_client);
  }
  TestAuthority authority;
  std::unique_ptr<TlsServerContext> server;
  std::unique_ptr<TlsClientContext> client;
};

}  // namespace wye::net
