#include "config/snapshot/snapshot.hpp"

#include <fstream>

#include "config/load/default_config.hpp"

namespace wye::config {
namespace {

std::string doc(std::string_view kind, std::string_view name, std::string_view spec) {
  return "apiVersion: wye.dev/v1alpha1\nkind: " + std::string(kind) + "\nmetadata: {name: " + std::string(name) + "}\nspec: " + std::string(spec) +
         "\n---\n";
}
Compiled compile_text(const std::string& text, const CompileOptions& options = {}) {
  const std::array files = {NamedText{"conf/a.yaml", text}};
  return compile(load_texts(files), options);
}
std::string gateway(std::string_view more = "") { return doc("Gateway", "g", "{listeners: [{name: a}]" + std::string(more) + "}"); }
std::string tenant(std::string_view name = "t", std::string_view spec = "{dataClassMax: restricted}") { return doc("Tenant", name, spec); }
std::string backend(std::string_view name, std::string_view more = "") {
  return doc("Backend", name,
             "{provider: openAICompatible, endpoint: \"https://" + std::string(name) + ".example.com/v1\", deployment: m" + std::string(more) + "}");
}
std::string route(std::string_view name, std::string_view candidates, std::string_view more = "") {
  return doc("Route", name, "{candidates: " + std::string(candidates) + std::string(more) + "}");
}
bool says(const Compiled& compiled, Severity severity, std::string_view path, std::string_view text) {
  return std::ranges::any_of(compiled.findings, [&](const Diagnostic& d) {
    return d.severity == severity && d.path == path && (d.what + "\n" + d.help).find(text) != std::string::npos;
  });
}

/// What `wye up` says of its own issuer.
std::shared_ptr<const token::LaptopIssuer> laptop() {
  return std::make_shared<const token::LaptopIssuer>(token::LaptopIssuer{"https://127.0.0.1:8082", "run/ca.crt"});
}

TEST(Snapshot, TheDefaultConfigurationCompilesUnderUpWithoutFindings) {
  const auto files = default_config("/models");
  const Compiled compiled = compile(load_texts(files), {.purpose = Purpose::kUp, .port = 9090, .laptop = laptop()});
  ASSERT_NE(compiled.snapshot, nullptr) << to_text(compiled.findings);
  EXPECT_TRUE(compiled.findings.empty()) << to_text(compiled.findings);
  const Snapshot& s = *compiled.snapshot;
  EXPECT_EQ(s.gateway().listeners[0].port, 9090);
  EXPECT_EQ(s.gateway().access_log, AccessLogTo::kFile);
  for (const std::string_view name : {"chat-local", "chat-managed", "embed-local"}) {
    const RouteEntry* found = s.find_route(name);
    ASSERT_NE(found, nullptr) << name;
    std::vector<route::Live> live(s.targets().size(), route::Live{route::Health::kLive, {}});
    route::Plan plan;
    route::Ask ask;
    if (name == "embed-local") ask.operation = Operation::kEmbeddings;
    EXPECT_EQ(route::decide(found->policy, s.find_tenant("local")->facts, ask, live, plan), route::Verdict::kPlanned) << name;
  }
  const TargetEntry& azure = s.target(s.find_route("chat-managed")->policy.candidates[0].id);
  EXPECT_TRUE(azure.endpoint.simulator() && azure.endpoint_is_live);
  EXPECT_EQ(azure.residency, Residency::kRegion);
  EXPECT_EQ(s.credentials()[static_cast<size_t>(azure.credential)].origins[0], "simulator://azure");
}

TEST(Snapshot, TheLaptopIssuerIsForUpAndForLoopback) {
  const std::string issuer = doc("Issuer", "laptop",
                                 "{type: entra, entra: {authority: \"laptop://issuer\", tenantIds: [11111111-1111-4111-8111-111111111111]}, "
                                 "audiences: [22222222-2222-4222-8222-222222222222]}");
  const std::string rest = tenant() + backend("x", ", dataClassMax: restricted") + route("r", "[{backend: x}]") + issuer;
  const std::string here = gateway() + rest;
  const std::string beyond = doc("Gateway", "g", "{listeners: [{name: a, address: 0.0.0.0, plaintext: true}], hosts: [ai.example.com]}") + rest;
  const Compiled good = compile_text(here, {.purpose = Purpose::kUp, .laptop = laptop()});
  ASSERT_NE(good.snapshot, nullptr) << to_text(good.findings);
  ASSERT_EQ(good.snapshot->issuers().size(), 1U);
  EXPECT_EQ(good.snapshot->issuers()[0]->accepted[0].iss.find("https://127.0.0.1:8082/"), 0U);
  EXPECT_EQ(compile_text(here, {.purpose = Purpose::kGateway}).snapshot, nullptr);
  EXPECT_TRUE(says(compile_text(beyond, {.purpose = Purpose::kUp, .laptop = laptop()}), Severity::kError, "spec.entra.authority", "loopback only"));
}

TEST(Snapshot, ListenersKnowTheProxiesThatTheyTrust) {
  const std::string tls = "tls: {certFile: a.crt, keyFile: a.key, clientCert: require, clientCaFile: ca.crt}";
  const Compiled compiled = compile_text(
      doc("Gateway", "g", "{listeners: [{name: a, trustedProxies: [10.1.0.0/16, \"2001:db8::/32\"], " + tls + "}, {name: b, port: 8443}]}") +
      tenant() + backend("x", ", dataClassMax: restricted") + route("r", "[{backend: x}]"));
  ASSERT_NE(compiled.snapshot, nullptr) << to_text(compiled.findings);
  const auto& listeners = compiled.snapshot->gateway().listeners;
  const auto trusts = [&](size_t i, std::string_view address) {
    return std::ranges::any_of(listeners[i].trusted_proxies, [&](const Cidr& network) { return network.contains(*IpAddress::parse(address)); });
  };
  EXPECT_TRUE(trusts(0, "10.1.2.3") && trusts(0, "2001:db8::1"));
  EXPECT_FALSE(trusts(0, "10.2.0.1") || trusts(0, "2001:db9::1") || trusts(0, "127.0.0.1"));
  EXPECT_TRUE(listeners[1].trusted_proxies.empty());
}

TEST(Snapshot, EverySampleLoadsAndCompiles) {
  size_t folders = 0;
  for (const auto& entry : std::filesystem::directory_iterator("deploy/samples")) {
    if (!entry.is_directory()) continue;
    ++folders;
    const std::array paths = {entry.path()};
    const Compiled compiled = compile(load_folder(paths), {.purpose = Purpose::kCheck});
    EXPECT_NE(compiled.snapshot, nullptr) << entry.path() << to_text(compiled.findings);
    EXPECT_TRUE(compiled.findings.empty()) << to_text(compiled.findings);
  }
  EXPECT_EQ(folders, 4u);
}

TEST(Snapshot, TheSimulatorLinesOfTheSampleAreRight) {
  std::ifstream in("deploy/samples/azure-and-local/paths.yaml");
  std::string text, line;
  while (std::getline(in, line)) {
    if (line.find("# simulator") == std::string::npos) {
      text += line + "\n";
      continue;
    }
    text.resize(text.rfind('\n', text.size() - 2) + 1);
    line.erase(line.find("# "), 2);
    text += line.substr(0, line.find("# simulator")) + "\n";
  }
  const std::array files = {NamedText{"a.yaml", text + "---\n" + gateway() + tenant()}};
  const Compiled compiled = compile(load_texts(files), {.purpose = Purpose::kCheck});
  ASSERT_NE(compiled.snapshot, nullptr) << to_text(compiled.findings);
  EXPECT_TRUE(compiled.snapshot->targets()[0].endpoint.simulator());
}

TEST(Snapshot, RoutesAreFoundByNameAndAlias) {
  const Compiled c = compile_text(gateway() + tenant() + backend("b", ", dataClassMax: restricted") +
                                  route("one", "[{backend: b}]", ", dataClass: internal, aliases: [\"org/model:v1\", gpt-4o]") +
                                  route("two", "[{backend: b}]", ", dataClass: internal"));
  ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
  EXPECT_EQ(c.snapshot->find_route("org/model:v1"), c.snapshot->find_route("one"));
  EXPECT_EQ(c.snapshot->find_route("gpt-4o")->name, "one");
  EXPECT_EQ(c.snapshot->find_route("two")->id, 1u);
  EXPECT_EQ(c.snapshot->find_route("One"), nullptr);
  EXPECT_EQ(c.snapshot->find_route(""), nullptr);
  EXPECT_EQ(c.snapshot->find_tenant("none"), nullptr);
  EXPECT_EQ(c.snapshot->find_route("two")->operations.size(), 5u);
}

TEST(Snapshot, TenantsInheritCeilingsAndRegions) {
  const Compiled c = compile_text(gateway() + tenant("top", "{dataClassMax: internal, regions: [x, y]}") +
                                  tenant("mid", "{parent: top, dataClassMax: internal}") + tenant("low", "{parent: mid, regions: [y]}"));
  ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
  const TenantEntry& mid = *c.snapshot->find_tenant("mid");
  EXPECT_FALSE(mid.facts.any_region);
  EXPECT_EQ(mid.facts.regions.size(), 2u);
  const TenantEntry& low = *c.snapshot->find_tenant("low");
  EXPECT_EQ(low.facts.data_class_max, DataClass::kPublic);
  EXPECT_EQ(low.facts.regions.size(), 1u);
  ASSERT_EQ(low.facts.lineage.size(), 3u);
  EXPECT_EQ(low.facts.lineage[0], low.id);
  EXPECT_EQ(low.facts.lineage[2], c.snapshot->find_tenant("top")->id);
}

TEST(Snapshot, PolicyThatCanNeverMatchIsAnError) {
  struct Case {
    std::string_view backend, route, tenants, says;
  };
  const std::array cases = {
      Case{"", "", "{dataClassMax: restricted}", "more secret than the target may see (Route restricted, target public"},
      Case{", dataClassMax: restricted", "", "{}", "more secret"},
      Case{", dataClassMax: internal", ", dataClass: internal, constraints: {regions: [x]}", "{dataClassMax: restricted}", "outside the regions"},
      Case{", dataClassMax: internal, location: {region: y}", ", dataClass: internal", "{dataClassMax: restricted, regions: [x]}",
           "outside the regions"},
      Case{", dataClassMax: internal", ", dataClass: internal, constraints: {residency: [region]}", "{dataClassMax: restricted}", "computed where"},
      Case{", dataClassMax: internal", ", dataClass: internal, constraints: {paths: [custom]}", "{dataClassMax: restricted}", "on a path"},
  };
  for (const Case& c : cases) {
    const Compiled compiled = compile_text(gateway() + tenant("t", c.tenants) + backend("b", c.backend) + route("r", "[{backend: b}]", c.route));
    EXPECT_EQ(compiled.snapshot, nullptr);
    EXPECT_TRUE(says(compiled, Severity::kError, "spec.candidates", c.says)) << c.route << to_text(compiled.findings);
    EXPECT_TRUE(says(compiled, Severity::kError, "spec.candidates", "policy that can never match"));
  }
  const Compiled nobody = compile_text(gateway() + backend("b", ", dataClassMax: restricted") + route("r", "[{backend: b}]"));
  EXPECT_TRUE(says(nobody, Severity::kError, "spec.candidates", "there is no tenant")) << to_text(nobody.findings);
}

TEST(Snapshot, OwnedModelsAnswerTheirTenantsOnly) {
  const std::string model =
      doc("Model", "m", "{tenant: a, versions: [{name: v, source: {file: f}}], runtime: {type: llamaServer}, dataClassMax: restricted}");
  const Compiled wrong =
      compile_text(gateway() + tenant("a") + tenant("b") + model + route("r", "[{model: m}]", ", dataClass: internal, constraints: {tenants: [b]}"));
  EXPECT_TRUE(says(wrong, Severity::kError, "spec.candidates", "belongs to another tenant")) << to_text(wrong.findings);
  const Compiled right = compile_text(gateway() + tenant("a") + tenant("b") + model + route("r", "[{model: m}]", ", dataClass: internal"));
  ASSERT_NE(right.snapshot, nullptr) << to_text(right.findings);
  EXPECT_EQ(right.snapshot->target(0).model_version, "v");
  const route::TenantFacts& b = right.snapshot->find_tenant("b")->facts;
  EXPECT_EQ(route::check_target(right.snapshot->find_route("r")->policy, b, {}, right.snapshot->find_route("r")->policy.candidates[0], {}),
            route::Reason::kTenantOwned);
}

TEST(Snapshot, WarnsOfWhatIsLegalAndDoubtful) {
  const Compiled c = compile_text(gateway() + tenant() + backend("b", ", dataClassMax: restricted") + backend("c") +
                                  route("r", "[{backend: b}, {backend: c}]", ", dataClass: confidential"));
  ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
  EXPECT_TRUE(says(c, Severity::kWarning, "spec.request.unknownFields", "unknownFields: refuse")) << to_text(c.findings);
  EXPECT_TRUE(says(c, Severity::kWarning, "spec.candidates[1]", "can never be chosen")) << to_text(c.findings);
  EXPECT_EQ(c.findings.size(), 2u);
}

TEST(Snapshot, OperationsAreWhatAllCandidatesCan) {
  const std::string both = backend("b", ", dataClassMax: restricted, serves: {capabilities: [chat, embeddings]}") +
                           backend("c", ", dataClassMax: restricted, serves: {capabilities: [chat, completions]}");
  const Compiled c = compile_text(gateway() + tenant() + both + route("r", "[{backend: b}, {backend: c}]", ", dataClass: internal"));
  ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
  EXPECT_EQ(c.snapshot->find_route("r")->operations, (EnumSet<Operation>{Operation::kChat, Operation::kResponses}));
  const Compiled never = compile_text(gateway() + tenant() + both + route("r", "[{backend: b}]", ", dataClass: internal, operations: [moderations]"));
  EXPECT_TRUE(says(never, Severity::kError, "spec.operations", "`moderations`")) << to_text(never.findings);
}

TEST(Snapshot, DeadlinesStayWithinTheGateways) {
  const std::string base = gateway(", limits: {total: 30s}") + tenant() + backend("b", ", dataClassMax: restricted");
  const Compiled c = compile_text(base + route("r", "[{backend: b}]", ", dataClass: internal, output: {max: 100}"));
  ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
  EXPECT_EQ(c.snapshot->routes()[0].deadlines.total, std::chrono::seconds(30));
  EXPECT_EQ(c.snapshot->routes()[0].deadlines.idle, std::chrono::seconds(30));
  EXPECT_EQ(c.snapshot->routes()[0].output.default_max, 100u);
  const Compiled over = compile_text(base + route("r", "[{backend: b}]", ", dataClass: internal, deadlines: {total: 31s}"));
  EXPECT_TRUE(says(over, Severity::kError, "spec.deadlines.total", "limits.total (30s)")) << to_text(over.findings);
}

TEST(Snapshot, ABackendThatIsOurselvesIsAnError) {
  const auto at = [](std::string_view endpoint, std::string_view network, std::string_view listener) {
    return compile_text(
        doc("Gateway", "g", "{hosts: [ai.example.com], listeners: [" + std::string(listener) + "]}") + tenant() +
        doc("Backend", "b", "{provider: openAICompatible, deployment: m, endpoint: \"" + std::string(endpoint) + "\"" + std::string(network) + "}"));
  };
  constexpr std::string_view kLoopback = ", network: {mode: loopback}";
  constexpr std::string_view kAny = "{name: a, address: 0.0.0.0, plaintext: true}";
  const auto own = [&](const Compiled& c) { return says(c, Severity::kError, "spec.endpoint", "it would call itself"); };
  EXPECT_TRUE(own(at("http://127.0.0.1:8080/v1", kLoopback, "{name: a}")));
  EXPECT_TRUE(own(at("http://127.0.0.1:8081/v1", kLoopback, "{name: a}")));  // admin
  EXPECT_TRUE(own(at("http://127.0.0.1:8080/v1", kLoopback, kAny)));
  EXPECT_TRUE(own(at("https://localhost:8080", "", "{name: a}")));
  EXPECT_TRUE(own(at("https://ai.example.com", "", kAny)));
  EXPECT_FALSE(own(at("http://127.0.0.1:9000/v1", kLoopback, kAny)));
  EXPECT_FALSE(own(at("http://127.0.0.1:8080/v1", kLoopback, "{name: a, address: \"::1\"}")));
  EXPECT_FALSE(own(at("https://other.example.com", "", kAny)));
}

TEST(Snapshot, TheGatewayIsChosenByName) {
  const std::string two = doc("Gateway", "a", "{listeners: [{name: x, port: 1}]}") + doc("Gateway", "b", "{listeners: [{name: x, port: 2}]}");
  EXPECT_EQ(compile_text(two).snapshot, nullptr);
  EXPECT_EQ(compile_text(two, {.gateway = "c"}).snapshot, nullptr);
  ASSERT_NE(compile_text(two, {.gateway = "b"}).snapshot, nullptr);
  EXPECT_EQ(compile_text(two, {.gateway = "b"}).snapshot->gateway().listeners[0].port, 2);
  EXPECT_EQ(compile_text(tenant()).findings.at(0).what, "there is no Gateway");
}

TEST(Snapshot, TheSimulatorExistsUnderUpOnly) {
  const std::string text =
      gateway() + tenant() +
      doc("Backend", "b", "{provider: azureOpenAI, endpoint: \"simulator://azure\", deployment: d, location: {sku: Standard, region: x}}");
  EXPECT_EQ(compile_text(text, {.purpose = Purpose::kGateway}).snapshot, nullptr);
  EXPECT_NE(compile_text(text, {.purpose = Purpose::kUp}).snapshot, nullptr);
  EXPECT_NE(compile_text(text, {.purpose = Purpose::kCheck}).snapshot, nullptr);
}

TEST(Snapshot, ResidencyFollowsFromSkuAndPlace) {
  const auto residency = [](std::string_view sku, std::string_view region) {
    const Compiled c = compile_text(
        gateway() + doc("Backend", "b",
                        "{provider: azureOpenAI, endpoint: \"https://a.openai.azure.com\", deployment: d, location: {sku: " + std::string(sku) +
                            ", region: " + std::string(region) + "}}"));
    return c.snapshot == nullptr ? Residency::kNone : c.snapshot->target(0).residency;
  };
  EXPECT_EQ(residency("Standard", "japaneast"), Residency::kRegion);
  EXPECT_EQ(residency("ProvisionedManaged", "x"), Residency::kRegion);
  EXPECT_EQ(residency("DataZoneStandard", "swedencentral"), Residency::kZoneEu);
  EXPECT_EQ(residency("DataZoneProvisionedManaged", "eastus2"), Residency::kZoneUs);
  EXPECT_EQ(residency("GlobalStandard", "swedencentral"), Residency::kGlobal);
  EXPECT_EQ(residency("DeveloperTier", "swedencentral"), Residency::kGlobal);
  EXPECT_EQ(residency("DataZoneBatch", "japaneast"), Residency::kNone);  // refused
}

TEST(Snapshot, HostsAndVersionsAreMatched) {
  const Compiled c = compile_text(doc("Gateway", "g", "{listeners: [{name: a}], hosts: [AI.example.com, \"*.example.org\", \"[::1]\"]}"));
  ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
  const GatewaySettings& g = c.snapshot->gateway();
  for (const std::string_view host : {"ai.example.com", "x.example.org", "[::1]"}) EXPECT_TRUE(g.serves_host(host)) << host;
  for (const std::string_view host : {"", "example.org", ".example.org", "a.b.example.org", "xexample.org", "ai.example.com.evil.org", "localhost"}) {
    EXPECT_FALSE(g.serves_host(host)) << host;
  }
  EXPECT_TRUE(g.serves_api_version("2024-10-21"));
  EXPECT_FALSE(g.serves_api_version("2024-10-2"));
  EXPECT_TRUE(compile_text(gateway()).snapshot->gateway().serves_host("127.0.0.1"));
}

TEST(SnapshotDigest, IsOfTheMeaningNotOfTheSpelling) {
  const auto digest = [](const std::string& text, std::string_view file) {
    const std::array files = {NamedText{std::string(file), text}};
    return compile(load_texts(files), {}).snapshot->digest();
  };
  const std::string a = gateway() + tenant() + doc("Model", "m", "{versions: [{name: v, source: {file: f}}], runtime: {type: llamaServer}}");
  const std::string b = "# another order, defaults written out, quotes\n" +
                        doc("Model", "m", "{runtime: {slots: 4, type: \"llamaServer\"}, versions: [{source: {file: 'f'}, name: v}]}") + tenant() +
                        gateway(", admin: {port: 8081}");
  EXPECT_EQ(digest(a, "x/a.yaml"), digest(b, "y/b.yaml"));
  EXPECT_TRUE(digest(a, "x").starts_with("sha256:"));
  EXPECT_EQ(digest(a, "x").size(), 71u);
  EXPECT_NE(digest(a, "x"), digest(gateway(", limits: {streams: 1}") + tenant(), "x"));
}

TEST(SnapshotDigest, EveryChangedFieldChangesIt) {
  const std::string base = gateway() + tenant() + backend("b", ", dataClassMax: restricted");
  std::set<std::string> seen;
  for (const std::string_view more :
       {", dataClass: internal", ", dataClass: public", ", dataClass: internal, aliases: [x]", ", dataClass: internal, retries: {attempts: 2}",
        ", dataClass: internal, request: {lenient: true}", ", dataClass: internal, output: {max: 2000}"}) {
    const Compiled c = compile_text(base + route("r", "[{backend: b}]", more));
    ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
    EXPECT_TRUE(seen.insert(c.snapshot->digest()).second) << more;
  }
}

TEST(Snapshot, LoadErrorsEndIt) {
  const Compiled c = compile_text("kind: Tenent\n");
  EXPECT_EQ(c.snapshot, nullptr);
  EXPECT_EQ(c.findings.size(), 1u);
}

}  // namespace
}  // namespace wye::config
