#include "llm/protocol/embeddings.hpp"

#include "foundation/json/scan.hpp"

#include <cmath>

namespace wye::protocol {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr size_t kDimensionsMax = 1 << 20;

Error malformed(std::string_view why) { return internal_error(ErrorCode::kUpstreamFailed, "upstream embeddings: " + std::string(why)); }

constexpr std::array<int8_t, 256> kValues = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}();

void append_base64(std::string_view bytes, std::string& out) {
  const auto byte = [bytes](size_t i) { return i < bytes.size() ? static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) : 0U; };
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out.push_back(kAlphabet[word >> 18]);
    out.push_back(kAlphabet[word >> 12 & 63]);
    out.push_back(i + 1 < bytes.size() ? kAlphabet[word >> 6 & 63] : '=');
    out.push_back(i + 2 < bytes.size() ? kAlphabet[word & 63] : '=');
  }
}

/// Standard alphabet with padding; false on anything else.
bool decode_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const size_t pad = last ? static_cast<size_t>(text[i + 3] == '=') + static_cast<size_t>(text[i + 3] == '=' && text[i + 2] == '=') : 0;
    uint32_t word = 0;
    for (size_t k = 0; k < 4; ++k) {
      const int8_t value = k >= 4 - pad ? int8_t{0} : kValues[static_cast<unsigned char>(text[i + k])];
      if (value < 0) return false;
      word = word << 6 | static_cast<uint32_t>(value);
    }
    for (size_t k = 0; k < 3 - pad; ++k) out.push_back(static_cast<char>(word >> (16 - 8 * k) & 255));
  }
  return true;
}

/// The packed little-endian float32 of an array of numbers.
bool pack(std::string_view array, std::string& out) {
  const char* at = array.data() + 1;
  const char* const end = array.data() + array.size() - 1;
  const auto skip = [&] {
    while (at != end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  };
  for (skip(); at != end; skip()) {
    float value = 0;
    const auto read = std::from_chars(at, end, value);
    // Out of the range of float32: too small is zero, too large no embedding.
    if (read.ec == std::errc::result_out_of_range) {
      double wide = 0;
      const auto again = std::from_chars(at, end, wide);
      if (again.ec != std::errc() || std::abs(wide) > 1) return false;
      value = 0;
    } else if (read.ec != std::errc()) {
      return false;
    }
    if (!(value - value == 0)) return false;  // from_chars also reads `nan` and `inf`
    at = read.ptr;
    std::array<char, 4> bytes{};
    std::memcpy(bytes.data(), &value, 4);
    static_assert(std::endian::native == std::endian::little);
    out.append(bytes.data(), 4);
    if (out.size() > kDimensionsMax * 4) return false;
    skip();
    if (at == end) return true;
    if (*at != ',') return false;
    ++at;
    skip();
    if (at == end) return false;
  }
  return true;
}

bool unpack(std::string_view bytes, std::string& out) {
  if (bytes.size() % 4 != 0) return false;
  out.push_back('[');
  for (size_t i = 0; i < bytes.size(); i += 4) {
    float value = 0;
    std::memcpy(&value, bytes.data() + i, 4);
    if (!(value - value == 0)) return false;  // not a number, or infinite
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    if (i != 0) out.push_back(',');
    out.append(text.data(), end.ptr);
  }
  out.push_back(']');
  return true;
}

/// Walks `[{…},{…}]`: the end of the element that begins at `at`, by its brackets outside strings.
size_t end_of_element(std::string_view text, size_t at) {
  size_t depth = 0;
  bool inside = false;
  for (size_t i = at; i < text.size(); ++i) {
    const char c = text[i];
    if (inside) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        inside = false;
      }
    } else if (c == '"') {
      inside = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return i + 1;
    }
  }
  return std::string_view::npos;
}

constexpr std::string_view kEmbedding = "embedding";

/// One embedding object with its embedding in the other form.
Result<void> convert_one(std::string_view object, EncodingFormat wanted, std::string& scratch, std::string& out) {
  std::string_view value;
  if (!json::find_members(object, std::span(&kEmbedding, 1), std::span(&value, 1)) || value.empty())
    return Fail(malformed("an item without embedding"));
  const bool is_text = value.front() == '"';
  if (is_text == (wanted == EncodingFormat::kBase64)) {
    out += object;
    return {};
  }
  const auto begin = static_cast<size_t>(value.data() - object.data());
  out += object.substr(0, begin);
  scratch.clear();
  if (is_text) {
    if (!decode_base64(value.substr(1, value.size() - 2), scratch) || !unpack(scratch, out)) return Fail(malformed("no base64 of float32"));
  } else {
    if (value.front() != '[' || !pack(value, scratch)) return Fail(malformed("no array of numbers"));
    out.push_back('"');
    append_base64(scratch, out);
    out.push_back('"');
  }
  out += object.substr(begin + value.size());
  return {};
}

}  // namespace

Result<void> convert_embeddings(std::string_view data, EncodingFormat wanted, std::string& out) {
  std::string scratch;
  size_t at = 0;
  while (true) {
    const size_t object = data.find('{', at);
    if (object == std::string_view::npos) break;
    const size_t end = end_of_element(data, object);
    if (end == std::string_view::npos) return Fail(malformed("an item does not end"));
    out += data.substr(at, object - at);
    CHECK_OK(convert_one(data.substr(object, end - object), wanted, scratch, out));
    at = end;
  }
  out += data.substr(at);
  return {};
}

std::optional<EncodingFormat> encoding_of(std::string_view data) {
  const size_t object = data.find('{');
  if (object == std::string_view::npos) return std::nullopt;
  const size_t end = end_of_element(data, object);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view value;
  const bool good = json::find_members(data.substr(object, end - object), std::span(&kEmbedding, 1), std::span(&value, 1));
  if (!good || value.empty()) return std::nullopt;
  if (value.front() == '"') return EncodingFormat::kBase64;
  if (value.front() == '[') return EncodingFormat::kFloat;
  return std::nullopt;
}

}  // namespace wye::protocol
