#include "answer.hpp"

#include <array>
#include <charconv>

#include "../wire/payload.hpp"

namespace wye::bench::stub {
namespace {

constexpr std::string_view kCreated = "1790000000";

void append_number(std::string& out, uint64_t value, int base = 10) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
  out.append(text.data(), static_cast<size_t>(end - text.data()));
}

void append_usage(std::string& out, uint64_t completion) {
  constexpr uint64_t kPrompt = 21;
  out += "{\"prompt_tokens\":";
  append_number(out, kPrompt);
  out += ",\"completion_tokens\":";
  append_number(out, completion);
  out += ",\"total_tokens\":";
  append_number(out, kPrompt + completion);
  out += "}";
}

// Reserves the size line of one chunk of the framing, and fills it in when the event is written.
class Event {
 public:
  Event(std::string& out, const AnswerFacts& facts) : out_(out), begin_(out.size()) {
    out_ += "000\r\ndata: {\"id\":\"chatcmpl-";
    append_hex(out_, facts.number);
    out_ += "\",\"object\":\"chat.completion.chunk\",\"created\":";
    out_ += kCreated;
    out_ += ",\"model\":\"";
    out_ += facts.model;
    out_ += "\",\"choices\":[";
  }
  ~Event() {
    out_ += "}\n\n";
    const size_t size = out_.size() - begin_ - kSizeLine;
    for (size_t i = 0; i < 3; ++i) out_[begin_ + i] = "0123456789abcdef"[size >> (8 - 4 * i) & 15];
    out_ += "\r\n";
    while (out_[begin_] == '0') out_.erase(begin_, 1);
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

 private:
  static constexpr size_t kSizeLine = 5;  // three digits (a model name of 3 KB would need more), CR, LF
  std::string& out_;
  size_t begin_;
};

void close_choices(std::string& out, const AnswerFacts& facts) { out += facts.include_usage ? "],\"usage\":null" : "]"; }

}  // namespace

void append_json(std::string& out, std::string_view body) {
  out += "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
  append_number(out, body.size());
  out += "\r\n\r\n";
  out += body;
}

void append_unary(std::string& out, const AnswerFacts& facts, int64_t answer_bytes) {
  thread_local std::string body, fill;
  body.assign("{\"id\":\"chatcmpl-");
  append_hex(body, facts.number);
  body += "\",\"object\":\"chat.completion\",\"created\":";
  body += kCreated;
  body += ",\"model\":\"";
  body += facts.model;
  body += "\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"nonce-";
  body += facts.nonce;
  body += ' ';
  constexpr size_t kRest = 210;  // what follows the fill, and its marks
  const size_t wanted = static_cast<size_t>(answer_bytes);
  const size_t length = wanted > body.size() + kRest ? wanted - body.size() - kRest : 16;
  if (fill.empty() || fill.size() != length) fill = fill_text(length);
  append_fill(body, fill);
  body += "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":";
  append_usage(body, length / 4 + 1);
  body += ",\"system_fingerprint\":null}";
  append_json(out, body);
}

void append_error(std::string& out, int status, std::string_view type, std::string_view code, std::string_view message) {
  std::string body = "{\"error\":{\"message\":\"";
  body += message;
  body += "\",\"type\":\"";
  body += type;
  body += "\",\"param\":null,\"code\":\"";
  body += code;
  body += "\"}}";
  out += "HTTP/1.1 ";
  append_number(out, static_cast<uint64_t>(status));
  out += " Stub\r\ncontent-type: application/json\r\ncontent-length: ";
  append_number(out, body.size());
  out += "\r\n\r\n";
  out += body;
}

void append_stream_head(std::string& out) {
  out += "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
}

void append_stream_role(std::string& out, const AnswerFacts& facts) {
  const Event event(out, facts);
  out += "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}";
  close_choices(out, facts);
}

void append_stream_token(std::string& out, const AnswerFacts& facts, int index) {
  const Event event(out, facts);
  out += "{\"index\":0,\"delta\":{\"content\":\"";
  append_token(out, facts.nonce, index);
  out += "\"},\"logprobs\":null,\"finish_reason\":null}";
  close_choices(out, facts);
}

void append_stream_end(std::string& out, const AnswerFacts& facts, int chunks) {
  {
    const Event event(out, facts);
    out += "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}";
    close_choices(out, facts);
  }
  if (facts.include_usage) {
    const Event event(out, facts);
    out += "],\"usage\":";
    append_usage(out, static_cast<uint64_t>(chunks));
  }
  out += "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
}

}  // namespace wye::bench::stub
