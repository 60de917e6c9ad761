// Finds a few top-level members of one small JSON object in one pass, without a Document: for events of a stream.
// Threads: pure function.
#pragma once

namespace wye::json {

/// Looks for `names` among the members of `object` and puts the raw bytes of each one's value (quotes and brackets included)
/// into the slot of `values` with the same index; the view is empty where the object has no such member.
/// False, with every slot empty, when `object` is not one JSON object, or names one of `names` twice. Names compare after
/// unescaping.
///
/// Checked: the grammar of the top level with its numbers and literals; that strings close and hold no control
/// characters; that the brackets inside nested values pair, at most 64 deep. Not checked: UTF-8, escapes other than of names, and the
/// grammar inside nested values: whoever uses a nested value or a string parses it. Bytes around `object` are not read.
/// Precondition: as many slots as names.
bool find_members(std::string_view object, std::span<const std::string_view> names, std::span<std::string_view> values);

}  // namespace wye::json
