// What is known of a field besides its type: the vocabulary of every `describe`.
// A struct of this room has `static void describe(auto& self, auto& v)` that calls, in the order of the reference page,
//   v.field("port", self.port, Rule{...});   a field that this build honours; its default is the member's own value
//   v.refused("trustedProxies");             a field whose room this build lacks: refused by name, never ignored
// Parsing, defaults, JSON Schema, the canonical form and docs/reference/resources.md all come from these calls.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/units.hpp"

namespace wye::config {

/// The grammar of a string, or of each string of a list. config/load/grammar.hpp checks them.
enum class Grammar : uint8_t {
  kText,          // any text without control characters
  kName,          // a resource name
  kAlias,         // a name that clients may use for a Route
  kAddress,       // an IPv4 or IPv6 literal to listen on
  kHost,          // a host name that clients may send; `*.` stands for one label
  kHostName,      // a host name, exact
  kEndpoint,      // the URL of an upstream
  kOrigin,        // scheme://host[:port]
  kRegion,        // a cloud region
  kDeployment,    // an Azure deployment, or a model name of another server
  kApiVersion,    // v1, or YYYY-MM-DD with or without -preview
  kDatedVersion,  // YYYY-MM-DD with or without -preview
  kDigest,        // sha256: and 64 hex digits
  kEnvName,       // a name of an environment variable
  kHeaderName,    // a header that may be forwarded
  kFieldPath,     // a.b[*].c in a request body
  kScheme,        // a URL scheme
  kToolType,      // the type of a hosted tool
  kGuid,             // a GUID in lower case
  kIdentifier,       // a client id, a directory, a vault's secret: letters, digits and ._-
  kResourceId,       // the path of an Azure resource
  kAudience,         // the `aud` of a token, exact
  kIssuerUrl,        // the `iss` of a token, exact
  kHttpsUrl,         // https://host[:port][/path]
  kAuthority,        // https://host[:port], or laptop://issuer
  kScope,            // an OAuth 2.0 scope
  kClaimName,        // the name of a claim
  kSubjectPattern,   // exact, or the start and one `*`
  kServiceAccount,   // namespace/name, or the start and one `*`
  kSpiffePattern,    // a SPIFFE ID, or one that ends with `/*`
  kTrustDomain,      // the trust domain of a SPIFFE ID
  kKeyId,            // the id of an API key
  kCidr,             // a network
  kResourcePattern,  // kind:name, or kind: and the start of a name and one `*`
  kTimeOfDay,        // HH:MM
  kTimeZone,         // an IANA time zone
};

/// Bounds and meaning of one field. Zero and empty mean "no such rule", but for `min` and `max` of numbers.
struct Rule {
  std::string_view text;  // what it does, one sentence
  bool required = false;
  int64_t min = 0;          // numbers as they are; durations in nanoseconds; sizes in bytes; lists: least items
  int64_t max = INT64_MAX;  // the same units
  Grammar grammar = Grammar::kText;
  std::string_view refers = {};      // the kind whose name this is
  std::string_view absent = {};      // what an absent value means where the member cannot say it
  std::string_view unique_key = {};  // lists of structs: the field that may not repeat
};

constexpr int64_t in_ns(std::chrono::nanoseconds d) { return d.count(); }

/// A path of a document. `written` is what stands there; `resolved` is absolute, against the folder of the document.
struct FilePath {
  std::string written;
  std::string resolved;
  bool empty() const { return written.empty(); }
};

/// Texts by name, in the order of the names: the claims of a condition.
using TextLists = std::map<std::string, std::vector<std::string>, std::less<>>;

struct KubernetesSecret {
  std::string secret;
  std::string key;
  static void describe(auto& self, auto& v) {
    v.field("secret", self.secret,
            Rule{.text = "Name of the Secret in the namespace that Wye runs in.", .required = true, .grammar = Grammar::kName});
    v.field("key", self.key, Rule{.text = "Key inside it.", .required = true, .grammar = Grammar::kIdentifier});
  }
};

struct KeyVaultSecret {
  std::string vault;
  std::string name;
  static void describe(auto& self, auto& v) {
    v.field("vault", self.vault, Rule{.text = "`https://NAME.vault.azure.net`.", .required = true, .grammar = Grammar::kHttpsUrl});
    v.field("name", self.name, Rule{.text = "Name of the secret; its newest version is read.", .required = true, .grammar = Grammar::kIdentifier});
  }
};

/// The name of a secret, never its value: exactly one source is set.
struct SecretRef {
  FilePath file;
  std::string env;
  std::optional<KubernetesSecret> kubernetes;
  std::optional<KeyVaultSecret> key_vault;
  size_t sources() const { return (file.empty() ? 0u : 1u) + (env.empty() ? 0u : 1u) + (kubernetes ? 1u : 0u) + (key_vault ? 1u : 0u); }
  bool empty() const { return sources() == 0; }
  static void describe(auto& self, auto& v) {
    v.field("file", self.file, Rule{.text = "File that holds the secret; 0600, owned by the user that runs Wye."});
    v.field("env", self.env, Rule{.text = "Environment variable, read once and unset.", .grammar = Grammar::kEnvName});
    v.field("kubernetes", self.kubernetes, Rule{.text = "Kubernetes Secret.", .absent = "none"});
    v.field("keyVault", self.key_vault, Rule{.text = "Azure Key Vault.", .absent = "none"});
  }
};

}  // namespace wye::config
