// Proof of possession: DPoP proofs (RFC 9449) and tokens bound to a client certificate (RFC 8705). Pure but for the ports named below.
// Threads: functions any; DpopNonces immutable; a ReplayStore says so itself.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/result.hpp"
#include "foundation/crypto/digest.hpp"

namespace wye::token {

inline constexpr size_t kDpopProofBytesMax = 8192;
inline constexpr size_t kDpopJtiBytesMax = 128;
/// A proof is good so long before and after its `iat`.
inline constexpr std::chrono::seconds kDpopWindow{60};
/// For so long a `jti` of a key is remembered.
inline constexpr std::chrono::seconds kDpopMemory{122};  // both sides of the window, and what is lost to whole seconds
inline constexpr std::chrono::seconds kDpopNonceLife{300};

/// Port: has this been used? One store serves all that share a key space: all workers of a process today; replicas need a shared one,
/// else a proof can be replayed once at each of them within its 120 s.
class ReplayStore {
 public:
  enum class Use : uint8_t { kFirst, kAgain, kFull };
  virtual ~ReplayStore() = default;
  /// Remembers `id`, whose last byte is of the key, for at least kDpopMemory. kFull where there is no room: nobody knows,
  /// so nobody may pass. Threads: any.
  virtual Use use(const crypto::Digest& id, MonoTime now) = 0;
};

/// In memory, bounded: two generations of at most `per_generation` ids of 16 bytes in tables half full, in shards with a lock each. The default
/// takes 32 MiB where 4,000 proofs a second are used, next to nothing where few are.
class MemoryReplayStore final : public ReplayStore {
 public:
  static constexpr size_t kShards = 16;
  explicit MemoryReplayStore(size_t per_generation = size_t{1} << 19);
  ~MemoryReplayStore() override;
  Use use(const crypto::Digest& id, MonoTime now) override;

 private:
  struct Shard;
  std::unique_ptr<Shard[]> shards_;
};

/// Nonces without a state: the number of the period and its HMAC. The current one and the one before are good, so one lives 5–10 minutes.
/// All processes that share the key accept each other's.
class DpopNonces {
 public:
  /// `key`: 32 secret random bytes.
  explicit DpopNonces(std::string_view key) : key_(key) {}
  /// For the header `DPoP-Nonce`.
  std::string current(WallTime now) const;
  bool valid(std::string_view nonce, WallTime now) const;

 private:
  crypto::HmacKey key_;
};

/// What a request says and what is known of it.
struct DpopFacts {
  std::string_view proof;  // the value of the one `DPoP` header; a second such header is the caller's to refuse (400)
  std::string_view method;  // of the request
  std::string_view scheme;  // `https` or `http`, of the listener
  std::string_view authority;  // host[:port] that the request was accepted for (the Host header once the Gateway's hosts allowed it)
  std::string_view path;  // decoded: http::Target::path()
  std::string_view access_token;  // as sent
  std::string_view jkt;  // `cnf.jkt` of the verified token
  WallTime wall{};
  MonoTime mono{};
};

/// A proof that holds.
struct DpopProof {
  std::string thumbprint;  // RFC 7638, base64url: what `jkt` was equal to
  std::string jti;
};

/// Checks a proof for a verified token. `nonces` null: no nonce is asked for.
/// The signature is one of ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 EdDSA by the `jwk` of the proof's own header.
/// Errors: kUnauthenticated with a detail `dpop.*`: `dpop.nonce` where a good nonce lacks (answer use_dpop_nonce), all others are
/// invalid_dpop_proof: `dpop.proof` (no JWS, wrong typ, private or weak key …), `dpop.signature`, `dpop.method`, `dpop.uri`, `dpop.time`,
/// `dpop.jti`, `dpop.ath`, `dpop.key` (another key than the token's), `dpop.replay`. kAuthUnavailable `dpop.store_full`.
Result<DpopProof> verify_dpop(const DpopFacts& facts, const DpopNonces* nonces, ReplayStore& replays);

/// The value of `WWW-Authenticate`: `DPoP algs="ES256 PS256"`, with `error="use_dpop_nonce"` or `error="invalid_dpop_proof"` where the
/// detail of a failure says so; empty: no failure, an invitation. The text lives for ever.
std::string_view dpop_challenge(std::string_view failure_detail);
/// Whether the answer to this failure must carry `DPoP-Nonce`.
inline bool wants_dpop_nonce(std::string_view failure_detail) { return failure_detail == "dpop.nonce"; }

/// Whether a token's `cnf.x5t#S256` names this certificate (SHA-256 of the leaf of this connection, or what a trusted proxy says of its
/// client's). Constant time. RFC 8705 §3.1.
bool bound_to_certificate(std::string_view x5t_s256, const crypto::Digest& leaf);

}  // namespace wye::token
