// What a gateway is given from outside, as immutable values: the compiled configuration with the secrets and trust it needs, and
// what lives right now.
// Threads: immutable; handed to each worker on its own loop.
#pragma once

#include "config/snapshot/snapshot.hpp"
#include "foundation/net/tls.hpp"
#include "identity/token/authenticator.hpp"
#include "identity/workload/credentials.hpp"
#include "llm/provider/endpoint_set.hpp"

namespace wye::gateway {

/// One accepted configuration. A request keeps the one it began with.
struct Configuration {
  config::SnapshotPtr snapshot;
  workload::CredentialSetPtr credentials;                            // by index of Snapshot::credentials()
  std::vector<std::shared_ptr<const net::TlsClientContext>> trust;   // by TargetId; null: no TLS
  token::AuthRulesPtr auth;                                          // whose credentials are believed
  WallTime accepted_at;
};
using ConfigurationPtr = std::shared_ptr<const Configuration>;

}  // namespace wye::gateway
