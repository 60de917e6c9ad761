// What a listener shows, made anew when its files change: certificates are renewed without a restart.
// Threads: one owner (the composition root); the contexts it gives are immutable and shared.
#pragma once

#include "config/kinds/gateway.hpp"
#include "foundation/base/clock.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/net/tls.hpp"

namespace wye::app {

using TlsServerPtr = std::shared_ptr<const net::TlsServerContext>;

class ListenerTls {
 public:
  /// `clock` outlives every context. Errors: kUsage naming the file and what is wrong with it.
  static Result<ListenerTls> make(const config::TlsFiles& files, const Clock& clock);

  const TlsServerPtr& current() const { return current_; }

  struct Look {
    TlsServerPtr changed{};  // null: nothing new, go on with what there is
    std::string problem{};   // for the log: the files have changed and are no good; said once for each change
  };
  /// Looks whether the files are others than last time. Where certificate and key do not fit (yet) the old ones stay; said only when
  /// the next look finds the same, since two files are not written at once. Reads the files.
  Look look();

 private:
  ListenerTls(net::TlsServerFiles files, const Clock& clock) : files_(std::move(files)), clock_(&clock) {}
  crypto::Digest content() const;

  net::TlsServerFiles files_;
  const Clock* clock_;
  TlsServerPtr current_;
  crypto::Digest seen_{};  // of what the files held at the last look
  bool failed_ = false;
  bool told_ = false;
};

}  // namespace wye::app
