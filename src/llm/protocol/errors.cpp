#include "llm/protocol/errors.hpp"

#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"

namespace wye::protocol {
namespace {

constexpr size_t kDetailMax = 512;
constexpr size_t kBodyMax = 64 << 10;
constexpr size_t kParamMax = 128;

void write_error(const Error& error, std::string& out) {
  const ErrorRow& row = error_row(error.code);
  json::Writer writer(out);
  writer.begin_object().begin_object("error").string("message", client_message(error)).string("type", row.type);
  if (error.param.empty()) {
    writer.null("param");
  } else {
    writer.string("param", error.param);
  }
  if (row.code.empty()) {
    writer.null("code");
  } else {
    writer.string("code", row.code);
  }
  writer.end_object().end_object();
}

// Categories of Azure's filter; names vary between underscore and hyphen.
struct Category {
  std::string_view name;
  FilterCategories::Bit bit;
};
constexpr std::array kCategories = {
    Category{"hate", FilterCategories::kHate},
    Category{"sexual", FilterCategories::kSexual},
    Category{"violence", FilterCategories::kViolence},
    Category{"self_harm", FilterCategories::kSelfHarm},
    Category{"profanity", FilterCategories::kProfanity},
    Category{"jailbreak", FilterCategories::kJailbreak},
    Category{"indirect_attack", FilterCategories::kIndirectAttack},
    Category{"protected_material_text", FilterCategories::kProtectedText},
    Category{"protected_material_code", FilterCategories::kProtectedCode},
    Category{"custom_blocklists", FilterCategories::kBlocklist},
    Category{"ungrounded_material", FilterCategories::kUngrounded},
};

FilterCategories::Bit category_of(std::string name) {
  std::ranges::replace(name, '-', '_');
  for (const Category& category : kCategories) {
    if (category.name == name) return category.bit;
  }
  return FilterCategories::kOther;
}

bool is_true(std::optional<json::Value> value) { return value && value->boolean().value_or(false); }

/// `{"hate":{"filtered":true,…},…}`
void read_categories(json::Value results, FilterCategories& out) {
  for (const json::Member member : results.members()) {
    if (is_true(member.value().find("filtered"))) out.bits = static_cast<uint16_t>(out.bits | category_of(member.name()));
  }
}

/// All the places and spellings in which filter results were seen.
bool read_filter(json::Value error, FilterCategories& out) {
  bool found = false;
  for (const json::Value holder : {error, error.find("innererror").value_or(error), error.find("inner_error").value_or(error)}) {
    for (const std::string_view name : {"content_filter_result", "content_filter_results"}) {
      const std::optional<json::Value> results = holder.find(name);
      if (!results) continue;
      found = true;
      read_categories(*results, out);
    }
  }
  const std::optional<json::Value> filters = error.find("content_filters");
  if (!filters) return found;
  for (const json::Value one : filters->elements()) {
    if (const std::optional<json::Value> results = one.find("content_filter_results")) read_categories(*results, out);
  }
  return true;
}

/// Words as upstreams write them into `code` and `type`.
struct FaultWord {
  std::string_view word;
  UpstreamFault fault;
};
constexpr std::array kFaultWords = {
    FaultWord{"context_length_exceeded", UpstreamFault::kContextTooLong},
    FaultWord{"exceed_context_size_error", UpstreamFault::kContextTooLong},
    FaultWord{"content_filter", UpstreamFault::kContentFilter},
    FaultWord{"content_policy_violation", UpstreamFault::kContentFilter},
    FaultWord{"ResponsibleAIPolicyViolation", UpstreamFault::kContentFilter},
    FaultWord{"insufficient_quota", UpstreamFault::kQuotaExhausted},
    FaultWord{"credit_balance_exhausted", UpstreamFault::kQuotaExhausted},
    FaultWord{"billing_hard_limit_reached", UpstreamFault::kQuotaExhausted},
    FaultWord{"rate_limit_exceeded", UpstreamFault::kRateLimited},
    FaultWord{"rate_limit_error", UpstreamFault::kRateLimited},
    FaultWord{"too_many_requests", UpstreamFault::kRateLimited},
    FaultWord{"server_is_overloaded", UpstreamFault::kOverloaded},
    FaultWord{"slow_down", UpstreamFault::kOverloaded},
    FaultWord{"engine_overloaded", UpstreamFault::kOverloaded},
    FaultWord{"overloaded_error", UpstreamFault::kOverloaded},
    FaultWord{"DeploymentNotFound", UpstreamFault::kDeploymentNotFound},
    FaultWord{"model_not_found", UpstreamFault::kDeploymentNotFound},
    FaultWord{"invalid_api_key", UpstreamFault::kAccessRefused},
    FaultWord{"PermissionDenied", UpstreamFault::kAccessRefused},
    FaultWord{"permission_denied", UpstreamFault::kAccessRefused},
    FaultWord{"AccessDenied", UpstreamFault::kAccessRefused},
    FaultWord{"access_denied", UpstreamFault::kAccessRefused},
    FaultWord{"unavailable_error", UpstreamFault::kModelLoading},
    FaultWord{"unsupported_parameter", UpstreamFault::kUnsupportedParameter},
    FaultWord{"unsupported_value", UpstreamFault::kUnsupportedParameter},
    FaultWord{"unknown_parameter", UpstreamFault::kUnsupportedParameter},
};
UpstreamFault fault_of(std::string_view word) {
  for (const FaultWord& row : kFaultWords) {
    if (row.word == word) return row.fault;
  }
  return UpstreamFault::kNone;
}

std::string text_of(std::optional<json::Value> value) { return value ? value->text() : std::string(); }

/// A number that may be written as text.
uint64_t count_of(std::optional<json::Value> value) {
  if (!value) return 0;
  if (value->is_number()) {
    const int64_t n = value->integer().value_or(0);
    return n > 0 ? static_cast<uint64_t>(n) : 0;
  }
  const std::string text = value->text();
  uint64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

/// A path as requests have them; anything else is not repeated to a client.
bool is_field_path(std::string_view text) {
  return !text.empty() && text.size() <= kParamMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '[' || c == ']';
  });
}

void read_object(json::Value error, UpstreamError& out) {
  const std::string code = text_of(error.find("code"));
  const std::string type = text_of(error.find("type"));
  out.fault = fault_of(code);
  if (out.fault == UpstreamFault::kNone) out.fault = fault_of(type);
  if (const std::optional<json::Value> inner = error.find("innererror"); inner && out.fault == UpstreamFault::kNone)
    out.fault = fault_of(text_of(inner->find("code")));
  FilterCategories categories;
  const bool filter = read_filter(error, categories);
  if (filter && (categories.bits != 0 || out.fault == UpstreamFault::kNone)) out.fault = UpstreamFault::kContentFilter;
  out.filtered = categories;
  out.prompt_tokens = count_of(error.find("n_prompt_tokens"));
  out.context_tokens = count_of(error.find("n_ctx"));
  std::string param = text_of(error.find("param"));
  if (is_field_path(param)) out.error.param = std::move(param);
}

/// vLLM and others say it in words only.
UpstreamFault fault_in_words(std::string_view message) {
  const auto has = [message](std::string_view words) { return message.find(words) != std::string_view::npos; };
  if (has("maximum context length") || has("exceeds the available context size") || has("longer than the maximum model length"))
    return UpstreamFault::kContextTooLong;
  return UpstreamFault::kNone;
}

/// llama-server on an embedding input beyond its batch: it blames itself, in words only.
bool is_input_beyond_batch(int status, std::string_view message) {
  return status == 500 && message.starts_with("input (") && message.find(" tokens) is too large to process") != std::string_view::npos;
}

ErrorCode code_of_status(int status) {
  switch (status) {
    case 400:
    case 405:
    case 415:
    case 422: return ErrorCode::kInvalidRequest;
    case 401:
    case 403: return ErrorCode::kUpstreamAuthUnavailable;
    case 408:
    case 504: return ErrorCode::kUpstreamTimeout;
    case 413: return ErrorCode::kTooLarge;
    case 429: return ErrorCode::kRateLimited;
    case 503:
    case 529: return ErrorCode::kOverloaded;
    default: return ErrorCode::kUpstreamFailed;
  }
}

/// Status first; then the few words that say more, each only where its status makes sense.
ErrorCode code_of(int status, UpstreamFault fault) {
  const bool client_error = status == 200 || status == 400 || status == 413 || status == 422;
  switch (fault) {
    case UpstreamFault::kContextTooLong: return client_error ? ErrorCode::kContextTooLong : code_of_status(status);
    case UpstreamFault::kContentFilter: return client_error ? ErrorCode::kBlocked : code_of_status(status);
    case UpstreamFault::kQuotaExhausted: return status == 429 || status == 200 || status == 402 ? ErrorCode::kQuotaExhausted : code_of_status(status);
    case UpstreamFault::kRateLimited: return status == 200 ? ErrorCode::kRateLimited : code_of_status(status);
    case UpstreamFault::kOverloaded: return status == 200 ? ErrorCode::kOverloaded : code_of_status(status);
    case UpstreamFault::kModelLoading: return status == 503 ? ErrorCode::kModelNotReady : code_of_status(status);
    case UpstreamFault::kUnsupportedParameter: return status == 400 || status == 422 ? ErrorCode::kUnsupportedParameter : code_of_status(status);
    default: return code_of_status(status);
  }
}

std::string message_of(const UpstreamError& error) {
  switch (error.error.code) {
    case ErrorCode::kInvalidRequest: return "The model refused the request.";
    case ErrorCode::kUnsupportedParameter:
      return error.error.param.empty() ? "The model does not support a parameter of the request."
                                       : "'" + error.error.param + "' is not supported by this model.";
    case ErrorCode::kContextTooLong:
      if (error.prompt_tokens != 0 && error.context_tokens != 0)
        return "The request has " + std::to_string(error.prompt_tokens) + " tokens, but the context of the model is " +
               std::to_string(error.context_tokens) + ".";
      return {};
    case ErrorCode::kTooLarge: return "The request is too large for the model.";
    case ErrorCode::kRateLimited: return "The model has no capacity left at the moment.";
    case ErrorCode::kQuotaExhausted: return "The quota of the model is used up.";
    default: return {};
  }
}

}  // namespace

void write_error_body(const Error& error, std::string& out) { write_error(error, out); }

void write_error_event(const Error& error, std::string& out) {
  out += "data: ";
  write_error(error, out);
  out += "\n\n";
}

std::string filter_category_names(FilterCategories categories) {
  std::string out;
  const auto add = [&out](std::string_view name) {
    if (!out.empty()) out += ", ";
    out += name;
  };
  for (const Category& category : kCategories) {
    if ((categories.bits & category.bit) != 0) add(category.name);
  }
  if ((categories.bits & FilterCategories::kOther) != 0) add("other");
  return out;
}

UpstreamError parse_upstream_error(int status, std::string_view body) {
  UpstreamError out;
  std::string message;
  json::Document document;
  const json::Limits limits{.bytes_max = {kBodyMax}, .nodes_max = 10'000, .duplicate_names = json::DuplicateNames::kKeep};
  if (document.parse(body, limits) && document.root().is_object()) {
    const json::Value root = document.root();
    // `{"error":{…}}`, `{"error":"text"}`, vLLM's `{"object":"error",…}`, FastAPI's `{"detail":…}`: the outermost object otherwise.
    const std::optional<json::Value> inner = root.find("error");
    const json::Value holder = inner && inner->is_object() ? *inner : root;
    read_object(holder, out);
    message = text_of(holder.find("message"));
    if (message.empty() && inner) message = inner->text();
    if (message.empty()) message = text_of(root.find("detail"));
  }
  if (out.fault == UpstreamFault::kNone && (status == 400 || status == 200))
    out.fault = fault_in_words(message.empty() ? body.substr(0, kDetailMax) : message);
  const bool beyond_batch = is_input_beyond_batch(status, message);
  if (beyond_batch) out.fault = UpstreamFault::kContextTooLong;
  out.error.code = beyond_batch ? ErrorCode::kContextTooLong : code_of(status, out.fault);
  out.error.public_message = message_of(out);
  const std::string_view words = message.empty() ? body : std::string_view(message);
  out.error.detail = "upstream " + std::to_string(status) + ": " + std::string(words.substr(0, kDetailMax));
  return out;
}

}  // namespace wye::protocol
