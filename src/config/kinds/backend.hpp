// Kind Backend: one managed deployment, or any server that is not ours to run.
#pragma once

#include "config/kinds/enums.hpp"
#include "config/kinds/field.hpp"

namespace wye::config {

struct BackendAuth {
  std::string credential;
  std::string token_audience = "https://cognitiveservices.azure.com";
  static void describe(auto& self, auto& v) {
    v.field("credential", self.credential,
            Rule{.text = "Who we are there.", .grammar = Grammar::kName, .refers = "Credential", .absent = "no credential"});
    v.field("tokenAudience", self.token_audience,
            Rule{.text = "Resource that a token is asked for; keys and SVIDs ignore it.", .grammar = Grammar::kAudience});
  }
};

struct Location {
  PathKind path = PathKind::kManaged;
  std::optional<Sku> sku;
  std::string region;
  static void describe(auto& self, auto& v) {
    v.field("path", self.path, Rule{.text = "custom: a server of one's own that Wye does not run."});
    v.field("sku", self.sku, Rule{.text = "Deployment type; residency follows from it. Required by azureOpenAI.", .absent = "none"});
    v.field(
        "region", self.region,
        Rule{
            .text = "Region of the deployment; none matches no constraint. Required by azureOpenAI.", .grammar = Grammar::kRegion, .absent = "none"});
  }
};

struct UpstreamTls {
  TlsVersion min = TlsVersion::k12;
  std::string server_name;
  FilePath ca_file;
  static void describe(auto& self, auto& v) {
    v.field("min", self.min, Rule{.text = "Oldest TLS version."});
    v.field("serverName", self.server_name,
            Rule{.text = "Name in SNI and certificate.", .grammar = Grammar::kHostName, .absent = "the endpoint's host"});
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle of authorities.", .absent = "the system's"});
  }
};

struct Network {
  NetworkMode mode = NetworkMode::kPublic;
  UpstreamTls tls;
  static void describe(auto& self, auto& v) {
    v.field("mode", self.mode, Rule{.text = "loopback: an address in 127/8 or ::1; plain http is allowed there only."});
    v.refused("cidrs");
    v.refused("requireCname");
    v.field("tls", self.tls, Rule{.text = "TLS towards the endpoint."});
    v.refused("allowNonprivateCidr");
    v.refused("allowHostsFile");
  }
};

/// Shared by Backend and Model.
struct Serves {
  EnumSet<Capability> capabilities;
  uint32_t context_tokens = 0;
  static void describe(auto& self, auto& v) {
    v.field("capabilities", self.capabilities,
            Rule{.text = "What it can do.", .min = 1, .absent = "of a Model: read from its file; of a Backend: unknown, the upstream decides"});
    v.field("contextTokens", self.context_tokens, Rule{.text = "Longest context.", .min = 1, .max = 100'000'000, .absent = "unknown"});
    v.refused("input");
    v.refused("output");
  }
};

struct Backend {
  static constexpr std::string_view kKind = "Backend";
  static constexpr std::string_view kText = "One managed deployment, or any server that is not ours to run.";

  Provider provider = Provider::kAzureOpenAi;
  std::string endpoint;
  std::string deployment;
  std::string api_version = "v1";
  BackendAuth auth;
  Location location;
  DataClass data_class_max = DataClass::kPublic;
  Network network;
  Serves serves;

  static void describe(auto& self, auto& v) {
    v.field("provider", self.provider, Rule{.text = "Which protocol it speaks.", .required = true});
    v.field("endpoint", self.endpoint,
            Rule{.text = "`https://HOST[:PORT]`; a path only for openAICompatible; http only with network.mode loopback; `simulator://azure`: the "
                         "simulator that `wye up` runs.",
                 .required = true,
                 .grammar = Grammar::kEndpoint});
    v.field("deployment", self.deployment,
            Rule{.text = "Azure deployment, or the model name that server knows.", .required = true, .grammar = Grammar::kDeployment});
    v.field("apiVersion", self.api_version, Rule{.text = "azureOpenAI: `v1` or a dated version.", .grammar = Grammar::kApiVersion});
    v.field("auth", self.auth, Rule{.text = "Who we are there."});
    v.field("location", self.location, Rule{.text = "Where it computes."});
    v.field("dataClassMax", self.data_class_max, Rule{.text = "Most secret data that may go there."});
    v.field("network", self.network, Rule{.text = "How it is reached."});
    v.field("serves", self.serves, Rule{.text = "What it can do."});
    v.refused("capacity");
    v.refused("price");
  }
};

}  // namespace wye::config
