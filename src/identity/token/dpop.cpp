#include "identity/token/dpop.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/json/document.hpp"
#include "identity/token/dpop_uri.hpp"
#include "identity/token/jws.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kType = "dpop+jwt";
constexpr uint32_t kClaimsDepthMax = 8;
constexpr size_t kClaimsMax = 32;
constexpr int64_t kTimeMax = int64_t{1} << 53;

constexpr JwsRules kProofRules{.algorithms = crypto::AlgorithmSet::all(),
                               .kid = KidRule::kOptional,
                               .embedded_key = EmbeddedKeyRule::kRequired,
                               .header = HeaderRule::kAnyHarmless};

/// RFC 7515 §4.1.9: media types are compared without case, `application/` may be left out.
bool is_proof_type(std::string_view typ) {
  constexpr std::string_view kApplication = "application/";
  std::string lower(typ);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  std::string_view text = lower;
  if (text.starts_with(kApplication)) text.remove_prefix(kApplication.size());
  return text == kType;
}

struct Claims {
  std::string htm{}, htu{}, jti{}, ath{}, nonce{};
  int64_t iat = 0;
};

std::optional<std::string> text_of(json::Value claims, std::string_view name) {
  const std::optional<json::Value> value = claims.find(name);
  if (!value || !value->is_string()) return std::nullopt;
  return value->text();
}

/// Seconds; a fraction is cut off, an exponent is refused.
std::optional<int64_t> time_of(json::Value claims, std::string_view name) {
  const std::optional<json::Value> value = claims.find(name);
  if (!value || !value->is_number()) return std::nullopt;
  const std::string_view raw = value->raw();
  if (raw.find_first_of("eE-") != std::string_view::npos) return std::nullopt;
  const std::string_view whole = raw.substr(0, raw.find('.'));
  int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
  if (failed != std::errc() || end != whole.data() + whole.size() || seconds > kTimeMax) return std::nullopt;
  return seconds;
}

std::optional<Claims> read_claims(std::string_view payload) {
  json::Document document;
  json::Limits limits;
  limits.bytes_max = Bytes{kDpopProofBytesMax};
  limits.depth_max = kClaimsDepthMax;
  if (!document.parse(payload, limits)) return std::nullopt;
  const json::Value root = document.root();
  if (!root.is_object() || root.size() > kClaimsMax) return std::nullopt;
  std::optional<std::string> htm = text_of(root, "htm"), htu = text_of(root, "htu"), jti = text_of(root, "jti"), ath = text_of(root, "ath");
  const std::optional<int64_t> iat = time_of(root, "iat");
  if (!htm || !htu || !jti || !ath || !iat) return std::nullopt;
  Claims claims{.htm = std::move(*htm), .htu = std::move(*htu), .jti = std::move(*jti), .ath = std::move(*ath), .nonce = {}, .iat = *iat};
  if (root.find("nonce")) {
    std::optional<std::string> nonce = text_of(root, "nonce");
    if (!nonce) return std::nullopt;
    claims.nonce = std::move(*nonce);
  }
  return claims;
}

bool is_jti(std::string_view jti) {
  return !jti.empty() && jti.size() <= kDpopJtiBytesMax && std::ranges::all_of(jti, [](char c) { return static_cast<unsigned char>(c) >= ' '; });
}

std::string digest_base64url(const crypto::Digest& digest) { return crypto::to_base64url(crypto::as_text(digest)); }

Result<void> check_claims(const Claims& claims, const DpopFacts& facts) {
  if (claims.htm != facts.method) return invalid_token("dpop.method");
  if (!dpop_uri_matches(claims.htu, facts.scheme, facts.authority, facts.path)) return invalid_token("dpop.uri");
  const int64_t age = facts.wall.seconds() - claims.iat;
  if (std::abs(age) > std::chrono::seconds(kDpopWindow).count()) return invalid_token("dpop.time");
  if (!is_jti(claims.jti)) return invalid_token("dpop.jti");
  if (!crypto::equal_constant_time(claims.ath, digest_base64url(crypto::sha256(facts.access_token)))) return invalid_token("dpop.ath");
  return {};
}

Result<void> remember(ReplayStore& replays, const crypto::Digest& key, std::string_view jti, MonoTime now) {
  crypto::Sha256 id;
  id.update(crypto::as_text(key)).update(jti);
  crypto::Digest used = id.finish();
  used.back() = key.back();  // ids of one key share a shard: who fills one fills its own
  switch (replays.use(used, now)) {
    case ReplayStore::Use::kFirst: return {};
    case ReplayStore::Use::kAgain: return invalid_token("dpop.replay");
    case ReplayStore::Use::kFull: break;
  }
  Error error = internal_error(ErrorCode::kAuthUnavailable, "dpop.store_full");
  error.retry_after = std::chrono::seconds(5);
  return Fail(std::move(error));
}

}  // namespace

Result<DpopProof> verify_dpop(const DpopFacts& facts, const DpopNonces* nonces, ReplayStore& replays) {
  if (facts.proof.empty() || facts.proof.size() > kDpopProofBytesMax) return invalid_token("dpop.proof");
  const Result<UnverifiedJws> jws = parse_jws(facts.proof, kProofRules);
  if (!jws || !is_proof_type(jws->typ())) return invalid_token("dpop.proof");
  const Result<Jwk> key = parse_public_jwk(jws->embedded_jwk());
  if (!key) return invalid_token("dpop.proof");
  // The key is compared first: a proof by any other costs no signature check.
  std::string thumbprint = digest_base64url(key->thumbprint);
  if (facts.jkt.empty() || !crypto::equal_constant_time(thumbprint, facts.jkt)) return invalid_token("dpop.key");
  const Result<VerifiedPayload> payload = verify_jws(*jws, *key, kProofRules);
  if (!payload) return invalid_token("dpop.signature");
  const std::optional<Claims> claims = read_claims(payload->bytes());
  if (!claims) return invalid_token("dpop.proof");
  CHECK_OK(check_claims(*claims, facts));
  if (nonces != nullptr && !nonces->valid(claims->nonce, facts.wall)) return invalid_token("dpop.nonce");
  // Last: only proofs that hold in all else take room in the store.
  CHECK_OK(remember(replays, key->thumbprint, claims->jti, facts.mono));
  return DpopProof{std::move(thumbprint), claims->jti};
}

std::string_view dpop_challenge(std::string_view failure_detail) {
  if (wants_dpop_nonce(failure_detail)) return R"(DPoP algs="ES256 PS256", error="use_dpop_nonce")";
  if (failure_detail.starts_with("dpop.")) return R"(DPoP algs="ES256 PS256", error="invalid_dpop_proof")";
  return R"(DPoP algs="ES256 PS256")";
}

bool bound_to_certificate(std::string_view x5t_s256, const crypto::Digest& leaf) {
  return crypto::equal_constant_time(x5t_s256, digest_base64url(leaf));
}

}  // namespace wye::token
