// Text files of a few lines: keys, and where the models are.
// Threads: pure functions; reading blocks for as long as a small local file takes.
#pragma once

namespace wye::simulator {

inline constexpr size_t kSmallFileBytes = 64 << 10;

/// The whole file; absent where it can not be read or is larger than kSmallFileBytes.
std::optional<std::string> read_small_file(const std::filesystem::path& path);

/// Takes the first line off `text`; surrounding blanks and a carriage return are left out.
std::string_view take_line(std::string_view& text);

}  // namespace wye::simulator
