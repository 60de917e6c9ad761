// Any bytes as an event stream: however they are cut, the events are the same.
#include "foundation/http/sse.hpp"

namespace {

using wye::http::SseScanner;

std::string events_of(std::string_view input, size_t step) {
  SseScanner scanner;
  std::string out;
  for (size_t at = 0; at < input.size(); at += step) {
    const std::vector<char> own(input.begin() + static_cast<ptrdiff_t>(at),
                                input.begin() + static_cast<ptrdiff_t>(std::min(at + step, input.size())));
    if (!scanner.feed({own.data(), own.size()})) return out + "!";
    while (const auto event = scanner.next()) out.append("[").append(event->name).append("|").append(event->data).append("]");
  }
  scanner.finish();
  while (const auto event = scanner.next()) out.append("[").append(event->name).append("|").append(event->data).append("]");
  if (scanner.carried() != 0) __builtin_trap();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = events_of(input, std::max<size_t>(size, 1));
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, 1 + size / 2}) {
    if (events_of(input, step) != whole) __builtin_trap();
  }
  return 0;
}
