#include "app/listener_tls.hpp"

#include <fstream>

#include "foundation/base/test_folder.hpp"
#include "foundation/crypto/certificate_maker.hpp"

namespace wye::app {
namespace {

constexpr WallTime at(int64_t seconds) { return {seconds * 1'000'000'000}; }

class ListenerTlsTest : public testing::Test {
 protected:
  ListenerTlsTest() {
    files.cert_file.resolved = folder / "edge.crt";
    files.key_file.resolved = folder / "edge.key";
    const crypto::MadeCertificate made = issue();
    write("edge.crt", made.pem);
    write("edge.key", made.key.reveal());
  }
  crypto::MadeCertificate issue() {
    auto made = root.issue({.dns_names = {"gate.test"}, .not_before = at(0), .not_after = at(4'000'000'000), .for_servers = true});
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  void write(std::string_view name, std::string_view text) { std::ofstream(folder / name) << text; }

  TestFolder folder;
  ManualClock clock;
  config::TlsFiles files;
  crypto::CertificateAuthority root =
      std::move(*crypto::CertificateAuthority::make({.common_name = "root", .not_before = at(0), .not_after = at(4'000'000'000)}));
};

TEST_F(ListenerTlsTest, ChangesAreTakenOnceBothFilesFit) {
  auto tls = ListenerTls::make(files, clock);
  ASSERT_TRUE(tls) << tls.error().detail;
  const TlsServerPtr first = tls->current();
  EXPECT_EQ(tls->look().changed, nullptr);
  const crypto::MadeCertificate next = issue();
  write("edge.crt", next.pem);
  ListenerTls::Look look = tls->look();  // the key is still the old one: it may be on its way
  EXPECT_EQ(look.changed, nullptr);
  EXPECT_EQ(look.problem, "");
  EXPECT_EQ(tls->current(), first);
  write("edge.key", next.key.reveal());
  look = tls->look();
  EXPECT_NE(look.changed, nullptr);
  EXPECT_EQ(look.problem, "");
  EXPECT_NE(tls->current(), first);
  EXPECT_EQ(tls->look().changed, nullptr);
}

TEST_F(ListenerTlsTest, FilesThatAreNoGoodAreToldOnceAndChangeNothing) {
  auto tls = ListenerTls::make(files, clock);
  ASSERT_TRUE(tls);
  const TlsServerPtr first = tls->current();
  write("edge.crt", "broken");
  EXPECT_EQ(tls->look().problem, "");
  EXPECT_NE(tls->look().problem.find("edge.crt"), std::string::npos);
  EXPECT_EQ(tls->look().problem, "");
  EXPECT_EQ(tls->current(), first);
  std::filesystem::remove(folder / "edge.crt");
  EXPECT_EQ(tls->look().problem, "");
  EXPECT_NE(tls->look().problem.find("no such file"), std::string::npos);
  const crypto::MadeCertificate next = issue();
  write("edge.crt", next.pem);
  write("edge.key", next.key.reveal());
  EXPECT_NE(tls->look().changed, nullptr);
}

TEST_F(ListenerTlsTest, TheModesNeedTheirFiles) {
  files.client_cert = config::ClientCert::kRequire;
  files.client_ca_file.resolved = folder / "corp.crt";
  const auto absent = ListenerTls::make(files, clock);
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().detail.find("corp.crt: no such file"), std::string::npos) << absent.error().detail;
  write("corp.crt", root.certificate_pem());
  auto tls = ListenerTls::make(files, clock);
  ASSERT_TRUE(tls);
  write("corp.crt", root.certificate_pem() + root.certificate_pem());
  EXPECT_NE(tls->look().changed, nullptr);  // the authorities of clients are looked at as well
}

}  // namespace
}  // namespace wye::app
