// The limits of one pay-as-you-go deployment: tokens in a window of a minute, requests in slices of ten seconds.
// Source: Azure OpenAI "quota": estimate at admission, counter reset each minute, 6 requests a minute for each 1,000 tokens.
// Units: tokens, requests. Threads: one owner.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye::simulator {

/// What a limit says after a request; goes into x-ratelimit-*.
struct LimitState {
  uint64_t limit = 0;
  uint64_t remaining = 0;
  Nanos reset{};  // until the counter starts anew
};

struct Admission {
  bool admitted = false;
  bool tokens_short = false;  // which of both said no
  Nanos wait{};               // for one that was refused: when to come again
  LimitState tokens;
  LimitState requests;
};

class TokenCounter {
 public:
  static constexpr Nanos kTokenWindow = std::chrono::minutes(1);
  static constexpr Nanos kRequestSlice = std::chrono::seconds(10);

  TokenCounter(uint64_t tokens_per_minute, MonoTime start);

  /// Counts a request that may use `estimate` tokens. Refused ones count as requests, not as tokens.
  Admission admit(uint64_t estimate, MonoTime now);

 private:
  struct Window {
    Nanos length;
    uint64_t limit;
    MonoTime start;
    uint64_t used = 0;
    void turn(MonoTime now);
    LimitState state(MonoTime now) const;
  };
  Window tokens_;
  Window requests_;
};

/// What a request is thought to need before it runs: a token for four bytes of prompt, and all the output it may ask for.
uint64_t estimate_tokens(size_t prompt_bytes, uint64_t output_max, uint32_t choices);

}  // namespace wye::simulator
