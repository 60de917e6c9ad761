// The credentials that Wye itself presents, process-wide: fetched ahead, one fetch at a time, kept while an issuer fails.
// Source: RFC 6749 §4.4 (client credentials), RFC 7521 and 7523 (assertions); the wire of each source stands in its own header.
// Threads: `prepare`, `take`, `states` from any one thread (the composition root); fetching happens on the loop it is given.
#pragma once

#include "config/kinds/credential.hpp"
#include "foundation/base/random.hpp"
#include "foundation/net/resolver.hpp"
#include "foundation/net/tls.hpp"
#include "identity/workload/badge.hpp"
#include "identity/workload/fetch.hpp"
#include "identity/workload/secret_place.hpp"

namespace wye::workload {

/// One Credential of a configuration, and what its users ask of it.
struct CredentialWanted {
  std::string name;
  config::Credential spec;
  std::vector<std::string> origins;    // normal form: `https://host[:port]`
  std::vector<std::string> audiences;  // of the Backends that use it; one suffices where the type knows no audience
};

/// What a configuration made of its Credentials. Immutable, shared by all workers.
class CredentialSet {
 public:
  /// Null where the Credential does not serve that audience.
  BadgePtr find(size_t credential, std::string_view audience) const;
  /// The value of an API key that was read when the configuration was taken: for the simulator that has to accept it. Null: none.
  const Secret* key(size_t credential) const { return keys_[credential].empty() ? nullptr : &keys_[credential]; }
  /// For tests: Credentials with fixed keys.
  struct Fixed {
    BadgeIdentity identity;
    std::string value;
  };
  static std::shared_ptr<const CredentialSet> of_keys(std::vector<Fixed> keys);

  struct Held;  // opaque outside of this room

 private:
  friend class Credentials;
  std::vector<std::vector<BadgePtr>> badges_;  // by Credential, then in the order of `audiences`
  std::vector<Secret> keys_;
  std::vector<std::shared_ptr<Held>> held_;    // each Badge once
};
using CredentialSetPtr = std::shared_ptr<const CredentialSet>;

/// What is wrong with one Credential of a configuration that is being judged.
struct CredentialFinding {
  std::string name;
  std::string what;  // names the source, never the value
  std::string help;
};

/// A TLS client for a file of roots; empty: those of the system.
using TrustMaker = std::function<Result<std::shared_ptr<const net::TlsClientContext>>(const std::string& ca_file)>;

struct CredentialParts {
  const Clock& clock;
  Environment environment;
  TrustMaker trust;
  uint64_t seed = 0;
  /// Told of each change of state: for the log. Called on the loop.
  std::function<void(const Badge& badge, const Unavailable& now)> told{};
};

/// The state of one Badge, for people and metrics.
struct CredentialState {
  enum class State : uint8_t {
    kStarting,  // the first fetch is under way
    kLive,      // a value is there and the last fetch succeeded
    kStale,     // the last fetch failed; the value still lives and serves
    kFailing,   // nothing to serve; tried again soon
    kRefused,   // nothing to serve, and not before someone changes something
  };
  std::string credential;
  std::string audience;
  std::string place;  // where it comes from; empty: it never changes
  State state = State::kStarting;
  std::string reason;
  WallTime expires_at{0};  // 0: no end, or nothing there
  uint64_t fetches = 0;
  uint64_t failures = 0;
};
std::string_view to_string(CredentialState::State state);

class Credentials {
 public:
  /// Loop and resolver outlive it; it is destroyed after the loop's thread has ended. Readers are destroyed before it.
  Credentials(net::Loop& loop, net::Resolver& resolver, CredentialParts parts);
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  /// Judges the Credentials of a configuration and reads what files and the environment hold; asks nobody. A Credential that says the same
  /// as before keeps its Badges with what they hold; one that changed (its origins too) gets new ones, that know nothing of the old.
  /// Null where `findings` has got an entry.
  CredentialSetPtr prepare(std::span<const CredentialWanted> wanted, const TakeVariable& take, std::vector<CredentialFinding>& findings);
  /// From now on this set is kept fresh, and nothing else.
  void take(CredentialSetPtr set);
  std::vector<CredentialState> states() const;

  struct Core;  // opaque outside of this room

 private:
  friend class CredentialReader;
  std::shared_ptr<Core> core_;
};

}  // namespace wye::workload
