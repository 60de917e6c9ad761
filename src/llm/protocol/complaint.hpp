// What a request error says: the field, what was expected, what came. Private to this room.
// Threads: pure functions; nothing here runs for valid requests.
#pragma once

#include "foundation/json/document.hpp"
#include "llm/protocol/schema.hpp"

namespace wye::protocol {

/// The value as a message shows it: numbers and short strings as they are, everything else by kind.
std::string shown(json::Value value);
/// `a string or an array`.
std::string kinds_text(uint8_t kinds);

Error wrong_type(const json::Document& document, json::Value value, uint8_t kinds);
Error wrong_value(const json::Document& document, json::Value value, std::string expected);
/// `size`: how many there are; `what`: characters, items, members.
Error wrong_size(const json::Document& document, json::Value value, size_t size, uint32_t min, uint32_t max, std::string_view what);
Error missing(const json::Document& document, json::Value object, std::string_view name);
/// A member that is not known; `variant` is the known name that it is a case variant of, or empty.
Error unknown_member(const json::Document& document, json::Value value, std::string_view variant);
Error unknown_word(const json::Document& document, json::Value word, std::string_view what, std::span<const Variant> list);
Error not_allowed(const json::Document& document, json::Value value, std::string reason);

}  // namespace wye::protocol
