#include "simulator/azure/token_counter.hpp"

namespace wye::simulator {

TokenCounter::TokenCounter(uint64_t tokens_per_minute, MonoTime start)
    : tokens_{kTokenWindow, tokens_per_minute, start},
      requests_{kRequestSlice, std::max<uint64_t>(1, tokens_per_minute / 1000), start} {}

void TokenCounter::Window::turn(MonoTime now) {
  const int64_t passed = (now - start) / length;
  if (passed <= 0) return;
  start = start + length * passed;
  used = 0;
}

LimitState TokenCounter::Window::state(MonoTime now) const { return {limit, limit - std::min(used, limit), start + length - now}; }

Admission TokenCounter::admit(uint64_t estimate, MonoTime now) {
  tokens_.turn(now);
  requests_.turn(now);
  Admission admission;
  const bool request_fits = requests_.used < requests_.limit;
  const bool tokens_fit = estimate <= tokens_.limit - tokens_.used;
  if (request_fits) ++requests_.used;
  if (request_fits && tokens_fit) tokens_.used += estimate;
  admission.admitted = request_fits && tokens_fit;
  admission.tokens = tokens_.state(now);
  admission.requests = requests_.state(now);
  admission.tokens_short = !tokens_fit;
  if (!admission.admitted) admission.wait = tokens_fit ? admission.requests.reset : admission.tokens.reset;
  return admission;
}

uint64_t estimate_tokens(size_t prompt_bytes, uint64_t output_max, uint32_t choices) {
  constexpr uint64_t kBytesAToken = 4;
  return (prompt_bytes + kBytesAToken - 1) / kBytesAToken + output_max * std::max<uint32_t>(1, choices);
}

}  // namespace wye::simulator
