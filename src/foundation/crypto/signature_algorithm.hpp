// The signature algorithms of JOSE that Wye knows. Sources: RFC 7518 §3.1, RFC 8037 §3.1.
// Threads: pure.
#pragma once

namespace wye::crypto {

/// The last three are not signatures but MACs over a shared secret: they exist so that published test vectors run through the
/// same code. No text leads to them (parse_signature_algorithm), so no configuration can name them.
enum class SignatureAlgorithm : uint8_t { kRs256, kRs384, kRs512, kPs256, kPs384, kPs512, kEs256, kEs384, kEs512, kEdDsa, kHs256, kHs384, kHs512 };
inline constexpr size_t kSignatureAlgorithms = 13;
inline constexpr size_t kPublicKeyAlgorithms = 10;  // the first ones

/// `RS256`, `EdDSA`: the JOSE spelling.
std::string_view to_string(SignatureAlgorithm algorithm);
/// Exact case; absent on everything else, MACs and `none` included.
std::optional<SignatureAlgorithm> parse_signature_algorithm(std::string_view name);
/// HS256, HS384, HS512.
constexpr bool is_mac(SignatureAlgorithm algorithm) { return static_cast<size_t>(algorithm) >= kPublicKeyAlgorithms; }

/// A set of algorithms.
class AlgorithmSet {
 public:
  constexpr AlgorithmSet() = default;
  constexpr AlgorithmSet(std::initializer_list<SignatureAlgorithm> members) {
    for (const SignatureAlgorithm one : members) insert(one);
  }
  /// Every algorithm with a public key.
  static constexpr AlgorithmSet all() {
    AlgorithmSet set;
    set.bits_ = (1u << kPublicKeyAlgorithms) - 1;
    return set;
  }
  constexpr void insert(SignatureAlgorithm one) { bits_ = static_cast<uint16_t>(bits_ | bit(one)); }
  constexpr bool contains(SignatureAlgorithm one) const { return (bits_ & bit(one)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  /// Both together.
  friend constexpr AlgorithmSet operator|(AlgorithmSet a, AlgorithmSet b) {
    a.bits_ = static_cast<uint16_t>(a.bits_ | b.bits_);
    return a;
  }
  friend constexpr bool operator==(AlgorithmSet, AlgorithmSet) = default;

 private:
  static constexpr uint16_t bit(SignatureAlgorithm one) { return static_cast<uint16_t>(1u << static_cast<unsigned>(one)); }
  uint16_t bits_ = 0;
};

}  // namespace wye::crypto
