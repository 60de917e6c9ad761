// Asks a running llama-server for real answers, through the API that clients use.
// Source: ggml-org/llama.cpp tools/server/README.md (health, props, slots, timings); OpenAI API reference.
#pragma once

#include "serving/runtime/supervisor.hpp"
#include "serving/runtime/verify.hpp"

namespace wye::runtime {

using HttpCall = std::function<Result<HttpCallAnswer>(const HttpCallRequest&)>;

/// What the server says of itself, compared with what it was told.
struct ServerFacts {
  uint32_t slots = 0;
  uint32_t context_tokens = 0;  // of one slot
};

/// Everything one probe needs. Lifetime: the call's.
struct ProbeTarget {
  const RuntimeSpec& spec;
  const Verified& verified;
  uint16_t port = 0;
};

/// All calls block for at most `limit` in all. Threads: any; the clock and the port are shared. Errors: kUpstreamFailed with what
/// the server answered, kTimeout, and what the call gives.
class Prober {
 public:
  /// `key` is sent with every call; null: the server asks for none.
  Prober(const HttpCall& http, const Clock& clock, std::shared_ptr<const Secret> key) : http_(http), clock_(clock), key_(std::move(key)) {}

  /// True: weights are loaded. False: still loading, or not listening yet.
  bool healthy(uint16_t port, Nanos limit) const;
  /// Slots, context and alias as asked for, then a generation or an embedding.
  Result<ServerFacts> prove(const ProbeTarget& target, Nanos limit) const;
  /// A look at a server that is ready: where it works, that it gets on since `last_slots`; where it idles, one token. `last_slots`
  /// is kept by the caller between looks.
  Result<> look(const ProbeTarget& target, Nanos limit, std::string& last_slots) const;
  /// True when no slot works.
  Result<bool> idle(uint16_t port, Nanos limit) const;

 private:
  Result<std::string> call(uint16_t port, std::string_view method, std::string_view path, std::string_view body, MonoTime end) const;
  Result<ServerFacts> check_props(const ProbeTarget& target, MonoTime end) const;
  Result<> check_slots(const ProbeTarget& target, const ServerFacts& facts, MonoTime end) const;
  Result<> generate(const ProbeTarget& target, uint32_t tokens, MonoTime end) const;
  Result<> embed(const ProbeTarget& target, MonoTime end) const;
  Result<> answer(const ProbeTarget& target, uint32_t tokens, MonoTime end) const;
  const HttpCall& http_;
  const Clock& clock_;
  const std::shared_ptr<const Secret> key_;
};

}  // namespace wye::runtime
