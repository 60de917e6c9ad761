// Server-sent events, found where they lie in the received bytes; only an event that is cut between reads is copied.
// Source: WHATWG HTML, "Server-sent events", §9.2.5–9.2.6: LF, CR and CRLF, a leading BOM, comments, several data lines.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/http/limits.hpp"

namespace wye::http {

/// One event that has data. Views live until the next call of the scanner.
struct SseEvent {
  std::string_view data;  // data lines joined by LF
  std::string_view name;  // the `event` field; empty where there is none
};

/// Threads: one owner. Steady state allocates nothing.
class SseScanner {
 public:
  /// Takes the next bytes of the body; they must live until `next` says there is no more.
  /// Errors: kUpstreamFailed where one event exceeds kEventMax.
  Result<void> feed(std::string_view bytes);
  /// The next complete event; absent once the fed bytes hold no more.
  std::optional<SseEvent> next();
  /// The body has ended: what is left counts as an event, as real servers forget the last blank line. Then call `next` until absent.
  void finish();
  /// For the next stream; keeps its memory.
  void reset();
  /// Bytes of an unfinished event.
  size_t carried() const { return carry_.size(); }

 private:
  bool ends_at_border() const;
  Result<void> check_sizes() const;
  std::optional<SseEvent> parse(std::string_view block);
  std::string_view input_;
  std::string carry_;       // the start of a cut event
  std::string taken_;       // a cut event, whole, while its views are in use
  std::string normalised_;  // input with CR turned into LF, where there was any
  std::string joined_;      // several data lines
  bool last_was_cr_ = false;
  bool first_ = true;  // nothing of the stream was looked at yet
};

}  // namespace wye::http
