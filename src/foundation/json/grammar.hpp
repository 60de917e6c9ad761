// The smallest pieces of the grammar of RFC 8259. Private to this room. Threads: pure functions.
#pragma once

namespace wye::json {

inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Follows the grammar of numbers from `at`; null where it is broken.
inline const char* scan_number(const char* at, const char* end) {
  if (at != end && *at == '-') ++at;
  if (at == end || !is_digit(*at)) return nullptr;
  if (*at == '0') {
    ++at;
  } else {
    while (at != end && is_digit(*at)) ++at;
  }
  if (at != end && *at == '.') {
    ++at;
    if (at == end || !is_digit(*at)) return nullptr;
    while (at != end && is_digit(*at)) ++at;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    if (at == end || !is_digit(*at)) return nullptr;
    while (at != end && is_digit(*at)) ++at;
  }
  return at;
}

/// Whether a number or literal may end at `at`.
inline bool ends_scalar(const char* at, const char* end) { return at == end || is_space(*at) || *at == ',' || *at == '}' || *at == ']'; }

}  // namespace wye::json
