// JSON web signatures in their compact form: bytes and a set of keys → payload bytes.
// Sources: RFC 7515 (JWS), RFC 7518 (algorithms), RFC 8037 (EdDSA), RFC 8725 (best practices).
//
// What a token says before its signature is verified is an UnverifiedJws: enough to choose an issuer and to judge whether asking
// for new keys is worth it, and nothing that a policy can read. Only verify_jws gives payload bytes.
//
// Every Error here is kUnauthenticated with one constant public message; its `detail` is one of the reasons below.
#pragma once

#include "foundation/crypto/signature_algorithm.hpp"
#include "foundation/json/document.hpp"
#include "identity/token/key_set.hpp"

namespace wye::token {

inline constexpr size_t kJwsBytesMax = 16'384;         // the whole token, ASCII
inline constexpr size_t kJwsHeaderBytesMax = 2'048;    // decoded
inline constexpr size_t kJwsPayloadBytesMax = 12'288;  // decoded
inline constexpr uint32_t kJwsHeaderDepthMax = 4;
inline constexpr size_t kJwsHeaderMembersMax = 16;
inline constexpr size_t kKeyIdBytesMax = 256;

/// What clients read of every token failure.
inline constexpr std::string_view kInvalidTokenMessage = "The access token is not valid.";
/// kUnauthenticated with that message; `reason` goes into the log only.
Fail invalid_token(std::string_view reason);

/// Reasons.
inline constexpr std::string_view kJwsShape = "jws.shape";              // not three parts
inline constexpr std::string_view kJwsSize = "jws.size";
inline constexpr std::string_view kJwsBase64 = "jws.base64";            // another alphabet, padding, unused bits
inline constexpr std::string_view kJwsHeader = "jws.header";            // not a strict JSON object within the bounds
inline constexpr std::string_view kJwsAlg = "jws.alg";                  // `none`, or not in the list
inline constexpr std::string_view kJwsCrit = "jws.crit";                // `crit` or `b64`: no extension is understood
inline constexpr std::string_view kJwsEmbeddedKey = "jws.embedded_key"; // jwk, jku, x5u, x5c, zip, enc, a nested JWT
inline constexpr std::string_view kJwsKid = "jws.kid";                  // missing, too long
inline constexpr std::string_view kJwsKey = "jws.key";                  // no key of the set has this kid
inline constexpr std::string_view kJwsKeyAlg = "jws.key_alg";           // the key with this kid is not one for this alg
inline constexpr std::string_view kJwsSignature = "jws.signature";

enum class KidRule : uint8_t { kRequired, kOptional };
/// Where the header may carry a key of its own: nowhere but in a DPoP proof (RFC 9449 §4.2), which must.
enum class EmbeddedKeyRule : uint8_t { kRefused, kRequired };
/// Which members a header may have.
enum class HeaderRule : uint8_t { kAnyHarmless, kOnlyAlgKidTyp /* SPIFFE JWT-SVID §2 */ };

struct JwsRules {
  crypto::AlgorithmSet algorithms;
  KidRule kid = KidRule::kRequired;
  EmbeddedKeyRule embedded_key = EmbeddedKeyRule::kRefused;
  HeaderRule header = HeaderRule::kAnyHarmless;
};

/// A token whose form is right and whose signature nobody has looked at. Owns a copy of its bytes; movable, and views of it live
/// as long as the object stays where it is. Threads: one owner.
class UnverifiedJws {
 public:
  crypto::SignatureAlgorithm algorithm() const { return algorithm_; }
  /// Empty: none.
  std::string_view kid() const { return part(kid_); }
  /// `typ` as sent; empty: none.
  std::string_view typ() const { return part(typ_); }

  /// Hints, to choose an issuer and to judge whether keys are worth fetching: nobody has signed for them yet.
  /// The meaning of `iss`; empty if it is missing, no string, or the payload is no JSON object.
  std::string_view issuer_hint() const { return part(issuer_); }
  /// The same of `sub`: it names the trust domain whose SPIFFE bundle is to be asked.
  std::string_view subject_hint() const { return part(subject_); }
  /// JSON text as sent; empty if missing or the payload is no JSON object.
  std::string_view exp_hint() const { return part(exp_); }
  std::string_view nbf_hint() const { return part(nbf_); }
  std::string_view aud_hint() const { return part(aud_); }
  /// JSON text of the header's `jwk`; empty unless the rules require one.
  std::string_view embedded_jwk() const { return part(jwk_); }

  /// How many bytes it keeps.
  size_t size() const { return bytes_.size(); }

 private:
  friend class JwsReader;
  friend class JwsAccess;
  struct Part {
    uint32_t begin = 0;
    uint32_t size = 0;
  };
  UnverifiedJws() = default;
  std::string_view part(Part p) const { return std::string_view(bytes_).substr(p.begin, p.size); }
  std::string bytes_;  // signing input, then header, payload, signature decoded, then what had to be unescaped
  crypto::SignatureAlgorithm algorithm_{};
  bool only_alg_kid_typ_ = false;
  Part input_, header_, payload_, signature_;
  Part kid_, typ_, issuer_, subject_, exp_, nbf_, aud_, jwk_;
};

/// Reads tokens one after the other and keeps its working memory between them: one a worker. Threads: one owner.
class JwsReader {
 public:
  JwsReader();
  ~JwsReader();
  JwsReader(JwsReader&&) noexcept;
  JwsReader& operator=(JwsReader&&) noexcept;
  /// Checks everything that needs no key. Several issuers: give the union of their lists and the milder of their rules, then
  /// check_jws with those of the issuer that was chosen.
  Result<UnverifiedJws> read(std::string_view compact, const JwsRules& rules);

 private:
  /// The reason against the header; empty: none.
  std::string_view read_header(UnverifiedJws& jws, const JwsRules& rules);
  void read_hints(UnverifiedJws& jws);
  /// Turns the place of a JSON string into that of what it means; of anything else into nothing.
  void keep_meaning(UnverifiedJws& jws, UnverifiedJws::Part& text);
  std::unique_ptr<json::Document> header_;
};

/// The same for one token.
Result<UnverifiedJws> parse_jws(std::string_view compact, const JwsRules& rules);

/// Whether the token keeps rules that it was perhaps not read with: algorithm, kid, members. Cheap, no allocation when it does.
Result<void> check_jws(const UnverifiedJws& jws, const JwsRules& rules);

/// Payload bytes that a key of the set has signed. Views into the UnverifiedJws and the KeySet, which must outlive it unmoved.
class VerifiedPayload {
 public:
  std::string_view bytes() const { return bytes_; }
  /// The member `issuer` of the key (Microsoft Entra): the only issuer, or the template of issuers, that it signs for. Empty: not said.
  std::string_view key_issuer() const { return key_issuer_; }
  /// The thumbprint of the key: whoever keeps what was verified asks KeySet::has_key with it after a change of keys.
  const crypto::Digest& key_thumbprint() const { return *key_thumbprint_; }

 private:
  friend class JwsAccess;
  VerifiedPayload() = default;
  std::string_view bytes_;
  std::string_view key_issuer_;
  const crypto::Digest* key_thumbprint_ = nullptr;
};

/// check_jws, then the signature, with the key that the kid names; without a kid (where the rules allow that) with each key that is
/// one for the algorithm, at most kKeysTriedMax. Reasons beyond those of check_jws: kJwsKey (ask for new keys), kJwsKeyAlg, kJwsSignature.
/// Threads: any number at once with one KeySet.
Result<VerifiedPayload> verify_jws(const UnverifiedJws& jws, const KeySet& keys, const JwsRules& rules);
inline constexpr size_t kKeysTriedMax = 8;

/// The same with one key that came another way, as that of a DPoP proof: kid is not compared.
Result<VerifiedPayload> verify_jws(const UnverifiedJws& jws, const Jwk& key, const JwsRules& rules);

}  // namespace wye::token
