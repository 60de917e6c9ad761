#include "foundation/crypto/encode.hpp"

namespace wye::crypto {
namespace {

constexpr uint8_t kNot = 0xFF;
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view k62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view k64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view k64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Reverse = std::array<uint8_t, 256>;
constexpr Reverse reverse(std::string_view alphabet) {
  Reverse table;
  table.fill(kNot);
  for (size_t i = 0; i < alphabet.size(); ++i) table[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  return table;
}
constexpr Reverse kFromHex = reverse(kHex);
constexpr Reverse kFrom62 = reverse(k62);
constexpr Reverse kFrom64 = reverse(k64);
constexpr Reverse kFrom64Url = reverse(k64Url);

uint8_t at(const Reverse& table, char c) { return table[static_cast<uint8_t>(c)]; }

std::string encode64(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<uint8_t>(c);
    for (held += 8; held >= 6; held -= 6) text += alphabet[(bits >> (held - 6)) & 63];
  }
  if (held > 0) text += alphabet[(bits << (6 - held)) & 63];
  return text;
}

std::optional<std::string> decode64(std::string_view text, const Reverse& table) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const uint8_t digit = at(table, c);
    if (digit == kNot) return std::nullopt;
    bits = (bits << 6) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>((bits >> held) & 0xFF);
    }
  }
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kHex[static_cast<uint8_t>(c) >> 4];
    text += kHex[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const uint8_t high = at(kFromHex, text[i]);
    const uint8_t low = at(kFromHex, text[i + 1]);
    if (high == kNot || low == kNot) return std::nullopt;
    bytes += static_cast<char>((high << 4) | low);
  }
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text = encode64(bytes, k64);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode64(text, kFrom64);
}

std::string to_base64url(std::string_view bytes) { return encode64(bytes, k64Url); }

std::optional<std::string> from_base64url(std::string_view text) { return decode64(text, kFrom64Url); }

bool from_base64url_to(std::string_view text, char* out) {
  if (text.size() % 4 == 1) return false;
  // Four characters at a time; one that is not of the alphabet sets the high bits of `seen`, looked at once at the end.
  uint32_t seen = 0;
  size_t i = 0;
  for (; i + 4 <= text.size(); i += 4, out += 3) {
    const uint32_t a = at(kFrom64Url, text[i]);
    const uint32_t b = at(kFrom64Url, text[i + 1]);
    const uint32_t c = at(kFrom64Url, text[i + 2]);
    const uint32_t d = at(kFrom64Url, text[i + 3]);
    seen |= a | b | c | d;
    const uint32_t bits = (a << 18) | (b << 12) | (c << 6) | d;
    out[0] = static_cast<char>(bits >> 16);
    out[1] = static_cast<char>(bits >> 8);
    out[2] = static_cast<char>(bits);
  }
  if ((seen & 0xC0) != 0) return false;
  if (i == text.size()) return true;
  const std::optional<std::string> rest = decode64(text.substr(i), kFrom64Url);  // one or two bytes: not on the heap
  if (rest) std::memcpy(out, rest->data(), rest->size());
  return rest.has_value();
}

std::string to_base62(uint64_t value, size_t digits) {
  std::string text(digits, '0');
  for (size_t i = digits; i > 0; --i, value /= 62) text[i - 1] = k62[value % 62];
  return text;
}

std::optional<uint64_t> from_base62(std::string_view text) {
  if (text.empty() || text.size() > 11) return std::nullopt;
  unsigned __int128 value = 0;
  for (const char c : text) {
    const uint8_t digit = at(kFrom62, c);
    if (digit == kNot) return std::nullopt;
    value = value * 62 + digit;
  }
  if (value > UINT64_MAX) return std::nullopt;
  return static_cast<uint64_t>(value);
}

bool is_base62(std::string_view text) {
  for (const char c : text) {
    if (at(kFrom62, c) == kNot) return false;
  }
  return true;
}

}  // namespace wye::crypto
