// Key sets as anybody may publish them: nothing crashes, and every key that comes out keeps the rules.
#include "identity/token/key_set.hpp"

#include <cstdlib>

namespace {

using namespace wye::token;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view text, KeyUse use) {
  const auto parsed = KeySet::parse(text, {.use = use});
  if (!parsed) {
    require(parsed.error().detail.starts_with("jwks."));
    return;
  }
  require(parsed->keys->size() + parsed->quarantine.size() + parsed->roots.size() <= kKeySetKeysMax);
  require(!parsed->array_was_empty || parsed->keys->size() == 0);
  for (const Jwk& key : parsed->keys->keys()) {
    const auto* own = std::get_if<wye::crypto::PublicKey>(&key.key);
    require(own != nullptr && parsed->keys->has_key(key.thumbprint) && own->thumbprint() == key.thumbprint);
    require(own->kind() != wye::crypto::KeyKind::kRsa || own->bits() >= wye::crypto::kRsaBitsMin);
    require(use != KeyUse::kJwtSvid || !key.kid.empty());
    require(!key.verify(wye::crypto::SignatureAlgorithm::kEs256, "message", std::string(64, 's')));
    for (const Jwk& same : parsed->keys->find(key.kid)) {
      require(std::get<wye::crypto::PublicKey>(same.key) == *own);
      require(key.kid == same.kid);
    }
  }
  size_t last = 0;
  for (const QuarantinedKey& one : parsed->quarantine) {
    require(one.index >= last && !one.why.empty());
    last = one.index;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  check(text, KeyUse::kSignature);
  check(text, KeyUse::kJwtSvid);
  check("{\"keys\":[" + text + "]}", KeyUse::kSignature);
  static_cast<void>(parse_public_jwk(text));
  return 0;
}
