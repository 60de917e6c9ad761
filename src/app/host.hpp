// One running instance: store, keys, configuration, data plane and admin listener, from start to drain.
// `wye gateway` is a Host; `wye up` is a Host that also runs models and the simulator.
// Threads: one thread makes it and calls it; `set_live` from any.
#pragma once

#include "admin/admin_handler.hpp"
#include "app/callers.hpp"
#include "app/configuration_source.hpp"
#include "app/data_folder.hpp"
#include "app/data_plane.hpp"
#include "app/identity_loop.hpp"
#include "app/instance_slot.hpp"
#include "app/snapshot_store.hpp"
#include "foundation/os/file_log_sink.hpp"
#include "foundation/os/file_watch.hpp"
#include "foundation/os/stop_signals.hpp"
#include "foundation/store/sqlite_table.hpp"
#include "identity/token/key_store.hpp"

namespace wye::app {

/// Kernel randomness, the environment and standard output as app/main.cpp hands them in.
struct Outside {
  const Clock& clock;
  Environment environment;
  workload::TakeVariable take_variable;
};

struct HostOptions {
  DataFolder data;
  ConfigurationSource::Options source;
  size_t threads = 1;
  bool logs_in_folder = false;  // `wye up`: files below data/logs; else standard output
  bool exclusive = false;       // one instance at a time holds the data folder
  Nanos drain_patience = std::chrono::seconds(30);
  /// Called once the data folder is ours and before anything in it is read: what a first start puts there. Empty: nothing.
  std::function<Result<void>()> prepare{};
  /// Told what is wrong with a first configuration that is refused.
  std::function<void(const config::Diagnostics&)> refused{};
};

class Host {
 public:
  /// Opens store, keys and logs and loads the configuration. Nothing listens yet.
  /// Errors: kConflict (data folder in use), kUsage (configuration refused: `refused` was told why), kIo, kCorrupt, those of `prepare`.
  static Result<std::unique_ptr<Host>> make(HostOptions options, const Outside& outside);
  ~Host();

  /// What is wrong with, or doubtful in, the newest configuration.
  const config::Diagnostics& findings() const { return findings_; }
  const gateway::Configuration& configuration() const { return *configuration_; }
  token::KeyStore& keys() { return *keys_; }
  audit::Trail& trail() { return *trail_; }
  Log& log() { return *log_; }
  Metrics& metrics() { return metrics_; }
  store::Table& table() { return *table_; }
  Random& random() { return random_; }

  /// Listens. Errors: kConflict, kIo, kUsage.
  Result<void> start();
  net::Endpoint address() const { return data_plane_->address(); }
  net::Endpoint admin_address() const { return admin_address_; }

  /// What lives at a target that configuration gives no address: by its label (`model/NAME`, `backend/NAME`).
  void set_live(const std::string& label, provider::LiveEndpoint endpoint);
  /// What was set so far, by label.
  std::map<std::string, provider::LiveEndpoint> live() const;
  /// The tenant that a key acts for at that time; absent where it verifies nobody.
  std::optional<std::string> tenant_of_key(std::string_view text, WallTime at);
  /// What runs now. Threads: any.
  config::SnapshotPtr snapshot() const;
  /// What these documents would make here. Blocking. Threads: any.
  LoadedConfiguration judge(const admin::ConfigFiles& files);
  /// Makes these documents the configuration: those of the folder, and what runs; `by` is kept with the snapshot. Waits until they run, which
  /// the thread of `turn` does. Threads: any but that one. Errors: as ConfigPort::apply.
  Result<void> adopt(const admin::ConfigFiles& files, const std::string& expected, const std::string& by);
  /// Called after each accepted reload, on the thread that runs.
  void on_configuration(std::function<void(const gateway::Configuration&)> told) { told_ = std::move(told); }

  /// One turn of the instance's chores (keys, signs of life, reload): at most `limit` long. True once a stop was asked for.
  bool turn(os::StopSignals& signals, Nanos limit);
  /// Runs until a signal or `stop` (the admin API).
  void run(os::StopSignals& signals);
  /// Drains the data plane, flushes the logs.
  void drain();

 private:
  struct Admin;
  explicit Host(HostOptions options, const Outside& outside);
  Result<void> open();
  Result<void> start_admin();
  void reload();
  void publish();
  provider::EndpointSetPtr endpoints();
  admin::Health ready();
  void accept(LoadedConfiguration loaded, const std::string& by);
  Result<std::string> test_credential(const std::string& name);
  void take_proposal();
  std::string status_json();
  void look_at_certificates();
  void chores(MonoTime now);
  void show(const provider::EndpointSet& endpoints);

  HostOptions options_;
  Outside outside_;
  Metrics metrics_;
  SeededRandom random_;
  std::optional<InstanceSlot> slot_;
  std::unique_ptr<os::FileLogSink> log_sink_;
  std::unique_ptr<os::FileLogSink> access_sink_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<store::Table> table_;
  std::unique_ptr<audit::Trail> trail_;
  std::unique_ptr<token::Peppers> peppers_;
  std::unique_ptr<token::KeyStore> keys_;
  std::unique_ptr<token::KeyIndex> key_index_;
  std::unique_ptr<crypto::HmacKey> pseudonyms_;
  net::Offload offload_{2, 1024};
  std::mutex test_mutex_;    // one test of a Credential at a time
  std::mutex source_mutex_;  // around source_, and around a change of its folder
  std::unique_ptr<IdentityLoop> identity_;
  std::unique_ptr<workload::Credentials> credentials_;
  std::unique_ptr<Callers> callers_;
  ConfigurationSource source_;
  SnapshotStore snapshots_;
  std::unique_ptr<admin::ConfigPort> config_port_;
  std::unique_ptr<admin::AccessPort> access_port_;
  config::Diagnostics findings_;
  gateway::ConfigurationPtr configuration_;
  std::unique_ptr<DataPlane> data_plane_;
  std::unique_ptr<Admin> admin_;
  net::Endpoint admin_address_;
  std::unique_ptr<os::FileWatch> watch_;
  std::function<void(const gateway::Configuration&)> told_;

  // What the metrics of the composition root's thread say now, so that it can be taken back.
  MetricShard* shard_ = nullptr;
  std::map<std::string, provider::Health> shown_targets_;
  CredentialGauges shown_credentials_;
  std::string shown_config_;

  mutable std::mutex mutex_;  // what other threads touch
  std::condition_variable proposal_taken_;
  std::optional<LoadedConfiguration> proposal_;  // accepted by the admin API, not yet running
  std::string proposed_by_;
  std::map<std::string, provider::LiveEndpoint> live_;
  provider::EndpointSetPtr served_;  // what the data plane was told last
  uint64_t generation_ = 0;
  bool changed_ = false;
  std::atomic<bool> reload_wanted_{false};
  std::atomic<bool> stop_wanted_{false};
  std::atomic<bool> draining_{false};
  std::atomic<int64_t> pulse_ns_{0};
  std::atomic<uint64_t> refused_reloads_{0};
  MonoTime next_keys_{0};
  MonoTime next_flush_{0};
};

}  // namespace wye::app
