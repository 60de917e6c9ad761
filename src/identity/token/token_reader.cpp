#include "identity/token/token_reader.hpp"

#include "identity/token/spiffe.hpp"
#include "identity/token/token_cache.hpp"

#include <cstdlib>

namespace wye::token {
namespace {

Fail keys_unavailable() {
  return Fail(Error{.code = ErrorCode::kAuthUnavailable,
                    .public_message = "Authentication is temporarily unavailable.",
                    .detail = "issuer.stale",
                    .param = {},
                    .retry_after = kAuthRetryAfter});
}

JwsRules jws_rules(const IssuerRules& rules) {
  const bool spiffe = rules.kind == IssuerKind::kSpiffe;
  const bool kid_required = rules.kind == IssuerKind::kEntra || rules.kind == IssuerKind::kOidc || rules.kind == IssuerKind::kKubernetes;
  return {.algorithms = rules.algorithms,
          .kid = kid_required ? KidRule::kRequired : KidRule::kOptional,
          .header = spiffe ? HeaderRule::kOnlyAlgKidTyp : HeaderRule::kAnyHarmless};
}

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

}  // namespace

/// Where a token may belong. Views and pointers into Issuers.
struct TokenReader::Candidate {
  const IssuerRules* rules = nullptr;
  const AcceptedIssuer* accepted = nullptr;
  const JwsRules* jws = nullptr;
  size_t slot = 0;  // which keys
};

struct TokenReader::Issuers {
  using ByText = std::unordered_map<std::string, std::vector<Candidate>, TextHash, std::equal_to<>>;
  std::vector<IssuerRulesPtr> rules;
  std::deque<JwsRules> jws;
  JwsRules any;  // every algorithm of the issuers, and the mildest of their other rules
  ByText by_iss;
  ByText by_trust_domain;
  std::vector<std::string> sources;
  std::vector<const PublishedKeys*> keys;  // by slot, into `published_`; null: none known
  bool entra = false;

  explicit Issuers(std::vector<IssuerRulesPtr> list) : rules(std::move(list)) {
    any.kid = KidRule::kRequired;
    for (const IssuerRulesPtr& one : rules) add(*one);
  }
  void add(const IssuerRules& one) {
    if (one.kind == IssuerKind::kX509) return;
    jws.push_back(jws_rules(one));
    any.algorithms = any.algorithms | one.algorithms;
    if (jws.back().kid == KidRule::kOptional) any.kid = KidRule::kOptional;
    entra = entra || one.kind == IssuerKind::kEntra;
    for (const AcceptedIssuer& accepted : one.accepted) {
      const Candidate candidate{&one, &accepted, &jws.back(), sources.size() + accepted.source};
      if (one.kind == IssuerKind::kSpiffe) by_trust_domain[accepted.trust_domain].push_back(candidate);
      else by_iss[accepted.iss].push_back(candidate);
    }
    for (const KeySource& source : one.sources) sources.push_back(source.id);
    keys.resize(sources.size());
  }
  static std::span<const Candidate> find(const ByText& map, std::string_view text) {
    const auto found = map.find(text);
    return found == map.end() ? std::span<const Candidate>() : std::span<const Candidate>(found->second);
  }
};

struct TokenReader::Look {
  std::optional<Result<VerifiedToken>> verdict{};
  // Otherwise: these keys have not got this kid.
  std::string source{};
  std::string kid{};
};

TokenReader::TokenReader(net::Loop& loop, KeySets& sets, const Clock& clock, size_t cache_bytes)
    : loop_(loop),
      sets_(sets),
      clock_(clock),
      cache_(std::make_unique<Cache>(cache_bytes)),
      issuers_(std::make_unique<Issuers>(std::vector<IssuerRulesPtr>())) {}

TokenReader::~TokenReader() {
  // A PrincipalRef that outlives its reader would point into freed memory.
  if (cache_->used()) std::abort();
}

size_t TokenReader::cache_bytes() const { return cache_->bytes; }
size_t TokenReader::cached() const { return cache_->entries.size(); }

void TokenReader::take(std::vector<IssuerRulesPtr> issuers) {
  const auto same = [](const IssuerRulesPtr& a, const IssuerRulesPtr& b) { return a == b || *a == *b; };
  if (std::ranges::equal(issuers, issuers_->rules, same)) return;
  issuers_ = std::make_unique<Issuers>(std::move(issuers));
  ++epoch_;
  generation_ = 0;
}

void TokenReader::take_newest() {
  generation_ = sets_.generation();
  published_ = sets_.current();
  for (size_t slot = 0; slot < issuers_->sources.size(); ++slot) issuers_->keys[slot] = published_->find(issuers_->sources[slot]);
}

std::optional<Result<VerifiedToken>> TokenReader::try_verify(std::string_view token, WallTime now) { return look(token, now).verdict; }

net::Task<Result<VerifiedToken>> TokenReader::verify(std::string_view token, WallTime now) {
  Look first = look(token, now);
  if (first.verdict) co_return std::move(*first.verdict);
  ++counts_.waits;
  const KidOutcome outcome = co_await sets_.request(loop_, first.source, first.kid);
  if (outcome == KidOutcome::kUnavailable) co_return keys_unavailable();
  if (outcome == KidOutcome::kLookAgain) {
    Look second = look(token, clock_.wall());
    if (second.verdict) co_return std::move(*second.verdict);
  }
  ++counts_.refused;
  co_return invalid_token(kJwsKey);
}

TokenReader::Look TokenReader::look(std::string_view token, WallTime now) {
  if (sets_.generation() != generation_) take_newest();
  if (token.size() > kJwsBytesMax) return {.verdict = Result<VerifiedToken>(invalid_token(kJwsSize))};
  const crypto::Digest digest = crypto::sha256(token);
  if (Entry* entry = cache_->find(digest); entry != nullptr && entry->epoch == epoch_ && now < entry->until) {
    const PublishedKeys* keys = issuers_->keys[entry->slot];
    if (keys != nullptr && keys->version == entry->version) {
      entry->touched = true;
      ++counts_.hits;
      return {.verdict = VerifiedToken{PrincipalRef(entry->principal, entry->refs), &entry->confirmation}};
    }
  }
  const Result<UnverifiedJws> jws = jws_reader_.read(token, issuers_->any);
  Look found = jws ? judge(*jws, digest, now) : Look{.verdict = Result<VerifiedToken>(Fail(jws.error()))};
  if (found.verdict && !*found.verdict) ++counts_.refused;
  return found;
}

Result<TokenReader::Candidate> TokenReader::choose(const UnverifiedJws& jws) {
  const auto by_iss = Issuers::find(issuers_->by_iss, jws.issuer_hint());
  std::span<const Candidate> by_domain;
  if (const auto id = parse_spiffe_id(jws.subject_hint())) by_domain = Issuers::find(issuers_->by_trust_domain, id->trust_domain);
  std::optional<Error> first;
  for (const auto candidates : {by_iss, by_domain}) {
    for (const Candidate& candidate : candidates) {
      Result<void> fits = check_audience(*candidate.rules, jws.aud_hint(), scratch_);
      if (fits) return candidate;
      if (!first) first = std::move(fits).error();
    }
  }
  if (first) return Fail(std::move(*first));
  const bool personal = issuers_->entra && jws.issuer_hint().contains(kPersonalTenant);
  return invalid_token(personal ? "claims.personal_account" : "claims.issuer");
}

TokenReader::Look TokenReader::judge(const UnverifiedJws& jws, const crypto::Digest& digest, WallTime now) {
  const auto final = [](Error error) { return Look{.verdict = Result<VerifiedToken>(Fail(std::move(error)))}; };
  // Nothing is looked up and nobody is asked for a token that would be refused all the same.
  const Result<Candidate> chosen = choose(jws);
  if (!chosen) return final(chosen.error());
  const IssuerRules& rules = *chosen->rules;
  if (Result<void> r = check_jws(jws, *chosen->jws); !r) return final(std::move(r).error());
  if (Result<void> r = check_typ(rules, jws.typ()); !r) return final(std::move(r).error());
  if (Result<void> r = check_hint_times(rules, jws.exp_hint(), jws.nbf_hint(), now); !r) return final(std::move(r).error());

  const PublishedKeys* keys = issuers_->keys[chosen->slot];
  const MonoTime mono = clock_.mono();
  if (keys == nullptr || keys->keys == nullptr || !may_verify(key_state(keys->state->good(), mono))) return final(keys_unavailable().error());
  const Result<VerifiedPayload> payload = verify_jws(jws, *keys->keys, *chosen->jws);
  if (!payload && payload.error().detail == kJwsKey) {
    const auto outcome = KeySets::judge(*keys, mono);
    if (outcome == KidOutcome::kUnavailable) return final(keys_unavailable().error());
    if (outcome) return final(payload.error());
    return {.source = keys->id, .kid = std::string(jws.kid())};
  }
  if (!payload) return final(payload.error());
  Result<BelievedToken> token = read_claims(*payload, rules, *chosen->accepted, now, scratch_);
  if (!token) return final(std::move(token).error());
  ++counts_.verified;
  return {.verdict = keep(digest, *chosen, std::move(*token), now)};
}

Result<VerifiedToken> TokenReader::keep(const crypto::Digest& digest, const Candidate& chosen, BelievedToken token, WallTime now) {
  const PublishedKeys& keys = *issuers_->keys[chosen.slot];
  const Nanos keys_serve = *keys.state->good() + kKeysServeFor - clock_.mono();
  const int64_t life = std::min(std::chrono::nanoseconds(kVerifiedTokenLife), keys_serve).count();
  const WallTime until{std::min(now.ns + life, token.fields.expires_at.ns)};
  Entry& entry = cache_->add({.digest = digest,
                              .principal = PrincipalIssuer::issue(std::move(token.fields)),
                              .confirmation = std::move(token.confirmation),
                              .until = until,
                              .epoch = epoch_,
                              .version = keys.version,
                              .slot = chosen.slot});
  return VerifiedToken{PrincipalRef(entry.principal, entry.refs), &entry.confirmation};
}

}  // namespace wye::token
