// The values of Credentials, read from where configuration says they are.
// Threads: immutable once loaded. Errors name the source, never the value.
#pragma once

#include "config/kinds/credential.hpp"
#include "identity/workload/secret_place.hpp"

namespace wye::workload {

/// One value a Credential, in the order of the list that was loaded.
struct CredentialValues {
  std::vector<Secret> keys;
};

/// Reads one secret. A file must be regular, no link, owned by us, 0600 or narrower; one trailing line end is dropped.
/// Errors: kUsage with what is wrong and what to do.
Result<Secret> read_secret(const config::SecretRef& from, const TakeVariable& take);

}  // namespace wye::workload
