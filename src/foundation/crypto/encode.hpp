// Texts for bytes and back, strict: one text for each value, everything else is refused.
// Sources: RFC 4648 (base64, base64url, hex); base62 is the number system over 0-9A-Za-z, most significant digit first.
// Threads: any. Decoders allocate the answer and are absent on any input that the encoder does not write.
#pragma once

namespace wye::crypto {

/// Lower-case hex.
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);

/// With `=` padding.
std::string to_base64(std::string_view bytes);
/// Refuses missing padding, white space and unused bits that are not zero.
std::optional<std::string> from_base64(std::string_view text);

/// Without padding.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);
/// How many bytes a text of so many characters means, if it is one.
constexpr size_t base64url_bytes(size_t characters) { return characters / 4 * 3 + (characters % 4 == 0 ? 0 : characters % 4 - 1); }
/// The same into memory of at least base64url_bytes(text.size()) bytes, without allocation; false on anything else than from_base64url reads.
bool from_base64url_to(std::string_view text, char* out);

/// Exactly `digits` digits, zeros in front; what does not fit is cut off at the most significant end.
std::string to_base62(uint64_t value, size_t digits);
/// 1–11 digits; absent above 2^64 − 1.
std::optional<uint64_t> from_base62(std::string_view text);
/// True if every character is one of 0-9A-Za-z.
bool is_base62(std::string_view text);

}  // namespace wye::crypto
