// Kind Credential: who we are to an upstream. Holds the name of a secret, never its value.
#pragma once

#include "config/kinds/field.hpp"
#include "config/kinds/identity_enums.hpp"

namespace wye::config {

struct ApiKeyCredential {
  KeyHeader header = KeyHeader::kApiKey;
  SecretRef key;
  static void describe(auto& self, auto& v) {
    v.field("header", self.header, Rule{.text = "`api-key: KEY`, or `Authorization: Bearer KEY`."});
    v.field("key", self.key, Rule{.text = "Where the key is; exactly one source.", .required = true});
  }
};

/// A managed identity of Azure; at most one of the three names, none: the system-assigned one.
struct ManagedIdentityCredential {
  ManagedIdentitySource source = ManagedIdentitySource::kAuto;
  std::string client_id;
  std::string object_id;
  std::string resource_id;
  static void describe(auto& self, auto& v) {
    v.field("source", self.source, Rule{.text = "Where the token comes from; auto: appService or arc where the environment says so, else imds."});
    v.field("clientId", self.client_id,
            Rule{.text = "A user-assigned identity.", .grammar = Grammar::kGuid, .absent = "the system-assigned identity"});
    v.field("objectId", self.object_id, Rule{.text = "The same by object id.", .grammar = Grammar::kGuid, .absent = "none"});
    v.field("resourceId", self.resource_id, Rule{.text = "The same by resource id.", .grammar = Grammar::kResourceId, .absent = "none"});
  }
};

/// A projected ServiceAccount token exchanged for an Entra token.
struct WorkloadIdentityCredential {
  std::string client_id;
  std::string tenant_id;
  FilePath token_file;
  std::string authority;
  FilePath ca_file;
  static void describe(auto& self, auto& v) {
    v.field("clientId", self.client_id, Rule{.text = "Application or identity.", .grammar = Grammar::kIdentifier, .absent = "`AZURE_CLIENT_ID`"});
    v.field("tenantId", self.tenant_id, Rule{.text = "Directory.", .grammar = Grammar::kIdentifier, .absent = "`AZURE_TENANT_ID`"});
    v.field("tokenFile", self.token_file, Rule{.text = "Read anew for every exchange.", .absent = "`AZURE_FEDERATED_TOKEN_FILE`"});
    v.field("authority", self.authority, Rule{.text = "Sign-in service.", .grammar = Grammar::kAuthority, .absent = "`AZURE_AUTHORITY_HOST`"});
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle of authorities.", .absent = "the system's"});
  }
};

/// An Entra application that signs in with a certificate.
struct ClientCertificateCredential {
  std::string tenant_id;
  std::string client_id;
  FilePath cert_file;
  SecretRef key;
  std::string authority = "https://login.microsoftonline.com";
  FilePath ca_file;
  static void describe(auto& self, auto& v) {
    v.field("tenantId", self.tenant_id, Rule{.text = "Directory.", .required = true, .grammar = Grammar::kIdentifier});
    v.field("clientId", self.client_id, Rule{.text = "Application.", .required = true, .grammar = Grammar::kIdentifier});
    v.field("certFile", self.cert_file, Rule{.text = "PEM certificate that the application lists.", .required = true});
    v.field("key", self.key, Rule{.text = "Its private key; exactly one source.", .required = true});
    v.field("authority", self.authority, Rule{.text = "Sign-in service.", .grammar = Grammar::kAuthority});
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle of authorities.", .absent = "the system's"});
  }
};

/// OAuth 2.0 client credentials with a signed assertion (private_key_jwt).
struct Oauth2Credential {
  std::string token_url;
  std::string client_id;
  std::string scope;
  SecretRef key;
  FilePath ca_file;
  static void describe(auto& self, auto& v) {
    v.field("tokenUrl", self.token_url, Rule{.text = "Token endpoint.", .required = true, .grammar = Grammar::kHttpsUrl});
    v.field("clientId", self.client_id, Rule{.text = "Client.", .required = true, .grammar = Grammar::kAudience});
    v.field("scope", self.scope, Rule{.text = "Scopes, with spaces between.", .required = true, .max = 1024, .grammar = Grammar::kScope});
    v.field("key", self.key, Rule{.text = "Private key (PEM) that signs; exactly one source.", .required = true});
    v.field("caFile", self.ca_file, Rule{.text = "PEM bundle of authorities.", .absent = "the system's"});
  }
};

/// A JWT-SVID that is sent as it is.
struct SpiffeCredential {
  std::string audience;
  FilePath token_file;
  static void describe(auto& self, auto& v) {
    v.field("audience", self.audience, Rule{.text = "The `aud` that the SVID must have.", .required = true, .grammar = Grammar::kAudience});
    v.field("tokenFile", self.token_file, Rule{.text = "JWT-SVID that the SPIFFE helper writes; read anew when it changes.", .required = true});
  }
};

struct Credential {
  static constexpr std::string_view kKind = "Credential";
  static constexpr std::string_view kText = "Who we are to an upstream.";

  CredentialType type = CredentialType::kApiKey;
  std::vector<std::string> origins;
  std::optional<ManagedIdentityCredential> managed_identity;
  std::optional<WorkloadIdentityCredential> workload_identity;
  std::optional<ClientCertificateCredential> client_certificate;
  std::optional<Oauth2Credential> oauth2;
  std::optional<SpiffeCredential> spiffe;
  std::optional<ApiKeyCredential> api_key;

  static void describe(auto& self, auto& v) {
    v.field("type", self.type, Rule{.text = "Which block below applies; the others are refused.", .required = true});
    v.field(
        "origins", self.origins,
        Rule{.text = "Exact origins that may receive it; never sent elsewhere.", .required = true, .min = 1, .max = 16, .grammar = Grammar::kOrigin});
    v.field("managedIdentity", self.managed_identity, Rule{.text = "A managed identity of Azure; may be left out.", .absent = "none"});
    v.field("workloadIdentity", self.workload_identity,
            Rule{.text = "A federated ServiceAccount, as AKS workload identity sets it up; may be left out.", .absent = "none"});
    v.field("clientCertificate", self.client_certificate,
            Rule{.text = "An Entra application with a certificate; required by its type.", .absent = "none"});
    v.field("oauth2", self.oauth2, Rule{.text = "OAuth 2.0 client credentials with private_key_jwt; required by its type.", .absent = "none"});
    v.field("spiffe", self.spiffe, Rule{.text = "A JWT-SVID; required by its type.", .absent = "none"});
    v.field("apiKey", self.api_key, Rule{.text = "A static key, where the provider knows nothing better; required by its type.", .absent = "none"});
  }
};

}  // namespace wye::config
