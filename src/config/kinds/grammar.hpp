// How the strings of documents are spelled: one row a grammar, for checks, schema and messages alike. Threads: pure.
#pragma once

#include "config/kinds/field.hpp"

namespace wye::config {

/// A sentence fragment for messages: "expected WHAT".
std::string_view grammar_text(Grammar grammar);
/// The same as an ECMA 262 regular expression; empty where an expression does not say it (addresses, URLs).
std::string_view grammar_pattern(Grammar grammar);
/// Whether `text` is spelled so. Addresses, endpoints and origins are only checked for length and characters here; config/load takes
/// them apart.
bool matches(Grammar grammar, std::string_view text);

}  // namespace wye::config
