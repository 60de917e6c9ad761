// Kind Model: a model that the enterprise runs itself.
#pragma once

#include "config/kinds/backend.hpp"

namespace wye::config {

struct ModelSource {
  FilePath file;
  static void describe(auto& self, auto& v) {
    v.field("file", self.file, Rule{.text = "A GGUF file.", .required = true});
    for (const std::string_view other : {"folder", "blob", "oci", "https", "registry"}) v.refused(other);
  }
};

struct ModelVersion {
  std::string name;
  ModelSource source;
  std::string digest;
  static void describe(auto& self, auto& v) {
    v.field("name", self.name, Rule{.text = "Label of the version.", .required = true, .grammar = Grammar::kName});
    v.field("source", self.source, Rule{.text = "Where its bytes are.", .required = true});
    v.field("digest", self.digest,
            Rule{.text = "SHA-256 of the file. A version without one is not started; the error prints it.",
                 .grammar = Grammar::kDigest,
                 .absent = "none"});
  }
};

struct Runtime {
  RuntimeType type = RuntimeType::kLlamaServer;
  uint32_t slots = 4;
  uint32_t slot_context_tokens = 2048;
  uint32_t threads = 1;
  static void describe(auto& self, auto& v) {
    v.field("type", self.type, Rule{.text = "What runs it.", .required = true});
    v.field("slots", self.slots, Rule{.text = "Requests at once.", .min = 1, .max = 64});
    v.field("slotContextTokens", self.slot_context_tokens, Rule{.text = "Context of each slot.", .min = 16, .max = 1 << 20});
    v.field("threads", self.threads, Rule{.text = "Threads of the runtime.", .min = 1, .max = 256});
  }
};

struct Placement {
  Bytes memory;
  static void describe(auto& self, auto& v) {
    v.field("memory", self.memory, Rule{.text = "Memory bound of the runtime.", .min = 1 << 20, .absent = "estimate x 1.1"});
    for (const std::string_view other : {"pool", "region", "cpus", "gpus", "minReplicas", "maxReplicas", "idleAfter", "waitingRoom"})
      v.refused(other);
  }
};

struct Probe {
  std::string prompt = "Say the word blue.";
  uint32_t max_tokens = 16;
  uint32_t min_tokens_per_second = 1;
  static void describe(auto& self, auto& v) {
    v.field("prompt", self.prompt, Rule{.text = "What a runtime must answer before it is ready.", .max = 1024});
    v.field("maxTokens", self.max_tokens, Rule{.text = "Length of that answer.", .min = 1, .max = 256});
    v.field("minTokensPerSecond", self.min_tokens_per_second, Rule{.text = "Slower is not ready; 0: any speed.", .max = 10'000});
  }
};

struct Model {
  static constexpr std::string_view kKind = "Model";
  static constexpr std::string_view kText = "A model that the enterprise runs itself.";

  std::string tenant;
  std::vector<ModelVersion> versions;
  std::string current;
  Runtime runtime;
  Serves serves;
  Placement placement;
  DataClass data_class_max = DataClass::kPublic;
  Probe probe;

  static void describe(auto& self, auto& v) {
    v.field("tenant", self.tenant,
            Rule{.text = "Owner; it and those below it may use the model.", .grammar = Grammar::kName, .refers = "Tenant", .absent = "shared"});
    v.field("versions", self.versions, Rule{.text = "Versions that may be served.", .required = true, .min = 1, .max = 64, .unique_key = "name"});
    v.field("current", self.current, Rule{.text = "Version that is served.", .grammar = Grammar::kName, .absent = "the only one"});
    v.refused("trust");
    v.field("runtime", self.runtime, Rule{.text = "What runs it.", .required = true});
    v.field("serves", self.serves, Rule{.text = "What it can do."});
    v.refused("adapters");
    v.field("placement", self.placement, Rule{.text = "Where it runs and with how much."});
    v.field("dataClassMax", self.data_class_max, Rule{.text = "Most secret data that it may see."});
    v.refused("price");
    v.field("probe", self.probe, Rule{.text = "The generation that proves it works."});
  }
};

}  // namespace wye::config
