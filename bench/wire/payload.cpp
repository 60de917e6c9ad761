#include "payload.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace wye::bench {
namespace {

constexpr std::string_view kFillMark = "fill-";
constexpr std::string_view kFillEnd = "-llif";
constexpr std::string_view kStubMark = "stub[";

void append_number(std::string& out, int64_t value) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), static_cast<size_t>(end - text.data()));
}

bool read_hex(std::string_view text, uint64_t& value) {
  if (text.size() < kNonceDigits) return false;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + kNonceDigits, value, 16);
  return ec == std::errc{} && end == text.data() + kNonceDigits;
}

}  // namespace

std::string fill_text(size_t bytes) {
  std::string text(bytes, ' ');
  uint64_t state = 0x9e3779b97f4a7c15ULL;
  for (char& c : text) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto draw = static_cast<unsigned>(state >> 59);
    c = draw < 26 ? static_cast<char>('a' + draw) : ' ';
  }
  return text;
}

uint64_t fill_digest(std::string_view text) {
  uint64_t sum = 0xcbf29ce484222325ULL ^ text.size();
  while (text.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    sum = (sum ^ word) * 0x9fb21c651e98df25ULL;
    sum ^= sum >> 29;
    text.remove_prefix(8);
  }
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return sum ^ (sum >> 31);
}

void write_hex(char* out, uint64_t value) {
  for (size_t i = kNonceDigits; i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

void append_hex(std::string& out, uint64_t value) {
  std::array<char, kNonceDigits> digits{};
  write_hex(digits.data(), value);
  out.append(digits.data(), digits.size());
}

void append_fill(std::string& out, std::string_view text) {
  out.append(kFillMark);
  append_hex(out, fill_digest(text));
  out.push_back('-');
  out.append(text);
  out.append(kFillEnd);
}

std::string make_chat_body(const ChatBody& wanted) {
  std::string body = "{\"model\":\"" + wanted.model + "\",";
  if (wanted.stream) body += "\"stream\":true,";
  if (wanted.include_usage) body += "\"stream_options\":{\"include_usage\":true},";
  body +=
      "\"max_tokens\":256,\"temperature\":0.7,\"messages\":[{\"role\":\"system\",\"content\":\"You answer briefly.\"},"
      "{\"role\":\"user\",\"content\":\"nonce-0000000000000000 ";
  if (wanted.with_directives) {
    body += "stub[chunks=";
    append_number(body, wanted.directives.chunks);
    body += " spacing_us=";
    append_number(body, wanted.directives.spacing_us);
    body += " answer=";
    append_number(body, wanted.directives.answer_bytes);
    body += "] ";
  }
  constexpr std::string_view kTail = "\"}]}";
  const size_t frame = body.size() + kFillMark.size() + kNonceDigits + 1 + kFillEnd.size() + kTail.size();
  append_fill(body, fill_text(wanted.bytes > frame ? wanted.bytes - frame : 0));
  body += kTail;
  return body;
}

size_t find_nonce(std::string_view text) {
  const size_t mark = text.find(kNonceMark);
  if (mark == std::string_view::npos || text.size() - mark - kNonceMark.size() < kNonceDigits) return std::string_view::npos;
  return mark + kNonceMark.size();
}

bool check_fill(std::string_view text) {
  const size_t mark = text.find(kFillMark);
  if (mark == std::string_view::npos) return false;
  text.remove_prefix(mark + kFillMark.size());
  uint64_t digest = 0;
  if (!read_hex(text, digest) || text.size() <= kNonceDigits || text[kNonceDigits] != '-') return false;
  text.remove_prefix(kNonceDigits + 1);
  const size_t end = text.find(kFillEnd);
  return end != std::string_view::npos && fill_digest(text.substr(0, end)) == digest;
}

bool read_directives(std::string_view text, Directives& directives) {
  const size_t mark = text.find(kStubMark);
  if (mark == std::string_view::npos) return true;
  text.remove_prefix(mark + kStubMark.size());
  const size_t end = text.find(']');
  if (end == std::string_view::npos || end > 128) return false;
  text = text.substr(0, end);
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string_view item = text.substr(0, space);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) return false;
    int64_t value = 0;
    const std::string_view name = item.substr(0, equals);
    const auto [stop, ec] = std::from_chars(item.data() + equals + 1, item.data() + item.size(), value);
    if (ec != std::errc{} || stop != item.data() + item.size() || value < 0 || value > 100'000'000) return false;
    if (name == "chunks" && value >= 1 && value <= 9999) directives.chunks = static_cast<int>(value);
    else if (name == "spacing_us") directives.spacing_us = value;
    else if (name == "answer" && value <= 16 * 1024 * 1024) directives.answer_bytes = value;
    else return false;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return true;
}

void append_token(std::string& out, std::string_view nonce, int index) {
  out.append(nonce);
  const std::array<char, 5> tail = {'-', static_cast<char>('0' + index / 1000 % 10), static_cast<char>('0' + index / 100 % 10),
                                    static_cast<char>('0' + index / 10 % 10), static_cast<char>('0' + index % 10)};
  out.append(tail.data(), tail.size());
  out.append(" token");
}

}  // namespace wye::bench
