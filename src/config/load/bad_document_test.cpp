#include "config/load/test_bad_documents.hpp"

namespace wye::config {
namespace {

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
    Bad{"Gateway",
        "  listeners:\n    - {name: a, tls: {certFile: a, keyFile: b, clientCert: request, clientCaFile: c}, trustedProxies: [10.0.0.0/8]}",
        "6:103 spec.listeners[0].trustedProxies", "over mutual TLS only"},
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

TEST(BadDocument, Gateway) { check(kGateway); }
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
