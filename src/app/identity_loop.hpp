// The thread of identity: one loop and one resolver, on which tokens are fetched for us and the keys of issuers are kept.
// How the host uses it, in this order of members (destroyed in reverse):
//   std::unique_ptr<IdentityLoop> identity_;                  // made after the Offload, outlives all below
//   std::unique_ptr<workload::Credentials> credentials_;      // and token::KeySets: made with identity_->loop() and identity_->resolver()
//   std::unique_ptr<DataPlane> data_plane_;                   // its workers hold readers
// `start()` once all that lives on the loop is made; `stop()` first of all in the host's destructor: what lives on the loop is destroyed
// after its thread has ended, and readers before that.
// Threads: made, started and stopped by one thread (the composition root).
#pragma once

#include "app/data_folder.hpp"
#include "foundation/base/log.hpp"
#include "foundation/base/metrics.hpp"
#include "foundation/net/offload.hpp"
#include "foundation/net/resolver.hpp"
#include "identity/workload/credentials.hpp"

namespace wye::app {

class IdentityLoop {
 public:
  /// `clock` and `offload` outlive it. Errors: kIo.
  static Result<std::unique_ptr<IdentityLoop>> make(const Clock& clock, net::Offload& offload);
  ~IdentityLoop();
  IdentityLoop(const IdentityLoop&) = delete;
  IdentityLoop& operator=(const IdentityLoop&) = delete;

  net::Loop& loop() { return *loop_; }
  net::Resolver& resolver() { return *resolver_; }
  /// Once.
  void start();
  /// Ends the thread; what is posted afterwards never runs. May be called again.
  void stop();

 private:
  IdentityLoop() = default;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::SystemResolver> resolver_;
  std::thread thread_;
};

/// What Credentials need from outside. Variables of platforms are read now, once: `environment` is not kept. `log` may be null.
workload::CredentialParts credential_parts(const Clock& clock, const Environment& environment, uint64_t seed, Log* log);

/// Metric `wye_credential_state{credential,audience,state}`: 1 for the state that each is in. Threads: one owner, who has the shard.
class CredentialGauges {
 public:
  void show(Metrics& metrics, MetricShard& shard, const std::vector<workload::CredentialState>& states);

 private:
  std::set<std::array<std::string, 3>> shown_;
};

}  // namespace wye::app
