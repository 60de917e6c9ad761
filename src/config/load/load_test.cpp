#include <unistd.h>

#include <fstream>
#include <sstream>

#include "config/kinds/canonical.hpp"
#include "config/kinds/field_tree.hpp"
#include "config/load/default_config.hpp"
#include "config/load/endpoint.hpp"
#include "config/load/nearest.hpp"
#include "config/load/secret_shape.hpp"
#include "config/load/test_documents.hpp"
#include "config/load/test_full_document.hpp"
#include "config/load/yaml.hpp"

namespace wye::config {
namespace {

TEST(Load, EveryIdentityFieldArrives) {
  const Loaded loaded = load_one(std::string(kFull));
  ASSERT_TRUE(loaded.ok()) << all_findings(loaded);
  const Resources& r = loaded.resources;
  ASSERT_EQ(r.issuers.size(), 5u);  // sorted by name: aks corp devices mesh okta
  EXPECT_TRUE(r.issuers[0].spec.kubernetes->allow_unbound_pod);
  const Issuer& corp = r.issuers[1].spec;
  EXPECT_EQ(corp.entra->versions, std::vector{EntraVersion::kV2});
  EXPECT_EQ(corp.effective_algorithms(), (std::vector{TokenAlgorithm::kRs256, TokenAlgorithm::kPs256}));
  EXPECT_EQ(corp.effective_max_lifetime(), std::chrono::hours(26));
  EXPECT_EQ(corp.tokens.skew.count(), 0);
  EXPECT_EQ(r.issuers[2].spec.x509->identity, X509Identity::kDnsSan);
  EXPECT_EQ(r.issuers[3].spec.effective_algorithms().size(), 9u);
  EXPECT_EQ(r.issuers[3].spec.effective_max_lifetime(), std::chrono::hours(24));
  EXPECT_EQ(r.issuers[4].spec.effective_algorithms(), std::vector{TokenAlgorithm::kRs256});
  EXPECT_EQ(Issuer{}.effective_max_lifetime(), std::chrono::hours(29));
  const Role& role = r.roles.at(0).spec;
  EXPECT_EQ(role.rules[0].actions, (ActionSet{Action::kChatCreate, Action::kModelsList, Action::kConfigRead}));
  EXPECT_EQ(role.rules[1].actions, ActionSet::all());
  EXPECT_EQ(role.rules[0].conditions.claims.at("department").size(), 2u);
  EXPECT_EQ(role.rules[0].conditions.time_window->days, (EnumSet<Weekday>{Weekday::kMonday, Weekday::kFriday}));
  const Grant& grant = r.grants.at(0).spec;
  EXPECT_EQ(grant.subjects[3].form(), Subject::Form::kSpiffe);
  EXPECT_EQ(rfc3339(*grant.valid.not_after), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(r.tenants.at(0).spec.members[1].text(), "team-a/*");
  EXPECT_EQ(r.gateways.at(0).spec.auth.proof_of_possession, ProofOfPossession::kRequire);
  EXPECT_EQ(r.gateways[0].spec.listeners[1].tls->client_cert, ClientCert::kRequire);
}

TEST(Load, EveryFieldArrives) {
  const Loaded loaded = load_one(std::string(kFull));
  ASSERT_TRUE(loaded.ok()) << all_findings(loaded);
  const Resources& r = loaded.resources;
  const Route& route = r.routes.at(0).spec;
  EXPECT_EQ(r.routes[0].labels.at("team"), "a");
  EXPECT_EQ(route.aliases[1], "org/model:v1");
  EXPECT_EQ(route.operations, (EnumSet<Operation>{Operation::kChat, Operation::kResponses}));
  EXPECT_EQ(route.candidates[0].weight, 3u);
  EXPECT_EQ(route.constraints.residency, (EnumSet<Residency>{Residency::kRegion, Residency::kZoneEu}));
  EXPECT_EQ(route.deadlines.idle, std::chrono::milliseconds(250));
  EXPECT_EQ(route.request.pointers.schemes.size(), 2u);
  EXPECT_EQ(r.backends.at(0).spec.network.tls.ca_file.resolved, (std::filesystem::current_path() / "ca.crt").string());
  EXPECT_EQ(r.models.at(0).spec.versions[0].source.file.resolved, (std::filesystem::current_path() / "conf/models/legal.gguf").string());
  EXPECT_EQ(r.models.at(0).spec.versions[1].source.file.resolved, "/m/legal.gguf");
  EXPECT_EQ(r.models.at(0).spec.placement.memory, 8_GiB);
  EXPECT_EQ(r.gateways.at(0).spec.access_log.to, AccessLogTo::kOff);
  EXPECT_TRUE(r.gateways.at(0).spec.api_versions.azure.empty());
  EXPECT_EQ(r.gateways.at(0).spec.limits.total, std::chrono::hours(1));
  EXPECT_TRUE(r.routes[0].source.wrote("spec.deadlines.total"));
  EXPECT_FALSE(r.models[0].source.wrote("spec.versions[0].digest"));
}

/// The canonical form is itself a document: loading it again changes nothing.
TEST(Load, CanonicalFormIsAFixedPoint) {
  const Loaded first = load_one(std::string(kFull));
  const auto again = [&]<class Spec>(const std::vector<Document<Spec>>& documents) {
    for (const auto& d : documents) {
      const std::string text = canonical_json(d.spec);
      Diagnostics findings;
      const std::array files = {NamedText{"conf/a.yaml", document(Spec::kKind, d.name, "  " + text)}};
      const Loaded second = load_texts(files);
      // References lead nowhere in a document alone; nothing else may be found.
      for (const Diagnostic& f : second.findings)
        EXPECT_TRUE(f.what.find("is named") + 1 != 0 || f.what.find("no caller") + 1 != 0) << to_text(f) << text;
      const auto& list = [&]() -> const std::vector<Document<Spec>>& {
        if constexpr (std::is_same_v<Spec, Gateway>) return second.resources.gateways;
        if constexpr (std::is_same_v<Spec, Issuer>) return second.resources.issuers;
        if constexpr (std::is_same_v<Spec, Role>) return second.resources.roles;
        if constexpr (std::is_same_v<Spec, Grant>) return second.resources.grants;
        if constexpr (std::is_same_v<Spec, Tenant>) return second.resources.tenants;
        if constexpr (std::is_same_v<Spec, Credential>) return second.resources.credentials;
        if constexpr (std::is_same_v<Spec, Backend>) return second.resources.backends;
        if constexpr (std::is_same_v<Spec, Model>) return second.resources.models;
        if constexpr (std::is_same_v<Spec, Route>) return second.resources.routes;
      }();
      ASSERT_EQ(list.size(), 1u);
      EXPECT_EQ(canonical_json(list[0].spec), text);
    }
  };
  again(first.resources.gateways);
  again(first.resources.issuers);
  again(first.resources.roles);
  again(first.resources.grants);
  again(first.resources.tenants);
  again(first.resources.credentials);
  again(first.resources.backends);
  again(first.resources.models);
  again(first.resources.routes);
}

/// Writes each default of the schema into a document; `required` gives the keys that have none.
std::string with_defaults(const YamlNode& schema, const std::map<std::string, std::string, std::less<>>& required, const std::string& path);
std::string value_text(const YamlNode& node) {
  std::string out;
  if (node.kind == YamlNode::Kind::kScalar && !node.quoted) return node.text;
  if (node.kind == YamlNode::Kind::kScalar) {
    append_json_string(out, node.text);
    return out;
  }
  for (const YamlMember& m : node.members) out += (out.empty() ? "" : ",") + value_text(m.value);
  return "[" + out + "]";
}
std::string with_defaults(const YamlNode& schema, const std::map<std::string, std::string, std::less<>>& required, const std::string& path) {
  std::string out;
  for (const YamlMember& property : schema.find("properties")->value.members) {
    const std::string inner = path.empty() ? property.key : path + "." + property.key;
    std::string text;
    if (const auto it = required.find(inner); it != required.end()) text = it->second;
    else if (const YamlMember* value = property.value.find("default")) text = value_text(value->value);
    else if (property.value.find("properties") != nullptr && property.value.find("required") == nullptr)
      text = with_defaults(property.value, required, inner);
    if (!text.empty() && text != "{}") out += (out.empty() ? "" : ",") + ("\"" + property.key + "\":" + text);
  }
  return "{" + out + "}";
}

TEST(Schema, DefaultsAreThoseOfTheStructs) {
  const std::map<std::string, std::map<std::string, std::string, std::less<>>> required = {
      {"Gateway", {{"listeners", R"([{"name":"a"}])"}}},
      {"Tenant", {}},
      {"Issuer", {{"type", R"("x509")"}, {"x509", R"({"caFile":"ca.crt"})"}}},
      {"Role", {{"rules", R"([{"effect":"deny","actions":["*"],"resources":["route:*"]}])"}}},
      {"Grant", {{"role", R"("r")"}, {"tenant", R"("t")"}, {"subjects", R"([{"members":true}])"}}},
      {"Credential", {{"type", R"("apiKey")"}, {"origins", R"(["https://a.org"])"}, {"apiKey", R"({"key":{"env":"K"}})"}, {"managedIdentity", ""}}},
      {"Backend",
       {{"provider", R"("azureOpenAI")"},
        {"endpoint", R"("https://a.org")"},
        {"deployment", R"("d")"},
        {"location.sku", R"("Standard")"},
        {"location.region", R"("x")"}}},
      {"Model",
       {{"versions", R"([{"name":"v","source":{"file":"f"}}])"}, {"runtime.type", R"("llamaServer")"}, {"runtime", R"({"type":"llamaServer"})"}}},
      {"Route", {{"candidates", R"([{"model":"m"}])"}}}};
  for_each_kind([&]<class Spec>() {
    Diagnostics findings;
    const auto parsed = parse_yaml({"schema", json_schema(Spec::kKind)}, {}, findings);
    ASSERT_TRUE(findings.empty()) << to_text(findings);
    const YamlNode& spec = parsed.at(0).find("properties")->value.find("spec")->value;
    const auto& needs = required.at(std::string(Spec::kKind));
    std::string minimal;
    for (const auto& [key, value] : needs) {
      if (key.find('.') == std::string::npos && !value.empty()) minimal += (minimal.empty() ? "" : ",") + ("\"" + key + "\":" + value);
    }
    if (Spec::kKind == "Backend") minimal += R"(,"location":{"sku":"Standard","region":"x"})";
    const auto canonical = [&](const std::string& text) {
      const Loaded loaded = load_one(document(Spec::kKind, "x", "  " + text));
      for (const Diagnostic& f : loaded.findings) EXPECT_NE(f.what.find("is named"), std::string::npos) << to_text(f) << text;
      std::string out;
      const auto take = [&](const auto& documents) {
        for (const auto& d : documents) out += canonical_json(d.spec);
      };
      take(loaded.resources.gateways), take(loaded.resources.tenants), take(loaded.resources.credentials);
      take(loaded.resources.issuers), take(loaded.resources.roles), take(loaded.resources.grants);
      take(loaded.resources.backends), take(loaded.resources.models), take(loaded.resources.routes);
      return out;
    };
    const std::string written = with_defaults(spec, needs, "");
    EXPECT_GE(written.size(), minimal.size());
    EXPECT_EQ(canonical("{" + minimal + "}"), canonical(written)) << written;
  });
}

TEST(LoadFolder, ReadsRecursivelyInOrderAndSkipsHidden) {
  const auto folder = std::filesystem::temp_directory_path() / ("wye-load-test-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "sub");
  std::filesystem::create_directories(folder / "..old");
  const auto write = [&](const char* name, std::string_view text) { std::ofstream(folder / name) << text; };
  write("b.yaml", document("Tenant", "b", "  {}"));
  write("sub/a.yml", document("Tenant", "a", "  {}"));
  write("..old/a.yaml", document("Tenant", "a", "  {}"));
  write("notes.txt", "not yaml: [");
  const std::array paths = {folder};
  const Loaded loaded = load_folder(paths);
  EXPECT_TRUE(loaded.ok()) << all_findings(loaded);
  EXPECT_EQ(loaded.resources.tenants.size(), 2u);
  const std::array one = {folder / "b.yaml"};
  EXPECT_EQ(load_folder(one).resources.tenants.size(), 1u);
  const std::array missing = {folder / "none"};
  EXPECT_EQ(load_folder(missing).findings.at(0).what, "no such file or folder");
  const std::array empty = {folder / "sub/.." / "..old/none"};
  EXPECT_FALSE(load_folder(empty).ok());
  std::filesystem::create_directories(folder / "bare");
  const std::array bare = {folder / "bare"};
  EXPECT_EQ(load_folder(bare).findings.at(0).what, "the folder has no .yaml or .yml file");
  const std::array device = {std::filesystem::path("/dev/null")};
  EXPECT_EQ(load_folder(device).findings.at(0).what, "neither a file nor a folder");
  write("big.yaml", std::string((4 << 20) + 6, '#'));
  const Loaded big = load_folder(paths);
  ASSERT_EQ(big.findings.size(), 1u);
  EXPECT_EQ(big.findings[0].what, "the file is larger than 4MiB");
  std::filesystem::remove_all(folder);
}

TEST(DefaultConfig, LoadsWithoutFindings) {
  const auto files = default_config("/artefacts/mo\"dels");
  const Loaded loaded = load_texts(files);
  EXPECT_TRUE(loaded.findings.empty()) << all_findings(loaded);
  EXPECT_EQ(loaded.resources.routes.size(), 3u);
  EXPECT_EQ(loaded.resources.models.size(), 2u);
  EXPECT_EQ(loaded.resources.backends.at(0).spec.deployment, kDefaultDeployment);
  EXPECT_EQ(loaded.resources.models[0].spec.versions[0].source.file.resolved, "/artefacts/mo\"dels/all-minilm-l6-v2-f16.gguf");
}

TEST(DefaultConfig, TheCommentedLinesForARealResourceAreRight) {
  auto files = default_config("/m");
  std::string real;
  std::istringstream lines(files[0].text);
  for (std::string line, last; std::getline(lines, line);) {
    if (const size_t hash = line.find("# "); hash != std::string::npos && line.ends_with("# real")) {
      real.resize(real.size() - last.size() - 1);  // the line that it stands for
      line.erase(hash, 2);
      line.resize(line.find("# real"));
    }
    real += line + "\n";
    last = line;
  }
  for (size_t at; (at = real.find("YOUR-RESOURCE")) != std::string::npos;) real.replace(at, 13, "contoso");
  files[0].text = real;
  const Loaded loaded = load_texts(files);
  EXPECT_TRUE(loaded.findings.empty()) << all_findings(loaded) << real;
  EXPECT_EQ(loaded.resources.backends.at(0).spec.endpoint, "https://contoso.openai.azure.com");
  EXPECT_EQ(loaded.resources.credentials.at(0).spec.api_key->key.file.written, "../secrets/azure.key");
}

TEST(Endpoints, TakesApartWhatIsAllowed) {
  const auto full = parse_endpoint("https://Contoso.OpenAI.azure.com:8443/openai/v1/");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->host, "contoso.openai.azure.com");
  EXPECT_EQ(full->port, 8443);
  EXPECT_EQ(full->base_path, "/openai/v1");
  EXPECT_EQ(full->origin(), "https://contoso.openai.azure.com:8443");
  EXPECT_EQ(parse_endpoint("https://a.org")->origin(), "https://a.org");
  EXPECT_EQ(parse_endpoint("http://[0:0::1]:80/")->origin(), "http://[::1]");
  EXPECT_TRUE(parse_endpoint("http://127.8.9.1")->loopback());
  EXPECT_TRUE(parse_endpoint("simulator://azure")->simulator());
}

TEST(Endpoints, RefusesTricks) {
  for (const std::string_view url : {"",
                                     "https://",
                                     "https:///x",
                                     "ftp://a.org",
                                     "HTTPS://a.org",
                                     "https://a.org:0",
                                     "https://a.org:65536",
                                     "https://a.org:",
                                     "https://a.org:08",
                                     "https://a.org:+1",
                                     "https://a.org.",
                                     "https://.a.org",
                                     "https://a..org",
                                     "https://-a.org",
                                     "https://a-.org",
                                     "https://a_b.org",
                                     "https://user@a.org",
                                     "https://a.org@b.org",
                                     "https://a.org\\@b.org",
                                     "https://a.org?x",
                                     "https://a.org#x",
                                     "https://a.org/%2e%2e",
                                     "https://a.org/../x",
                                     "https://a.org/x//y",
                                     "https://a.org/x y",
                                     "https://0177.0.0.1",
                                     "https://0x7f000001",
                                     "https://2130706433",
                                     "https://127.1",
                                     "https://1.2.3.4.5",
                                     "https://1.2.3.0x4",
                                     "https://1.2.3.256",
                                     "https://[::1",
                                     "https://::1",
                                     "https://[::1%25eth0]",
                                     "https://[::1]x",
                                     "https://[1.2.3.4]",
                                     "https://b\xC3\xBC"
                                     "cher.org",
                                     "simulator://azure/",
                                     "simulator://other",
                                     "https://a.org\n",
                                     " https://a.org"}) {
    EXPECT_FALSE(parse_endpoint(url)) << url;
  }
  EXPECT_FALSE(parse_endpoint("https://" + std::string(254, 'a')));
  EXPECT_FALSE(parse_endpoint("https://a.org/" + std::string(2000, 'a')));
  EXPECT_FALSE(is_loopback("::ffff:127.0.0.1"));
  EXPECT_FALSE(is_loopback("128.0.0.1"));
}

TEST(Nearest, FindsSlipsAndNothingElse) {
  constexpr std::array<std::string_view, 5> kNames = {"listeners", "admin", "hosts", "limits", "accessLog"};
  EXPECT_EQ(nearest("listner", kNames), "listeners");
  EXPECT_EQ(nearest("accesslog", kNames), "accessLog");
  EXPECT_EQ(nearest("hsots", kNames), "hosts");
  EXPECT_EQ(nearest("x", kNames), "");
  EXPECT_EQ(nearest("completelyDifferent", kNames), "");
  EXPECT_EQ(nearest(std::string(5000, 'a'), kNames), "");
  EXPECT_EQ(shown("a\nb"), "\"a b\"");
  EXPECT_EQ(shown(std::string(59, 'a') + "\xC3\xA4"), "\"" + std::string(59, 'a') + "...\"");
}

TEST(SecretShape, KnowsKeysAndSparesNames) {
  for (const std::string_view value :
       {"sk-abcdefghijklmnopqrst", "use sk-abcdefghijklmnopqrst now", "wye_live_12345678", "x?sv=1&sig=abcdefghijklmnopqrstuvwx%3D",
        "-----BEGIN RSA PRIVATE KEY-----", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig"}) {
    EXPECT_TRUE(looks_like_secret(value, false)) << value;
  }
  EXPECT_TRUE(looks_like_secret("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3", true));
  for (const std::string_view value :
       {"task-force-planning-notes-of-the-team", "../secrets/azure-openai-production.key", "AZURE_OPENAI_PRODUCTION_API_KEY_1",
        "/run/secrets/0123456789abcdef0123456789abcdef", "https://contoso.openai.azure.com", "-----BEGIN CERTIFICATE-----"}) {
    EXPECT_FALSE(looks_like_secret(value, true)) << value;
  }
  EXPECT_FALSE(looks_like_secret("0123456789abcdef0123456789abcdef", false));
}

TEST(PlainScalars, WhatYamlReadsAsSomethingElse) {
  for (const std::string_view text : {"",    "~",  "null", "Yes",    "OFF",  "true", "0",   "-1",        "+1",   "007",   "1_000",
                                      "1.5", ".5", "1e3",  "1.5E-3", "0x1F", "0o17", "0b1", "190:20:30", ".inf", "-.INF", ".nan"}) {
    EXPECT_TRUE(plain_is_not_text(text)) << text;
  }
  for (const std::string_view text :
       {"a", "1a", "v1", "2024-10-21", "gpt-4o", "1.2.3", "127.0.0.1", "30s", "-", "+", ".", "0x", "0xg", "e3", "1e", "4GiB", "::1"}) {
    EXPECT_FALSE(plain_is_not_text(text)) << text;
  }
}

}  // namespace
}  // namespace wye::config
