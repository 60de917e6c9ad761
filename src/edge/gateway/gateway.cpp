#include "edge/gateway/gateway.hpp"

#include "edge/gateway/exchange.hpp"

namespace wye::gateway {
namespace {

constexpr std::chrono::milliseconds kLogFlush{100};
constexpr size_t kMemoryKept = 256;

}  // namespace

Gateway::Gateway(net::Loop& loop, net::Resolver& resolver, const GatewayParts& parts)
    : loop_(loop),
      clock_(parts.clock),
      log_(parts.log),
      metrics_(parts.metrics),
      pseudonyms_(parts.pseudonyms),
      random_(parts.seed),
      origins_(loop, resolver),
      credentials_(loop, parts.credentials),
      authenticator_({loop, parts.clock, parts.keys, parts.key_sets, parts.certificates, parts.replays, parts.token_cache}),
      trail_(parts.trail),
      access_log_(parts.access_log),
      requests_(parts.requests) {}

Gateway::~Gateway() {
  if (log_flush_) loop_.cancel_call(*log_flush_);
}

void Gateway::take(ConfigurationPtr configuration, provider::EndpointSetPtr endpoints) {
  authenticator_.take(configuration->auth);
  configuration_ = join(std::move(configuration), std::move(endpoints), origins_, credentials_, configuration_.get());
}

void Gateway::flush_log_soon() {
  if (log_flush_) return;
  log_flush_ = loop_.call_at(loop_.now() + kLogFlush, [this] {
    log_flush_.reset();
    access_log_.flush();
  });
}

std::unique_ptr<ExchangeMemory> Gateway::take_memory() {
  if (free_memory_.empty()) return std::make_unique<ExchangeMemory>();
  auto memory = std::move(free_memory_.back());
  free_memory_.pop_back();
  return memory;
}

void Gateway::give_memory(std::unique_ptr<ExchangeMemory> memory) {
  if (free_memory_.size() < kMemoryKept) free_memory_.push_back(std::move(memory));
}

}  // namespace wye::gateway
