// For tests only: a certificate authority that lives as long as its folder.
#pragma once

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
  TestAuthority();
  ~TestAuthority();
  const std::filesystem::path& root() const { return root_; }
  const std::filesystem::path& folder() const { return folder_; }
  TlsServerFiles issue(const CertificateSpec& spec);

 private:
  struct Keys;
  std::filesystem::path folder_;
  std::filesystem::path root_;
  std::unique_ptr<Keys> keys_;
  long serial_ = 1;
};

/// One server certificate for `names`, and both contexts for it.
struct TlsPairContexts {
  explicit TlsPairContexts(const Clock& clock, CertificateSpec spec = {.names = {"gate.test"}});
  TestAuthority authority;
  std::unique_ptr<TlsServerContext> server;
  std::unique_ptr<TlsClientContext> client;
};

}  // namespace wye::net
