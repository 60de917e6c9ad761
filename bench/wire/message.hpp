#pragma once
// An incremental, strict HTTP/1.1 message reader (RFC 9112) for the bench programs. It shares no code with the product, so that a
// framing defect of the product cannot hide itself. Strict: CRLF only, no folded fields, one Content-Length, never both framings.
// One thread; allocates only while its two small buffers grow to the largest head seen.
#include <cstdint>
#include <string>
#include <string_view>

namespace wye::bench {

// Views point into the reader's input or its buffer: valid only inside on_head.
struct Head {
  std::string_view method, target;  // of a request
  int status = 0;                   // of a response
  std::string_view content_type, authorization, host;
  int64_t content_length = -1;
  bool chunked = false;
  bool close = false;
  bool expect_continue = false;
};

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual void on_head(const Head& head) = 0;
  virtual void on_body(std::string_view bytes) = 0;  // without its framing, in pieces as they came
};

enum class MessageKind : uint8_t { kRequest, kResponse };

// Reads one head block, without its final empty line. Returns null, or what is wrong with it.
const char* parse_head(std::string_view block, MessageKind kind, Head& head);

class MessageReader {
 public:
  explicit MessageReader(MessageKind kind) : kind_(kind) {}

  // Consumes bytes up to the end of one message and returns how many; fewer than given means done() or failed().
  size_t feed(std::string_view in, MessageSink& sink);
  // The peer has closed: ends a body that has no length, fails any other message that has begun.
  void closed();
  // Makes ready for the next message on the same connection.
  void reset();

  bool done() const { return state_ == State::kDone; }
  bool failed() const { return error_ != nullptr; }
  bool begun() const { return state_ != State::kHead || !line_.empty(); }
  const char* error() const { return error_; }

 private:
  enum class State : uint8_t { kHead, kCounted, kChunkSize, kChunk, kChunkEnd, kTrailers, kUntilClose, kDone };

  size_t feed_head(std::string_view in, MessageSink& sink);
  size_t feed_counted(std::string_view in, MessageSink& sink);
  size_t feed_line(std::string_view in);
  void take_head(std::string_view block, MessageSink& sink);
  void take_line(std::string_view line);
  void fail(const char* error) { error_ = error; }

  MessageKind kind_;
  State state_ = State::kHead;
  uint64_t remaining_ = 0;
  std::string line_;  // an unfinished head, chunk-size line or trailer line
  const char* error_ = nullptr;
};

}  // namespace wye::bench
