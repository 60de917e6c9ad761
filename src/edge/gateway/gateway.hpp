// The gate: every request for a model enters here and is answered here. One Gateway a loop.
// Look first at exchange.cpp: it is the life of a request.
// Threads: everything belongs to the loop's thread; what it is given is immutable or made for many threads.
#pragma once

#include "edge/gateway/metrics.hpp"
#include "edge/gateway/targets.hpp"
#include "foundation/base/log.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/http/server.hpp"
#include "identity/audit/trail.hpp"
#include "identity/token/authenticator.hpp"

namespace wye::gateway {

struct ExchangeMemory;
class Exchange;

/// Requests in flight of the process, over all gateways. Threads: any.
class InFlight {
 public:
  /// False where `max` are there already.
  bool enter(uint32_t max) {
    if (count_.fetch_add(1, std::memory_order_relaxed) < max) return true;
    leave();
    return false;
  }
  void leave() { count_.fetch_sub(1, std::memory_order_relaxed); }
  uint32_t now() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> count_{0};
};

/// What all gateways of a process share. Outlives them.
struct GatewayParts {
  const Clock& clock;
  Log& log;
  LogSink& access_log;
  Metrics& metrics;
  const token::KeyIndex& keys;
  token::KeySets& key_sets;
  const token::CertificateTrust& certificates;
  token::ReplayStore& replays;
  audit::Trail& trail;                // who was refused what
  const crypto::HmacKey& pseudonyms;  // callers are named to providers by a keyed hash only
  std::array<uint64_t, 4> seed;       // for request ids and draws; another one for each gateway
  size_t token_cache = token::kVerifiedTokensBytes;  // bytes, this gateway's share
  std::shared_ptr<InFlight> requests = std::make_shared<InFlight>();  // copies of one GatewayParts count together
  workload::Credentials* credentials = nullptr;                       // fetches what Credentials present; null: keys only
};

class Gateway final : public http::Handler {
 public:
  Gateway(net::Loop& loop, net::Resolver& resolver, const GatewayParts& parts);
  ~Gateway() override;

  /// Takes over a configuration and what lives; requests in flight keep what they began with.
  void take(ConfigurationPtr configuration, provider::EndpointSetPtr endpoints);
  void take(provider::EndpointSetPtr endpoints) { take(configuration_->configuration, std::move(endpoints)); }
  /// While draining, new requests are refused with 503.
  void drain() { draining_ = true; }

  net::Task<void> answer(http::ServerCall& call) override;
  net::Task<void> refuse(http::ServerCall& call, Error error) override;

 private:
  friend class Exchange;
  friend struct Steps;
  friend class Sender;

  void flush_log_soon();
  std::unique_ptr<ExchangeMemory> take_memory();
  void give_memory(std::unique_ptr<ExchangeMemory> memory);

  net::Loop& loop_;
  const Clock& clock_;
  Log& log_;
  GatewayMetrics metrics_;
  const crypto::HmacKey& pseudonyms_;
  SeededRandom random_;
  OriginCache origins_;
  workload::CredentialReader credentials_;
  token::Authenticator authenticator_;
  audit::Trail& trail_;
  LogBlock access_log_;
  std::shared_ptr<InFlight> requests_;
  std::optional<net::Loop::TimerToken> log_flush_;
  WorkerConfigurationPtr configuration_;
  std::vector<std::unique_ptr<ExchangeMemory>> free_memory_;
  std::string stream_out_;  // what a stream writes in one turn: valid until its next wait
  bool draining_ = false;
};

}  // namespace wye::gateway
