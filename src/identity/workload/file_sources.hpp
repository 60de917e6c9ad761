// Values that stand in local files which others renew: API keys, JWT-SVIDs.
// Source: SPIFFE, "The SPIFFE Identity and Verifiable Identity Document" and "JWT-SVID" (aud, exp); a helper such as spiffe-helper writes
// the file.
#pragma once

#include "identity/workload/secret_place.hpp"
#include "identity/workload/token_source.hpp"

namespace wye::workload {

/// The key at `place`, as it stands there.
std::unique_ptr<TokenSource> make_key_file(std::shared_ptr<const SecretPlace> place);

/// The JWT-SVID in `file`, as long as its `exp` says; its `aud` must hold `audience`.
std::unique_ptr<TokenSource> make_svid_file(std::string file, std::string audience);

/// The payload of a compact JWS, decoded and not verified: what a token says of itself. Absent where it is none.
std::optional<std::string> unverified_payload(std::string_view compact);

/// What a JWT-SVID says of its life, for us. Faults: permanent where it is none or not for `audience`; retryable where it has ended.
Fetch<Nanos> svid_life(std::string_view compact, std::string_view audience, WallTime now);

}  // namespace wye::workload
