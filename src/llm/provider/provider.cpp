#include "llm/provider/provider.hpp"

namespace wye::provider {
namespace {

using protocol::Operation;
using protocol::OutputCapName;
using protocol::UpstreamDialect;

// Reasoning models refuse max_tokens; every chat model behind these versions takes the newer name.
constexpr ProviderTraits kAzureV1{
    .dialect = Dialect::kAzureV1,
    .name = "azureOpenAI/v1",
    .body = {.chat_output_cap = OutputCapName::kMaxCompletionTokens},
    .filter_annotations = true,
    .own_request_id_header = true,
    .request_id_header = "apim-request-id",
};
constexpr ProviderTraits kAzureDated{
    .dialect = Dialect::kAzureDated,
    .name = "azureOpenAI/dated",
    .body = {.chat_output_cap = OutputCapName::kMaxCompletionTokens},
    .deployment_in_path = true,
    .filter_annotations = true,
    .own_request_id_header = true,
    .request_id_header = "apim-request-id",
};
// Versions that know neither stream_options nor the newer name: 400 unknown argument. Source: Microsoft Learn, "Azure OpenAI API preview
// lifecycle", changes between 2024-08-01-preview and 2024-09-01-preview: max_completion_tokens, stream_options and include_usage were added.
constexpr ProviderTraits kAzureEarly{
    .dialect = Dialect::kAzureDated,
    .name = "azureOpenAI/dated",
    .body = {.chat_output_cap = OutputCapName::kMaxTokens, .stream_options = false},
    .deployment_in_path = true,
    .filter_annotations = true,
    .own_request_id_header = true,
    .request_id_header = "apim-request-id",
};
constexpr std::string_view kFirstWithNewFields = "2024-09-01";
constexpr ProviderTraits kCompatible{
    .dialect = Dialect::kOpenAiCompatible,
    .name = "openAICompatible",
    .request_id_header = "x-request-id",
};
constexpr ProviderTraits kLocal{
    .dialect = Dialect::kLlamaServer,
    .name = "llamaServer",
    .body = {.chat_output_cap = OutputCapName::kMaxTokens, .dimensions = false, .best_of = false},
    .runs_on = true,
    .tools_need_template = true,
    .requests_a_connection = 100,
    .idle_max = std::chrono::seconds(5),
};

static_assert(static_cast<uint8_t>(protocol::Feature::kTools) == static_cast<uint8_t>(config::Capability::kTools));
static_assert(static_cast<uint8_t>(protocol::Feature::kJsonSchema) == static_cast<uint8_t>(config::Capability::kJsonSchema));
static_assert(static_cast<uint8_t>(protocol::Feature::kVision) == static_cast<uint8_t>(config::Capability::kVision));
static_assert(static_cast<uint8_t>(protocol::Feature::kAudio) == static_cast<uint8_t>(config::Capability::kAudio));
static_assert(static_cast<uint8_t>(protocol::Feature::kLogprobs) == static_cast<uint8_t>(config::Capability::kLogprobs));
static_assert(static_cast<uint8_t>(Operation::kChat) == static_cast<uint8_t>(config::Operation::kChat));
static_assert(static_cast<uint8_t>(Operation::kCompletions) == static_cast<uint8_t>(config::Operation::kCompletions));
static_assert(static_cast<uint8_t>(Operation::kResponses) == static_cast<uint8_t>(config::Operation::kResponses));
static_assert(static_cast<uint8_t>(Operation::kEmbeddings) == static_cast<uint8_t>(config::Operation::kEmbeddings));

constexpr size_t kDeploymentMax = 64;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Azure's own grammar of deployments. A name of dots alone would be a dot segment.
bool is_deployment(std::string_view text) {
  const bool good = !text.empty() && text.size() <= kDeploymentMax &&
                    std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
  return good && !std::ranges::all_of(text, [](char c) { return c == '.'; });
}

/// `YYYY-MM-DD` with or without `-preview`.
bool is_dated(std::string_view text) {
  if (text.ends_with("-preview")) text.remove_suffix(8);
  if (text.size() != 10) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
  }
  return true;
}

/// Everything but the unreserved characters of RFC 3986.
void append_segment(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

std::string_view segment_of(Operation operation) {
  constexpr std::array<std::string_view, 4> kSegments = {"/chat/completions", "/completions", "/responses", "/embeddings"};
  return kSegments[static_cast<size_t>(operation)];
}

Result<void> append_version(std::string_view api_version, std::string& out) {
  if (!is_dated(api_version)) return Fail(public_error(ErrorCode::kUsage, "apiVersion must be v1, or YYYY-MM-DD with or without -preview"));
  out += "?api-version=";
  append_segment(api_version, out);
  return {};
}

}  // namespace

const ProviderTraits& traits_of(config::Provider provider, std::string_view api_version) {
  if (provider == config::Provider::kOpenAiCompatible) return kCompatible;
  if (api_version == "v1") return kAzureV1;
  return api_version.substr(0, kFirstWithNewFields.size()) < kFirstWithNewFields ? kAzureEarly : kAzureDated;
}

const ProviderTraits& local_traits() { return kLocal; }

Result<void> build_target_path(const ProviderTraits& traits, Operation operation, std::string_view base_path, std::string_view deployment,
                               std::string_view api_version, std::string& out) {
  switch (traits.dialect) {
    case Dialect::kAzureV1:
      out += base_path;
      out += "/openai/v1";
      out += segment_of(operation);
      return {};
    case Dialect::kAzureDated:
      out += base_path;
      out += "/openai";
      if (operation != Operation::kResponses) {
        if (!is_deployment(deployment)) return Fail(public_error(ErrorCode::kUsage, "an Azure deployment is 1-64 of A-Z a-z 0-9 . _ -"));
        out += "/deployments/";
        append_segment(deployment, out);
      }
      out += segment_of(operation);
      return append_version(api_version, out);
    case Dialect::kOpenAiCompatible:
    case Dialect::kLlamaServer: break;
  }
  out += base_path.empty() ? std::string_view("/v1") : base_path;
  out += segment_of(operation);
  return {};
}

Result<void> build_models_path(const ProviderTraits& traits, std::string_view base_path, std::string_view api_version, std::string& out) {
  switch (traits.dialect) {
    case Dialect::kAzureV1:
      out += base_path;
      out += "/openai/v1/models";
      return {};
    case Dialect::kAzureDated:
      out += base_path;
      out += "/openai/models";
      return append_version(api_version, out);
    case Dialect::kOpenAiCompatible:
    case Dialect::kLlamaServer: break;
  }
  out += base_path.empty() ? std::string_view("/v1") : base_path;
  out += "/models";
  return {};
}

AuthHeader auth_header(config::KeyHeader header) {
  return header == config::KeyHeader::kApiKey ? AuthHeader{"api-key", ""} : AuthHeader{"authorization", "Bearer "};
}

config::EnumSet<config::Capability> capabilities_of(protocol::Features features) {
  return config::EnumSet<config::Capability>::from_bits(features.bits);
}
config::Operation operation_of(Operation operation) { return static_cast<config::Operation>(operation); }
std::optional<Operation> protocol_operation(config::Operation operation) {
  if (operation == config::Operation::kModerations) return std::nullopt;
  return static_cast<Operation>(operation);
}

Result<void> check_honoured(const ProviderTraits& traits, protocol::Features needs, config::EnumSet<config::Capability> known) {
  struct Row {
    config::Capability capability;
    std::string_view field;
    bool dropped_silently;  // where nothing is declared: whether such a server would just leave it out
  };
  const std::array rows = {
      Row{config::Capability::kTools, "tools", traits.tools_need_template},
      Row{config::Capability::kJsonSchema, "response_format", false},
      Row{config::Capability::kVision, "image_url", false},
      Row{config::Capability::kAudio, "audio", false},
      Row{config::Capability::kLogprobs, "logprobs", false},
  };
  const config::EnumSet<config::Capability> asked = capabilities_of(needs);
  for (const Row& row : rows) {
    if (!asked.contains(row.capability) || known.contains(row.capability)) continue;
    if (known.empty() && !row.dropped_silently) continue;
    return Fail(
        public_error(ErrorCode::kUnsupportedParameter, "'" + std::string(row.field) + "' is not supported by this model.", std::string(row.field)));
  }
  return {};
}

}  // namespace wye::provider
