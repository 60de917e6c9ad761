#include "identity/token/authenticator.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kDpop = "dpop ";

Fail refuse(ErrorCode code, std::string_view message, std::string_view reason) {
  Error error = public_error(code, std::string(message));
  error.detail = reason;
  return Fail(std::move(error));
}
Fail missing(std::string_view reason) { return refuse(ErrorCode::kUnauthenticated, "Authentication required.", reason); }

bool has_scheme(std::string_view value, std::string_view lower_scheme) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(value.substr(0, lower_scheme.size()), lower_scheme, {}, lower);
}

}  // namespace

/// What the headers hold, before anything of it is believed.
struct Authenticator::Presented {
  enum class Kind : uint8_t { kNothing, kKey, kToken } kind = Kind::kNothing;
  std::string_view credential{};
  bool dpop = false;
};

Authenticator::Authenticator(const Parts& parts)
    : parts_(parts),
      keys_(parts.keys),
      tokens_(parts.loop, parts.key_sets, parts.clock, parts.cache_bytes),
      certificates_(parts.certificates),
      rules_(std::make_shared<AuthRules>()) {}

void Authenticator::take(AuthRulesPtr rules) {
  if (rules == rules_) return;
  rules_ = std::move(rules);
  tokens_.take(rules_->issuers);
  const auto is = [this](auto... kinds) {
    return std::ranges::any_of(rules_->issuers, [=](const auto& one) { return ((one->kind == kinds) || ...); });
  };
  takes_tokens_ = is(IssuerKind::kEntra, IssuerKind::kOidc, IssuerKind::kKubernetes, IssuerKind::kSpiffe);
  takes_certificates_ = is(IssuerKind::kX509, IssuerKind::kSpiffe);
}

Result<Authenticator::Presented> Authenticator::presented(const ShownCredentials& shown) const {
  Presented found;
  CredentialHeaders headers = shown.headers;
  if (headers.authorization && has_scheme(*headers.authorization, kDpop) && rules_->proof != ProofMode::kOff) {
    if (headers.api_key) return refuse(ErrorCode::kInvalidRequest, "Send exactly one credential.", "auth.ambiguous");
    // The same characters as a bearer token, under its own scheme (RFC 9449 §7.1).
    const std::string_view value = headers.authorization->substr(kDpop.size());
    const std::string as_bearer = "Bearer " + std::string(value);
    headers.authorization = as_bearer;
    TRY(const std::string_view token, bearer_from_headers(headers));
    return Presented{Presented::Kind::kToken, value.substr(value.size() - token.size()), true};
  }
  if (!headers.authorization && !headers.api_key && takes_certificates_ && !shown.chain.empty()) return found;
  TRY(found.credential, bearer_from_headers(headers));
  // No API key has a dot, every token has two. Tokens come in Authorization alone (RFC 6750 §2.1).
  const bool token = takes_tokens_ && headers.authorization && found.credential.contains('.');
  found.kind = token ? Presented::Kind::kToken : Presented::Kind::kKey;
  return found;
}

Result<PrincipalRef> Authenticator::by_key(std::string_view key, WallTime now) {
  if (!rules_->api_keys) return refuse(ErrorCode::kUnauthenticated, "The API key is not valid.", "key.off");
  return keys_.verify(key, now);
}

Result<PrincipalRef> Authenticator::by_certificate(const ShownCredentials& shown, WallTime now) {
  TRY(PrincipalRef peer, certificates_.caller(shown.chain, *shown.note, now));
  // A trusted proxy speaks for somebody else; the chain was its own.
  if (shown.forwarded != nullptr) { TRY(peer, certificates_.forwarded_caller(*shown.forwarded)); }
  const auto accepted = [&](const IssuerRulesPtr& one) { return one->name == peer->issuer(); };
  if (std::ranges::none_of(rules_->issuers, accepted)) return missing("certificate.unknown");
  return peer;
}

Result<void> Authenticator::prove_certificate(const Confirmation& confirmation, const ShownCredentials& shown, WallTime now) {
  if (confirmation.x5t_s256.empty()) return {};
  if (shown.chain.empty()) return invalid_token("claims.cnf_certificate");
  std::optional<crypto::Digest> leaf = CertificateReader::leaf_fingerprint(shown.chain, *shown.note);
  if (shown.forwarded != nullptr) {
    // Only a proxy that is somebody may say whose certificate it saw.
    if (!certificates_.caller(shown.chain, *shown.note, now)) return invalid_token("claims.cnf_certificate");
    leaf = shown.forwarded->fingerprint;
  }
  if (!leaf || !bound_to_certificate(confirmation.x5t_s256, *leaf)) return invalid_token("claims.cnf_certificate");
  return {};
}

Result<void> Authenticator::prove_key(const Confirmation& confirmation, std::string_view token, const ShownCredentials& shown, WallTime now) {
  if (confirmation.jkt.empty()) return invalid_token("dpop.unbound");
  if (shown.dpop.size() != 1) return invalid_token(shown.dpop.empty() ? "dpop.missing" : "dpop.header");
  const DpopFacts facts{.proof = shown.dpop.front(),
                        .method = shown.method,
                        .scheme = shown.scheme,
                        .authority = shown.authority,
                        .path = shown.path,
                        .access_token = token,
                        .jkt = confirmation.jkt,
                        .wall = now,
                        .mono = parts_.loop.now()};
  TRY(const DpopProof proof, verify_dpop(facts, rules_->nonces, parts_.replays));
  return {};
}

Result<PrincipalRef> Authenticator::prove(VerifiedToken token, const Presented& presented, const ShownCredentials& shown, WallTime now) {
  const Confirmation& confirmation = *token.confirmation;
  if (confirmation.empty() && !presented.dpop) {
    if (rules_->proof == ProofMode::kRequire) return invalid_token("auth.proof_required");
    return std::move(token.principal);
  }
  if (rules_->proof == ProofMode::kOff) return invalid_token("claims.cnf_off");
  // A token with a key of its own, sent as if it had none: whoever stole it would send it so (RFC 9449 §7.1).
  if (!confirmation.jkt.empty() && !presented.dpop) return invalid_token("claims.cnf_bearer");
  CHECK_OK(prove_certificate(confirmation, shown, now));
  if (presented.dpop) CHECK_OK(prove_key(confirmation, presented.credential, shown, now));
  return std::move(token.principal);
}

std::optional<Result<PrincipalRef>> Authenticator::try_authenticate(const ShownCredentials& shown, WallTime now) {
  const Result<Presented> found = presented(shown);
  if (!found) return Fail(found.error());
  if (found->kind == Presented::Kind::kNothing) return by_certificate(shown, now);
  if (found->kind == Presented::Kind::kKey) return by_key(found->credential, now);
  std::optional<Result<VerifiedToken>> token = tokens_.try_verify(found->credential, now);
  if (!token) return std::nullopt;
  if (!*token) return Fail(std::move(*token).error());
  return prove(std::move(**token), *found, shown, now);
}

net::Task<Result<PrincipalRef>> Authenticator::authenticate(ShownCredentials shown, WallTime now) {
  const Result<Presented> found = presented(shown);
  if (!found) co_return Fail(found.error());
  if (found->kind == Presented::Kind::kNothing) co_return by_certificate(shown, now);
  if (found->kind == Presented::Kind::kKey) co_return by_key(found->credential, now);
  Result<VerifiedToken> token = co_await tokens_.verify(found->credential, now);
  if (!token) co_return Fail(std::move(token).error());
  co_return prove(std::move(*token), *found, shown, parts_.clock.wall());
}

}  // namespace wye::token
