#include "identity/workload/badge.hpp"

namespace wye::workload {

Badge::View Badge::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void Badge::set(PresentedPtr presented, Unavailable unavailable) {
  const std::lock_guard lock(mutex_);
  view_ = {std::move(presented), std::move(unavailable)};
}

std::optional<Secret> Badge::line_of(HeaderStyle style, std::string_view value) {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7F; };
  if (value.empty() || value.size() > kValueBytesMax || !std::ranges::all_of(value, visible)) return std::nullopt;
  const std::string_view name = style == HeaderStyle::kBearer ? "authorization: Bearer " : "api-key: ";
  std::string line;
  line.reserve(name.size() + value.size() + 2);  // no copy is left behind by growing
  line += name;
  line += value;
  line += "\r\n";
  return Secret(std::move(line));
}

}  // namespace wye::workload
