// An API key that Azure Key Vault holds, read with the identity of this process.
// Source: Microsoft Learn, Key Vault REST API, "Get Secret" (api-version 7.4); "Authentication, requests and responses".
//   GET https://{vault}/secrets/{name}?api-version=7.4, `Authorization: Bearer`, a token for https://vault.azure.net
#pragma once

#include "identity/workload/token_source.hpp"

namespace wye::workload {

/// A key is read again after so long: who rotates it waits no longer than that.
inline constexpr Nanos kVaultEvery = std::chrono::minutes(15);

struct KeyVaultSpec {
  Url vault;                                           // origin only
  std::string name;                                    // of the secret
  std::shared_ptr<const net::TlsClientContext> trust;
  std::unique_ptr<TokenSource> identity;               // gives tokens for `vault_audience`
};

/// A vault by its URL, which must be one of Azure's own: the token that opens vaults goes nowhere else.
/// Errors: kUsage.
Result<Url> vault_url(std::string_view text);
/// `https://vault.azure.net`, or that of the vault's cloud.
std::string vault_audience(const Url& vault);

std::unique_ptr<TokenSource> make_key_vault(KeyVaultSpec spec);

}  // namespace wye::workload
