#include "foundation/base/log.hpp"

namespace wye {

std::string_view to_string(LogLevel level) {
  constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  return kNames[static_cast<size_t>(level)];
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<Field> fields) {
  if (level < least_) return;
  std::array<char, LogBlock::kLineBytesMax> buffer;
  JsonLine line(buffer);
  line.time("time", clock_.wall()).token("level", to_string(level)).text("event", event);
  for (const Field& field : fields) line.text(field.key, field.value);
  sink_.write(line.finish());
}

}  // namespace wye
