// What is wanted of one locally served model, and what is known of it while it runs.
#pragma once

#include "foundation/base/secret.hpp"
#include "foundation/base/units.hpp"
#include "serving/runtime/lifecycle.hpp"

namespace wye::runtime {

struct ProbeSpec {
  std::string prompt = "Say the word blue.";
  uint32_t max_tokens = 16;
  double min_tokens_per_second = 1.0;
  Nanos first_token_max = std::chrono::seconds(30);
  friend bool operator==(const ProbeSpec&, const ProbeSpec&) = default;
};

/// One version of one model on this machine. Comes from the resource `Model`; two equal specs are the same process.
struct RuntimeSpec {
  std::string model;    // metadata.name; also the alias that the server answers to
  std::string version;  // the name of the version
  std::filesystem::path file;  // absolute
  std::string digest;   // `sha256:` + 64 hex, of the file; empty is refused with the digest that it has
  uint32_t slots = 4;
  uint32_t slot_context_tokens = 2048;
  uint32_t threads = 1;
  std::vector<std::string> capabilities;  // empty: what the file can do; else it must be a part of that
  std::optional<Bytes> memory;            // placement.memory: upper bound of what it may need; absent: the machine's
  ProbeSpec probe;
  friend bool operator==(const RuntimeSpec&, const RuntimeSpec&) = default;
};

/// One process of a model as the rest of the program sees it. A value; `instance` tells processes of one model apart.
struct RuntimeStatus {
  std::string model;
  std::string version;
  uint64_t instance = 0;  // grows with every process slot; a restart keeps it
  State state = State::kAbsent;
  std::string reason;     // for operators: why it is not ready; may name paths
  std::string digest;     // of the file, once verified
  uint16_t port = 0;      // on 127.0.0.1; not 0 from kLoading to kDraining
  std::shared_ptr<const Secret> key;  // what the server asks of callers as a bearer token; set wherever `port` is
  int pid = 0;
  std::vector<std::string> capabilities;  // known from kStarting on
  uint32_t context_tokens = 0;            // of one slot, as the server confirmed it; from kReady on
  uint32_t slots = 0;
  uint64_t embedding_length = 0;
  Bytes resident;                         // measured when it became ready
  uint64_t restarts = 0;
  Nanos load_time{};                      // start to ready, last time
  std::optional<WallTime> retry_at;       // in kBackoff and kCrashLoop
};

}  // namespace wye::runtime
