#include "llm/provider/provider.hpp"

#include "llm/provider/endpoint_set.hpp"
#include "llm/provider/headers.hpp"

#include <gtest/gtest.h>

namespace wye::provider {
namespace {

using protocol::Operation;

struct PathRow {
  config::Provider provider;
  std::string_view version;
  Operation operation;
  std::string_view base;
  std::string_view deployment;
  std::string_view expected;  // empty: refused
};

TEST(Paths, OfEveryDialect) {
  constexpr auto kAzure = config::Provider::kAzureOpenAi;
  constexpr auto kOther = config::Provider::kOpenAiCompatible;
  const std::array rows = {
      PathRow{kAzure, "v1", Operation::kChat, "", "gpt-4o", "/openai/v1/chat/completions"},
      PathRow{kAzure, "v1", Operation::kResponses, "", "gpt-4o", "/openai/v1/responses"},
      PathRow{kAzure, "v1", Operation::kEmbeddings, "", "e", "/openai/v1/embeddings"},
      PathRow{kAzure, "2024-10-21", Operation::kChat, "", "gpt-4o", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"},
      PathRow{kAzure, "2024-10-21", Operation::kCompletions, "", "a.b_c", "/openai/deployments/a.b_c/completions?api-version=2024-10-21"},
      PathRow{kAzure, "2025-03-01-preview", Operation::kResponses, "", "x", "/openai/responses?api-version=2025-03-01-preview"},
      PathRow{kAzure, "2024-10-21", Operation::kChat, "", "../x", ""},
      PathRow{kAzure, "2024-10-21", Operation::kChat, "", "..", ""},
      PathRow{kAzure, "2024-10-21", Operation::kChat, "", "a/b", ""},
      PathRow{kAzure, "2024-10-21", Operation::kChat, "", "", ""},
      PathRow{kAzure, "2024-10-21&x=1", Operation::kChat, "", "a", ""},
      PathRow{kAzure, "latest", Operation::kChat, "", "a", ""},
      PathRow{kOther, "v1", Operation::kChat, "", "any/model", "/v1/chat/completions"},
      PathRow{kOther, "v1", Operation::kChat, "/api/v1", "any", "/api/v1/chat/completions"},
  };
  for (const PathRow& row : rows) {
    std::string path;
    const Result<void> done = build_target_path(traits_of(row.provider, row.version), row.operation, row.base, row.deployment, row.version, path);
    EXPECT_EQ(done.has_value(), !row.expected.empty()) << row.deployment << ' ' << row.version;
    if (done) { EXPECT_EQ(path, row.expected); }
  }
}

TEST(Paths, OfModels) {
  std::string path;
  ASSERT_TRUE(build_models_path(traits_of(config::Provider::kAzureOpenAi, "2024-10-21"), "", "2024-10-21", path));
  EXPECT_EQ(path, "/openai/models?api-version=2024-10-21");
  path.clear();
  ASSERT_TRUE(build_models_path(local_traits(), "", "", path));
  EXPECT_EQ(path, "/v1/models");
}

TEST(Traits, FieldsByVersion) {
  EXPECT_EQ(traits_of(config::Provider::kAzureOpenAi, "2024-06-01").body.chat_output_cap, protocol::OutputCapName::kMaxTokens);
  EXPECT_FALSE(traits_of(config::Provider::kAzureOpenAi, "2024-06-01").body.stream_options);
  EXPECT_TRUE(traits_of(config::Provider::kAzureOpenAi, "2024-10-21").body.stream_options);
  EXPECT_TRUE(local_traits().runs_on);
  EXPECT_FALSE(traits_of(config::Provider::kOpenAiCompatible, "v1").runs_on);
}

TEST(Traits, ToolsWithoutTemplateAreRefused) {
  protocol::Features needs;
  needs.insert(protocol::Feature::kTools);
  EXPECT_FALSE(check_honoured(local_traits(), needs, {}));
  EXPECT_FALSE(check_honoured(local_traits(), needs, {config::Capability::kChat}));
  EXPECT_TRUE(check_honoured(local_traits(), needs, {config::Capability::kChat, config::Capability::kTools}));
  EXPECT_TRUE(check_honoured(traits_of(config::Provider::kOpenAiCompatible, "v1"), needs, {}));
  const Result<void> refused = check_honoured(local_traits(), needs, {});
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedParameter);
  EXPECT_EQ(refused.error().param, "tools");
}

TEST(Headers, NothingPassesByDefault) {
  const std::vector<std::string> forward = {"x-session", "authorization", "x-ms-spillover-deployment", "openai-project"};
  EXPECT_TRUE(passes_upstream("x-session", forward));
  EXPECT_FALSE(passes_upstream("x-other", forward));
  for (const std::string_view name : {"authorization", "x-ms-spillover-deployment", "openai-project", "cookie", "x-forwarded-for", "x-wye-target"})
    EXPECT_FALSE(passes_upstream(name, forward)) << name;
  EXPECT_TRUE(passes_to_client("content-type"));
  for (const std::string_view name : {"set-cookie", "x-ms-region", "apim-request-id", "openai-organization", "server", "location", "retry-after"})
    EXPECT_FALSE(passes_to_client(name)) << name;
}

TEST(EndpointSet, UnknownTargetsAreStarting) {
  const EndpointSet set("sha256:00", 3, {LiveEndpoint{.health = Health::kLive, .host = "127.0.0.1", .port = 9}});
  EXPECT_EQ(set.at(0).health, Health::kLive);
  EXPECT_EQ(set.at(7).health, Health::kStarting);
  EXPECT_EQ(set.at(UINT32_MAX).port, 0);
}

}  // namespace
}  // namespace wye::provider
