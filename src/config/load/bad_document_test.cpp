#include "config/load/test_documents.hpp"

namespace wye::config {
namespace {

struct Bad {
  std::string_view kind;
  std::string_view spec;  // begins at line 5
  std::string_view place;
  std::string_view says;
};

constexpr std::string_view kLong = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

constexpr std::array kGateway = {
    Bad{"Gateway", "  {}", "5:3 spec.listeners", "`listeners` is missing"},
    Bad{"Gateway", "  listeners: []", "5:14 spec.listeners", "the list has 0 items; expected 1 to 16"},
    Bad{"Gateway", "  listeners: {name: a}", "5:14 spec.listeners", "expected a list, found a map"},
    Bad{"Gateway", "  listeners: [public]", "5:15 spec.listeners[0]", "expected a map, found a single value"},
    Bad{"Gateway", "  listeners:\n    - port: 1", "6:7 spec.listeners[0].name", "`name` is missing"},
    Bad{"Gateway", "  listeners:\n    - {name: a, prot: 1}", "6:17 spec.listeners[0].prot", "did you mean `port`?"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: 65536}", "6:23 spec.listeners[0].port", "expected 0 to 65535"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: -1}", "6:23 spec.listeners[0].port", "expected 0 to 65535"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: 0123}", "6:23 spec.listeners[0].port", "expected a whole number"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: 0x50}", "6:23 spec.listeners[0].port", "expected a whole number"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: 8_080}", "6:23 spec.listeners[0].port", "expected a whole number"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: 8080.0}", "6:23 spec.listeners[0].port", "expected a whole number"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: \"8080\"}", "6:23 spec.listeners[0].port", "without quotes"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: 99999999999999999999}", "6:23 spec.listeners[0].port", "out of range"},
    Bad{"Gateway", "  listeners:\n    - {name: a, plaintext: yes}", "6:28 spec.listeners[0].plaintext", "expected true or false"},
    Bad{"Gateway", "  listeners:\n    - {name: a, plaintext: \"true\"}", "6:28 spec.listeners[0].plaintext", "without quotes"},
    Bad{"Gateway", "  listeners:\n    - {name: a, plaintext: True}", "6:28 spec.listeners[0].plaintext", "expected true or false"},
    Bad{"Gateway", "  listeners:\n    - {name: a, address: localhost}", "6:26 spec.listeners[0].address", "an IPv4 or IPv6 address"},
    Bad{"Gateway", "  listeners:\n    - {name: a, address: \"127.1\"}", "6:26 spec.listeners[0].address", "an IPv4 or IPv6 address"},
    Bad{"Gateway", "  hosts: [x.org]\n  listeners:\n    - {name: a, address: 0.0.0.0}", "7:26 spec.listeners[0].address",
        "beyond loopback without TLS"},
    Bad{"Gateway", "  listeners:\n    - {name: a, address: 0.0.0.0, plaintext: true}", "5:3 spec.hosts", "`hosts` is missing"},
    Bad{"Gateway", "  listeners:\n    - {name: a, plaintext: true, tls: {certFile: c, keyFile: k}}", "6:28 spec.listeners[0].plaintext",
        "beside `tls`"},
    Bad{"Gateway", "  listeners:\n    - {name: a, tls: {certFile: c}}", "6:22 spec.listeners[0].tls.keyFile", "`keyFile` is missing"},
    Bad{"Gateway", "  listeners:\n    - {name: a, tls: {certFile: c, keyFile: k, clientCert: maybe}}", "6:60 spec.listeners[0].tls.clientCert",
        "one of `none` `request` `require`"},
    Bad{"Gateway", "  listeners:\n    - {name: a, tls: {certFile: c, keyFile: k, clientCert: require}}", "6:22 spec.listeners[0].tls.clientCaFile",
        "`clientCaFile` is missing"},
    Bad{"Gateway", "  listeners:\n    - {name: a, tls: {certFile: c, keyFile: k, clientCaFile: d}}", "6:62 spec.listeners[0].tls.clientCaFile",
        "has no effect"},
    Bad{"Gateway", "  listeners:\n    - {name: a, trustedProxies: [10.0.0.0/8]}", "6:33 spec.listeners[0].trustedProxies", "over mutual TLS only"},
    Bad{"Gateway", "  listeners:\n    - {name: a, trustedProxies: [10.0.0.1/8]}", "6:34 spec.listeners[0].trustedProxies[0]", "without host bits"},
    Bad{"Gateway", "  listeners:\n    - {name: a}\n    - {name: a, port: 1}", "7:14 spec.listeners[1]", "twice"},
    Bad{"Gateway", "  listeners:\n    - {name: a, port: 1}\n    - {name: b, port: 1}", "7:23 spec.listeners[1].port", "share address and port"},
    Bad{"Gateway", "  listeners: [{name: a, port: 8081}]", "5:3 spec.admin.port", "admin and a listener share"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  admin: {address: 0.0.0.0}", "6:20 spec.admin.address", "admin beyond loopback needs `tls`"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  admin: {tls: {}}", "6:16 spec.admin.tls.certFile", "`certFile` is missing"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  hosts: [\"*.*.org\"]", "6:11 spec.hosts[0]", "expected a host name"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  hosts: [\"[zz::]\"]", "6:11 spec.hosts[0]", "IPv6"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  hosts: [a.org, a.org]", "6:18 spec.hosts[1]", "twice"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  limits: {body: 64MiB}", "6:18 spec.limits.body", "expected 1KiB to 32MiB"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  limits: {body: 1MB}", "6:18 spec.limits.body", "expected a size"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  limits: {total: 2h}", "6:19 spec.limits.total", "expected 1s to 1h"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  limits: {headerTime: 30}", "6:24 spec.limits.headerTime", "expected a duration"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  limits: {streams: 5000}", "6:21 spec.limits.streams", "expected 1 to 4096"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  auth: {apiKeys: false}", "6:19 spec.auth.apiKeys", "no caller could sign in: there is no Issuer"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  auth: {issuers: [corp]}", "6:20 spec.auth.issuers[0]", "there is no Issuer at all"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  waf: {mode: detect}", "6:3 spec.waf", "not available in this build"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  apiVersions: {azure: [2024-13-21]}", "6:25 spec.apiVersions.azure[0]", "YYYY-MM-DD"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  accessLog: {to: stdot}", "6:19 spec.accessLog.to", "did you mean `stdout`?"},
    Bad{"Gateway", "  listeners: [{name: a}]\n  accessLog: {sample: 101}", "6:23 spec.accessLog.sample", "expected 0 to 100"},
};

constexpr std::array kIdentity = {
    Bad{"Tenant", "  dataClassMax: secret", "5:17 spec.dataClassMax", "`public` `internal` `confidential` `restricted`"},
    Bad{"Tenant", "  dataClassMax: Internal", "5:17 spec.dataClassMax", "did you mean `internal`?"},
    Bad{"Tenant", "  members: [{members: true}]", "5:23 spec.members[0].members", "can not be its members"},
    Bad{"Tenant", "  members: [{key: aaaaaaaaaaaa}]", "5:19 spec.members[0].key", "a key carries its tenant"},
    Bad{"Tenant", "  regions: [Sweden Central]", "5:13 spec.regions[0]", "expected a region"},
    Bad{"Credential", "  origins: [\"https://a.org\"]", "5:3 spec.type", "`type` is missing"},
    Bad{"Credential", "  type: password\n  origins: [\"https://a.org\"]", "5:9 spec.type", "expected one of `apiKey` `managedIdentity`"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {env: K}}\n  spiffe: {audience: a, tokenFile: f}",
        "8:11 spec.spiffe", "`spiffe` beside type apiKey"},
    Bad{"Credential", "  type: oauth2\n  origins: [\"https://a.org\"]", "5:3 spec.oauth2", "needs the block `oauth2`"},
    Bad{"Credential", "  type: oauth2\n  origins: [\"https://a.org\"]\n  oauth2: {tokenUrl: \"http://a.org\", clientId: c, scope: s, key: {env: K}}",
        "7:22 spec.oauth2.tokenUrl", "https://"},
    Bad{"Credential",
        "  type: oauth2\n  origins: [\"https://a.org\"]\n  oauth2: {tokenUrl: \"https://-a.org/t\", clientId: c, scope: s, key: {env: K}}",
        "7:22 spec.oauth2.tokenUrl", "no proper host"},
    Bad{"Credential", "  type: oauth2\n  origins: [\"https://a.org\"]\n  oauth2: {tokenUrl: \"https://a.org/t\", clientId: c, scope: s, key: {}}",
        "7:69 spec.oauth2.key", "exactly one source"},
    Bad{"Credential",
        "  type: managedIdentity\n  origins: [\"https://a.org\"]\n  managedIdentity: {clientId: 22222222-2222-4222-8222-222222222222, "
        "resourceId: /subscriptions/a/b}",
        "7:20 spec.managedIdentity", "at most one of"},
    Bad{"Credential", "  type: managedIdentity\n  origins: [\"https://a.org\"]\n  managedIdentity: {source: azure}",
        "7:29 spec.managedIdentity.source", "one of `auto` `imds`"},
    Bad{"Credential", "  type: clientCertificate\n  origins: [\"https://a.org\"]\n  clientCertificate: {tenantId: t, clientId: c, key: {env: K}}",
        "7:22 spec.clientCertificate.certFile", "`certFile` is missing"},
    Bad{"Credential", "  type: spiffe\n  origins: [\"https://a.org\"]\n  spiffe: {audience: a}", "7:11 spec.spiffe.tokenFile",
        "`tokenFile` is missing"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]", "5:3 spec.apiKey", "needs the block `apiKey`"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {}", "7:11 spec.apiKey.key", "`key` is missing"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {}}", "7:17 spec.apiKey.key", "exactly one source"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {file: a, env: B}}", "7:17 spec.apiKey.key",
        "exactly one source"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {keyVault: {}}}", "7:28 spec.apiKey.key.keyVault.vault",
        "`vault` is missing"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {kubernetes: {secret: S, key: k}}}",
        "7:39 spec.apiKey.key.kubernetes.secret", "expected a name"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {keyVault: {vault: \"https://v/x\", name: n}}}",
        "7:36 spec.apiKey.key.keyVault.vault", "without a path"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {env: A-B}}", "7:23 spec.apiKey.key.env",
        "environment variable"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: plain}", "7:17 spec.apiKey.key", "expected a map"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org/x\"]\n  apiKey: {key: {env: K}}", "6:13 spec.origins[0]", "an origin has no path"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"http://a.org\"]\n  apiKey: {key: {env: K}}", "6:13 spec.origins[0]", "never goes over http"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\", \"https://A.org:443\"]\n  apiKey: {key: {env: K}}", "6:30 spec.origins[1]",
        "already"},
};

constexpr std::string_view kEntra = "  type: entra\n  entra: {tenantIds: [11111111-1111-4111-8111-111111111111]}\n";

constexpr std::array kIssuers = {
    Bad{"Issuer", "  audiences: [a]", "5:3 spec.type", "`type` is missing"},
    Bad{"Issuer", "  type: saml\n  audiences: [a]", "5:9 spec.type", "one of `entra` `oidc` `kubernetes` `spiffe` `x509`"},
    Bad{"Issuer", "  type: entra\n  audiences: [a]", "5:3 spec.entra", "needs the block `entra`"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  spiffe: {trustDomains: [a], bundleFile: b}\n  audiences: [a]",
        "7:11 spec.spiffe", "`spiffe` beside type oidc"},
    Bad{"Issuer", "  type: entra\n  entra: {}\n  audiences: [a]", "6:10 spec.entra.tenantIds", "`tenantIds` is missing"},
    Bad{"Issuer", "  type: entra\n  entra: {tenantIds: [common]}\n  audiences: [a]", "6:23 spec.entra.tenantIds[0]", "a GUID in lower case"},
    Bad{"Issuer", "  type: entra\n  entra: {tenantIds: [AAAAAAAA-1111-4111-8111-111111111111]}\n  audiences: [a]", "6:23 spec.entra.tenantIds[0]",
        "a GUID in lower case"},
    Bad{"Issuer", "  type: entra\n  entra: {versions: [v3], tenantIds: [11111111-1111-4111-8111-111111111111]}\n  audiences: [a]",
        "6:22 spec.entra.versions[0]", "one of `v1` `v2`"},
    Bad{"Issuer", "  type: entra\n  entra: {authority: \"http://a.org\", tenantIds: [11111111-1111-4111-8111-111111111111]}\n  audiences: [a]",
        "6:22 spec.entra.authority", "laptop://issuer"},
    Bad{"Issuer", "  type: entra\n  entra: {authority: \"https://a.org/x\", tenantIds: [11111111-1111-4111-8111-111111111111]}\n  audiences: [a]",
        "6:22 spec.entra.authority", "without a path"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"http://a.org\"}\n  audiences: [a]", "6:18 spec.oidc.issuer", "an issuer URL"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org?x\"}\n  audiences: [a]", "6:18 spec.oidc.issuer", "without query"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://u@a.org\"}\n  audiences: [a]", "6:18 spec.oidc.issuer", "no proper host"},
    Bad{"Issuer", "  type: spiffe\n  spiffe: {trustDomains: [\"A.org\"], bundleFile: b}\n  audiences: [a]", "6:27 spec.spiffe.trustDomains[0]",
        "a trust domain"},
    Bad{"Issuer", "  type: spiffe\n  spiffe: {trustDomains: [a.org], workloadApi: x}\n  audiences: [a]", "6:35 spec.spiffe.workloadApi",
        "not available in this build"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}", "5:3 spec.audiences", "`audiences` is missing"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  audiences: []", "7:14 spec.audiences", "expected 1 to 16"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  audiences: [\"*\"]", "7:15 spec.audiences[0]", "without spaces and *"},
    Bad{"Issuer", "  type: x509\n  x509: {caFile: c}\n  audiences: [a]", "7:14 spec.audiences", "certificates have no audience"},
    Bad{"Issuer", "  type: x509\n  x509: {caFile: c}\n  tokens: {maxLifetime: 5h}", "7:25 spec.tokens.maxLifetime", "no effect on certificates"},
    Bad{"Issuer", "  type: kubernetes\n  kubernetes: {issuer: \"https://k.org\"}\n  audiences: [\"https://k.org\"]", "7:15 spec.audiences[0]",
        "the cluster's own API server"},
    Bad{"Issuer", "  type: kubernetes\n  kubernetes: {issuer: \"https://k.org\"}\n  audiences: [a]\n  tokens: {maxLifetime: 25h}",
        "8:25 spec.tokens.maxLifetime", "longer than 24h"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  audiences: [a]\n  tokens: {skew: 301s}", "8:18 spec.tokens.skew",
        "expected 0s to 5m"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  audiences: [a]\n  tokens: {algorithms: [HS256]}",
        "8:25 spec.tokens.algorithms[0]", "expected one of `RS256`"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  audiences: [a]\n  tokens: {algorithms: [none]}",
        "8:25 spec.tokens.algorithms[0]", "expected one of `RS256`"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  audiences: [a]\n  tokens: {algorithms: [rs256]}",
        "8:25 spec.tokens.algorithms[0]", "did you mean `RS256`?"},
    Bad{"Issuer", "  type: spiffe\n  spiffe: {trustDomains: [a.org], bundleFile: b}\n  audiences: [a]\n  tokens: {algorithms: [EdDSA]}",
        "8:25 spec.tokens.algorithms[0]", "does not sign with EdDSA"},
    Bad{"Issuer", "  type: kubernetes\n  kubernetes: {issuer: \"https://k.org\"}\n  audiences: [a]\n  tokens: {algorithms: [PS256]}",
        "8:25 spec.tokens.algorithms[0]", "does not sign with PS256"},
    Bad{"Issuer", "  type: oidc\n  oidc: {issuer: \"https://a.org\"}\n  audiences: [a]\n  tokens: {claims: [\"a b\"]}", "8:21 spec.tokens.claims[0]",
        "the name of a claim"},
};

constexpr std::array kRoles = {
    Bad{"Role", "  keys: true", "5:3 spec.rules", "`rules` is missing"},
    Bad{"Role", "  rules: [{actions: [chat.create], resources: [\"route:*\"]}]", "5:11 spec.rules[0].effect", "`effect` is missing"},
    Bad{"Role", "  rules: [{effect: permit, actions: [chat.create], resources: [\"route:*\"]}]", "5:20 spec.rules[0].effect",
        "one of `allow` `deny`"},
    Bad{"Role", "  rules: [{effect: allow, actions: [], resources: [\"route:*\"]}]", "5:36 spec.rules[0].actions", "expected at least 1"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.creat], resources: [\"route:*\"]}]", "5:37 spec.rules[0].actions[0]",
        "did you mean `chat.create`?"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"chat.*\"], resources: [\"route:*\"]}]", "5:37 spec.rules[0].actions[0]", "expected one of"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.create, chat.create], resources: [\"route:*\"]}]", "5:50 spec.rules[0].actions[1]",
        "twice"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.create], resources: [\"*\"]}]", "5:63 spec.rules[0].resources[0]", "route: backend:"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.create], resources: [\"route:a*b\"]}]", "5:63 spec.rules[0].resources[0]",
        "one * at the end"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.create], resources: [\"route:a**\"]}]", "5:63 spec.rules[0].resources[0]",
        "one * at the end"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.create], resources: [\"route:\"]}]", "5:63 spec.rules[0].resources[0]", "and a name"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.create], resources: [\"routes:a\"]}]", "5:63 spec.rules[0].resources[0]",
        "route: backend:"},
    Bad{"Role", "  rules: [{effect: allow, actions: [chat.create], resources: [\"admin:*\"]}]", "5:62 spec.rules[0].resources",
        "none of the actions is one on `admin:`"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {network: [10.0.0.1/8]}}]",
        "5:90 spec.rules[0].conditions.network[0]", "a network as"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {network: [10.0.0.0]}}]",
        "5:90 spec.rules[0].conditions.network[0]", "a network as"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"admin:*\"], conditions: {regionIn: [x]}}]",
        "5:90 spec.rules[0].conditions.regionIn", "a condition on the target"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {regionIn: [x], regionNotIn: [x]}}]",
        "5:108 spec.rules[0].conditions.regionNotIn", "stands in `regionIn` too"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {clientAuth: password}}]",
        "5:92 spec.rules[0].conditions.clientAuth", "one of `public` `secret` `certificate`"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {claims: {a: legal}}}]",
        "5:92 spec.rules[0].conditions.claims.a", "expected a list"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {claims: {a: []}}}]",
        "5:92 spec.rules[0].conditions.claims.a", "expected 1 to 64"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {timeWindow: {from: \"8:00\"}}}]",
        "5:99 spec.rules[0].conditions.timeWindow.from", "a time of day as 08:00"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {timeWindow: {from: \"08:00\", to: \"08:00\"}}}]",
        "5:112 spec.rules[0].conditions.timeWindow.to", "the window is empty"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {timeWindow: {}}}]",
        "5:92 spec.rules[0].conditions.timeWindow", "always open"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {timeWindow: {days: [monday]}}}]",
        "5:100 spec.rules[0].conditions.timeWindow.days[0]", "expected one of `mon` `tue`"},
    Bad{"Role", "  rules: [{effect: allow, actions: [\"*\"], resources: [\"route:*\"], conditions: {timeWindow: {days: [mon], timeZone: ../x}}}]",
        "5:116 spec.rules[0].conditions.timeWindow.timeZone", "an IANA time zone"},
};

constexpr std::array kGrants = {
    Bad{"Grant", "  tenant: t\n  subjects: [{members: true}]", "5:3 spec.role", "`role` is missing"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: []", "7:13 spec.subjects", "expected 1 to"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{}]", "7:14 spec.subjects[0]", "exactly one form"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{issuer: i}]", "7:14 spec.subjects[0]", "exactly one form"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{members: false}]", "7:14 spec.subjects[0]", "exactly one form"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{issuer: i, group: g, appRole: a}]", "7:14 spec.subjects[0]", "exactly one form"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{group: g}]", "7:14 spec.subjects[0]", "the Issuer is missing"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{issuer: i, spiffe: \"spiffe://a/b\"}]", "7:23 spec.subjects[0].issuer", "no meaning"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{spiffe: \"spiffe://a/b*\"}]", "7:23 spec.subjects[0].spiffe", "spiffe://domain/start/*"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{spiffe: \"spiffe://a/../b\"}]", "7:23 spec.subjects[0].spiffe", "a SPIFFE ID"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{key: abc}]", "7:20 spec.subjects[0].key", "the id of an API key"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{issuer: i, appRole: \"a*b\"}]", "7:35 spec.subjects[0].appRole", "one * at the end"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{issuer: i, serviceAccount: caller}]", "7:42 spec.subjects[0].serviceAccount",
        "NAMESPACE/NAME"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{issuer: i, mail: x}]", "7:26 spec.subjects[0].mail", "unknown key"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{members: true}]\n  valid: {notAfter: tomorrow}", "8:21 spec.valid.notAfter",
        "write RFC 3339"},
    Bad{"Grant", "  role: r\n  tenant: t\n  subjects: [{members: true}]\n  valid: {notBefore: 2027-01-01T00:00:00Z, notAfter: 2026-01-01T00:00:00Z}",
        "8:54 spec.valid.notAfter", "ends before it begins"},
};

constexpr std::array kPaths = {
    Bad{"Backend", "  endpoint: \"https://a.org\"\n  deployment: d", "5:3 spec.provider", "`provider` is missing"},
    Bad{"Backend", "  provider: oip\n  endpoint: \"https://a.org\"\n  deployment: d", "5:13 spec.provider", "not available in this build"},
    Bad{"Backend", "  provider: azureOpenAi\n  endpoint: \"https://a.org\"\n  deployment: d", "5:13 spec.provider", "did you mean `azureOpenAI`?"},
    Bad{"Backend", "  provider: azureOpenAI\n  endpoint: \"https://a.org\"\n  deployment: d", "5:3 spec.location.sku", "`sku` is missing"},
    Bad{"Backend", "  provider: azureOpenAI\n  endpoint: \"https://a.org\"\n  deployment: d\n  location: {sku: Standard}",
        "8:13 spec.location.region", "`region` is missing"},
    Bad{"Backend", "  provider: azureOpenAI\n  endpoint: \"https://a.org\"\n  deployment: d\n  location: {sku: standard, region: x}",
        "8:19 spec.location.sku", "did you mean `Standard`?"},
    Bad{"Backend", "  provider: azureOpenAI\n  endpoint: \"https://a.org\"\n  deployment: d\n  location: {sku: DataZoneStandard, region: japaneast}",
        "8:45 spec.location.region", "no known data zone"},
    Bad{"Backend", "  provider: azureOpenAI\n  endpoint: \"https://a.org/x\"\n  deployment: d\n  location: {sku: Standard, region: x}",
        "6:13 spec.endpoint", "has no path"},
    Bad{"Backend", "  provider: azureOpenAI\n  endpoint: \"https://a.org\"\n  deployment: a/b\n  location: {sku: Standard, region: x}",
        "7:15 spec.deployment", "an Azure deployment"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://u:p@a.org\"\n  deployment: d", "6:13 spec.endpoint", "user or password"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org?x=1\"\n  deployment: d", "6:13 spec.endpoint", "a query"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org#x\"\n  deployment: d", "6:13 spec.endpoint", "a fragment"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"http://a.org\"\n  deployment: d", "6:13 spec.endpoint", "network.mode loopback"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"http://127.0.0.1:1\"\n  deployment: d", "6:13 spec.endpoint",
        "needs network.mode loopback"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://10.0.0.1\"\n  deployment: d", "6:13 spec.endpoint",
        "an IP address is refused"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://0x7f.1\"\n  deployment: d", "6:13 spec.endpoint",
        "in a spelling that is refused"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"http://localhost:1\"\n  deployment: d\n  network: {mode: loopback}",
        "6:13 spec.endpoint", "an address in 127.0.0.0/8"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"simulator://azure\"\n  deployment: d", "6:13 spec.endpoint",
        "speaks azureOpenAI only"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org\"\n  deployment: d\n  apiVersion: v1", "8:15 spec.apiVersion",
        "only for azureOpenAI"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org\"\n  deployment: d\n  network: {mode: private}",
        "8:19 spec.network.mode", "not available in this build"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org\"\n  deployment: d\n  network: {cidrs: []}", "8:13 spec.network.cidrs",
        "not available in this build"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org\"\n  deployment: d\n  network: {tls: {min: 1.1}}",
        "8:24 spec.network.tls.min", "one of `1.2` `1.3`"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org\"\n  deployment: d\n  serves: {capabilities: [tools]}",
        "8:26 spec.serves.capabilities", "names no operation"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org\"\n  deployment: d\n  serves: {capabilities: [chat, chat]}",
        "8:33 spec.serves.capabilities[1]", "twice"},
    Bad{"Backend", "  provider: openAICompatible\n  endpoint: \"https://a.org\"\n  deployment: d\n  price: {}", "8:3 spec.price",
        "not available in this build"},
    Bad{"Model", "  runtime: {type: llamaServer}", "5:3 spec.versions", "`versions` is missing"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a.gguf}}]", "5:3 spec.runtime", "`runtime` is missing"},
    Bad{"Model", "  versions: [{name: v1, source: {oci: x}}]\n  runtime: {type: llamaServer}", "5:34 spec.versions[0].source.oci",
        "not available in this build"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a}, digest: \"sha256:AA\"}]\n  runtime: {type: llamaServer}", "5:52 spec.versions[0].digest",
        "64 lower-case hex"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a}}]\n  current: v2\n  runtime: {type: llamaServer}", "6:12 spec.current",
        "no version is named"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a}}, {name: v2, source: {file: b}}]\n  runtime: {type: llamaServer}", "5:3 spec.current",
        "several versions"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a}}, {name: v1, source: {file: b}}]\n  runtime: {type: llamaServer}",
        "5:52 spec.versions[1]", "twice"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a}}]\n  runtime: {type: vllm}", "6:19 spec.runtime.type", "not available in this build"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a}}]\n  runtime: {type: llamaServer, slots: 65}", "6:39 spec.runtime.slots",
        "expected 1 to 64"},
    Bad{"Model", "  versions: [{name: v1, source: {file: a}}]\n  runtime: {type: llamaServer}\n  placement: {gpus: 1}", "7:15 spec.placement.gpus",
        "not available in this build"},
};

constexpr std::array kRoutes = {
    Bad{"Route", "  dataClass: internal", "5:3 spec.candidates", "`candidates` is missing"},
    Bad{"Route", "  candidates: [{}]", "5:16 spec.candidates[0]", "exactly one of"},
    Bad{"Route", "  candidates: [{model: a, backend: b}]", "5:16 spec.candidates[0]", "exactly one of"},
    Bad{"Route", "  candidates: [{model: a}, {model: a}]", "5:28 spec.candidates[1]", "a candidate already"},
    Bad{"Route", "  candidates: [{model: a, weight: 1001}]", "5:35 spec.candidates[0].weight", "expected 0 to 1000"},
    Bad{"Route", "  candidates: [{model: a, weight: 0}]", "5:15 spec.candidates", "weight 0"},
    Bad{"Route", "  candidates: [{model: a, tier: 8}]", "5:33 spec.candidates[0].tier", "expected 0 to 7"},
    Bad{"Route", "  candidates: [{modle: a}]", "5:17 spec.candidates[0].modle", "did you mean `model`?"},
    Bad{"Route", "  candidates: [{model: a}]\n  aliases: [\"a b\"]", "6:13 spec.aliases[0]", "A-Z a-z 0-9"},
    Bad{"Route", "  candidates: [{model: a}]\n  operations: [chatt]", "6:16 spec.operations[0]", "did you mean `chat`?"},
    Bad{"Route", "  candidates: [{model: a}]\n  operations: []", "6:15 spec.operations", "expected at least 1"},
    Bad{"Route", "  candidates: [{model: a}]\n  constraints: {privateOnly: true}", "6:17 spec.constraints.privateOnly",
        "not available in this build"},
    Bad{"Route", "  candidates: [{model: a}]\n  constraints: {residency: [zone:de]}", "6:29 spec.constraints.residency[0]",
        "one of `region` `zone:us`"},
    Bad{"Route", "  candidates: [{model: a}]\n  balance: {objective: cheapest}", "6:24 spec.balance.objective", "not available in this build"},
    Bad{"Route", "  candidates: [{model: a}]\n  balance: {affinity: prefix}", "6:13 spec.balance.affinity", "not available in this build"},
    Bad{"Route", "  candidates: [{model: a}]\n  deadlines: {idle: 20s, total: 10s}", "6:21 spec.deadlines.idle", "longer than `total` (10s)"},
    Bad{"Route", "  candidates: [{model: a}]\n  retries: {attempts: 6}", "6:23 spec.retries.attempts", "expected 1 to 5"},
    Bad{"Route", "  candidates: [{model: a}]\n  retries: {hedge: true}", "6:13 spec.retries.hedge", "not available in this build"},
    Bad{"Route", "  candidates: [{model: a}]\n  output: {defaultMax: 10, max: 5}", "6:24 spec.output.defaultMax", "more than `max` (5)"},
    Bad{"Route", "  candidates: [{model: a}]\n  request: {allowFields: [a.b]}", "6:26 spec.request.allowFields", "no effect"},
    Bad{"Route", "  candidates: [{model: a}]\n  request: {forwardHeaders: [authorization]}", "6:30 spec.request.forwardHeaders[0]", "no identity"},
    Bad{"Route", "  candidates: [{model: a}]\n  request: {forwardHeaders: [a, b, c, d, e, f, g]}", "6:29 spec.request.forwardHeaders",
        "expected 0 to 6"},
    Bad{"Route", "  candidates: [{model: a}]\n  request: {pointers: {schemes: [data, https]}}", "6:33 spec.request.pointers.schemes",
        "can never match"},
    Bad{"Route", "  candidates: [{model: a}]\n  request: {pointers: {schemes: [file]}}", "6:34 spec.request.pointers.schemes[0]", "data or https"},
    Bad{"Route", "  candidates: [{model: a}]\n  cache: {mode: exact}", "6:3 spec.cache", "not available in this build"},
    Bad{"Route", "  candidates: [{model: a}]\n  guards: []", "6:3 spec.guards", "not available in this build"},
};

constexpr std::array kSecrets = {
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: 0123456789abcdef0123456789abcdef}", "7:17 spec.apiKey.key",
        "looks like a secret"},
    Bad{"Credential", "  type: apiKey\n  origins: [\"https://a.org\"]\n  apiKey: {key: {file: 0123456789abcdef0123456789abcdef}}",
        "7:24 spec.apiKey.key.file", "looks like a secret"},
    Bad{"Tenant", "  costCentre: sk-proj-aaaaaaaaaaaaaaaaaaaa", "5:15 spec.costCentre", "looks like a secret"},
    Bad{"Tenant", "  costCentre: wye_live_aaaaaaaaaaaaaaaa", "5:15 spec.costCentre", "looks like a secret"},
    Bad{"Tenant", "  costCentre: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdef", "5:15 spec.costCentre", "looks like a secret"},
    Bad{"Tenant", "  costCentre: |\n    -----BEGIN PRIVATE KEY-----\n    MIIE", "5:15 spec.costCentre", "looks like a secret"},
    Bad{"Tenant", "  sk-aaaaaaaaaaaaaaaaaaaaaaaa: x", "5:3 spec", "looks like a secret"},
};

void check(std::span<const Bad> table) {
  for (const Bad& bad : table) {
    const Loaded loaded = load_one(document(bad.kind, "x", bad.spec));
    EXPECT_FALSE(loaded.ok()) << bad.spec;
    EXPECT_TRUE(has_finding(loaded, bad.place, bad.says)) << bad.spec << "\nwanted " << bad.place << " " << bad.says << "\n" << all_findings(loaded);
  }
}

TEST(BadDocument, Gateway) { check(kGateway); }
TEST(BadDocument, TenantAndCredential) { check(kIdentity); }
TEST(BadDocument, Issuer) { check(kIssuers); }
TEST(BadDocument, Role) { check(kRoles); }
TEST(BadDocument, Grant) { check(kGrants); }

/// Tokens for these are meant for others: whoever has one, or is given one, could act here.
TEST(BadDocument, AudiencesOfOthersAreRefused) {
  for (const std::string_view audience :
       {"00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com", "https://graph.microsoft.com/", "HTTPS://GRAPH.MICROSOFT.COM",
        "https://graph.microsoft.com/.default", "https://graph.windows.net", "https://management.azure.com/", "https://management.core.windows.net/",
        "797f4846-ba00-4fd7-ba43-dac1f8f63013", "https://cognitiveservices.azure.com", "https://cognitiveservices.azure.com/.default",
        "7d312290-28c8-473c-a0ed-8e53749b6d6d", "https://ai.azure.com", "https://vault.azure.net", "api://AzureADTokenExchange"}) {
    const Loaded loaded = load_one(document("Issuer", "x", std::string(kEntra) + "  audiences: [good, \"" + std::string(audience) + "\"]"));
    EXPECT_TRUE(has_finding(loaded, "7:21 spec.audiences[1]", "could act here")) << audience << all_findings(loaded);
    EXPECT_EQ(loaded.findings.size(), 1u) << all_findings(loaded);
  }
  EXPECT_TRUE(load_one(document("Issuer", "x", std::string(kEntra) + "  audiences: [\"api://wye\"]")).ok());
}

TEST(BadDocument, BackendAndModel) { check(kPaths); }
TEST(BadDocument, Route) { check(kRoutes); }

TEST(BadDocument, ValuesThatLookLikeSecretsAreRefusedAndNeverQuoted) {
  check(kSecrets);
  for (const Bad& bad : kSecrets) {
    const std::string text = all_findings(load_one(document(bad.kind, "x", bad.spec)));
    for (const std::string_view secret : {"0123456789abcdef", "sk-proj", "sk-aaaa", "wye_live_a", "eyJ", "MIIE"})
      EXPECT_EQ(text.find(secret), std::string::npos) << text;
  }
}

TEST(BadDocument, LongTextIsRefusedAndShownShortened) {
  const Loaded loaded = load_one(document("Tenant", "x", "  costCentre: " + std::string(kLong)));
  EXPECT_TRUE(has_finding(loaded, "5:15 spec.costCentre", "longer than 64 characters")) << all_findings(loaded);
  const Loaded name = load_one(document("Tenant", std::string(64, 'a'), "  {}"));
  EXPECT_TRUE(has_finding(name, "3:18 metadata.name", "...\"")) << all_findings(name);
}

TEST(BadDocument, AllFindingsComeAtOnce) {
  const Loaded loaded = load_one(document("Gateway", "G", "  listeners: [{name: a, port: x}]\n  limits: {body: 1, total: 1}\n  hots: []"));
  EXPECT_EQ(loaded.findings.size(), 5u) << all_findings(loaded);
}

TEST(Messages, HaveTheShapeOfTheCommandLine) {
  const Loaded loaded = load_one(document("Route", "x", "  candidates: [{model: a, tier: 8}]"));
  EXPECT_EQ(to_text(loaded.findings[0]),
            "error: \"8\" is out of range; expected 0 to 7\n"
            "  at conf/a.yaml:5:33 spec.candidates[0].tier\n"
            "  help: choose a value in that range\n");
}

}  // namespace
}  // namespace wye::config
