#include "llm/protocol/member_edit.hpp"

#include "foundation/json/writer.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace wye::protocol {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The next place from `at` on where a quote is followed by one of u, f, e, i (the first letters of the words looked for), or a
/// backslash by `u00`: an escaped letter could spell one of them.
size_t next_mark(std::string_view text, size_t at) {
  const char* const begin = text.data();
  const size_t size = text.size();
#if defined(__AVX2__)
  const __m256i quote = _mm256_set1_epi8('"');
  const __m256i back = _mm256_set1_epi8('\\');
  const __m256i u = _mm256_set1_epi8('u');
  const __m256i f = _mm256_set1_epi8('f');
  const __m256i e = _mm256_set1_epi8('e');
  const __m256i i = _mm256_set1_epi8('i');
  for (; at + 33 <= size; at += 32) {
    const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(begin + at));
    const __m256i next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(begin + at + 1));
    const __m256i is_u = _mm256_cmpeq_epi8(next, u);
    const __m256i f_or_e = _mm256_or_si256(_mm256_cmpeq_epi8(next, f), _mm256_cmpeq_epi8(next, e));
    const __m256i letter = _mm256_or_si256(_mm256_or_si256(is_u, f_or_e), _mm256_cmpeq_epi8(next, i));
    const __m256i word = _mm256_and_si256(_mm256_cmpeq_epi8(here, quote), letter);
    const __m256i escape = _mm256_and_si256(_mm256_cmpeq_epi8(here, back), is_u);
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(word, escape)));
    if (mask != 0) return at + static_cast<size_t>(std::countr_zero(mask));
  }
#endif
  for (; at + 1 < size; ++at) {
    const char c = begin[at];
    const char n = begin[at + 1];
    if ((c == '"' && (n == 'u' || n == 'f' || n == 'e' || n == 'i')) || (c == '\\' && n == 'u')) return at;
  }
  return std::string_view::npos;
}

/// From `at` on come a colon and exactly `word`, with blanks between.
bool follows(std::string_view text, size_t at, std::string_view word) {
  while (at < text.size() && is_blank(text[at])) ++at;
  if (at >= text.size() || text[at] != ':') return false;
  ++at;
  while (at < text.size() && is_blank(text[at])) ++at;
  if (!text.substr(at).starts_with(word)) return false;
  at += word.size();
  return at >= text.size() || text[at] == ',' || text[at] == '}' || is_blank(text[at]);
}

}  // namespace

Splice replace_value(std::string_view object, std::string_view value, std::string_view json) {
  const auto begin = static_cast<size_t>(value.data() - object.data());
  return {begin, begin + value.size(), json};
}

Splice remove_member(std::string_view object, std::string_view value) {
  size_t begin = static_cast<size_t>(value.data() - object.data());
  size_t end = begin + value.size();
  // Back over blanks, the colon, the name's quotes. An escaped name holds no quote either: `\"` spells none that is looked for.
  while (object[begin - 1] != ':') --begin;
  --begin;
  while (object[begin - 1] != '"') --begin;
  --begin;
  while (object[begin - 1] != '"') --begin;
  --begin;
  size_t before = begin;
  while (is_blank(object[before - 1])) --before;
  if (object[before - 1] == ',') return {before - 1, end, {}};
  size_t after = end;
  while (is_blank(object[after])) ++after;
  if (object[after] == ',') end = after + 1;
  return {begin, end, {}};
}

std::string_view one_line(std::string_view data, std::string& buffer) {
  if (data.empty() || (std::memchr(data.data(), '\n', data.size()) == nullptr && std::memchr(data.data(), '\r', data.size()) == nullptr)) return data;
  buffer.assign(data);
  for (char& c : buffer) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return buffer;
}

void assign_json_string(std::string_view text, std::string& out) {
  out.clear();
  json::Writer(out).string(text);
}

size_t find_suspicion(std::string_view text, bool usage_null_is_fine) {
  constexpr std::string_view kUsage = "\"usage\"";
  constexpr std::string_view kFinish = "\"finish_reason\"";
  constexpr std::string_view kIndex = "\"index\"";
  constexpr std::string_view kError = "\"error\"";
  for (size_t at = next_mark(text, 0); at != std::string_view::npos; at = next_mark(text, at + 1)) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("\\u00")) {
      // A letter or an underscore in escaped form; control characters and those above 0x7f are common and spell nothing.
      if (rest.size() < 6 || (rest[4] >= '4' && rest[4] <= '7')) return at;
      continue;
    }
    if (rest.starts_with(kFinish)) {
      if (!follows(text, at + kFinish.size(), "null")) return at;
    } else if (rest.starts_with(kUsage)) {
      if (!usage_null_is_fine || !follows(text, at + kUsage.size(), "null")) return at;
    } else if (rest.starts_with(kIndex)) {
      if (!follows(text, at + kIndex.size(), "0")) return at;
    } else if (rest.starts_with(kError)) {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace wye::protocol
