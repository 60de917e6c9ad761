// For tests only: what a gateway needs to know of callers, all of it empty: no issuer, no client certificate, a trail in memory.
// Threads: that of the loop; the trail has its own.
#pragma once

#include "edge/gateway/gateway.hpp"
#include "identity/audit/test_trail.hpp"

namespace wye::gateway {

struct TestIdentity {
  TestIdentity(net::Loop& loop, net::Resolver& resolver, const Clock& clock, Log& log)
      : key_sets({loop, resolver, clock, random, log}),
        audit(clock) {}

  GatewayParts parts(const Clock& clock, Log& log, LogSink& access, Metrics& metrics, const token::KeyIndex& keys, const crypto::HmacKey& pseudonyms,
                     std::array<uint64_t, 4> seed) {
    return {.clock = clock,
            .log = log,
            .access_log = access,
            .metrics = metrics,
            .keys = keys,
            .key_sets = key_sets,
            .certificates = certificates,
            .replays = replays,
            .trail = audit.trail(),
            .pseudonyms = pseudonyms,
            .seed = seed};
  }

  SeededRandom random{7};
  token::KeySets key_sets;
  token::CertificateTrust certificates{[](const std::filesystem::path&) -> Result<std::string> { return std::string(); }};
  token::MemoryReplayStore replays{64};
  audit::TestTrail audit;
};

}  // namespace wye::gateway
