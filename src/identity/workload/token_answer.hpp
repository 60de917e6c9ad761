// What token endpoints answer, read leniently where they differ and strictly where it matters.
// Source: RFC 6749 §5.1 and §5.2; Microsoft Learn, "How to use managed identities for Azure resources on a virtual machine to acquire an
// access token" (strings for numbers), "How to use managed identities for App Service" (expires_on alone); error codes: "Microsoft Entra
// authentication and authorization error codes".
// Threads: pure.
#pragma once

#include "foundation/base/secret.hpp"
#include "identity/workload/fault.hpp"

namespace wye::workload {

/// A value that was fetched, and how long it lives from now; without life: it has no end.
struct Fetched {
  Secret value;
  std::optional<Nanos> life;
};
using FetchResult = Fetch<Fetched>;

/// The longest life that is believed: 48 h. Managed identities get up to 24 h.
inline constexpr Nanos kLifeMax = std::chrono::hours(48);
inline constexpr size_t kAnswerBytesMax = 64 << 10;

/// A 200: `access_token` (visible ASCII), `token_type` Bearer in any case or absent, and its life from `expires_in`, else from
/// `expires_on`, each a number or a string of digits. Faults (retryable): not JSON, no token, no life, a life that is over.
FetchResult parse_token_answer(std::string_view body, WallTime now);

/// An answer other than 200, in one class. `body` gives `error` and the numbers of `error_codes`; descriptions are not looked at, and what
/// is no plain identifier is left out of the reason. 3xx is permanent: nobody follows it.
Fault parse_token_refusal(int status, std::string_view body, std::optional<Nanos> retry_after);

}  // namespace wye::workload
