// Native /v1/responses answers and streams: `model` and the response's own `id` renamed, the end recognised, usage read.
// Source: OpenAI API reference, Responses and its streaming events.
// Lifetime: pieces refer to the event and to this object, until the next call. Threads: one owner.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/json/patch.hpp"
#include "llm/protocol/event_rewriter.hpp"
#include "llm/protocol/unary_rewriter.hpp"

namespace wye::protocol {

class ResponsesRewriter {
 public:
  /// Names are copied; `names.id` is `resp_…`. Without `show_filters` what a content filter said is taken out.
  void start(const StreamNames& names, bool show_filters = true);

  /// The data of one event; the `event:` line goes on as it came. A [DONE] is swallowed. `pieces` as in EventStep.
  /// Errors: kUpstreamFailed: malformed, or an `error` event (then `fail_event` ends the stream properly).
  Result<EventStep> feed(std::string_view data);
  /// Appends a whole SSE event response.failed with the next sequence number, for a failure after the start. Once.
  void fail(const Error& error, WallTime now, std::string& out);
  /// A whole answer.
  Result<UnaryAnswer> rewrite(std::string_view body);

  bool complete() const { return ended_ && !failed_; }
  bool ended() const { return ended_; }
  bool content_seen() const { return content_seen_; }
  const Usage& usage() const { return usage_; }
  FinishReason finish_reason() const { return finish_; }
  uint64_t content_events() const { return content_events_; }
  std::string_view upstream_model() const { return upstream_model_; }

 private:
  Result<void> rename(json::Value response);
  void note_end(json::Value response, std::string_view status);

  std::string id_;
  std::string model_;
  std::string flat_;
  json::Document document_;
  json::Patch patch_;
  std::array<std::string_view, 1> whole_;
  Usage usage_;
  FinishReason finish_ = FinishReason::kNone;
  int64_t sequence_ = -1;
  uint64_t content_events_ = 0;
  std::string upstream_model_;
  bool ended_ = false;
  bool failed_ = false;
  bool content_seen_ = false;
  bool show_filters_ = true;
};

}  // namespace wye::protocol
