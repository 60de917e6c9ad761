// The two parsers that every request meets: its head, as an official client sends it, and a dense body, as tool schemas make it. Each beside
// the least that reads the same bytes: a sum over them.
#include "foundation/http/head.hpp"
#include "foundation/json/document.hpp"
#include "measure.hpp"

namespace wye::bench::micro {
namespace {

std::string request_head() {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:8080\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
         "Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 3.54.0\r\nX-Stainless-Lang: python\r\n"
         "X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\nX-Stainless-Retry-Count: 0\r\n"
         "Authorization: Bearer wye_live_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH\r\nContent-Length: 1024\r\n\r\n";
}

/// A chat request of about `bytes` whose tools are many short members.
std::string dense_body(size_t bytes) {
  std::string body = R"({"model":"chat","messages":[{"role":"user","content":"hi"}],"tools":[)";
  for (int i = 0; body.size() < bytes; ++i) {
    if (i != 0) body += ',';
    body += R"({"type":"function","function":{"name":"f)" + std::to_string(i) +
            R"(","parameters":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer","minimum":0},"c":{"type":"array","items":)"
            R"({"type":"number"}}},"required":["a","b"],"additionalProperties":false}}})";
  }
  return body + "]}";
}

uint64_t sum_of(std::string_view bytes) {
  uint64_t sum = 0;
  for (const char c : bytes) sum += static_cast<unsigned char>(c);
  return sum;
}

}  // namespace

std::string parsing(const Effort& effort) {
  const std::string head_text = request_head();
  const std::string body_text = dense_body(16 << 10);
  http::HeadParser parser(http::HeadParser::Kind::kRequest);
  http::Head head;
  json::Document document;
  const std::vector<Contender> contenders = {
      {"request_head",
       [&] {
         parser.reset();
         const auto step = parser.parse(head_text, head);
         keep(head);
         return step && *step == http::HeadParser::Step::kDone && head.field_count == 13;
       }},
      {"request_head_bytes_summed",
       [&] {
         const uint64_t sum = sum_of(head_text);
         keep(sum);
         return sum > 0;
       }},
      {"json_dense_16k",
       [&] {
         const bool good = document.parse(body_text).has_value();
         keep(document);
         return good;
       }},
      {"json_dense_16k_bytes_summed",
       [&] {
         const uint64_t sum = sum_of(body_text);
         keep(sum);
         return sum > 0;
       }},
  };
  std::string out;
  for (const Timing& timing : compare(contenders, effort.rounds, effort.batch_ms)) {
    if (!out.empty()) out += ',';
    out += to_json(timing);
  }
  return out;
}

}  // namespace wye::bench::micro
