// Edits of one flat object found by json::find_members, without a Document. Private to this room. Threads: pure functions.
#pragma once

namespace wye::protocol {

/// Bytes of a text that go, and what comes instead.
struct Splice {
  size_t begin = 0;
  size_t end = 0;
  std::string_view text;
};

/// Replaces `value`, a view into `object`.
Splice replace_value(std::string_view object, std::string_view value, std::string_view json);
/// Takes the member with `value` out, with one comma. Precondition: json::find_members gave `value` for `object`.
Splice remove_member(std::string_view object, std::string_view value);

/// `data` without line ends: as it is, or copied into `buffer` with blanks for them. Several `data:` lines are one text with line
/// ends, which JSON has only between tokens; sent on as one line it stays one event.
std::string_view one_line(std::string_view data, std::string& buffer);

/// A JSON string that means `text`, into `out` (cleared).
void assign_json_string(std::string_view text, std::string& out);

/// Where the first `"usage"`, `"finish_reason"`, `"index"` or `"error"` stands that may change what an event means; npos: nowhere.
/// Looks past `"finish_reason":null`, `"index":0` and, where `usage_null_is_fine`, past `"usage":null`. Anything in doubt is
/// found: the caller parses.
size_t find_suspicion(std::string_view text, bool usage_null_is_fine);

}  // namespace wye::protocol
