// One fetch of an issuer's keys: metadata, then the set. Private to this room.
// Source: OpenID Connect Discovery 1.0 §4.3: the metadata must call itself exactly what it was asked for as.
// Threads: the loop's.
#pragma once

#include "foundation/net/resolver.hpp"
#include "identity/token/issuer_rules.hpp"

namespace wye::token {

inline constexpr Nanos kKeyConnectTimeout = std::chrono::seconds(2);
inline constexpr Nanos kKeyFetchTimeout = std::chrono::seconds(5);  // metadata and keys together
inline constexpr size_t kDiscoveryBytesMax = 64 << 10;
inline constexpr size_t kBearerFileBytesMax = 16 << 10;

struct FetchOutside {
  net::Loop& loop;
  net::Resolver& resolver;
  const Clock& clock;  // judges certificates
};

struct FetchedKeys {
  std::string json;
  std::string uri;  // where the set was: good for the next time
};

/// `known_uri` from an earlier fetch saves the metadata; empty: ask for it. `source` outlives the task. Errors: kUpstreamFailed,
/// kUpstreamTimeout, kTooLarge, kCorrupt, kUsage (roots); the detail is for the log and holds no secret.
net::Task<Result<FetchedKeys>> fetch_keys(FetchOutside outside, const KeySource& source, std::string known_uri);

/// The `jwks_uri` of metadata that calls itself `source.issuer`. Errors: kCorrupt.
Result<std::string> read_metadata(std::string_view json, const KeySource& source);

}  // namespace wye::token
