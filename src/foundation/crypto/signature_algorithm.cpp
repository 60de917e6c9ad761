#include "foundation/crypto/signature_algorithm.hpp"

namespace wye::crypto {
namespace {

constexpr std::array<std::string_view, kSignatureAlgorithms> kNames = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
                                                                       "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"};

}  // namespace

std::string_view to_string(SignatureAlgorithm algorithm) { return kNames[static_cast<size_t>(algorithm)]; }

std::optional<SignatureAlgorithm> parse_signature_algorithm(std::string_view name) {
  for (size_t i = 0; i < kPublicKeyAlgorithms; ++i) {
    if (kNames[i] == name) return static_cast<SignatureAlgorithm>(i);
  }
  return std::nullopt;
}

}  // namespace wye::crypto
