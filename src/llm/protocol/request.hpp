// A request body, read once: every known field checked by type and range, the few that decide something lifted out.
// Source: OpenAI API reference (openai/openai-openapi, API 2.3.0) for names, types and ranges; which of them is control,
// pointer, sampling, content or tool result is Wye's. The tables are fields_*.cpp.
// Units: tokens. Lifetime: a DecodedRequest refers to the Document (and the policy to the caller's lists). Threads: one owner.
// Errors: kInvalidRequest, kUnknownParameter or kUnsupportedParameter with `param` and a message that names field, expected, got.
#pragma once

#include "foundation/json/document.hpp"

namespace wye::protocol {

/// What a client asks for. The order is that of config::Operation.
enum class Operation : uint8_t { kChat, kCompletions, kResponses, kEmbeddings };
std::string_view to_string(Operation operation);

/// What a request needs beyond its operation. The numbers are those of config::Capability (checked in llm/provider).
enum class Feature : uint8_t { kTools = 5, kJsonSchema, kVision, kAudio, kLogprobs };
struct Features {
  uint32_t bits = 0;
  constexpr void insert(Feature f) { bits |= 1U << static_cast<unsigned>(f); }
  constexpr bool contains(Feature f) const { return (bits >> static_cast<unsigned>(f) & 1U) != 0; }
  constexpr bool empty() const { return bits == 0; }
};

/// What a Route allows in requests. Views only: copy it freely.
struct DecodePolicy {
  bool refuse_unknown = false;                     // request.unknownFields: refuse
  std::span<const std::string> allow_fields{};       // field paths that pass all the same: `seed`, `messages[].x_tag`
  std::span<const std::string> pointer_schemes{};    // of URLs in requests; `data` is allowed where it stands here
  std::span<const std::string> pointer_hosts{};      // exact, or `*.` for labels in front
  std::span<const std::string> hosted_tools{};       // tool types that the provider runs itself: `web_search`
  bool store_upstream = false;                     // else store, background and references to stored things are refused or forced off
  bool model_in_path = false;                      // Azure's dated dialect: the body's `model` may lack and decides nothing
};

enum class EncodingFormat : uint8_t { kFloat, kBase64 };

/// The fields that something depends on. Reuse one object: in steady state nothing is allocated.
struct DecodedRequest {
  Operation operation = Operation::kChat;
  const json::Document* document = nullptr;
  std::optional<json::Value> root{};

  std::optional<json::Value> model{};
  std::string_view model_name{};              // what it means; into the Document or `scratch`
  std::optional<json::Value> content{};       // messages, prompt or input
  size_t content_items = 0;                 // messages, items or inputs; 1 for a plain string
  std::optional<json::Value> tools{};
  size_t tool_count = 0;

  std::optional<json::Value> stream_value{};
  bool stream = false;
  std::optional<json::Value> stream_options{};
  std::optional<json::Value> include_usage_value{};
  bool include_usage = false;               // the client wants the usage chunk

  std::optional<json::Value> output_cap{};    // the member that names the cap
  std::string_view output_cap_name{};         // max_tokens, max_completion_tokens or max_output_tokens; empty: none
  std::optional<uint64_t> output_tokens_max{};
  uint32_t n = 1;
  uint32_t best_of = 1;
  /// Answers the upstream computes, for a reservation.
  uint32_t computed_choices() const { return std::max(n, best_of); }

  std::optional<json::Value> store{};
  bool store_asked = false;                 // true, or absent on /responses where that means true
  std::optional<json::Value> user{};
  std::optional<json::Value> safety_identifier{};
  std::optional<json::Value> prompt_cache_key{};
  std::optional<json::Value> metadata{};

  EncodingFormat encoding_format = EncodingFormat::kFloat;
  std::optional<json::Value> dimensions{};

  Features needs{};
  bool has_pointer = false;      // an allowed URL or id of something elsewhere (not `data:`)
  bool has_tool_result = false;  // content that came from a tool
  bool has_hosted_tool = false;
  bool background = false;
  bool has_unknown = false;      // at least one field that Wye does not know went through
  /// Asking twice changes nothing anywhere: may be sent to another target after a failure. `stored`: whether the body that was
  /// sent upstream asks to store.
  bool free_of_effects(bool stored) const { return !stored && !background && !has_hosted_tool; }

  std::string scratch{};  // only for a model name with escapes
};

/// Reads `document` as a body of `operation` into `out`, whose earlier content is dropped. Precondition: it has a root.
Result<void> decode(Operation operation, const json::Document& document, const DecodePolicy& policy, DecodedRequest& out);

/// Limits of a request beyond those of JSON. Source: OpenAI and Azure OpenAI limits; Wye's where those are silent.
inline constexpr size_t kMessagesMax = 2048;
inline constexpr size_t kToolsMax = 128;
inline constexpr size_t kEmbeddingInputsMax = 2048;
inline constexpr uint64_t kOutputTokensMax = 100'000'000;

}  // namespace wye::protocol
