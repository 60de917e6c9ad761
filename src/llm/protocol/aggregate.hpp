// A stream of chat or completions put together to the one answer that a unary client waits for. Used where a server would run
// on after a unary client has gone (llama-server).
// Source: OpenAI API reference; openai-python's delta accumulation for fields nobody named.
// Units: bytes. Threads: one owner; reusable, keeps its memory.
#pragma once

#include "foundation/json/document.hpp"
#include "llm/protocol/event_rewriter.hpp"
#include "llm/protocol/usage.hpp"

namespace wye::protocol {

struct AggregateOptions {
  Operation operation = Operation::kChat;  // kChat or kCompletions
  StreamNames names{};                       // copied
  bool done_event = true;
  size_t bytes_max = size_t{32} << 20;     // of everything kept
};

class StreamAggregator {
 public:
  StreamAggregator();
  ~StreamAggregator();
  StreamAggregator(StreamAggregator&&) noexcept;
  StreamAggregator& operator=(StreamAggregator&&) noexcept;

  void start(const AggregateOptions& options);
  /// The data of one event. Errors: as EventRewriter::feed; kUpstreamFailed over `bytes_max`.
  Result<void> feed(std::string_view data);
  bool complete() const;
  bool done_seen() const;
  /// Something of the answer came: the attempt counts as answered.
  bool content_seen() const;
  const Usage& usage() const;
  FinishReason finish_reason() const;
  uint64_t content_events() const;
  std::string_view upstream_model() const;
  /// Appends the whole answer. Errors: kUpstreamFailed while not complete().
  Result<void> write(std::string& out) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wye::protocol
