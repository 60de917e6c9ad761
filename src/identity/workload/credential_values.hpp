// The values of Credentials, read from where configuration says they are.
// Threads: immutable once loaded. Errors name the source, never the value.
#pragma once

#include "config/kinds/credential.hpp"
#include "foundation/base/result.hpp"
#include "foundation/base/secret.hpp"

namespace wye::workload {

/// One value a Credential, in the order of the list that was loaded.
struct CredentialValues {
  std::vector<Secret> keys;
};

/// Gives the value of an environment variable and forgets it there, so that no child inherits it; absent where it is not set.
using TakeVariable = std::function<std::optional<std::string>(const std::string& name)>;

inline constexpr size_t kSecretBytesMax = 16 << 10;

/// Reads one secret. A file must be regular, no link, owned by us, 0600 or narrower; one trailing line end is dropped.
/// Errors: kUsage with what is wrong and what to do.
Result<Secret> read_secret(const config::SecretRef& from, const TakeVariable& take);

}  // namespace wye::workload
