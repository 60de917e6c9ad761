// The body that goes to one target: the client's bytes with the few edits that target and policy ask for.
// Source: OpenAI API reference; Azure OpenAI reference for what its dialects refuse.
// Lifetime: the Patch refers to the Document of the request and copies all else. Threads: one owner. Pure.
#pragma once

#include "foundation/json/patch.hpp"
#include "llm/protocol/request.hpp"

namespace wye::protocol {

/// Which name bounds the output of chat.
enum class OutputCapName : uint8_t { kAsSent, kMaxTokens, kMaxCompletionTokens };

/// What a server takes. A row of llm/provider's table.
struct UpstreamDialect {
  OutputCapName chat_output_cap = OutputCapName::kAsSent;  // kAsSent: a cap that Wye adds is called max_tokens
  bool stream_options = true;       // takes `stream_options.include_usage` on chat and completions
  bool dimensions = true;           // honours `dimensions` of embeddings
  bool several_choices = true;      // honours `n` > 1
  bool best_of = true;
  bool done_event = true;           // ends streams with [DONE]; else the finish reasons are the end
};

/// Everything about one target and one attempt. Views live as long as the call.
struct UpstreamTarget {
  std::string_view model{};                           // deployment, or what that server calls the model
  UpstreamDialect dialect{};
  bool force_stream = false;                        // ask for a stream although the client did not: see can_force_stream
  uint64_t default_output_tokens = 1024;            // sent where the client names no cap
  std::optional<uint64_t> output_tokens_max{};        // over it: refused
  std::string_view user_hash{};                       // stands for `user` and `safety_identifier`; empty: both are removed
  std::string_view cache_key_prefix{};                // in front of `prompt_cache_key`; empty: it is removed
  bool store_upstream = false;                      // else `store` is false, and `metadata` is removed
  bool lenient = false;                             // drop what the target does not take instead of refusing the request
};

/// What was left out because of `lenient`, for the log. Constant names.
struct DroppedFields {
  std::array<std::string_view, 4> names{};
  size_t count = 0;
  std::span<const std::string_view> all() const { return {names.data(), count}; }
};

/// The unary request can be asked for as a stream and aggregated: chat, and completions without best_of.
bool can_force_stream(const DecodedRequest& request);

/// The cap that this request will have at that target, in tokens, for a reservation. 0 for embeddings.
/// Errors: kRequestExceedsLimit with the field as param.
Result<uint64_t> output_cap_of(const DecodedRequest& request, const UpstreamTarget& target);

/// Starts `patch` on the request's Document and puts in every edit. What is not named here stays byte for byte:
/// model → deployment; a usage request on streams of chat and completions (never on responses); the output cap inserted, and
/// called as the dialect wants; `store` false; user fields, cache key and metadata as the target says.
/// Errors: kRequestExceedsLimit; kUnsupportedParameter for what the dialect is known not to honour.
Result<void> write_upstream(const DecodedRequest& request, const UpstreamTarget& target, json::Patch& patch, DroppedFields* dropped = nullptr);

}  // namespace wye::protocol
