// Providers as rows of a table: how a server is addressed, what it takes and how it behaves. A provider that speaks an existing
// protocol is a row, not code.
// Source: Azure OpenAI REST reference (v1 and dated), openai/openai-python `lib/azure.py`; llama.cpp tools/server as measured.
// Threads: constant tables and pure functions.
#pragma once

#include "config/kinds/enums.hpp"
#include "foundation/base/result.hpp"
#include "llm/protocol/upstream_body.hpp"

namespace wye::provider {

enum class Dialect : uint8_t { kAzureV1, kAzureDated, kOpenAiCompatible, kLlamaServer };

struct ProviderTraits {
  Dialect dialect = Dialect::kOpenAiCompatible;
  std::string_view name{};                 // for logs and metrics
  protocol::UpstreamDialect body{};
  bool deployment_in_path = false;
  bool runs_on = false;                  // a unary request goes on when its client left: ask for a stream and aggregate
  bool tools_need_template = false;      // drops tools silently unless the model's template has them: needs the capability declared
  bool filter_annotations = false;       // sends content filter results
  bool own_request_id_header = false;    // `x-ms-client-request-id` is set to ours
  std::string_view request_id_header{};    // of its answers, for the log; empty: none
  uint32_t requests_a_connection = 0;    // it closes after so many; 0: no known bound
  std::chrono::milliseconds idle_max{};  // it closes idle connections after that; 0: unknown
};

/// The row of a Backend. `api_version` as configured: `v1` or dated.
const ProviderTraits& traits_of(config::Provider provider, std::string_view api_version);
/// The row of a Model that llama-server serves here.
const ProviderTraits& local_traits();

/// Appends path and query for `operation`, as they stand in the request line, below `base_path` (from configuration; where an
/// openAICompatible endpoint has none, `/v1`). Deployment and version are percent-encoded as one segment each; no client byte takes part.
/// Errors: kUsage for a deployment or version outside its grammar.
Result<void> build_target_path(const ProviderTraits& traits, protocol::Operation operation, std::string_view base_path, std::string_view deployment,
                               std::string_view api_version, std::string& out);
/// The same for the list of models, to see whether a server and its version answer.
Result<void> build_models_path(const ProviderTraits& traits, std::string_view base_path, std::string_view api_version, std::string& out);

/// A header for a credential. Views: of constants and of the key.
struct AuthHeader {
  std::string_view name{};          // `api-key` or `authorization`
  std::string_view value_prefix{};  // empty or `Bearer `
};
AuthHeader auth_header(config::KeyHeader header);

/// What the target must be able to do beyond the operation.
config::EnumSet<config::Capability> capabilities_of(protocol::Features features);
config::Operation operation_of(protocol::Operation operation);
/// Absent for operations that have no protocol here.
std::optional<protocol::Operation> protocol_operation(config::Operation operation);

/// kUnsupportedParameter when a request needs what the target is known not to honour and would drop silently.
/// `known` empty: not declared; then only a server that drops silently refuses.
Result<void> check_honoured(const ProviderTraits& traits, protocol::Features needs, config::EnumSet<config::Capability> known);

}  // namespace wye::provider
