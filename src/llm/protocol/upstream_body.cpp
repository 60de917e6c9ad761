#include "llm/protocol/upstream_body.hpp"

#include "foundation/json/writer.hpp"

namespace wye::protocol {
namespace {

using json::Patch;
using json::Value;

bool is_generation(Operation operation) { return operation != Operation::kEmbeddings; }

/// The name that an added or renamed cap has at the target.
std::string_view cap_name(const DecodedRequest& request, const UpstreamDialect& dialect) {
  if (request.operation == Operation::kResponses) return "max_output_tokens";
  if (request.operation == Operation::kCompletions) return "max_tokens";
  switch (dialect.chat_output_cap) {
    case OutputCapName::kMaxTokens: return "max_tokens";
    case OutputCapName::kMaxCompletionTokens: return "max_completion_tokens";
    case OutputCapName::kAsSent: break;
  }
  return request.output_cap ? request.output_cap_name : std::string_view("max_tokens");
}

/// Puts a number where `name` stands, also where it stands as null.
void set_member(Value root, std::string_view name, std::string_view json, Patch& patch) {
  if (const std::optional<Value> there = root.find(name)) {
    patch.replace(*there, json);
  } else {
    patch.insert_member(root, name, json);
  }
}

Result<void> write_cap(const DecodedRequest& request, const UpstreamTarget& target, Patch& patch) {
  if (!is_generation(request.operation)) return {};
  TRY(const uint64_t cap, output_cap_of(request, target));
  const std::string_view name = cap_name(request, target.dialect);
  const Value root = *request.root;
  if (request.output_cap && request.output_cap_name == name) return {};
  if (request.output_cap) patch.remove(root, *request.output_cap);
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), cap);
  set_member(root, name, std::string_view(digits.data(), static_cast<size_t>(end.ptr - digits.data())), patch);
  return {};
}

void write_stream(const DecodedRequest& request, const UpstreamTarget& target, Patch& patch) {
  const Value root = *request.root;
  const bool forced = target.force_stream && can_force_stream(request);
  if (forced && !request.stream) set_member(root, "stream", "true", patch);
  if (request.operation == Operation::kResponses || request.operation == Operation::kEmbeddings) return;
  if (!request.stream && !forced) return;
  if (!target.dialect.stream_options) {
    if (request.stream_options) patch.remove(root, *request.stream_options);
    return;
  }
  if (request.include_usage) return;
  if (!request.stream_options) {
    set_member(root, "stream_options", R"({"include_usage":true})", patch);
  } else {
    set_member(*request.stream_options, "include_usage", "true", patch);
  }
}

/// What names the caller or may leave something behind at the provider.
void write_identity(const DecodedRequest& request, const UpstreamTarget& target, Patch& patch) {
  const Value root = *request.root;
  for (const std::optional<Value>& who : {request.user, request.safety_identifier}) {
    if (!who) continue;
    if (target.user_hash.empty()) {
      patch.remove(root, *who);
    } else {
      patch.replace_string(*who, target.user_hash);
    }
  }
  if (request.prompt_cache_key) {
    if (target.cache_key_prefix.empty()) {
      patch.remove(root, *request.prompt_cache_key);
    } else {
      std::string key(target.cache_key_prefix);
      request.prompt_cache_key->unescape_to(key);
      patch.replace_string(*request.prompt_cache_key, key);
    }
  }
  if (target.store_upstream) return;
  if (request.metadata) patch.remove(root, *request.metadata);
  if (request.store_asked) set_member(root, "store", "false", patch);
}

/// What the target is known not to honour: refused, or left out where the Route is lenient.
struct Unsupported {
  std::string_view name;
  std::optional<Value> value;
};
Result<void> write_unsupported(const DecodedRequest& request, const UpstreamTarget& target, Patch& patch, DroppedFields* dropped) {
  const Value root = *request.root;
  const UpstreamDialect& dialect = target.dialect;
  std::array<Unsupported, 3> all;
  if (!dialect.dimensions) all[0] = {"dimensions", request.dimensions};
  if (!dialect.several_choices && request.n > 1) all[1] = {"n", root.find("n")};
  if (!dialect.best_of && request.best_of > 1) all[2] = {"best_of", root.find("best_of")};
  for (const Unsupported& one : all) {
    if (!one.value) continue;
    if (!target.lenient || one.name == "n")
      return Fail(
          public_error(ErrorCode::kUnsupportedParameter, "'" + std::string(one.name) + "' is not supported by this model.", std::string(one.name)));
    patch.remove(root, *one.value);
    if (dropped != nullptr && dropped->count < dropped->names.size()) dropped->names[dropped->count++] = one.name;
  }
  return {};
}

}  // namespace

bool can_force_stream(const DecodedRequest& request) {
  return request.operation == Operation::kChat || (request.operation == Operation::kCompletions && request.best_of <= 1);
}

Result<uint64_t> output_cap_of(const DecodedRequest& request, const UpstreamTarget& target) {
  if (!is_generation(request.operation)) return uint64_t{0};
  if (!request.output_tokens_max) {
    return target.output_tokens_max ? std::min(target.default_output_tokens, *target.output_tokens_max) : target.default_output_tokens;
  }
  if (target.output_tokens_max && *request.output_tokens_max > *target.output_tokens_max) {
    std::string name(request.output_cap_name);
    std::string message = "'" + name + "' is too large: at most " + std::to_string(*target.output_tokens_max) +
                          " output tokens are allowed, but got " + std::to_string(*request.output_tokens_max) + ".";
    return Fail(public_error(ErrorCode::kRequestExceedsLimit, std::move(message), std::move(name)));
  }
  return *request.output_tokens_max;
}

Result<void> write_upstream(const DecodedRequest& request, const UpstreamTarget& target, Patch& patch, DroppedFields* dropped) {
  patch.start(*request.document);
  const Value root = *request.root;
  CHECK_OK(write_unsupported(request, target, patch, dropped));
  CHECK_OK(write_cap(request, target, patch));
  if (request.model) {
    patch.replace_string(*request.model, target.model);
  } else {
    std::string name;
    json::Writer(name).string(target.model);
    set_member(root, "model", name, patch);
  }
  write_stream(request, target, patch);
  write_identity(request, target, patch);
  return {};
}

}  // namespace wye::protocol
