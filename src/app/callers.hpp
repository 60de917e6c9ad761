// What the process knows of those who call: keys and anchors of issuers, proofs that were used. Fed by accepted configurations.
// Threads: made and called by the composition root; what workers take from it says its own.
#pragma once

#include "app/data_folder.hpp"
#include "app/identity_loop.hpp"
#include "edge/gateway/configuration.hpp"

namespace wye::app {

/// The credentials that a Gateway believes, by its configuration. `nonces` outlives the rules.
token::AuthRulesPtr make_auth_rules(const config::Snapshot& snapshot, const token::DpopNonces* nonces);

class Callers {
 public:
  /// `nonce_key`: 32 secret random bytes. All else outlives it; it is destroyed after the loop's thread has ended.
  Callers(IdentityLoop& identity, const Clock& clock, Log& log, const std::array<uint64_t, 4>& seed, std::string_view nonce_key);

  /// From now on the Issuers of this configuration. Blocks on files.
  void take(const gateway::Configuration& configuration);
  /// Once a second: files of anchors and bundles that changed are read again. Blocks.
  void refresh();
  /// Metric `wye_issuer_state{issuer,state}`: 1 for the state that each is in. `shard` is the caller's.
  void show(Metrics& metrics, MetricShard& shard);

  /// Until every Issuer of the first configuration has given its keys or failed to. A later one holds nobody up. Threads: any.
  bool starting();

  const token::DpopNonces& nonces() const { return nonces_; }
  token::KeySets& key_sets() { return key_sets_; }
  const token::CertificateTrust& certificates() const { return certificates_; }
  token::ReplayStore& replays() { return replays_; }

 private:
  void report(const std::vector<std::string>& problems);

  Log& log_;
  SeededRandom random_;  // of the identity loop
  token::DpopNonces nonces_;
  token::KeySets key_sets_;
  token::CertificateTrust certificates_;
  token::MemoryReplayStore replays_;
  std::set<std::array<std::string, 2>> shown_;
  std::atomic<bool> started_{false};
};

}  // namespace wye::app
