// What we show, as one worker reads it: no lock, no allocation and no wait where a live value is there.
// Threads: those of one loop; `Credentials` posts new values to it.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/net/loop.hpp"
#include "identity/workload/badge.hpp"

namespace wye::workload {

class Credentials;

class CredentialReader {
 public:
  /// Both outlive it. Without `credentials` only values that a Badge has from the start can be read.
  CredentialReader(net::Loop& loop, Credentials* credentials);
  ~CredentialReader();
  CredentialReader(const CredentialReader&) = delete;
  CredentialReader& operator=(const CredentialReader&) = delete;

  /// What this worker holds of a Badge.
  class Slot;
  using SlotPtr = std::shared_ptr<Slot>;
  /// The slot of `badge`; the same Badge gives the same slot. Not for the path of a request.
  SlotPtr hold(BadgePtr badge);

  /// Whether `attach` will find a live value.
  bool live(const Slot& slot) const;
  /// Waits until there is one, for at most `bound`; any number of callers cause one fetch. Errors: kUpstreamAuthUnavailable with the
  /// reason in the detail and, where the next try is known, retry_after; kCancelled.
  net::Task<Result<void>> ready(SlotPtr slot, net::Bound bound);

  /// The one step that gives a value out: for a request to `origin` (`scheme://host[:port]`), now. The result keeps the value as long as
  /// the request needs it. Errors: kUpstreamAuthUnavailable; the detail is `credential.origin` where the Badge is not for that origin,
  /// whatever configuration says, and `credential.unavailable` where no live value is there.
  Result<PresentedPtr> attach(const Slot& slot, std::string_view origin) const;

  /// The upstream answered 401 to the value of that generation. Waits for a newer one; true: it is there, ask again, once. The refused
  /// value stays for others meanwhile: an upstream that says 401 must not be able to take it from them.
  net::Task<bool> rejected(SlotPtr slot, uint64_t generation, net::Bound bound);

  struct State;  // opaque outside of this room

 private:
  std::shared_ptr<State> state_;
};

}  // namespace wye::workload
