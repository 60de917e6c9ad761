// Answers of the admin API as JSON. Private to this room. Threads: pure.
#pragma once

#include "admin/api.hpp"
#include "admin/config_diff.hpp"
#include "foundation/json/writer.hpp"

namespace wye::admin {

/// `{"error":{…}}` in the shape of the OpenAI API. Only what a client may read.
std::string error_body(const Error& error);
/// The same with a code of this API alone (`config_changed`, `config_refused`, `config_widens`), and members beside `error`.
ApiAnswer refusal(int status, std::string_view code, std::string_view message, std::string_view more_members = {});

void write_findings(json::Writer& writer, const config::Diagnostics& findings);
void write_changes(json::Writer& writer, std::span<const ResourceChange> changes);
/// Terms of a key, never its text nor its MAC.
void write_key(json::Writer& writer, const token::KeyRecord& record, WallTime now);

/// The kind that a path or command names: `Route`, `route` or `routes`; empty: none.
std::string_view find_kind(std::string_view word);

}  // namespace wye::admin
