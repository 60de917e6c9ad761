// The nearest valid spelling, for messages. Threads: pure.
#pragma once

namespace wye::config {

/// The candidate with the fewest edits to `text` (insert, delete, replace, swap of neighbours; case counts as a third of an edit),
/// if they are few enough to be a slip; empty otherwise.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

/// `a b c`, each in backticks, at most `most` of them.
std::string quoted_list(std::span<const std::string_view> names, size_t most = 24);

/// A value as messages show it: one line, at most 60 characters.
std::string shown(std::string_view value);

}  // namespace wye::config
