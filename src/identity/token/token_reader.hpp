// Tokens of issuers on the path of a request: a token seen before costs one SHA-256 and a look-up, a new one its signature.
//
//   new configuration:      reader.take(rules)
//   each request:           auto verdict = reader.try_verify(token, now);   // absent: its kid is new, keys must be asked for
//                           if (!verdict) verdict = co_await reader.verify(token, now)
//
// What is kept: only successes; by the SHA-256 of the whole token, under the issuer and the configuration that believed it; for five
// minutes at most, never beyond `exp` or the time its keys may serve; not once its keys have changed. A hit takes no lock and allocates
// nothing.
#pragma once

#include <list>

#include "identity/token/claims.hpp"
#include "identity/token/key_sets.hpp"
#include "identity/token/principal_ref.hpp"

namespace wye::token {

inline constexpr Nanos kVerifiedTokenLife = std::chrono::minutes(5);
/// Over all workers together; each gets its share.
inline constexpr size_t kVerifiedTokensBytes = size_t{64} << 20;
inline constexpr std::chrono::milliseconds kAuthRetryAfter = std::chrono::seconds(5);

/// A believed token. The confirmation must still be proven; it lives as long as `principal`.
struct VerifiedToken {
  PrincipalRef principal;
  const Confirmation* confirmation = nullptr;
};

/// Counters since the start, for metrics and tests. Threads: the worker's.
struct TokenCounts {
  uint64_t hits = 0;
  uint64_t verified = 0;  // signatures that were good
  uint64_t refused = 0;
  uint64_t waits = 0;     // for keys
};

/// One a worker. Threads: that of `loop`. Must go after every PrincipalRef it gave and before `sets`.
class TokenReader {
 public:
  TokenReader(net::Loop& loop, KeySets& sets, const Clock& clock, size_t cache_bytes);
  ~TokenReader();
  TokenReader(const TokenReader&) = delete;
  TokenReader& operator=(const TokenReader&) = delete;

  /// The issuers that are believed from now on, in the order that they are asked. What was kept under others is forgotten.
  void take(std::vector<IssuerRulesPtr> issuers);

  /// Who a token says is calling. Absent: only a fetch of keys can tell. Errors: kUnauthenticated (reasons `jws.*` `claims.*`);
  /// kAuthUnavailable with 5 s to wait (`issuer.stale`): the keys can not be had. Never one for the other.
  std::optional<Result<VerifiedToken>> try_verify(std::string_view token, WallTime now);
  /// The same, waiting for keys where that helps: at most kKeyWaitMax. `token` is the caller's to keep until the end.
  net::Task<Result<VerifiedToken>> verify(std::string_view token, WallTime now);

  const TokenCounts& counts() const { return counts_; }
  /// What the cache holds, bytes, and how many tokens.
  size_t cache_bytes() const;
  size_t cached() const;

 private:
  struct Entry;
  struct Cache;
  struct Issuers;
  struct Candidate;
  /// What one look at a token gave.
  struct Look;
  void take_newest();
  Result<Candidate> choose(const UnverifiedJws& jws);
  Look look(std::string_view token, WallTime now);
  Look judge(const UnverifiedJws& jws, const crypto::Digest& digest, WallTime now);
  Result<VerifiedToken> keep(const crypto::Digest& digest, const Candidate& chosen, BelievedToken token, WallTime now);

  net::Loop& loop_;
  KeySets& sets_;
  const Clock& clock_;
  std::unique_ptr<Cache> cache_;
  JwsReader jws_reader_;
  json::Document scratch_;
  std::unique_ptr<Issuers> issuers_;
  uint64_t epoch_ = 0;       // of the configuration: entries of another one do not count
  uint64_t generation_ = 0;  // of `sets_`
  std::shared_ptr<const PublishedSets> published_;
  TokenCounts counts_;
};

}  // namespace wye::token
