// /v1/responses over an upstream that only speaks chat: the request one way, the answer or the stream of events the other.
// Source: OpenAI API reference (Responses, streaming events). Nothing is dropped silently: what chat cannot say is refused.
// Lifetime: everything is copied. Threads: one owner. Ids and times come from the caller.
#pragma once

#include "foundation/base/clock.hpp"
#include "llm/protocol/upstream_body.hpp"
#include "llm/protocol/usage.hpp"

namespace wye::protocol {

/// Appends the chat body for `request` (of kResponses), built for `target` with all the edits of write_upstream.
/// Errors: kUnsupportedParameter with the field that chat has no word for; kRequestExceedsLimit.
Result<void> bridge_request(const DecodedRequest& request, const UpstreamTarget& target, std::string& chat_body);

/// What a response object repeats of its request, and who it is.
struct BridgeFrame {
  std::string_view id_random{};  // unique, URL-safe: makes `resp_…`, `msg_…`, `fc_…`, `rs_…`
  std::string_view model{};      // the Route's name
  WallTime created{};
};

/// Collects the echo of one request and then makes one answer of it, whole or as events. Reusable.
class ResponsesBridge {
 public:
  ResponsesBridge();
  ~ResponsesBridge();
  ResponsesBridge(ResponsesBridge&&) noexcept;
  ResponsesBridge& operator=(ResponsesBridge&&) noexcept;

  void start(const DecodedRequest& request, const BridgeFrame& frame);

  /// Appends the response object for a whole chat answer. Errors: kUpstreamFailed.
  Result<void> write_answer(std::string_view chat_answer, std::string& out);

  /// Takes the data of one chat event and appends the SSE events it becomes (`event:`, `data:`, empty line). The first call with
  /// a good event also gives response.created and response.in_progress. [DONE] gives the terminal event if the stream is complete.
  /// Errors: as EventRewriter::feed; what is in `out` stays valid, `fail` writes the end.
  Result<void> feed(std::string_view chat_event, std::string& out);
  /// Appends response.failed with the next sequence number (after response.created where nothing was sent yet). Once.
  void fail(const Error& error, std::string& out);

  /// A terminal event was written, and it was not response.failed.
  bool complete() const;
  /// A terminal event was written.
  bool ended() const;
  bool content_seen() const;
  const Usage& usage() const;
  FinishReason finish_reason() const;
  uint64_t content_events() const;
  std::string_view upstream_model() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wye::protocol
