#include "llm/protocol/complaint.hpp"

namespace wye::protocol {
namespace {

constexpr size_t kShownMax = 40;
constexpr size_t kWordsMax = 24;

std::string quoted_path(const json::Document& document, json::Value value, std::string& path) {
  path = document.path_of(value);
  return "'" + (path.empty() ? std::string("body") : path) + "'";
}

}  // namespace

std::string shown(json::Value value) {
  switch (value.kind()) {
    case json::Kind::kNumber: return value.raw().size() <= kShownMax ? std::string(value.raw()) : "a long number";
    case json::Kind::kString: {
      const std::string_view raw = value.string_raw();
      if (raw.size() > kShownMax || !value.is_plain_string()) return "another string";
      return "'" + std::string(raw) + "'";
    }
    case json::Kind::kTrue: return "true";
    case json::Kind::kFalse: return "false";
    case json::Kind::kNull: return "null";
    case json::Kind::kArray: return "an array";
    case json::Kind::kObject: return "an object";
  }
  return "something else";
}

std::string kinds_text(uint8_t kinds) {
  struct Word {
    uint8_t bit;
    std::string_view text;
  };
  constexpr std::array kWords = {Word{kStringBit, "a string"}, Word{kBooleanBit, "a boolean"}, Word{kIntegerBit, "an integer"},
                                 Word{kNumberBit, "a number"}, Word{kObjectBit, "an object"},  Word{kArrayBit, "an array"}};
  std::string text;
  for (const Word& word : kWords) {
    if ((kinds & word.bit) == 0) continue;
    if (!text.empty()) text += " or ";
    text += word.text;
  }
  return text;
}

Error wrong_type(const json::Document& document, json::Value value, uint8_t kinds) {
  std::string path;
  std::string message = "Invalid type for " + quoted_path(document, value, path) + ": expected " + kinds_text(kinds) + ", but got ";
  message += value.is_string() ? "a string" : value.is_number() ? "the number " + shown(value) : shown(value);
  message += ".";
  return public_error(ErrorCode::kInvalidRequest, std::move(message), std::move(path));
}

Error wrong_value(const json::Document& document, json::Value value, std::string expected) {
  std::string path;
  std::string message = "Invalid value for " + quoted_path(document, value, path) + ": expected " + expected + ", but got " + shown(value) + ".";
  return public_error(ErrorCode::kInvalidRequest, std::move(message), std::move(path));
}

Error wrong_size(const json::Document& document, json::Value value, size_t size, uint32_t min, uint32_t max, std::string_view what) {
  std::string path;
  std::string message = "Invalid size of " + quoted_path(document, value, path) + ": expected ";
  if (size < min) {
    message += "at least " + std::to_string(min);
  } else {
    message += "at most " + std::to_string(max);
  }
  message += " " + std::string(what) + ", but got " + std::to_string(size) + ".";
  return public_error(ErrorCode::kInvalidRequest, std::move(message), std::move(path));
}

Error missing(const json::Document& document, json::Value object, std::string_view name) {
  std::string path = document.path_of(object);
  if (!path.empty()) path += ".";
  path += name;
  std::string message = "Missing required parameter: '" + path + "'.";
  return public_error(ErrorCode::kInvalidRequest, std::move(message), std::move(path));
}

Error unknown_member(const json::Document& document, json::Value value, std::string_view variant) {
  std::string path;
  std::string message = "Unknown parameter: " + quoted_path(document, value, path) + ".";
  if (!variant.empty()) message += " Write '" + std::string(variant) + "'.";
  return public_error(ErrorCode::kUnknownParameter, std::move(message), std::move(path));
}

Error unknown_word(const json::Document& document, json::Value word, std::string_view what, std::span<const Variant> list) {
  std::string expected = "one of ";
  size_t count = 0;
  for (const Variant& variant : list) {
    if (!variant.hosted.empty()) continue;
    if (count == kWordsMax) break;
    if (count++ != 0) expected += ", ";
    expected += "'" + std::string(variant.word) + "'";
  }
  expected += " as ";
  expected += what;
  return wrong_value(document, word, std::move(expected));
}

Error not_allowed(const json::Document& document, json::Value value, std::string reason) {
  std::string path = document.path_of(value);
  std::string message = "Unsupported parameter: '" + path + "' " + reason;
  return public_error(ErrorCode::kUnsupportedParameter, std::move(message), std::move(path));
}

}  // namespace wye::protocol
