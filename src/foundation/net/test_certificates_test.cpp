#include "foundation/net/test_certificates.hpp"

#include <unistd.h>

#include <fstream>

#include "foundation/crypto/certificate_maker.hpp"

namespace wye::net {
namespace {

WallTime at(int64_t seconds) { return {seconds * 1'000'000'000}; }

crypto::CertificateSpec spec_of(const CertificateSpec& spec) {
  crypto::CertificateSpec out{.common_name = spec.common_name,
                              .not_before = at(spec.not_before_s),
                              .not_after = at(spec.not_after_s),
                              .for_servers = !spec.for_clients,
                              .for_clients = spec.for_clients};
  for (const std::string& name : spec.names) (parse_address(name, 0) ? out.addresses : out.dns_names).push_back(name);
  return out;
}

crypto::CertificateAuthority make_root() {
  auto made = crypto::CertificateAuthority::make({.common_name = "root", .not_before = at(1'700'000'000), .not_after = at(1'900'000'000)});
  EXPECT_TRUE(made) << made.error().detail;
  return std::move(*made);
}

void write(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path) << text;
  EXPECT_EQ(std::filesystem::file_size(path), text.size()) << path;
}

}  // namespace

struct TestAuthority::Keys {
  crypto::CertificateAuthority authority = make_root();
};

TestAuthority::TestAuthority() : keys_(std::make_unique<Keys>()) {
  static std::atomic<int> count{0};
  folder_ = std::filesystem::path(testing::TempDir()) / ("wye-certificates-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
  std::filesystem::create_directories(folder_);
  root_ = folder_ / "root.pem";
  write(root_, keys_->authority.certificate_pem());
}

TestAuthority::~TestAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

TlsServerFiles TestAuthority::issue(const CertificateSpec& spec) {
  const std::string base = "leaf-" + std::to_string(serial_++);
  TlsServerFiles files{.certificate_chain = folder_ / (base + ".pem"), .key = folder_ / (base + ".key")};
  if (spec.self_signed) {
    const auto own = crypto::CertificateAuthority::make(spec_of(spec));
    EXPECT_TRUE(own) << own.error().detail;
    write(files.certificate_chain, own->certificate_pem());
    write(files.key, own->key_pem().reveal());
    return files;
  }
  const auto made = keys_->authority.issue(spec_of(spec));
  EXPECT_TRUE(made) << made.error().detail;
  write(files.certificate_chain, made->pem);
  write(files.key, made->key.reveal());
  return files;
}

TlsPairContexts::TlsPairContexts(const Clock& clock, CertificateSpec spec) {
  auto made_server = make_tls_server(authority.issue(spec));
  auto made_client = make_tls_client(authority.root(), clock);
  EXPECT_TRUE(made_server) << made_server.error().detail;
  EXPECT_TRUE(made_client) << made_client.error().detail;
  server = std::move(*made_server);
  client = std::move(*made_client);
}

}  // namespace wye::net
