// What lives right now: where each target is and whether it takes requests. An immutable value, made by whoever watches
// (runtimes, health), swapped as a whole and read without a lock.
// Lifetime: a reader keeps the shared_ptr for the time of a request. Threads: const after build.
#pragma once

#include "config/kinds/enums.hpp"
#include "foundation/base/secret.hpp"

namespace wye::provider {

using TargetId = uint32_t;

enum class Health : uint8_t { kLive, kStarting, kBroken, kMisconfigured, kSaturated, kDraining };

/// A target whose address is known. For targets with a configured endpoint `host` is empty: configuration says it.
struct LiveEndpoint {
  Health health = Health::kStarting;
  std::string host{};                   // name or IP literal
  uint16_t port = 0;
  bool tls = false;
  std::string base_path{};              // empty or `/v1`
  config::EnumSet<config::Capability> capabilities{};  // discovered; empty: unknown
  uint32_t context_tokens = 0;        // 0: unknown
  uint32_t slots = 0;                 // requests at once; 0: unknown
  uint64_t instance = 0;              // tells processes of one model apart: connections of another are of no use
  std::shared_ptr<const Secret> key{};  // what its process asks for as a bearer token; null: configuration says the credential
  std::string reason{};                 // for operators, why it is not live
};

/// Indexed by TargetId of the snapshot with `snapshot_digest`.
class EndpointSet {
 public:
  EndpointSet() = default;
  EndpointSet(std::string snapshot_digest, uint64_t generation, std::vector<LiveEndpoint> endpoints)
      : snapshot_digest_(std::move(snapshot_digest)),
        generation_(generation),
        endpoints_(std::move(endpoints)) {}

  /// A target that nobody reported yet is kStarting.
  const LiveEndpoint& at(TargetId id) const { return id < endpoints_.size() ? endpoints_[id] : kUnknown; }
  size_t size() const { return endpoints_.size(); }
  std::span<const LiveEndpoint> all() const { return endpoints_; }
  /// Ids mean nothing under another snapshot.
  const std::string& snapshot_digest() const { return snapshot_digest_; }
  /// Grows with every change.
  uint64_t generation() const { return generation_; }

 private:
  static inline const LiveEndpoint kUnknown{};
  std::string snapshot_digest_;
  uint64_t generation_ = 0;
  std::vector<LiveEndpoint> endpoints_;
};
using EndpointSetPtr = std::shared_ptr<const EndpointSet>;

}  // namespace wye::provider
