#pragma once
// Reads what the stub needs to know from a request body. Views point into the body.
#include <string_view>

#include "../wire/payload.hpp"

namespace wye::bench::stub {

struct ChatRequest {
  std::string_view model, nonce;
  bool stream = false;
  bool include_usage = false;
  Directives directives;
};

// Returns null, or what is wrong with the body. `strict` wants nonce and whole fill.
const char* read_chat_request(std::string_view body, bool strict, ChatRequest& request);

}  // namespace wye::bench::stub
