#include "config/load/test_documents.hpp"

namespace wye::config {
namespace {

std::string tenant(std::string_view name, std::string_view spec) { return document("Tenant", name, spec) + "---\n"; }

TEST(Relations, DanglingReferencesNameTheNearest) {
  const Loaded loaded = load_one(
      document("Model", "legal-8b", "  versions: [{name: v, source: {file: a}}]\n  runtime: {type: llamaServer}\n  tenant: teem-a") + "---\n" +
      document("Tenant", "team-a", "  parent: gone") + "---\n" + document("Route", "chat", "  candidates: [{model: legal-8}, {backend: azure}]"));
  EXPECT_TRUE(has_finding(loaded, "7:11 spec.tenant", "did you mean \"team-a\"?")) << all_findings(loaded);
  EXPECT_TRUE(has_finding(loaded, "13:11 spec.parent", "no Tenant is named \"gone\"")) << all_findings(loaded);
  EXPECT_TRUE(has_finding(loaded, "19:24 spec.candidates[0].model", "did you mean \"legal-8b\"?")) << all_findings(loaded);
  EXPECT_TRUE(has_finding(loaded, "19:44 spec.candidates[1].backend", "there is no Backend at all")) << all_findings(loaded);
}

TEST(Relations, DuplicateNamesNameBothPlaces) {
  const std::array files = {NamedText{"a.yaml", document("Tenant", "t", "  {}")}, NamedText{"b.yaml", document("Tenant", "t", "  {}")}};
  const Loaded loaded = load_texts(files);
  ASSERT_EQ(loaded.findings.size(), 1u) << all_findings(loaded);
  EXPECT_EQ(to_text(loaded.findings[0]),
            "error: there are two of Tenant \"t\"\n  at b.yaml:3:18 metadata.name\n  help: the first is at a.yaml:3:18\n");
  EXPECT_TRUE(load_one(document("Tenant", "t", "  {}") + "---\n" +
                       document("Model", "t", "  versions: [{name: v, source: {file: a}}]\n  runtime: {type: llamaServer}"))
                  .ok());
}

TEST(Relations, AliasesAreUniqueOverAllRoutes) {
  const std::string model = document("Model", "m", "  versions: [{name: v, source: {file: a}}]\n  runtime: {type: llamaServer}") + "---\n";
  const auto route = [](std::string_view name, std::string_view aliases) {
    return document("Route", name, "  candidates: [{model: m}]\n  aliases: " + std::string(aliases)) + "---\n";
  };
  EXPECT_TRUE(load_one(model + route("a", "[x, y]") + route("b", "[z]")).ok());
  const Loaded twice = load_one(model + route("a", "[x]") + route("b", "[x]"));
  EXPECT_TRUE(has_finding(twice, "20:13 spec.aliases[0]", "conf/a.yaml:13:13")) << all_findings(twice);
  const Loaded other = load_one(model + route("a", "[b]") + route("b", "[x]"));
  EXPECT_TRUE(has_finding(other, "13:13 spec.aliases[0]", "taken by another Route")) << all_findings(other);
  const Loaded own = load_one(model + route("a", "[a]"));
  EXPECT_TRUE(has_finding(own, "13:13 spec.aliases[0]", "the Route itself")) << all_findings(own);
}

TEST(Relations, TenantsNarrowAndFormNoCycle) {
  EXPECT_TRUE(
      load_one(tenant("a", "  dataClassMax: internal\n  regions: [x, y]") + tenant("b", "  parent: a\n  dataClassMax: internal\n  regions: [x]"))
          .ok());
  const Loaded wide =
      load_one(tenant("a", "  dataClassMax: internal\n  regions: [x]") + tenant("b", "  parent: a\n  dataClassMax: restricted\n  regions: [x, z]"));
  EXPECT_TRUE(has_finding(wide, "13:17 spec.dataClassMax", "wider than that of its parent (internal)")) << all_findings(wide);
  EXPECT_TRUE(has_finding(wide, "14:16 spec.regions[1]", "\"z\"")) << all_findings(wide);
  const Loaded self = load_one(tenant("a", "  parent: a"));
  EXPECT_TRUE(has_finding(self, "5:11 spec.parent", "cycle")) << all_findings(self);
  const Loaded cycle = load_one(tenant("a", "  parent: b") + tenant("b", "  parent: c") + tenant("c", "  parent: a") + tenant("d", "  parent: a"));
  EXPECT_EQ(cycle.findings.size(), 4u) << all_findings(cycle);
  std::string chain = tenant("t1", "  {}");
  for (int i = 2; i <= 9; ++i) chain += tenant("t" + std::to_string(i), "  parent: t" + std::to_string(i - 1));
  const Loaded deep = load_one(chain);
  ASSERT_EQ(deep.findings.size(), 1u) << all_findings(deep);
  EXPECT_NE(deep.findings[0].what.find("deeper than 8"), std::string::npos);
}

TEST(Relations, ACredentialGoesToItsOriginsOnly) {
  const std::string credential =
      document("Credential", "c", "  type: apiKey\n  origins: [\"https://A.example.com:443\"]\n  apiKey: {key: {env: K}}") + "---\n";
  const auto backend = [](std::string_view endpoint) {
    return document("Backend", "b",
                    "  provider: openAICompatible\n  endpoint: \"" + std::string(endpoint) + "\"\n  deployment: m\n  auth: {credential: c}");
  };
  EXPECT_TRUE(load_one(credential + backend("https://a.example.com/v1")).ok());
  for (const std::string_view other : {"https://b.example.com", "https://a.example.com:8443", "https://a.example.com.evil.org"}) {
    const Loaded loaded = load_one(credential + backend(other));
    EXPECT_TRUE(has_finding(loaded, "16:22 spec.auth.credential", "may not be sent to")) << other << all_findings(loaded);
  }
}

std::string issuer(std::string_view name, std::string_view spec) { return document("Issuer", name, spec) + "---\n"; }
constexpr std::string_view kEntra = "  type: entra\n  entra: {tenantIds: [11111111-1111-4111-8111-111111111111]}\n  audiences: [a]";

TEST(IdentityRelations, DanglingNamesNameTheNearest) {
  const std::string role = document("Role", "chat-user", "  rules: [{effect: allow, actions: [chat.create], resources: [\"route:*\"]}]") + "---\n";
  const Loaded loaded = load_one(issuer("corp", kEntra) + tenant("team-a", "  {}") + role +
                                 document("Grant", "g", "  role: chat-usr\n  tenant: team-b\n  subjects: [{issuer: crop, appRole: A}]"));
  EXPECT_TRUE(has_finding(loaded, "25:9 spec.role", "did you mean \"chat-user\"?")) << all_findings(loaded);
  EXPECT_TRUE(has_finding(loaded, "26:11 spec.tenant", "did you mean \"team-a\"?")) << all_findings(loaded);
  EXPECT_TRUE(has_finding(loaded, "27:23 spec.subjects[0].issuer", "did you mean \"corp\"?")) << all_findings(loaded);
}

TEST(IdentityRelations, OneIssuerDecidesAboutAToken) {
  const Loaded twice = load_one(issuer("a", kEntra) + issuer("b", kEntra));
  EXPECT_FALSE(twice.ok());
  EXPECT_NE(all_findings(twice).find("belong to the Issuer \"a\" already"), std::string::npos) << all_findings(twice);
  const std::string v1 = "  type: entra\n  entra: {versions: [v1], tenantIds: [11111111-1111-4111-8111-111111111111]}\n  audiences: [a]";
  const std::string v2 = "  type: entra\n  entra: {versions: [v2], tenantIds: [11111111-1111-4111-8111-111111111111]}\n  audiences: [b]";
  EXPECT_TRUE(load_one(issuer("a", v1) + issuer("b", v2)).ok());
  const std::string spiffe = "  type: spiffe\n  spiffe: {trustDomains: [d.org], bundleFile: b}\n  audiences: [a]";
  EXPECT_FALSE(load_one(issuer("a", spiffe) + issuer("b", spiffe)).ok());
}

TEST(IdentityRelations, SubjectsAreWhatTheirIssuerCanSay) {
  struct Case {
    std::string_view issuer, subject;
    bool good;
  };
  constexpr std::string_view kKubernetes = "  type: kubernetes\n  kubernetes: {issuer: \"https://k.org\"}\n  audiences: [a]";
  constexpr std::string_view kX509 = "  type: x509\n  x509: {caFile: c}";
  constexpr std::string_view kOidc = "  type: oidc\n  oidc: {issuer: \"https://i.org\"}\n  audiences: [a]";
  const std::array cases = {
      Case{kEntra, "group: 3f0c5d0e-0000-4000-8000-000000000001", true},
      Case{kEntra, "group: Developers", false},
      Case{kEntra, "subject: 3f0c5d0e-0000-4000-8000-000000000001/3f0c5d0e-0000-4000-8000-000000000002", true},
      Case{kEntra, "subject: 3f0c5d0e-0000-4000-8000-000000000001/*", true},
      Case{kEntra, "subject: someone@example.com", false},
      Case{kEntra, "serviceAccount: a/b", false},
      Case{kOidc, "group: Developers", true},
      Case{kOidc, "subject: anyone", true},
      Case{kKubernetes, "serviceAccount: a/b", true},
      Case{kKubernetes, "group: a", false},
      Case{kX509, "subject: \"https://a.org/x\"", true},
      Case{kX509, "appRole: a", false},
  };
  for (const Case& c : cases) {
    const Loaded loaded = load_one(issuer("i", c.issuer) + document("Tenant", "t", "  members: [{issuer: i, " + std::string(c.subject) + "}]"));
    EXPECT_EQ(loaded.ok(), c.good) << c.subject << all_findings(loaded);
  }
}

}  // namespace
}  // namespace wye::config
