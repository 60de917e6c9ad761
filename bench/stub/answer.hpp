#pragma once
// Writes the stub's answers: whole HTTP messages or pieces of a chunked one, appended to a connection's output buffer.
#include <cstdint>
#include <string>
#include <string_view>

namespace wye::bench::stub {

// What an answer repeats from its request; text is the connection's own.
struct AnswerFacts {
  std::string model;
  std::string nonce;
  uint64_t number = 0;  // makes the id
  bool include_usage = false;
};

void append_unary(std::string& out, const AnswerFacts& facts, int64_t answer_bytes);
void append_error(std::string& out, int status, std::string_view type, std::string_view code, std::string_view message);
void append_json(std::string& out, std::string_view body);

void append_stream_head(std::string& out);
void append_stream_role(std::string& out, const AnswerFacts& facts);
void append_stream_token(std::string& out, const AnswerFacts& facts, int index);
// Finish reason, usage where asked, [DONE] and the last chunk of the framing.
void append_stream_end(std::string& out, const AnswerFacts& facts, int chunks);

}  // namespace wye::bench::stub
