// `WWW-Authenticate`: what a refused caller may try. Sources: RFC 6750 §3 (Bearer), RFC 9449 §7.1 and §9 (DPoP), RFC 9110 §11.6.1;
// Microsoft identity platform, "Claims challenges".
// Threads: pure. Values hold no secret and nothing that the caller sent.
#pragma once

#include "foundation/base/result.hpp"
#include "identity/token/principal.hpp"

namespace wye::token {

/// Which proofs of possession a Gateway wants.
enum class ProofMode : uint8_t { kOff, kAccept, kRequire };

/// The header lines of one answer; each is a `WWW-Authenticate` of its own. Absent: no such line.
struct Challenge {
  std::string bearer{};
  std::string dpop{};
  bool nonce_wanted = false;  // send `DPoP-Nonce` with a fresh nonce
};

/// For an Error of authentication. Only 401 has one: others give the empty Challenge. Without a credential `Bearer realm="wye"` has no error;
/// after a token or a key it says `invalid_token`. Where proofs are taken, a second line offers DPoP, with the fault of a bad proof.
Challenge challenge_for(const Error& error, ProofMode mode);

/// 403 where this one scope would do: `Bearer realm="wye", error="insufficient_scope", scope="chat.create"`. `scope` is the name of an action.
std::string scope_challenge(std::string_view scope);

/// 401 that asks for more claims, for a client that understands it (`xms_cc` holds `cp1`); empty for others. `claims_json` is what is
/// wanted, as `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`; `tenant` is a GUID or empty for every directory.
std::string claims_challenge(const Principal& principal, std::string_view authority, std::string_view tenant, std::string_view claims_json);

}  // namespace wye::token
