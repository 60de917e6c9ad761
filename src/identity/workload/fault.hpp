// Why a token could not be had, in the two classes that decide what follows.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye::workload {

/// A fetch that failed. `reason` goes to logs, states and `wye credentials test`; it never holds a token, an assertion or a key.
struct Fault {
  enum class Kind : uint8_t {
    kRetryable,  // the network, 429, 5xx, an issuer that is busy: the next try may succeed
    kPermanent,  // the issuer refuses us, an answer redirects, a file is not there: someone has to change something first
  };
  Kind kind = Kind::kRetryable;
  std::string reason;
  int status = 0;                     // of the HTTP answer; 0: none came
  std::optional<Nanos> retry_after{};  // what the issuer asked for
  bool again_at_once = false;         // the assertion was read too early or too late: one more try with what stands there now
};

inline Fault retryable(std::string reason) { return {Fault::Kind::kRetryable, std::move(reason), 0, std::nullopt, false}; }
inline Fault permanent(std::string reason) { return {Fault::Kind::kPermanent, std::move(reason), 0, std::nullopt, false}; }

template <class T>
using Fetch = std::expected<T, Fault>;

}  // namespace wye::workload
