#include "identity/token/forwarded_certificate.hpp"

#include "foundation/crypto/encode.hpp"

namespace wye::token {
namespace {

const std::string kHash = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";

TEST(ForwardedCertificates, HashAndUriAreRead) {
  struct Row {
    std::string text;
    std::string uri;
  };
  const std::vector<Row> rows = {
      {"Hash=" + kHash, ""},
      {"Hash=" + kHash + ";URI=spiffe://corp/a", "spiffe://corp/a"},
      {"By=spiffe://corp/proxy;Hash=" + kHash + ";Subject=\"CN=a, O=\\\"x;y\\\"\";URI=spiffe://corp/a", "spiffe://corp/a"},
      {"By=;Hash=" + kHash + ";DNS=a.test;DNS=b.test;URI=\"spiffe://corp/a\"", "spiffe://corp/a"},
      {"Hash=\"" + kHash + "\";URI=", ""},
      {"Hash=" + kHash + ";Cert=\"-----BEGIN%20CERTIFICATE-----%0A\";Chain=\"x%3D\"", ""},
      {"Hash=468ED33BE74EEE6556D90C0149C1309E9BA61D6425303443C0748A02DD8DE688", ""},
  };
  for (const Row& row : rows) {
    const auto found = parse_forwarded_certificate(row.text);
    ASSERT_TRUE(found) << row.text;
    EXPECT_EQ(crypto::to_hex(crypto::as_text(found->fingerprint)), kHash);
    EXPECT_EQ(found->uri, row.uri);
  }
}

TEST(ForwardedCertificates, AnythingElseIsRefused) {
  const std::string good = "Hash=" + kHash;
  const std::vector<std::string> rows = {
      "",
      ";",
      "Hash",
      "Hash=",
      "URI=spiffe://corp/a",
      good + ",",
      good + "," + good,
      good + ";URI=spiffe://corp/a," + good + ";URI=spiffe://corp/admin",
      "," + good,
      good + ";",
      ";" + good,
      good + ";" + good,
      good + ";URI=spiffe://corp/a;URI=spiffe://corp/b",
      good + ";uri=spiffe://corp/a",
      "hash=" + kHash,
      good + ";Other=1",
      good + "; URI=spiffe://corp/a",
      good + " ;URI=spiffe://corp/a",
      good + ";URI=spiffe://corp/a ",
      good + ";URI=\"spiffe://corp/a",
      good + ";URI=\"spiffe://corp/a\"x",
      good + ";URI=\"spiffe://corp/a\\",
      good + ";URI=spiffe://corp/\"a",
      good + ";URI=\"spiffe://corp/a,b\"",
      good + ";URI=\"spiffe://corp/a b\"",
      good + ";URI=" + std::string(2049, 'a'),
      "Hash=" + kHash.substr(2),
      "Hash=" + kHash + "00",
      "Hash=g" + kHash.substr(1),
      "Hash=" + kHash.substr(0, 63) + " ",
      good + ";URI=" + std::string("a\0b", 3),
      good + ";Subject=" + std::string(kForwardedCertificateBytesMax, 'x'),
      std::string(kForwardedCertificateBytesMax + 1, ' '),
  };
  for (const std::string& row : rows) {
    const auto found = parse_forwarded_certificate(row);
    ASSERT_FALSE(found) << row;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidRequest);
    EXPECT_EQ(found.error().detail, "auth.forwarded_certificate");
    EXPECT_EQ(found.error().public_message, "The client certificate header is not valid.");
  }
}

TEST(ForwardedCertificates, CutAnywhereItIsRefusedOrSaysTheSameLeaf) {
  const std::string whole = "By=spiffe://corp/proxy;Hash=" + kHash + ";URI=\"spiffe://corp/a\"";
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto found = parse_forwarded_certificate(std::string_view(whole).substr(0, size));
    if (found) EXPECT_TRUE(found->uri.empty()) << size;
  }
}

TEST(ForwardedCertificates, AreReadFromTrustedProxiesWithACertificateOnly) {
  const std::vector<std::string> chain = {"der"};
  struct Row {
    const char* what;
    std::string fields;
    bool trusted;
    bool with_chain;
    std::string verdict;
  };
  const std::string line = "X-Forwarded-Client-Cert: Hash=" + kHash + ";URI=spiffe://corp/a\r\n";
  const std::vector<Row> rows = {
      {"a client", "", false, true, "own chain"},
      {"a client that claims to be a proxy", line, false, true, "own chain"},
      {"a client without a certificate that claims to be a proxy", line, false, false, "nothing"},
      {"a proxy without a certificate", line, true, false, "nothing"},
      {"a proxy", line, true, true, "spiffe://corp/a"},
      {"a proxy for a client without a certificate", "", true, true, "nothing"},
      {"a proxy, two lines", line + line, true, true, "refused"},
      {"a proxy, no such form", "x-forwarded-client-cert: junk\r\n", true, true, "refused"},
      {"a client, no such form", "x-forwarded-client-cert: junk\r\n", false, true, "own chain"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n" + row.fields + "\r\n";
    http::HeadParser parser(http::HeadParser::Kind::kRequest);
    http::Head head;
    ASSERT_TRUE(parser.parse(text, head));
    const auto found =
        client_certificate_of(head, row.with_chain ? std::span<const std::string>(chain) : std::span<const std::string>(), row.trusted);
    const std::string verdict = !found ? "refused" : found->forwarded ? found->forwarded->uri : found->chain.empty() ? "nothing" : "own chain";
    EXPECT_EQ(verdict, row.verdict);
  }
}

}  // namespace
}  // namespace wye::token
