#include "foundation/json/fault.hpp"

#include "foundation/json/escapes.hpp"

namespace wye::json {
namespace {

constexpr size_t kPathMax = 256;
constexpr size_t kNameMax = 64;

std::string_view text_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kNone: break;
    case FaultKind::kEmpty: return "the text is empty";
    case FaultKind::kEndsEarly: return "the text ends too early";
    case FaultKind::kByteOrderMark: return "a byte order mark is not allowed";
    case FaultKind::kUtf8: return "the bytes are not UTF-8";
    case FaultKind::kControlCharacter: return "a control character in a string must be escaped";
    case FaultKind::kUnclosedString: return "a string is not closed";
    case FaultKind::kExpectedValue: return "a value is expected";
    case FaultKind::kExpectedName: return "a member name in double quotes is expected";
    case FaultKind::kExpectedColon: return "a colon is expected after the member name";
    case FaultKind::kExpectedCommaOrBrace: return "a comma or a closing brace is expected";
    case FaultKind::kExpectedCommaOrBracket: return "a comma or a closing bracket is expected";
    case FaultKind::kTrailingContent: return "nothing may follow the value";
    case FaultKind::kLiteral: return "the literal is none of true, false and null";
    case FaultKind::kNumber: return "the number is malformed";
    case FaultKind::kNumberTooLong: return "the number has too many characters";
    case FaultKind::kEscape: return "the escape sequence is unknown";
    case FaultKind::kEscapeHex: return "\\u needs four hexadecimal digits";
    case FaultKind::kSurrogate: return "a surrogate escape stands without its other half";
    case FaultKind::kTooDeep: return "the nesting is too deep";
    case FaultKind::kTooManyNodes: return "there are too many values";
    case FaultKind::kDuplicateName: return "the member name appears twice in its object";
  }
  return "the text is malformed";
}

/// Calls `visit(position, in_string)` for each byte; quotes toggle, a backslash anywhere hides the byte after it.
template <class Visit>
void walk_quotes(std::string_view text, Visit visit) {
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!visit(at, in_string)) return;
    if (text[at] == '\\') {
      ++at;
      if (at < text.size() && !visit(at, in_string)) return;
    } else if (text[at] == '"') {
      in_string = !in_string;
    }
  }
}

}  // namespace

Error error_of(Fault fault, std::string param, uint64_t limit) {
  std::string message = "Invalid JSON: ";
  message += text_of(fault.kind);
  if (limit != 0) message.append(" (at most ").append(std::to_string(limit)).append(")");
  message.append(", at byte ").append(std::to_string(fault.offset)).append(".");
  return public_error(ErrorCode::kInvalidRequest, std::move(message), std::move(param));
}

Error too_large(size_t size, uint64_t bytes_max) {
  return public_error(ErrorCode::kTooLarge,
                      "The JSON text has " + std::to_string(size) + " bytes; at most " + std::to_string(bytes_max) + " are allowed.");
}

size_t locate_control_character(std::string_view text) {
  size_t found = text.size();
  walk_quotes(text, [&](size_t at, bool in_string) {
    if (!in_string || static_cast<uint8_t>(text[at]) >= 0x20) return true;
    found = at;
    return false;
  });
  return found;
}

size_t locate_unclosed_string(std::string_view text) {
  size_t opened = text.size();
  bool was_in_string = false;
  walk_quotes(text, [&](size_t at, bool in_string) {
    if (in_string && !was_in_string) opened = at - 1;
    was_in_string = in_string;
    return true;
  });
  if (!was_in_string && text.ends_with('"')) opened = text.size() - 1;
  return opened;
}

void append_path_name(std::string& path, std::string_view raw, bool escaped) {
  if (path.size() >= kPathMax) return;
  if (!path.empty()) path += '.';
  std::string name;
  if (escaped) {
    append_unescaped(name, raw);
  } else {
    name = raw.substr(0, kNameMax + 4);
  }
  if (name.size() > kNameMax) {
    name.resize(kNameMax);
    name.resize(find_bad_utf8(name));
  }
  path += name;
}

void append_path_index(std::string& path, uint64_t index) {
  if (path.size() < kPathMax) path.append("[").append(std::to_string(index)).append("]");
}

}  // namespace wye::json
