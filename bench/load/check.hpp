#pragma once
// Proves that an answer is the whole and right one. One checker a connection, used again for every answer; no allocation once its
// buffers have grown. A failure is a static text; null is good.
#include <cstdint>
#include <string>
#include <string_view>

#include "../wire/message.hpp"
#include "options.hpp"

namespace wye::bench::load {

// What all connections expect.
struct Expectation {
  int status = 200;
  bool stream = false, include_usage = false, nonce = true;
  int chunks = 0;
  std::vector<std::string> texts;
  std::string exact;  // empty: not compared
};

// Receives one answer's head and body.
class AnswerCheck final : public MessageSink {
 public:
  explicit AnswerCheck(const Expectation& expected) : expected_(&expected) {}

  // `nonce` is copied. Forgets everything of the last answer.
  void begin(std::string_view nonce);
  void on_head(const Head& head) override;
  void on_body(std::string_view bytes) override;
  // At the end of the message: the verdict.
  const char* finish();

  const char* failure() const { return failure_; }
  int chunks_seen() const { return next_chunk_; }
  bool closes() const { return closes_; }
  int status() const { return status_; }
  std::string_view body() const { return body_; }

 private:
  enum class Stage : uint8_t { kRole, kTokens, kUsage, kDone, kAfter };

  bool streaming() const { return expected_->stream && expected_->status == 200; }
  void take_events();
  void take_event(std::string_view event);
  void take_chunk(std::string_view json);
  void take_token(std::string_view json);
  const char* check_unary() const;
  void fail(const char* what) {
    if (failure_ == nullptr) failure_ = what;
  }

  const Expectation* expected_;
  std::string nonce_, body_, token_;
  size_t taken_ = 0;  // of body_, for streams: up to here events were read
  Stage stage_ = Stage::kRole;
  int next_chunk_ = 0, status_ = 0;
  bool closes_ = false;
  const char* failure_ = nullptr;
};

}  // namespace wye::bench::load
