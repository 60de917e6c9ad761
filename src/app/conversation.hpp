// What `wye chat` says and hears: a chat over server-sent events. Pure but for memory.
// Source: OpenAI API reference, "Create chat completion" and its stream.
// Threads: one owner.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/http/sse.hpp"

namespace wye::app {

/// The turns so far.
class Conversation {
 public:
  explicit Conversation(std::string route) : route_(std::move(route)) {}

  /// The body that asks for the next answer.
  std::string ask(std::string_view words);
  /// The answer came: both sides stay in memory.
  void keep(std::string_view answer);
  /// It did not: the question is forgotten.
  void forget();
  size_t turns() const { return turns_.size(); }

 private:
  struct Turn {
    bool user = false;
    std::string text;
  };
  std::string route_;
  std::vector<Turn> turns_;
};

/// Takes the body of a stream piece by piece.
class AnswerReader {
 public:
  /// New text in these bytes, for the screen: control characters but line breaks and tabs are left out.
  /// Errors: kUpstreamFailed (an error event; the message is its own), kCorrupt (no such stream).
  Result<std::string> take(std::string_view bytes);
  /// The whole answer so far.
  const std::string& text() const { return text_; }
  /// The stream said its last word.
  bool done() const { return done_; }

 private:
  Result<void> take_event(std::string_view data, std::string& fresh);
  http::SseScanner scanner_;
  std::string text_;
  bool done_ = false;
};

/// The message in an error body of the API; the body itself, shortened, where there is none.
std::string error_message(std::string_view body);

}  // namespace wye::app
