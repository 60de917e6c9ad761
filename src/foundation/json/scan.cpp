#include "foundation/json/scan.hpp"

#include "foundation/json/escapes.hpp"
#include "foundation/json/grammar.hpp"

namespace wye::json {
namespace {

constexpr uint32_t kDepthMax = 64;

/// Bytes that need a look outside strings of nested values.
constexpr std::array<bool, 256> make_bracket_table() {
  std::array<bool, 256> table{};
  for (const char c : {'"', '{', '}', '[', ']'}) table[static_cast<size_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kBracket = make_bracket_table();

const char* skip_space(const char* at, const char* end) {
  while (at != end && is_space(*at)) ++at;
  return at;
}

bool ends_run(char c) { return c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20; }

/// The first byte of a string's inside that is a quote, a backslash or a control character.
const char* find_run_end(const char* at, const char* end) {
#if defined(__AVX2__)
  for (; end - at >= 32; at += 32) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i quote = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('"'));
    const __m256i backslash = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('\\'));
    const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(block, _mm256_set1_epi8(0x1F)), block);
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(quote, _mm256_or_si256(backslash, control))));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at != end && !ends_run(*at)) ++at;
  return at;
}

/// The first bracket, brace or quote.
const char* find_bracket(const char* at, const char* end) {
#if defined(__AVX2__)
  for (; end - at >= 32; at += 32) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i folded = _mm256_or_si256(block, _mm256_set1_epi8(0x20));  // `[` becomes `{`, `]` becomes `}`
    const __m256i open = _mm256_cmpeq_epi8(folded, _mm256_set1_epi8('{'));
    const __m256i close = _mm256_cmpeq_epi8(folded, _mm256_set1_epi8('}'));
    const __m256i quote = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('"'));
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(quote, _mm256_or_si256(open, close))));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at != end && !kBracket[static_cast<uint8_t>(*at)]) ++at;
  return at;
}

/// `at` is behind the opening quote; returns the closing one, or null.
const char* find_closing_quote(const char* at, const char* end) {
  for (;;) {
    at = find_run_end(at, end);
    if (at == end || static_cast<uint8_t>(*at) < 0x20) return nullptr;
    if (*at == '"') return at;
    if (++at == end || static_cast<uint8_t>(*at) < 0x20) return nullptr;
    ++at;
  }
}

/// `at` is an opening bracket; returns the byte behind the one that pairs with it, or null.
const char* skip_container(const char* at, const char* end) {
  uint64_t objects = 0;  // the newest level is the lowest bit
  uint32_t depth = 0;
  for (at = find_bracket(at, end); at != end; at = find_bracket(at + 1, end)) {
    if (*at == '"') {
      at = find_closing_quote(at + 1, end);
      if (at == nullptr) return nullptr;
    } else if (*at == '{' || *at == '[') {
      if (++depth == kDepthMax) return nullptr;  // the object around is one level more
      objects = (objects << 1U) | (*at == '{' ? 1U : 0U);
    } else {
      if ((objects & 1U) != (*at == '}' ? 1U : 0U)) return nullptr;
      objects >>= 1U;
      if (--depth == 0) return at + 1;
    }
  }
  return nullptr;
}

const char* skip_literal(const char* at, const char* end, std::string_view word) {
  if (static_cast<size_t>(end - at) < word.size() || std::memcmp(at, word.data(), word.size()) != 0) return nullptr;
  return at + word.size();
}

/// Returns the byte behind the value, or null.
const char* skip_value(const char* at, const char* end) {
  if (at == end) return nullptr;
  switch (*at) {
    case '"': {
      const char* close = find_closing_quote(at + 1, end);
      return close == nullptr ? nullptr : close + 1;
    }
    case '{':
    case '[': return skip_container(at, end);
    case 't': return skip_literal(at, end, "true");
    case 'f': return skip_literal(at, end, "false");
    case 'n': return skip_literal(at, end, "null");
    default: return scan_number(at, end);
  }
}

/// The raw name between its quotes and the byte behind the closing one; null data: malformed.
std::string_view read_name(const char* at, const char* end) {
  if (at == end || *at != '"') return {};
  const char* close = find_closing_quote(at + 1, end);
  if (close == nullptr) return {};
  const char* escape = find_backslash(at + 1, close, close);
  if (escape != close && check_escapes(escape, close, close).fault != EscapeFault::kNone) return {};
  return {at + 1, close};
}

/// Index of `raw` in `names`, or their number.
size_t index_of(std::string_view raw, std::span<const std::string_view> names) {
  if (raw.find('\\') != std::string_view::npos) [[unlikely]] {
    return static_cast<size_t>(std::ranges::find_if(names, [raw](auto name) { return unescaped_equals(raw, name); }) - names.begin());
  }
  return static_cast<size_t>(std::ranges::find(names, raw) - names.begin());
}

bool read_members(std::string_view object, std::span<const std::string_view> names, std::span<std::string_view> values) {
  const char* const end = object.data() + object.size();
  const char* at = skip_space(object.data(), end);
  if (at == end || *at != '{') return false;
  at = skip_space(at + 1, end);
  if (at != end && *at == '}') return skip_space(at + 1, end) == end;
  for (;;) {
    const std::string_view name = read_name(at, end);
    if (name.data() == nullptr) return false;
    at = skip_space(name.data() + name.size() + 1, end);
    if (at == end || *at != ':') return false;
    at = skip_space(at + 1, end);
    const char* const begin = at;
    at = skip_value(at, end);
    if (at == nullptr) return false;
    const size_t index = index_of(name, names);
    if (index != names.size()) {
      if (!values[index].empty()) return false;
      values[index] = {begin, at};
    }
    at = skip_space(at, end);
    if (at == end) return false;
    if (*at == '}') return skip_space(at + 1, end) == end;
    if (*at != ',') return false;
    at = skip_space(at + 1, end);
  }
}

}  // namespace

bool find_members(std::string_view object, std::span<const std::string_view> names, std::span<std::string_view> values) {
  std::ranges::fill(values, std::string_view());
  if (read_members(object, names, values)) return true;
  std::ranges::fill(values, std::string_view());
  return false;
}

}  // namespace wye::json
