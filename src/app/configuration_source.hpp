// From a folder of documents to what a gateway runs on, and again whenever the folder changes.
// Threads: `load` blocks on files; any one thread at a time.
#pragma once

#include "app/config_folder.hpp"
#include "edge/gateway/configuration.hpp"

namespace wye::app {

/// A configuration, or what is wrong with it.
struct LoadedConfiguration {
  gateway::ConfigurationPtr configuration;  // null where it was refused
  config::Diagnostics findings;             // warnings, or at least one error
  admin::ConfigFiles files{};               // the documents that it was made of
};

/// The Credentials of a configuration as identity/workload wants them, in the order of Snapshot::credentials().
std::vector<workload::CredentialWanted> credentials_wanted(const config::Snapshot& snapshot);

class ConfigurationSource {
 public:
  struct Options {
    std::vector<std::filesystem::path> paths;
    config::CompileOptions compile;
  };
  /// `clock` outlives it. `take` gives environment variables away; each is asked for once and remembered.
  ConfigurationSource(Options options, const Clock& clock, workload::TakeVariable take);
  ~ConfigurationSource();

  /// Who prepares what Credentials present; before the first `load`, outlives it.
  void use(workload::Credentials& credentials) { credentials_ = &credentials; }
  /// The nonces that proofs of possession must have; outlives every configuration. Absent: none is asked for.
  void use(const token::DpopNonces& nonces) { nonces_ = &nonces; }

  LoadedConfiguration load();
  /// What these documents would make, were they in the folder; with secrets and trust files, as `load`.
  LoadedConfiguration judge(const admin::ConfigFiles& files);
  /// The folder, for who replaces its documents.
  const ConfigFolder& folder() const { return folder_; }
  const Options& options() const { return options_; }
  /// What an environment variable holds or held.
  std::optional<std::string> variable(const std::string& name);

 private:
  LoadedConfiguration make(ConfigTexts texts);
  Options options_;
  ConfigFolder folder_;
  const Clock& clock_;
  workload::Credentials* credentials_ = nullptr;
  const token::DpopNonces* nonces_ = nullptr;
  workload::TakeVariable take_;
  std::map<std::string, Secret> taken_;
};

}  // namespace wye::app
