// The response object of /v1/responses as Wye writes it, and the SSE events around it. Private to this room.
// Source: OpenAI API reference, "The response object"; required members as openai-python's `types/responses/response.py`.
// Threads: one owner; reusable.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/result.hpp"
#include "llm/protocol/request.hpp"
#include "llm/protocol/usage.hpp"

namespace wye::protocol {

/// How a response stands.
struct ResponseState {
  std::string_view status{};             // in_progress, completed, incomplete, failed
  std::string_view output = "[]";      // JSON
  std::string_view incomplete_reason{};  // empty: null
  const Error* error = nullptr;
  const Usage* usage = nullptr;        // null or not present: null
};

/// What stays the same over one response: who it is and what it repeats of its request.
class ResponseObject {
 public:
  /// `request` may be null: nothing is repeated then. All is copied.
  void start(std::string_view id, std::string_view model, WallTime created, const DecodedRequest* request);
  void write(const ResponseState& state, std::string& out) const;

 private:
  std::string head_;  // up to the status
  std::string echo_;  // members after it
};

/// Appends `event: TYPE`, `data: {"type":TYPE,"sequence_number":N` and leaves the object open: append members, each with a comma
/// in front, then end_event.
void begin_event(std::string_view type, int64_t sequence, std::string& out);
void end_event(std::string& out);

}  // namespace wye::protocol
