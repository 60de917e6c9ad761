// Builds one line of JSON by raw appends: the access log and the process log are made of it. No allocation.
// Threads: one owner.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye {

/// Appends members of one flat JSON object to a caller's buffer. What does not fit is left out whole, member by member;
/// `finish` always gives a valid line because it keeps room for the closing bytes.
class JsonLine {
 public:
  /// `buffer` outlives this object; at least 16 bytes.
  explicit JsonLine(std::span<char> buffer) : begin_(buffer.data()), at_(buffer.data()), end_(buffer.data() + buffer.size() - 4) { *at_++ = '{'; }

  /// A string; control characters, quotes and backslashes escaped, broken UTF-8 replaced byte by byte. Empty: left out.
  JsonLine& text(std::string_view key, std::string_view value);
  /// A string that is known to need no escaping (an id, an enum).
  JsonLine& token(std::string_view key, std::string_view value);
  JsonLine& number(std::string_view key, uint64_t value);
  JsonLine& signed_number(std::string_view key, int64_t value);
  JsonLine& boolean(std::string_view key, bool value);
  JsonLine& time(std::string_view key, WallTime value);
  /// Ends the line with `}` and a newline; the view lives in the buffer. Call once.
  std::string_view finish();

 private:
  bool key(std::string_view name, size_t value_size);
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  char* begin_;
  char* at_;
  char* end_;
};

/// Appends `value` to `out` as a JSON string with its quotes, escaped as above.
void append_json_string(std::string& out, std::string_view value);

}  // namespace wye
