#include "llm/protocol/response_object.hpp"

#include "foundation/json/writer.hpp"

namespace wye::protocol {
namespace {

struct Echo {
  std::string_view name;
  std::string_view absent;
};
// What a response says where its request said nothing.
constexpr std::array kEchoes = {
    Echo{"instructions", "null"},
    Echo{"max_output_tokens", "null"},
    Echo{"max_tool_calls", "null"},
    Echo{"metadata", "{}"},
    Echo{"parallel_tool_calls", "true"},
    Echo{"reasoning", R"({"effort":null,"summary":null})"},
    Echo{"service_tier", R"("default")"},
    Echo{"temperature", "1"},
    Echo{"text", R"({"format":{"type":"text"}})"},
    Echo{"tool_choice", R"("auto")"},
    Echo{"tools", "[]"},
    Echo{"top_p", "1"},
    Echo{"truncation", R"("disabled")"},
};

/// The closed list of the API: everything that is no limit is the server's.
std::string_view response_error_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kRateLimited:
    case ErrorCode::kQuotaExhausted: return "rate_limit_exceeded";
    case ErrorCode::kContextTooLong:
    case ErrorCode::kBlocked:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kUnsupportedParameter: return "invalid_prompt";
    default: return "server_error";
  }
}

}  // namespace

void ResponseObject::start(std::string_view id, std::string_view model, WallTime created, const DecodedRequest* request) {
  head_ = "{\"id\":";
  json::Writer(head_).string(id);
  head_ += R"(,"object":"response","created_at":)" + std::to_string(created.seconds()) + R"(,"model":)";
  json::Writer(head_).string(model);
  echo_ = R"(,"background":false,"previous_response_id":null,"store":false,"user":null)";
  for (const Echo& echo : kEchoes) {
    const std::optional<json::Value> value = request == nullptr ? std::nullopt : request->root->find(echo.name);
    echo_ += ",\"";
    echo_ += echo.name;
    echo_ += "\":";
    echo_ += value && !value->is_null() ? value->raw() : echo.absent;
  }
  // A request may be written over several lines; an event of a stream is one line. JSON has line ends only between tokens.
  for (char& c : echo_) {
    if (c == '\n' || c == '\r') c = ' ';
  }
}

void ResponseObject::write(const ResponseState& state, std::string& out) const {
  out += head_;
  out += ",\"status\":\"";
  out += state.status;
  out += "\",\"error\":";
  if (state.error == nullptr) {
    out += "null";
  } else {
    json::Writer(out)
        .begin_object()
        .string("code", response_error_code(state.error->code))
        .string("message", client_message(*state.error))
        .end_object();
  }
  out += ",\"incomplete_details\":";
  if (state.incomplete_reason.empty()) {
    out += "null";
  } else {
    json::Writer(out).begin_object().string("reason", state.incomplete_reason).end_object();
  }
  out += ",\"output\":";
  out += state.output;
  out += ",\"usage\":";
  if (state.usage == nullptr || !state.usage->present) {
    out += "null";
  } else {
    const Usage& usage = *state.usage;
    json::Writer writer(out);
    writer.begin_object().unsigned_integer("input_tokens", usage.prompt_tokens);
    writer.begin_object("input_tokens_details")
        .unsigned_integer("cached_tokens", usage.cached_tokens)
        .unsigned_integer("cache_write_tokens", 0)
        .end_object();
    writer.unsigned_integer("output_tokens", usage.completion_tokens);
    writer.begin_object("output_tokens_details").unsigned_integer("reasoning_tokens", usage.reasoning_tokens).end_object();
    writer.unsigned_integer("total_tokens", usage.total_tokens()).end_object();
  }
  out += echo_;
  out += '}';
}

void begin_event(std::string_view type, int64_t sequence, std::string& out) {
  out += "event: ";
  out += type;
  out += "\ndata: {\"type\":\"";
  out += type;
  out += "\",\"sequence_number\":";
  out += std::to_string(sequence);
}

void end_event(std::string& out) { out += "}\n\n"; }

}  // namespace wye::protocol
