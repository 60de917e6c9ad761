// SPIFFE IDs and trust bundles. Source: The SPIFFE Identity and Verifiable Identity Document, SPIFFE Trust Domain and Bundle, X509-SVID.
// Threads: pure functions, values.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/crypto/certificate.hpp"

namespace wye::token {

inline constexpr size_t kSpiffeIdBytesMax = 2048;
inline constexpr size_t kTrustDomainBytesMax = 255;
/// A file with the bundles of all trust domains of an Issuer.
inline constexpr size_t kBundleFileBytesMax = 4 << 20;
/// How soon to look for a new bundle: `spiffe_refresh_hint`, between these; kRefreshHint where the bundle says nothing.
inline constexpr std::chrono::seconds kRefreshHintMin{10};
inline constexpr std::chrono::seconds kRefreshHintMax{3600};
inline constexpr std::chrono::seconds kRefreshHint{300};

/// A SPIFFE ID in parts; views into the text it was read from. `path` begins with `/`; empty for the ID of a trust domain.
struct SpiffeId {
  std::string_view trust_domain;
  std::string_view path;
};

/// `[a-z0-9._-]{1,255}`.
bool is_trust_domain(std::string_view text);
/// Exactly `spiffe://TRUST-DOMAIN[/SEGMENT…]`: lower-case scheme, no port, no user, segments of `[A-Za-z0-9._-]` of which none is empty,
/// `.` or `..`, no escapes, no slash at the end, no query, no fragment, at most 2,048 bytes. Absent for anything else.
std::optional<SpiffeId> parse_spiffe_id(std::string_view text);

/// A whole ID with a path, or one (a trust domain included) with `/*` behind it.
bool is_spiffe_pattern(std::string_view text);
/// Equal, or below the pattern's `/*`: `spiffe://corp/team-a/*` covers `spiffe://corp/team-a/x/y`, not `spiffe://corp/team-a` and not
/// `spiffe://corp/team-ab`. Bytes, case-sensitive. Precondition: both are what is_spiffe_pattern and parse_spiffe_id accept.
bool spiffe_matches(std::string_view pattern, std::string_view id);

/// The bundle of one trust domain as JSON text, for KeySet (keys of JWT-SVIDs) and parse_spiffe_bundle: `text` is that bundle
/// (`{"keys": [...]}`), which then stands for the only trust domain of its Issuer (`alone`), or a map of several
/// (`{"trust_domains": {"corp.example": {"keys": [...]}}}`). A view into `text`.
/// Errors: kCorrupt, `bundle.size` `bundle.json` `bundle.shape`, `bundle.domain` (not in the map; or no map and not `alone`).
Result<std::string_view> spiffe_bundle_text(std::string_view text, std::string_view trust_domain, bool alone);

/// What a bundle holds for X.509-SVIDs.
struct SpiffeBundle {
  crypto::RootSet roots{};
  std::optional<uint64_t> sequence{};     // may only grow
  Nanos refresh_hint = kRefreshHint;      // clamped
  std::vector<std::string> quarantine{};  // one text for each key that is left out, for the log: `keys[2]: malformed`
};

/// Reads the text of one bundle. Of a key with `use` = `x509-svid` the first `x5c` is read; one with a `kid`, without `x5c`, or that is
/// no CA certificate is left out. An empty `keys` is a bundle: it revokes everything. Errors: those of KeySet::parse.
Result<SpiffeBundle> parse_spiffe_bundle(std::string_view text);

}  // namespace wye::token
