#include "llm/protocol/request.hpp"

#include "llm/protocol/complaint.hpp"
#include "llm/protocol/schema.hpp"
#include "llm/protocol/walk.hpp"

namespace wye::protocol {
namespace {

using json::Value;

/// Rules over several fields.
Result<void> relate(const json::Document& document, const DecodePolicy& policy, DecodedRequest& out) {
  const Value root = *out.root;
  if (!out.model && !policy.model_in_path) return Fail(missing(document, root, "model"));
  if (out.output_cap) {
    const std::optional<Value> old_cap = root.find("max_tokens");
    const std::optional<Value> new_cap = root.find("max_completion_tokens");
    if (out.operation == Operation::kChat && old_cap && new_cap && !old_cap->is_null() && !new_cap->is_null())
      return Fail(public_error(ErrorCode::kInvalidRequest, "Send either 'max_tokens' or 'max_completion_tokens', not both.", "max_tokens"));
  }
  if (out.stream_options && !out.stream)
    return Fail(public_error(ErrorCode::kInvalidRequest, "'stream_options' is only allowed with 'stream': true.", "stream_options"));
  if (out.operation == Operation::kChat) {
    const std::optional<Value> top = root.find("top_logprobs");
    if (top && !top->is_null() && !out.needs.contains(Feature::kLogprobs))
      return Fail(public_error(ErrorCode::kInvalidRequest, "'top_logprobs' needs 'logprobs': true.", "top_logprobs"));
  }
  if (out.operation == Operation::kCompletions) {
    const std::optional<Value> best_of = root.find("best_of");
    if (best_of && !best_of->is_null() && out.best_of < out.n && out.best_of != 0)
      return Fail(public_error(ErrorCode::kInvalidRequest, "'best_of' must be at least 'n'.", "best_of"));
    if (out.best_of > 1 && out.stream) return Fail(public_error(ErrorCode::kInvalidRequest, "'best_of' can not be streamed.", "best_of"));
  }
  return {};
}

/// A prompt or input is of one kind throughout, and not longer than the API takes.
Result<void> relate_content(const json::Document& document, DecodedRequest& out) {
  if (!out.content) return {};
  const Value content = *out.content;
  out.content_items = content.is_array() ? content.size() : 1;
  if (out.operation == Operation::kChat || out.operation == Operation::kResponses || !content.is_array() || content.size() == 0) return {};
  const Value first = *content.elements().begin();
  for (const Value element : content.elements()) {
    if (element.kind() != first.kind()) return Fail(wrong_value(document, element, "items of one kind"));
  }
  if (first.is_number()) out.content_items = 1;
  if (out.operation == Operation::kEmbeddings && out.content_items > kEmbeddingInputsMax)
    return Fail(wrong_size(document, content, out.content_items, 1, kEmbeddingInputsMax, "inputs"));
  return {};
}

void reset(Operation operation, const json::Document& document, DecodedRequest& out) {
  std::string scratch = std::move(out.scratch);
  scratch.clear();
  out = DecodedRequest{};
  out.scratch = std::move(scratch);
  out.operation = operation;
  out.document = &document;
  out.root = document.root();
}

const Object& table_of(Operation operation) {
  switch (operation) {
    case Operation::kChat: return chat_object();
    case Operation::kCompletions: return completions_object();
    case Operation::kResponses: return responses_object();
    case Operation::kEmbeddings: break;
  }
  return embeddings_object();
}

}  // namespace

std::string_view to_string(Operation operation) {
  constexpr std::array<std::string_view, 4> kNames = {"chat", "completions", "responses", "embeddings"};
  return kNames[static_cast<size_t>(operation)];
}

Result<void> decode(Operation operation, const json::Document& document, const DecodePolicy& policy, DecodedRequest& out) {
  reset(operation, document, out);
  const Value root = document.root();
  if (!root.is_object()) return Fail(wrong_type(document, root, kObjectBit));
  Walk walk(document, policy, out);
  CHECK_OK(walk.object(root, table_of(operation)));
  CHECK_OK(relate(document, policy, out));
  CHECK_OK(relate_content(document, out));
  if (out.model) {
    if (out.model->is_plain_string()) {
      out.model_name = out.model->string_raw();
    } else {
      out.model->unescape_to(out.scratch);
      out.model_name = out.scratch;
    }
  }
  out.store_asked = out.store ? out.store->boolean().value_or(false) : operation == Operation::kResponses;
  return {};
}

}  // namespace wye::protocol
