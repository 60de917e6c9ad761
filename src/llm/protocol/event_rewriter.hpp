// The hot path of streams: the data of one event in, the pieces that go to the client out. Renames `id` and `model`, hides the
// usage that the client did not ask for, and keeps the state that tells a whole stream from a cut one.
// Source: OpenAI API reference (chat.completion.chunk, text_completion); Azure OpenAI "content streaming" for annotations.
// Lifetime: pieces refer to the event and to this object, until the next call. Threads: one owner.
// Cost: an event that repeats the frame of an earlier one is not parsed; in steady state nothing is allocated.
#pragma once

#include "foundation/json/patch.hpp"
#include "llm/protocol/request.hpp"
#include "llm/protocol/usage.hpp"

namespace wye::protocol {

struct StreamNames {
  std::string_view id{};     // what the client sees: `chatcmpl-…`, `cmpl-…`
  std::string_view model{};  // the Route's name
};

struct EventRewriterOptions {
  Operation operation = Operation::kChat;  // kChat or kCompletions
  StreamNames names{};                       // copied
  bool show_usage = false;                 // the client asked for the usage chunk
  bool pass_annotations = false;           // Azure dialect: events that carry only filter results go on
  bool done_event = true;                  // UpstreamDialect::done_event
  bool show_filters = true;                // the client may see what a content filter said; false: taken out of every event
};

enum class EventAction : uint8_t {
  kForward,  // send `pieces` as the data of one event
  kSwallow,  // nothing for the client
  kDone,     // `pieces` is `[DONE]`: the stream says it ended; send it only if complete()
};

struct EventStep {
  EventAction action = EventAction::kSwallow;
  std::span<const std::string_view> pieces{};  // at most 8, none empty, no line end in them
  bool unchanged = false;                    // the pieces together are the event as it came
};

class EventRewriter {
 public:
  void start(const EventRewriterOptions& options);

  /// Takes the data of one event without `data:` and line ends. After [DONE] everything is swallowed.
  /// Errors: kUpstreamFailed (or what an error event says, by parse_upstream_error): malformed, or the upstream reports an error.
  /// The stream is over then.
  Result<EventStep> feed(std::string_view data);

  /// Every choice that was seen has finished, at least one has, and [DONE] came where the dialect has one.
  bool complete() const;
  bool done_seen() const { return done_; }
  /// An event with something of the answer was forwarded: from then on no other target may take over.
  bool content_seen() const { return content_seen_; }
  const Usage& usage() const { return usage_; }
  /// Of the choice, kNone while it runs. Precondition: index < 128.
  FinishReason finish_reason(size_t index) const { return finish_[index]; }
  /// The most telling of all choices: content_filter, length, tool_calls, stop.
  FinishReason finish_reason() const;
  /// Events with a piece of the answer, about one token each: the estimate where no usage came.
  uint64_t content_events() const { return content_events_; }
  /// What the upstream calls its model, as of its first event: the way to see a silent upgrade. Cut at 128 bytes.
  std::string_view upstream_model() const { return upstream_model_; }

  static constexpr size_t kChoicesMax = 128;

 private:
  struct Found;
  bool fast(std::string_view data, EventStep& step);
  Result<EventStep> slow(std::string_view data);
  Result<void> read_choices(std::string_view choices, Found& found);
  void read_choice(json::Value choice, Found& found);
  void remember(std::string_view data, const Found& found);
  Result<EventStep> edit_whole(std::string_view data);
  EventStep edit(std::string_view data, Found& found);
  void add_piece(std::string_view piece);

  EventRewriterOptions options_;
  std::string id_json_;
  std::string model_json_;
  std::string flat_;
  json::Document document_;
  json::Patch patch_;
  std::string whole_;  // of edit_whole
  std::array<std::string_view, 8> pieces_;
  size_t piece_count_ = 0;

  // The frame of an earlier event: all before and after the elements of `choices`, as received and as sent.
  std::string head_;
  std::string head_out_;
  std::string tail_;
  std::string tail_out_;
  bool frame_known_ = false;

  std::array<FinishReason, kChoicesMax> finish_{};
  std::array<uint64_t, 2> seen_{};
  std::array<uint64_t, 2> finished_{};
  Usage usage_;
  uint64_t content_events_ = 0;
  std::string upstream_model_;
  bool done_ = false;
  bool content_seen_ = false;
};

}  // namespace wye::protocol
