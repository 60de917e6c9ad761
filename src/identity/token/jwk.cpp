#include "identity/token/jwk.hpp"

#include "foundation/crypto/encode.hpp"
#include "identity/token/jws.hpp"

namespace wye::token {
namespace {

using crypto::SignatureAlgorithm;
using Refused = std::optional<JwkRefusal>;

/// Members that only the holder of a private or shared key has.
constexpr std::array<std::string_view, 8> kPrivateMembers = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
constexpr std::array<std::string_view, 10> kTextMembers = {"kty", "use", "alg", "kid", "crv", "n", "e", "x", "y", "issuer"};
enum TextMember : size_t { kKty, kUse, kAlg, kKid, kCrv, kN, kE, kX, kY, kIssuer };

JwkRefusal refusal(JwkFault fault, std::string_view why) { return {fault, std::string(why)}; }
JwkRefusal malformed(std::string_view why) { return refusal(JwkFault::kMalformed, why); }

/// A key while it is read.
struct Draft {
  json::Value value;
  JwkRules rules;
  std::array<std::optional<std::string>, kTextMembers.size()> texts{};
  std::optional<std::string> secret{};
  std::optional<SignatureAlgorithm> algorithm{};
  std::optional<crypto::PublicKey> key{};

  const std::optional<std::string>& text(TextMember member) const { return texts[member]; }
  std::string_view word(TextMember member) const { return texts[member] ? std::string_view(*texts[member]) : std::string_view(); }
};

bool names_twice(json::Value object) {
  std::array<std::string, kJwkMembersMax> names;
  size_t count = 0;
  for (const json::Member member : object.members()) names[count++] = member.name();
  std::sort(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count));
  return std::adjacent_find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count)) != names.begin() + static_cast<std::ptrdiff_t>(count);
}

Refused read_texts(Draft& draft) {
  if (!draft.value.is_object()) return malformed("not an object");
  if (draft.value.size() > kJwkMembersMax) return malformed("too many members");
  if (names_twice(draft.value)) return malformed("a member named twice");
  for (size_t i = 0; i < kTextMembers.size(); ++i) {
    const auto found = draft.value.find(kTextMembers[i]);
    if (!found) continue;
    if (!found->is_string()) return malformed(std::string(kTextMembers[i]) + " is no string");
    draft.texts[i] = found->text();
  }
  if (!draft.text(kKty)) return malformed("kty is missing");
  if (draft.text(kKid) && (draft.word(kKid).empty() || draft.word(kKid).size() > kKeyIdBytesMax)) return malformed("kid is empty or too long");
  if (draft.word(kIssuer).size() > kJwkIssuerBytesMax) return malformed("issuer is too long");
  return std::nullopt;
}

/// Before what a key is for: a private key that anybody can read is an alarm, whatever it was for.
Refused check_secrecy(Draft& draft) {
  if (draft.word(kKty) == "oct") {
    const auto secret = draft.value.find("k");
    if (draft.rules.vector_keys == VectorKeys::kRefused) return refusal(JwkFault::kSymmetric, "a symmetric key in a public set");
    draft.secret = secret && secret->is_string() ? crypto::from_base64url(secret->text()) : std::nullopt;
    if (!draft.secret) return malformed("k");
    return std::nullopt;
  }
  for (const std::string_view name : kPrivateMembers) {
    if (draft.value.find(name)) return refusal(JwkFault::kPrivate, "a private key was published: " + std::string(name));
  }
  return std::nullopt;
}

Refused check_purpose(Draft& draft) {
  const bool is_svid = draft.rules.use == KeyUse::kJwtSvid;
  if (is_svid && !draft.text(kUse)) return malformed("use is missing");
  if (draft.text(kUse) && draft.word(kUse) != (is_svid ? "jwt-svid" : "sig")) {
    return refusal(JwkFault::kOtherPurpose, "use is not that of signatures");
  }
  if (is_svid && !draft.text(kKid)) return refusal(JwkFault::kNoKid, "kid is missing");
  const auto operations = draft.value.find("key_ops");
  if (!operations) return std::nullopt;
  if (!operations->is_array()) return malformed("key_ops is no array");
  bool verifies = false;
  for (const json::Value one : operations->elements()) {
    if (!one.is_string()) return malformed("key_ops holds something else than strings");
    verifies = verifies || one.equals("verify");
  }
  if (!verifies) return refusal(JwkFault::kOtherPurpose, "key_ops without verify");
  return std::nullopt;
}

Refused read_algorithm(Draft& draft) {
  if (!draft.text(kAlg)) return std::nullopt;
  draft.algorithm = crypto::parse_signature_algorithm(draft.word(kAlg));
  for (const auto mac : {SignatureAlgorithm::kHs256, SignatureAlgorithm::kHs384, SignatureAlgorithm::kHs512}) {
    if (draft.secret && draft.word(kAlg) == to_string(mac)) draft.algorithm = mac;
  }
  if (!draft.algorithm) return refusal(JwkFault::kOtherPurpose, "alg is none of the signatures known here");
  return std::nullopt;
}

/// A member of base64url.
std::optional<std::string> number(const Draft& draft, TextMember member) {
  return draft.text(member) ? crypto::from_base64url(*draft.text(member)) : std::nullopt;
}

Refused make_key(Draft& draft, Result<crypto::PublicKey> made) {
  if (made) {
    draft.key = std::move(*made);
    if (draft.algorithm && !crypto::fits(draft.key->kind(), *draft.algorithm)) return malformed("alg does not fit the key");
    return std::nullopt;
  }
  const std::string_view why = made.error().detail;
  if (why.starts_with(crypto::kKeyRoca)) return refusal(JwkFault::kRoca, why);
  return refusal(why.starts_with(crypto::kKeySize) ? JwkFault::kWeak : JwkFault::kMalformed, why);
}

Refused read_key(Draft& draft) {
  if (draft.secret) return std::nullopt;
  const std::string_view kty = draft.word(kKty);
  if (kty == "RSA") {
    const auto n = number(draft, kN);
    const auto e = number(draft, kE);
    return n && e ? make_key(draft, crypto::PublicKey::from_rsa(*n, *e)) : malformed("n or e");
  }
  if (kty != "EC" && kty != "OKP") return refusal(JwkFault::kOtherPurpose, "an unknown kty");
  if (!draft.text(kCrv)) return malformed("crv is missing");
  const auto x = number(draft, kX);
  if (!x) return malformed("x");
  if (kty == "OKP") {
    if (draft.word(kCrv) != "Ed25519") return refusal(JwkFault::kOtherPurpose, "an unknown crv");
    return make_key(draft, crypto::PublicKey::from_ed25519(*x));
  }
  const auto curve = crypto::parse_ec_curve(draft.word(kCrv));
  if (!curve) return refusal(JwkFault::kOtherPurpose, "an unknown crv");
  const auto y = number(draft, kY);
  return y ? make_key(draft, crypto::PublicKey::from_ec(*curve, *x, *y)) : malformed("y");
}

}  // namespace

std::string_view to_string(JwkFault fault) {
  switch (fault) {
    case JwkFault::kOtherPurpose: return "other_purpose";
    case JwkFault::kMalformed: return "malformed";
    case JwkFault::kWeak: return "weak";
    case JwkFault::kPrivate: return "private";
    case JwkFault::kSymmetric: return "symmetric";
    case JwkFault::kRoca: return "roca";
    case JwkFault::kKidConflict: return "kid_conflict";
    case JwkFault::kNoKid: return "no_kid";
  }
  return "unknown";
}

bool Jwk::is_for(SignatureAlgorithm wanted) const {
  if (algorithm && *algorithm != wanted) return false;
  const auto* own = std::get_if<crypto::PublicKey>(&key);
  return own != nullptr ? crypto::fits(own->kind(), wanted) : crypto::is_mac(wanted);
}

bool Jwk::verify(SignatureAlgorithm wanted, std::string_view message, std::string_view signature) const {
  if (!is_for(wanted)) return false;
  if (const auto* own = std::get_if<crypto::PublicKey>(&key)) return own->verify(wanted, message, signature);
  return crypto::verify_mac(wanted, std::get<SharedKey>(key).secret, message, signature);
}

std::expected<Jwk, JwkRefusal> parse_jwk(json::Value value, const JwkRules& rules) {
  Draft draft{.value = value, .rules = rules};
  for (const auto stage : {read_texts, check_secrecy, check_purpose, read_algorithm, read_key}) {
    if (Refused refused = stage(draft)) return std::unexpected(std::move(*refused));
  }
  const crypto::Digest thumbprint = draft.key ? draft.key->thumbprint() : crypto::Digest{};
  std::variant<crypto::PublicKey, SharedKey> key = SharedKey{};
  if (draft.key) key = std::move(*draft.key);
  if (draft.secret) key = SharedKey{std::move(*draft.secret)};
  return Jwk{.kid = std::string(draft.word(kKid)),
             .key = std::move(key),
             .algorithm = draft.algorithm,
             .issuer = std::string(draft.word(kIssuer)),
             .thumbprint = thumbprint};
}

Result<Jwk> parse_public_jwk(std::string_view text) {
  json::Document document;
  if (text.size() > kJwkBytesMax || !document.parse(text, {.bytes_max = {kJwkBytesMax}, .depth_max = kJwsHeaderDepthMax})) {
    return invalid_token(kJwsEmbeddedKey);
  }
  auto key = parse_jwk(document.root(), {});
  if (!key) return invalid_token(kJwsEmbeddedKey);
  return std::move(*key);
}

}  // namespace wye::token
