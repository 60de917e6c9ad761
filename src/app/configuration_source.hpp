// From a folder of documents to what a gateway runs on, and again whenever the folder changes.
// Threads: `load` blocks on files; any one thread at a time.
#pragma once

#include "edge/gateway/configuration.hpp"

namespace wye::app {

/// A configuration, or what is wrong with it.
struct LoadedConfiguration {
  gateway::ConfigurationPtr configuration;  // null where it was refused
  config::Diagnostics findings;             // warnings, or at least one error
};

class ConfigurationSource {
 public:
  struct Options {
    std::vector<std::filesystem::path> paths;
    config::CompileOptions compile;
  };
  /// `clock` outlives it. `take` gives environment variables away; each is asked for once and remembered.
  ConfigurationSource(Options options, const Clock& clock, workload::TakeVariable take);
  ~ConfigurationSource();

  LoadedConfiguration load();
  const Options& options() const { return options_; }

 private:
  Options options_;
  const Clock& clock_;
  workload::TakeVariable take_;
  std::map<std::string, Secret> taken_;
};

}  // namespace wye::app
