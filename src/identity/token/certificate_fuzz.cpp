// SPIFFE IDs, patterns, forwarded certificates, URIs of proofs and certificates as anybody may send them: nothing crashes, and what is
// accepted is exactly what the rules say.
#include <cstdlib>

#include "foundation/crypto/certificate.hpp"
#include "identity/token/dpop_uri.hpp"
#include "identity/token/forwarded_certificate.hpp"
#include "identity/token/spiffe.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_spiffe(std::string_view text) {
  const auto id = wye::token::parse_spiffe_id(text);
  if (!id) return;
  require(text.size() <= wye::token::kSpiffeIdBytesMax);
  require("spiffe://" + std::string(id->trust_domain) + std::string(id->path) == text);
  require(text.find_first_of("%?#@: \\*", 9) == std::string_view::npos && !text.ends_with('/') && !id->path.contains("//"));
  require(!wye::token::spiffe_matches(std::string(text) + "/*", text));
  require(wye::token::spiffe_matches(std::string(text) + "/*", std::string(text) + "/x"));
  require(!wye::token::spiffe_matches(std::string(text) + "/*", std::string(text) + "x"));
}

void check_forwarded(std::string_view text) {
  const auto found = wye::token::parse_forwarded_certificate(text);
  if (!found) return;
  require(text.contains("Hash="));
  require(found->uri.find_first_of(",; \"\r\n") == std::string_view::npos);
  require(!wye::token::parse_forwarded_certificate(std::string(text) + "," + std::string(text)));
}

void check_uri(std::string_view text) {
  if (!wye::token::dpop_uri_matches(text, "https", "gate.test", "/v1/chat")) return;
  std::string lower(text.substr(0, 17));
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  require(lower == "https://gate.test");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  check_spiffe(input);
  check_spiffe("spiffe://" + std::string(input));
  check_forwarded(input);
  check_forwarded("Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;" + std::string(input));
  check_uri(input);
  check_uri("https://" + std::string(input));
  (void)wye::token::spiffe_bundle_text(input, "corp", true);
  if (const auto certificate = wye::crypto::Certificate::from_der(input)) require(certificate->facts().fingerprint == wye::crypto::sha256(input));
  return 0;
}
