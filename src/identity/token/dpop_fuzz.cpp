// Proofs as anybody may send them, and claims that the right key has signed: nothing crashes, and a proof that is accepted names this
// request, this token and this time.
#include <cstdlib>

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "identity/token/dpop.hpp"

namespace {

using namespace wye;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Fixture {
  crypto::PrivateKey key = std::move(*crypto::PrivateKey::generate_ed25519());
  std::string jkt = crypto::to_base64url(crypto::as_text(key.public_key().thumbprint()));
  std::string header = R"("typ":"dpop+jwt","jwk":)" + std::string(key.public_key().jwk());
  std::string ath = crypto::to_base64url(crypto::as_text(crypto::sha256("token")));
};

token::DpopFacts facts_of(std::string_view proof, const Fixture& fixture) {
  return {.proof = proof,
          .method = "POST",
          .scheme = "https",
          .authority = "gate.test",
          .path = "/v1/chat",
          .access_token = "token",
          .jkt = fixture.jkt,
          .wall = {1'760'000'000'000'000'000},
          .mono = {1}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const Fixture fixture;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  token::MemoryReplayStore replays(64);
  // Nobody but the owner of the key makes one.
  require(!token::verify_dpop(facts_of(input, fixture), nullptr, replays));
  const std::string claims = R"({"htm":"POST","htu":"https://gate.test/v1/chat","ath":")" + fixture.ath + R"(","iat":1760000000,)";
  for (const std::string& payload : {std::string(input), claims + std::string(input)}) {
    const auto proof = crypto::sign_jws(fixture.key, crypto::SignatureAlgorithm::kEdDsa, fixture.header, payload);
    if (!proof) continue;
    const auto first = token::verify_dpop(facts_of(*proof, fixture), nullptr, replays);
    if (!first) continue;
    require(first->thumbprint == fixture.jkt && !first->jti.empty() && first->jti.size() <= token::kDpopJtiBytesMax);
    require(!token::verify_dpop(facts_of(*proof, fixture), nullptr, replays));  // used up
    token::DpopFacts other = facts_of(*proof, fixture);
    other.method = "GET";
    require(!token::verify_dpop(other, nullptr, replays));
    other = facts_of(*proof, fixture);
    other.access_token = "other";
    require(!token::verify_dpop(other, nullptr, replays));
  }
  return 0;
}
