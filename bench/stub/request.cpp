#include "request.hpp"

#include "../wire/json_scan.hpp"

namespace wye::bench::stub {

const char* read_chat_request(std::string_view body, bool strict, ChatRequest& request) {
  bool messages = false, well_typed = true;
  JsonScan scan(body);
  const bool object = scan.each_member([&](std::string_view key, std::string_view value) {
    if (key == "model") {
      well_typed = well_typed && value.size() > 2 && value.front() == '"';
      if (value.size() > 2) request.model = value.substr(1, value.size() - 2);
    } else if (key == "stream") {
      request.stream = value == "true";
    } else if (key == "messages") {
      messages = value.starts_with('[');
    } else if (key == "stream_options") {
      JsonScan options(value);
      well_typed = options.each_member([&](std::string_view name, std::string_view set) {
        if (name == "include_usage") request.include_usage = set == "true";
      }) && well_typed;
    }
  });
  constexpr size_t kModelMax = 200;
  if (!object || !scan.at_end()) return "body is not one JSON object";
  if (!well_typed || request.model.empty() || request.model.size() > kModelMax) return "model or stream_options is missing, too long or no fit";
  if (!messages) return "messages is not an array";
  const size_t nonce = find_nonce(body);
  if (nonce != std::string_view::npos) request.nonce = body.substr(nonce, kNonceDigits);
  if (strict && request.nonce.empty()) return "body carries no nonce";
  if (strict && !check_fill(body)) return "the fill of the body is not whole";
  if (!read_directives(body, request.directives)) return "malformed stub[…]";
  if (request.nonce.empty()) request.nonce = "0000000000000000";
  return nullptr;
}

}  // namespace wye::bench::stub
