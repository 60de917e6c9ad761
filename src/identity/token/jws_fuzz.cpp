// Tokens as anybody may send them: nothing crashes, what is read keeps every bound, and nothing verifies that was not signed.
#include "foundation/crypto/encode.hpp"
#include "identity/token/jws.hpp"

#include <cstdlib>

namespace {

using namespace wye::token;

void require(bool holds) {
  if (!holds) std::abort();
}

const JwsRules kMild = {.algorithms = wye::crypto::AlgorithmSet::all(), .kid = KidRule::kOptional};
const JwsRules kProof = {.algorithms = wye::crypto::AlgorithmSet::all(), .kid = KidRule::kOptional, .embedded_key = EmbeddedKeyRule::kRequired};

/// RFC 8037 appendix A, under every kid that the tables of the tests use.
const KeySet& keys() {
  static const auto parsed = KeySet::parse(R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},)"
                                           R"({"kty":"EC","crv":"P-256","kid":"k2","x":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY",)"
                                           R"("y":"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw"}]})",
                                           {});
  return *parsed->keys;
}

void check(std::string_view compact, const JwsRules& rules) {
  static JwsReader reader;
  const auto jws = reader.read(compact, rules);
  const auto again = parse_jws(compact, rules);
  require(jws.has_value() == again.has_value());
  if (!jws) {
    require(jws.error().code == wye::ErrorCode::kUnauthenticated && jws.error().detail.starts_with("jws."));
    require(jws.error().detail == again.error().detail);
    return;
  }
  require(compact.size() <= kJwsBytesMax && jws->kid().size() <= kKeyIdBytesMax && rules.algorithms.contains(jws->algorithm()));
  require(std::ranges::count(compact, '.') == 2 && jws->kid() == again->kid() && jws->issuer_hint() == again->issuer_hint());
  require(jws->size() <= 3 * kJwsBytesMax);
  require(jws->embedded_jwk().empty() == (rules.embedded_key == EmbeddedKeyRule::kRefused));
  if (const auto key = parse_public_jwk(jws->embedded_jwk())) static_cast<void>(verify_jws(*jws, *key, rules));
  const auto verified = verify_jws(*jws, keys(), rules);
  // The one thing that the holder of this published key signed.
  if (verified) require(verified->bytes() == "Example of Ed25519 signing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(bytes), size);
  if (input.ends_with('\n')) input.remove_suffix(1);  // of the seeds, which are files of text
  check(input, kMild);
  check(input, kProof);
  // Bytes of a header, a payload and a signature, parted by line feeds: base64url would keep the fuzzer from the JSON.
  const size_t first = input.find('\n');
  const size_t second = first == std::string_view::npos ? first : input.find('\n', first + 1);
  if (second == std::string_view::npos) return 0;
  const std::string compact = wye::crypto::to_base64url(input.substr(0, first)) + '.' +
                              wye::crypto::to_base64url(input.substr(first + 1, second - first - 1)) + '.' +
                              wye::crypto::to_base64url(input.substr(second + 1));
  check(compact, kMild);
  check(compact, kProof);
  return 0;
}
