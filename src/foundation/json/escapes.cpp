#include "foundation/json/escapes.hpp"

namespace wye::json {
namespace {

constexpr std::array<int8_t, 256> make_hex_table() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (int i = 0; i < 10; ++i) table[static_cast<size_t>('0' + i)] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) table[static_cast<size_t>('a' + i)] = table[static_cast<size_t>('A' + i)] = static_cast<int8_t>(10 + i);
  return table;
}
constexpr std::array<int8_t, 256> kHex = make_hex_table();

/// What a one-letter escape means; 0 where the letter is unknown.
constexpr std::array<char, 256> make_letter_table() {
  std::array<char, 256> table{};
  table['"'] = '"';
  table['\\'] = '\\';
  table['/'] = '/';
  table['b'] = '\b';
  table['f'] = '\f';
  table['n'] = '\n';
  table['r'] = '\r';
  table['t'] = '\t';
  return table;
}
constexpr std::array<char, 256> kLetter = make_letter_table();

/// Four hex digits as a code unit; negative when they are none.
int32_t code_unit(const char* digits, const char* end) {
  if (end - digits < 4) return -1;
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int32_t digit = kHex[static_cast<uint8_t>(digits[i])];
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}
bool is_high(int32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low(int32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// `at` is behind `\u`. On success moves behind the escape, and behind the second half of a pair.
EscapeFault check_unicode(const char*& at, const char* end) {
  const int32_t unit = code_unit(at, end);
  if (unit < 0) return EscapeFault::kHex;
  if (is_low(unit)) return EscapeFault::kSurrogate;
  at += 4;
  if (!is_high(unit)) return EscapeFault::kNone;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return EscapeFault::kSurrogate;
  if (!is_low(code_unit(at + 2, end))) return EscapeFault::kSurrogate;
  at += 6;
  return EscapeFault::kNone;
}

/// Moves `at` from a backslash behind its escape.
inline EscapeFault check_escape(const char*& at, const char* end) {
  if (end - at < 2) return EscapeFault::kUnknown;
  const char letter = at[1];
  at += 2;
  if (kLetter[static_cast<uint8_t>(letter)] != 0) return EscapeFault::kNone;
  return letter == 'u' ? check_unicode(at, end) : EscapeFault::kUnknown;
}

size_t encode_utf8(uint32_t point, char* out) {
  if (point < 0x80) {
    out[0] = static_cast<char>(point);
    return 1;
  }
  if (point < 0x800) {
    out[0] = static_cast<char>(0xC0U | (point >> 6U));
    out[1] = static_cast<char>(0x80U | (point & 0x3FU));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = static_cast<char>(0xE0U | (point >> 12U));
    out[1] = static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
    out[2] = static_cast<char>(0x80U | (point & 0x3FU));
    return 3;
  }
  out[0] = static_cast<char>(0xF0U | (point >> 18U));
  out[1] = static_cast<char>(0x80U | ((point >> 12U) & 0x3FU));
  out[2] = static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
  out[3] = static_cast<char>(0x80U | (point & 0x3FU));
  return 4;
}

}  // namespace

const char* find_backslash_far(const char* at, const char* end, const char* readable) {
#if defined(__AVX2__)
  while (at < end && readable - at >= 128) {
    const uint64_t low = backslashes(at) | (uint64_t{backslashes(at + 32)} << 32U);
    const uint64_t high = backslashes(at + 64) | (uint64_t{backslashes(at + 96)} << 32U);
    if ((low | high) != 0) return std::min(at + (low != 0 ? std::countr_zero(low) : 64 + std::countr_zero(high)), end);
    at += 128;
  }
  while (at < end && readable - at >= 32) {
    const uint32_t mask = backslashes(at);
    if (mask != 0) return std::min(at + std::countr_zero(mask), end);
    at += 32;
  }
#else
  static_cast<void>(readable);
#endif
  if (at >= end) return end;
  const void* found = std::memchr(at, '\\', static_cast<size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

EscapeCheck check_escapes(const char* at, const char* end, const char* readable) {
#if defined(__AVX2__)
  const char* from = at;  // a backslash in front of it belongs to the escape before
  for (; at < end && readable - at >= 32; at += 32) {
    for (uint32_t mask = backslashes(at); mask != 0; mask &= mask - 1) {
      const char* const backslash = at + std::countr_zero(mask);
      if (backslash < from) continue;
      if (backslash >= end) return {};
      from = backslash;
      const EscapeFault fault = check_escape(from, end);
      if (fault != EscapeFault::kNone) [[unlikely]]
        return {fault, backslash};
    }
  }
  at = std::max(at, from);
#endif
  for (at = find_backslash_far(at, end, readable); at < end; at = find_backslash_far(at, end, readable)) {
    const char* const backslash = at;
    const EscapeFault fault = check_escape(at, end);
    if (fault != EscapeFault::kNone) return {fault, backslash};
  }
  return {};
}

size_t decode_escape(const char*& at, const char* end, char* out) {
  const char letter = at[1];
  if (letter != 'u') {
    out[0] = kLetter[static_cast<uint8_t>(letter)];
    at += 2;
    return 1;
  }
  auto point = static_cast<uint32_t>(code_unit(at + 2, end));
  at += 6;
  if (is_high(static_cast<int32_t>(point))) {
    const auto low = static_cast<uint32_t>(code_unit(at + 2, end));
    point = 0x10000U + ((point - 0xD800U) << 10U) + (low - 0xDC00U);
    at += 6;
  }
  return encode_utf8(point, out);
}

void append_unescaped(std::string& out, std::string_view raw) {
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while (at != end) {
    const char* stop = find_backslash(at, end, end);
    out.append(at, stop);
    at = stop;
    if (at == end) return;
    char utf8[4];
    const size_t size = decode_escape(at, end, utf8);
    out.append(utf8, size);
  }
}

bool unescaped_equals(std::string_view raw, std::string_view text) {
  const char* at = raw.data();
  const char* const end = at + raw.size();
  size_t matched = 0;
  while (at != end) {
    char utf8[4] = {*at};
    size_t size = 1;
    if (*at == '\\') {
      size = decode_escape(at, end, utf8);
    } else {
      ++at;
    }
    if (text.size() - matched < size || std::memcmp(text.data() + matched, utf8, size) != 0) return false;
    matched += size;
  }
  return matched == text.size();
}

size_t find_bad_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<uint8_t>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    size_t more = 0;
    uint8_t low = 0x80;   // bounds of the second byte rule out overlong forms, surrogates and what is above U+10FFFF
    uint8_t high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      more = 2;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return at;
    }
    for (size_t i = 1; i <= more; ++i) {
      if (at + i >= text.size()) return at;
      const auto byte = static_cast<uint8_t>(text[at + i]);
      if (byte < low || byte > high) return at;
      low = 0x80;
      high = 0xBF;
    }
    at += more + 1;
  }
  return text.size();
}

}  // namespace wye::json
