// Kind Credential: who we are to an upstream. Holds the name of a secret, never its value.
#pragma once

#include "config/kinds/enums.hpp"
#include "config/kinds/field.hpp"

namespace wye::config {

struct ApiKeyCredential {
  KeyHeader header = KeyHeader::kApiKey;
  SecretRef key;
  static void describe(auto& self, auto& v) {
    v.field("header", self.header, Rule{.text = "`api-key: KEY`, or `Authorization: Bearer KEY`."});
    v.field("key", self.key, Rule{.text = "Where the key is; exactly one source.", .required = true});
  }
};

struct Credential {
  static constexpr std::string_view kKind = "Credential";
  static constexpr std::string_view kText = "Who we are to an upstream.";

  CredentialType type = CredentialType::kApiKey;
  std::vector<std::string> origins;
  std::optional<ApiKeyCredential> api_key;

  static void describe(auto& self, auto& v) {
    v.field("type", self.type, Rule{.text = "Which block below applies.", .required = true});
    v.field(
        "origins", self.origins,
        Rule{.text = "Exact origins that may receive it; never sent elsewhere.", .required = true, .min = 1, .max = 16, .grammar = Grammar::kOrigin});
    v.field("apiKey", self.api_key, Rule{.text = "A static key; required by type apiKey.", .absent = "none"});
    v.refused("managedIdentity");
    v.refused("workloadIdentity");
    v.refused("clientCertificate");
    v.refused("oauth2");
    v.refused("spiffe");
  }
};

}  // namespace wye::config
