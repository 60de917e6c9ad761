#include "config/load/test_bad_documents.hpp"

namespace wye::config {
namespace {

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

}  // namespace
}  // namespace wye::config
