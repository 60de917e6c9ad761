// The inside of JSON strings: escapes (RFC 8259 section 7) and UTF-8. All functions take what stands between the quotes.
// Private to this room. Threads: pure functions.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace wye::json {

#if defined(__AVX2__)
/// One bit for each backslash in the 32 bytes at `at`.
inline uint32_t backslashes(const char* at) {
  const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8('\\'))));
}
#endif

/// As find_backslash, for texts of any length.
const char* find_backslash_far(const char* at, const char* end, const char* readable);

/// The first backslash in [at, end), or `end`. Bytes up to `readable` may be read, for speed; `readable` >= `end`.
inline const char* find_backslash(const char* at, const char* end, const char* readable) {
#if defined(__AVX2__)
  if (readable - at >= 32) [[likely]] {
    const uint32_t mask = backslashes(at);
    if (mask != 0) return std::min(at + std::countr_zero(mask), end);
    if (end - at <= 32) return end;
    at += 32;
  }
#endif
  return find_backslash_far(at, end, readable);
}

enum class EscapeFault : uint8_t { kNone, kUnknown, kHex, kSurrogate };
struct EscapeCheck {
  EscapeFault fault = EscapeFault::kNone;
  const char* at = nullptr;  // the backslash at fault
};
/// Checks every escape from `at` on: known letters, four hex digits, surrogates only in pairs.
EscapeCheck check_escapes(const char* at, const char* end, const char* readable);

/// Decodes one escape at `at` (a backslash) to UTF-8 in `out` (room for 4 bytes), moves `at` behind it, returns the number of
/// bytes. Precondition: checked text.
size_t decode_escape(const char*& at, const char* end, char* out);

/// Appends what checked text means.
void append_unescaped(std::string& out, std::string_view raw);
/// Whether checked text means exactly `text`. Does not allocate.
bool unescaped_equals(std::string_view raw, std::string_view text);

/// Position of the first byte that does not belong to valid UTF-8 (RFC 3629: no overlong forms, no surrogates, up to
/// U+10FFFF), or the size of `text`.
size_t find_bad_utf8(std::string_view text);

}  // namespace wye::json
