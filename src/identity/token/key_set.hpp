// A set of public keys as issuers publish them: JWKS, and bundles of SPIFFE trust domains.
// Sources: RFC 7517 §5 (JWK set), SPIFFE trust domain and bundle §4.
// One bad key harms nobody but itself: it goes into a quarantine that the caller reports, the others stay usable.
// Threads: a KeySet is immutable and shared.
#pragma once

#include "identity/token/jwk.hpp"

namespace wye::token {

inline constexpr Bytes kKeySetBytesMax = 512_KiB;
inline constexpr size_t kKeySetKeysMax = 1'000;
inline constexpr uint32_t kKeySetDepthMax = 8;

struct KeySetRules {
  /// kJwtSvid: a SPIFFE bundle. Every key must then say its `use`; those of `jwt-svid` need a kid; the first `x5c` of each key of
  /// `x509-svid`, which must have no kid, is a root of the trust domain.
  KeyUse use = KeyUse::kSignature;
  VectorKeys vector_keys = VectorKeys::kRefused;
};

/// A key that is not used.
struct QuarantinedKey {
  size_t index = 0;  // in the array `keys`
  std::string kid;   // if it had a readable one
  JwkFault fault{};
  std::string why;   // for the log; holds no key material
};

struct KeySetParse;

class KeySet {
 public:
  /// No keys.
  KeySet() = default;

  /// Errors: kCorrupt, `detail` `jwks.size` `jwks.json` `jwks.shape` `jwks.count`: the text as a whole is no key set.
  static Result<KeySetParse> parse(std::string_view json, const KeySetRules& rules);

  /// The keys with exactly this kid, compared as bytes; more than one only for one key material with different `alg`.
  std::span<const Jwk> find(std::string_view kid) const;
  /// All keys, by kid.
  std::span<const Jwk> keys() const { return keys_; }
  size_t size() const { return keys_.size(); }
  /// True if a key with this thumbprint may still verify.
  bool has_key(const crypto::Digest& thumbprint) const;

 private:
  std::vector<Jwk> keys_;
  std::vector<crypto::Digest> thumbprints_;  // sorted
};

/// What a text held.
struct KeySetParse {
  std::shared_ptr<const KeySet> keys{};
  /// In the order of the text. is_alarm(fault) says which of them somebody should look at.
  std::vector<QuarantinedKey> quarantine{};
  /// The array `keys` had no element at all: in a SPIFFE bundle that means that every key is revoked.
  bool array_was_empty = false;
  /// SPIFFE bundles: DER of the roots, and the members of these names if they are non-negative integers.
  std::vector<std::string> roots{};
  std::optional<int64_t> spiffe_sequence{};
  std::optional<int64_t> spiffe_refresh_hint{};

  size_t alarms() const {
    return static_cast<size_t>(std::ranges::count_if(quarantine, [](const QuarantinedKey& one) { return is_alarm(one.fault); }));
  }
};

}  // namespace wye::token
