#include "foundation/base/json_line.hpp"

namespace wye {
namespace {

/// Length of the UTF-8 sequence at the start of `s`, 0 where it is broken (Unicode 15, table 3-7).
size_t utf8_length(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto tail = [&](size_t i) { return i < s.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char c = byte(0);
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c <= 0xDF) return tail(1) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if ((c == 0xE0 && byte(1) < 0xA0) || (c == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if ((c == 0xF0 && byte(1) < 0x90) || (c == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

/// Calls `put` with pieces that together are the escaped form of `value`.
template <class Put>
void escape(std::string_view value, Put&& put) {
  static constexpr char kHex[] = "0123456789abcdef";
  size_t start = 0;
  const auto flush = [&](size_t end) {
    if (end > start) put(value.substr(start, end - start));
  };
  for (size_t i = 0; i < value.size();) {
    const auto c = static_cast<unsigned char>(value[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const size_t length = c >= 0x80 ? utf8_length(value.substr(i)) : 0;
    if (length != 0) {
      i += length;
      continue;
    }
    flush(i);
    const char unicode[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    const char quoted[] = {'\\', static_cast<char>(c)};
    if (c >= 0x80) put(std::string_view("\xEF\xBF\xBD"));
    else if (c == '"' || c == '\\') put(std::string_view(quoted, 2));
    else if (c == '\n') put(std::string_view("\\n"));
    else put(std::string_view(unicode, 6));
    start = ++i;
  }
  flush(value.size());
}

}  // namespace

bool JsonLine::key(std::string_view name, size_t value_size) {
  if (at_ + name.size() + value_size + 6 > end_) return false;
  if (at_ != begin_ + 1) *at_++ = ',';
  *at_++ = '"';
  put(name);
  *at_++ = '"';
  *at_++ = ':';
  return true;
}

JsonLine& JsonLine::token(std::string_view name, std::string_view value) {
  if (value.empty() || !key(name, value.size() + 2)) return *this;
  *at_++ = '"';
  put(value);
  *at_++ = '"';
  return *this;
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
  size_t size = 0;
  escape(value, [&](std::string_view piece) { size += piece.size(); });
  if (value.empty() || !key(name, size + 2)) return *this;
  *at_++ = '"';
  escape(value, [&](std::string_view piece) { put(piece); });
  *at_++ = '"';
  return *this;
}

JsonLine& JsonLine::number(std::string_view name, uint64_t value) {
  if (key(name, 20)) at_ = std::to_chars(at_, end_, value).ptr;
  return *this;
}

JsonLine& JsonLine::signed_number(std::string_view name, int64_t value) {
  if (key(name, 20)) at_ = std::to_chars(at_, end_, value).ptr;
  return *this;
}

JsonLine& JsonLine::boolean(std::string_view name, bool value) {
  if (key(name, 5)) put(value ? "true" : "false");
  return *this;
}

JsonLine& JsonLine::time(std::string_view name, WallTime value) {
  char text[24];
  format_rfc3339(value, text);
  return token(name, {text, sizeof text});
}

std::string_view JsonLine::finish() {
  *at_++ = '}';
  *at_++ = '\n';
  return {begin_, static_cast<size_t>(at_ - begin_)};
}

void append_json_string(std::string& out, std::string_view value) {
  out += '"';
  escape(value, [&](std::string_view piece) { out += piece; });
  out += '"';
}

}  // namespace wye
