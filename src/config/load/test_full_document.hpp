// A configuration that writes every field of every kind. Threads: a constant.
#pragma once

namespace wye::config {

inline constexpr std::string_view kFull = R"(apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {name: support-chat, labels: {team: a}, annotations: {note: "x"}}
spec:
  aliases: [gpt-4o, "org/model:v1"]
  operations: [chat, responses]
  dataClass: internal
  candidates: [{model: legal-8b, weight: 3, tier: 0}, {backend: aoai-sc, tier: 1}]
  constraints: {paths: [custom, managed], regions: [swedencentral], residency: [region, "zone:eu"], tenants: [team-a]}
  balance: {objective: customFirst}
  deadlines: {firstEvent: 30s, idle: 250ms, total: 10m}
  retries: {attempts: 2}
  output: {defaultMax: 512, max: 4096, filterCategories: true}
  request:
    unknownFields: refuse
    allowFields: [metadata.trace, "messages[*].name"]
    lenient: true
    pointers: {schemes: [data, https], hosts: [files.example.com]}
    hostedTools: [web_search]
    storeUpstream: true
    forwardHeaders: [traceparent]
---
apiVersion: wye.dev/v1alpha1
kind: Backend
metadata: {name: aoai-sc}
spec:
  provider: azureOpenAI
  endpoint: "https://contoso.openai.azure.com"
  deployment: gpt-4o
  apiVersion: "2024-10-21"
  auth: {credential: azure}
  location: {path: managed, sku: DataZoneStandard, region: swedencentral}
  dataClassMax: confidential
  network: {mode: public, tls: {min: "1.3", serverName: contoso.openai.azure.com, caFile: ../ca.crt}}
  serves: {capabilities: [chat, responses, tools, jsonSchema, vision], contextTokens: 128000}
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: azure}
spec: {type: apiKey, origins: ["https://contoso.openai.azure.com"], apiKey: {header: bearer, key: {file: /run/secrets/azure}}}
---
apiVersion: wye.dev/v1alpha1
kind: Model
metadata: {name: legal-8b}
spec:
  tenant: team-a
  versions:
    - {name: v1, source: {file: models/legal.gguf}}
    - {name: v2, source: {file: /m/legal.gguf}, digest: "sha256:77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa"}
  current: v2
  runtime: {type: llamaServer, slots: 8, slotContextTokens: 4096, threads: 2}
  serves: {capabilities: [chat, completions], contextTokens: 4096}
  placement: {memory: 8GiB}
  dataClassMax: restricted
  probe: {prompt: Say blue., maxTokens: 8, minTokensPerSecond: 0}
---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: team-a}
spec:
  dataClassMax: confidential
  regions: [swedencentral]
  costCentre: "4711"
  members: [{issuer: corp, group: 3f0c5d0e-0000-4000-8000-000000000001}, {issuer: aks, serviceAccount: team-a/*}]
---
apiVersion: wye.dev/v1alpha1
kind: Issuer
metadata: {name: corp}
spec:
  type: entra
  entra: {versions: [v2], tenantIds: [11111111-1111-4111-8111-111111111111], authority: "https://login.microsoftonline.us", caFile: ca.crt}
  audiences: [22222222-2222-4222-8222-222222222222]
  tokens: {algorithms: [RS256, PS256], skew: 0s, maxLifetime: 26h, claims: [department, "https://example.com/level"]}
---
apiVersion: wye.dev/v1alpha1
kind: Issuer
metadata: {name: aks}
spec:
  type: kubernetes
  kubernetes: {issuer: "https://kubernetes.default.svc.cluster.local", caFile: ca.crt, tokenFile: token, allowUnboundPod: true}
  audiences: [wye]
---
apiVersion: wye.dev/v1alpha1
kind: Issuer
metadata: {name: okta}
spec: {type: oidc, oidc: {issuer: "https://id.example.com/a/", rfc9068: true, caFile: ca.crt}, audiences: ["api://wye"]}
---
apiVersion: wye.dev/v1alpha1
kind: Issuer
metadata: {name: mesh}
spec: {type: spiffe, spiffe: {trustDomains: [prod.example.com], bundleFile: bundle.json}, audiences: ["spiffe://prod.example.com/wye"]}
---
apiVersion: wye.dev/v1alpha1
kind: Issuer
metadata: {name: devices}
spec: {type: x509, x509: {caFile: ca.crt, identity: dnsSan, crlFile: ca.crl}}
---
apiVersion: wye.dev/v1alpha1
kind: Role
metadata: {name: chat-user}
spec:
  keys: true
  rules:
    - effect: allow
      actions: [chat.create, models.list, config.read]
      resources: ["route:support-*", "admin:config"]
      conditions:
        dataClassMax: internal
        regionIn: [swedencentral]
        regionNotIn: [eastus]
        privateOnly: true
        network: [10.0.0.0/8, "2001:db8::/32"]
        clientAuth: certificate
        binding: mtls
        claims: {department: [legal, "hr"], level: ["3"]}
        timeWindow: {days: [mon, fri], from: "08:00", to: "18:00", timeZone: Europe/Berlin}
        capability: [tools]
        budgetLeft: true
    - {effect: deny, actions: ["*"], resources: ["model:*"]}
---
apiVersion: wye.dev/v1alpha1
kind: Grant
metadata: {name: team-a-chat}
spec:
  role: chat-user
  tenant: team-a
  subjects:
    - {issuer: corp, subject: 11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222}
    - {issuer: corp, appRole: Wye.Caller}
    - {issuer: okta, client: "batch-*"}
    - {spiffe: "spiffe://prod.example.com/team-a/*"}
    - {key: 0123456789ab}
    - {members: true}
  valid: {notBefore: 2026-11-01T00:00:00Z, notAfter: "2027-01-01T00:00:00.000Z"}
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: managed}
spec:
  type: managedIdentity
  origins: ["https://a.openai.azure.com"]
  managedIdentity: {source: imds, clientId: 22222222-2222-4222-8222-222222222222}
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: federated}
spec:
  type: workloadIdentity
  origins: ["https://a.openai.azure.com"]
  workloadIdentity: {clientId: c, tenantId: t, tokenFile: token, authority: "https://login.microsoftonline.com"}
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: certificate}
spec:
  type: clientCertificate
  origins: ["https://a.openai.azure.com"]
  clientCertificate: {tenantId: t, clientId: c, certFile: c.crt, key: {kubernetes: {secret: wye, key: app.pem}}}
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: assertion}
spec:
  type: oauth2
  origins: ["https://a.example.com"]
  oauth2:
    tokenUrl: "https://id.example.com/token"
    clientId: c
    scope: "a b"
    key: {keyVault: {vault: "https://v.vault.azure.net", name: k}}
    caFile: ca.crt
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: svid}
spec: {type: spiffe, origins: ["https://a.example.com"], spiffe: {audience: "spiffe://b.example.com/x", tokenFile: svid.jwt}}
---
apiVersion: wye.dev/v1alpha1
kind: Gateway
metadata: {name: edge}
spec:
  listeners:
    - {name: public, address: "::1", port: 0}
    - name: tls
      address: 0.0.0.0
      port: 8443
      tls: {certFile: edge.crt, keyFile: edge.key, clientCert: require, clientCaFile: ca.crt}
      trustedProxies: [10.1.0.0/16]
  admin: {address: 0.0.0.0, port: 9000, tls: {certFile: edge.crt, keyFile: edge.key}}
  hosts: [ai.example.com, "*.example.org", "[::1]"]
  limits: {body: 1MiB, headerTime: 5s, bodyTime: 30s, keepAlive: 10s, total: 1h, connections: 10, streams: 5}
  auth: {apiKeys: false, issuers: [corp, aks], proofOfPossession: require}
  apiVersions: {azure: []}
  accessLog: {to: off, sample: 1}
)";

}  // namespace wye::config
