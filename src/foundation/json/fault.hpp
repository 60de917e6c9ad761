// What can be wrong with a text, and the Error that says so. Private to this room; nothing here runs for valid texts.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::json {

enum class FaultKind : uint8_t {
  kNone,
  kEmpty,
  kEndsEarly,
  kByteOrderMark,
  kUtf8,
  kControlCharacter,
  kUnclosedString,
  kExpectedValue,
  kExpectedName,
  kExpectedColon,
  kExpectedCommaOrBrace,
  kExpectedCommaOrBracket,
  kTrailingContent,
  kLiteral,
  kNumber,
  kNumberTooLong,
  kEscape,
  kEscapeHex,
  kSurrogate,
  kTooDeep,
  kTooManyNodes,
  kDuplicateName,
};

struct Fault {
  FaultKind kind = FaultKind::kNone;
  size_t offset = 0;  // byte of the source
};

/// The Error of a fault; `param` is the path of the value at fault, `limit` the bound that was passed, where there is one.
Error error_of(Fault fault, std::string param, uint64_t limit);
Error too_large(size_t size, uint64_t bytes_max);

/// Where the first control character within a string stands, or the last string opens, as the structural index counts quotes.
size_t locate_control_character(std::string_view text);
size_t locate_unclosed_string(std::string_view text);

/// Appends `.name` (without the dot at the start) to a path for messages; long names are cut, paths end at 256 bytes.
void append_path_name(std::string& path, std::string_view raw, bool escaped);
void append_path_index(std::string& path, uint64_t index);

}  // namespace wye::json
