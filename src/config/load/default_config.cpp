#include "config/load/default_config.hpp"

#include "config/kinds/canonical.hpp"

namespace wye::config {
namespace {

constexpr std::string_view kEdge = R"(# Who listens, and who may call. Every field: docs/reference/resources.md; `wye check DIR` judges changes.
apiVersion: wye.dev/v1alpha1
kind: Gateway
metadata: {name: local}
spec:
  listeners:
    - {name: public, address: 127.0.0.1, port: 8080}
  admin: {address: 127.0.0.1, port: 8081}
---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: local}
spec:
  members: [{issuer: laptop, appRole: Wye.Caller}]           # besides everyone with an API key of this Tenant
  dataClassMax: restricted
---
# Tokens: `wye token` prints one, `wye login` shows the sign-in. The issuer runs inside `wye up`, with the endpoints of Microsoft Entra.
# For the real one: leave out `authority`, give the ids of your tenant and of your app registration (docs/using/identity.md).
apiVersion: wye.dev/v1alpha1
kind: Issuer
metadata: {name: laptop}
spec:
  type: entra
  entra: {authority: "laptop://issuer", tenantIds: ["11111111-1111-4111-8111-111111111111"]}
  audiences: ["22222222-2222-4222-8222-222222222222", "api://22222222-2222-4222-8222-222222222222"]
---
apiVersion: wye.dev/v1alpha1
kind: Role
metadata: {name: caller}
spec:
  rules:
    - effect: allow
      actions: [chat.create, completions.create, responses.create, embeddings.create, models.list, models.get]
      resources: ["route:*", "backend:*", "model:*"]
---
apiVersion: wye.dev/v1alpha1
kind: Grant
metadata: {name: local-caller}
spec: {role: caller, tenant: local, subjects: [{members: true}]}
)";

constexpr std::string_view kAzure = R"(# The managed path. As written it is the simulator that `wye up` runs, so everything works offline.
# For a real resource: swap the lines marked `real`, and put its key into ../secrets/azure.key (mode 0600).
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: azure}
spec:
  type: apiKey
  origins: ["simulator://azure"]
  # origins: ["https://YOUR-RESOURCE.openai.azure.com"]      # real
  apiKey:
    header: api-key
    key: {file: ../secrets/simulator.key}
    # key: {file: ../secrets/azure.key}                      # real
---
apiVersion: wye.dev/v1alpha1
kind: Backend
metadata: {name: azure}
spec:
  provider: azureOpenAI
  endpoint: "simulator://azure"
  # endpoint: "https://YOUR-RESOURCE.openai.azure.com"       # real
  deployment: gpt-4o-mini                                    # the name of your deployment
  apiVersion: v1
  auth: {credential: azure}
  location: {sku: Standard, region: swedencentral}           # the type and region of your deployment
  dataClassMax: internal                                     # the most secret data that may go there
  serves: {capabilities: [chat, completions]}
)";

constexpr std::string_view kRoutes = R"(# The names that clients put into `model`.
apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {name: chat-local}
spec:
  operations: [chat, completions, responses]
  dataClass: internal
  candidates: [{model: smollm2-135m}]
---
apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {name: chat-managed}
spec:
  operations: [chat, completions, responses]
  dataClass: internal
  candidates: [{backend: azure}]
---
apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {name: embed-local}
spec:
  operations: [embeddings]
  dataClass: internal
  candidates: [{model: minilm-l6-v2}]
)";

std::string quoted_path(std::string_view folder, std::string_view file) {
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  path += file;
  std::string out;
  append_json_string(out, path);  // a JSON string is a YAML string in double quotes
  return out;
}

std::string models_text(std::string_view models_dir) {
  std::string out = R"(# The custom path: models that this machine serves itself.
apiVersion: wye.dev/v1alpha1
kind: Model
metadata: {name: smollm2-135m}
spec:
  versions:
    - name: q4-1
      source: {file: )";
  out += quoted_path(models_dir, "smollm2-135m-instruct-q4_1.gguf");
  out += R"(}
      digest: "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
  runtime: {type: llamaServer, slots: 4, slotContextTokens: 2048, threads: 1}
  serves: {capabilities: [chat, completions], contextTokens: 2048}
  dataClassMax: restricted
---
apiVersion: wye.dev/v1alpha1
kind: Model
metadata: {name: minilm-l6-v2}
spec:
  versions:
    - name: f16
      source: {file: )";
  out += quoted_path(models_dir, "all-minilm-l6-v2-f16.gguf");
  out += R"(}
      digest: "sha256:a7d05905394ef5186d62257cf05208b9cc46a41f77e5f6f85553600eda2e75a6"
  runtime: {type: llamaServer, slots: 2, slotContextTokens: 512, threads: 1}
  serves: {capabilities: [embeddings], contextTokens: 512}
  dataClassMax: restricted
)";
  return out;
}

}  // namespace

std::vector<NamedText> default_config(std::string_view models_dir) {
  return {{"azure.yaml", std::string(kAzure)},
          {"edge.yaml", std::string(kEdge)},
          {"models.yaml", models_text(models_dir)},
          {"routes.yaml", std::string(kRoutes)}};
}

}  // namespace wye::config
