// Any bytes as an upstream's error body: read, and what the client gets is one JSON object without them.
#include "foundation/json/document.hpp"
#include "llm/protocol/errors.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wye;
  if (size == 0) return 0;
  constexpr std::array kStatuses = {200, 400, 401, 404, 408, 413, 422, 429, 500, 503, 504, 999};
  const std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  const protocol::UpstreamError error = protocol::parse_upstream_error(kStatuses[data[0] % kStatuses.size()], body);
  std::string out;
  protocol::write_error_body(error.error, out);
  json::Document document;
  if (!document.parse(out)) std::abort();
  if (error.error.public_message.size() > 400) std::abort();
  return 0;
}
